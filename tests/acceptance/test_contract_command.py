"""CONTRACT §1 and §6, names and the command line, clause by clause."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

FLOW = """\
from cloudmesh.flow import BaseWorkFlow

class F(BaseWorkFlow):
    flow = "a; b || c"
    def a(self): print("in a"); return 1
    def b(self, a, bad=False):
        if bad: raise ValueError("bad\\x1b[31m")
        return a + 1
    def c(self): print("in c")
    def d(self): return 4
"""


@pytest.fixture
def test(here: Any) -> Any:
    """The command, in a folder with a flow as ``test-flow.py``."""
    here.write("test-flow.py", FLOW)
    return here


# -- names --------------------------------------------------------------------------


def test_the_import_paths() -> None:
    code = (
        "from cloudmesh.flow import BaseWorkFlow, task, workflow, current\n"
        "from cloudmesh.flow import Value, Secret, open_store\n"
        "from cloudmesh.flow.WorkFlow import BaseWorkFlow as B\n"
        "assert B is BaseWorkFlow\n"
        "import cloudmesh\n"
        "assert getattr(cloudmesh, '__file__', None) is None\n"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_python_m_is_the_command(test: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cloudmesh.flow", "run", "test-flow.py", "--output", "json"],
        cwd=test.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "finished"
    done = subprocess.run(
        [sys.executable, "-m", "cloudmesh.flow", "status", "nope"],
        cwd=test.folder, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2


def test_the_store_is_the_options_else_the_environments_else_the_homes(
    test: Any, monkeypatch: pytest.MonkeyPatch, home: Any
) -> None:
    test.run("test-flow.py", "--store", f"sqlite:///{test.folder}/other.db")
    assert (test.folder / "other.db").exists()
    assert not (test.folder / "store.db").exists()
    test.run("test-flow.py", "--store", "sqlite:///here.db")
    assert (test.folder / "here.db").exists()
    test.run("test-flow.py")
    assert (test.folder / "store.db").exists()
    monkeypatch.delenv("CLOUDMESH_FLOW_STORE")
    test.run("test-flow.py")
    assert (home / ".cloudmesh/flow/flow.db").exists()


@pytest.mark.parametrize(
    "url", ["x", "sqlite://", "sqlite:///", "sqlite://x", "postgres://u:hunter2@h/db", "http://x",
            "u:hunter2@h", "mongodb://u:hunter2@h", "mongodb://u:hunter2@h/"],
)  # fmt: skip
def test_urls_that_name_no_store_are_refused_and_show_no_password(test: Any, url: str) -> None:
    said = test.refused("runs", "--store", url)
    assert "hunter2" not in said


def test_a_password_of_a_server_that_is_not_there(test: Any) -> None:
    url = "mongodb://me:hunter2@127.0.0.1:1/db?serverSelectionTimeoutMS=200&password=hunter2"
    done = test("runs", "--store", url)
    assert done.code == 3
    assert "hunter2" not in done.err + done.out
    assert "me:" not in done.err


def test_the_configuration_is_the_options_else_the_environments_else_the_homes(
    test: Any, monkeypatch: pytest.MonkeyPatch, home: Any
) -> None:
    def lab(name: str) -> str:
        return f"infrastructure:\n  {name}: {{kind: ssh, host: 192.0.2.1}}\n"

    def known(name: str, *more: str) -> bool:
        test.write("w.yaml", f"flow: a\ntasks: {{a: {{command: x, on: {name}}}}}\n")
        return test("check", "w.yaml", *more).code == 0

    (home / ".cloudmesh/flow").mkdir(parents=True)
    (home / ".cloudmesh/flow/config.yaml").write_text(lab("one"))
    test.write("two.yaml", lab("two"))
    test.write("three.yaml", lab("three"))
    assert known("one")
    assert not known("two")
    monkeypatch.setenv("CLOUDMESH_FLOW_CONFIG", "two.yaml")
    assert known("two")
    assert not known("one")
    assert known("three", "--config", "three.yaml")
    assert not known("two", "--config", "three.yaml")
    assert test("check", "w.yaml", "--config", "gone.yaml").code == 2


# -- FLOW and STRING ---------------------------------------------------------------------


def test_what_the_first_argument_is(test: Any) -> None:
    assert list(test.run("test-flow.py")) == ["a", "b", "c"]
    assert list(test.run("test-flow.py:F")) == ["a", "b", "c"]
    assert list(test.run("./test-flow.py", "a; d")) == ["a", "d"]
    assert list(test.run(str(test.folder / "test-flow.py"))) == ["a", "b", "c"]
    assert list(test.run("test")) == ["a", "b", "c"]  # the name of a defined flow
    assert "Nope" in test.refused("run", "test-flow.py:Nope")
    assert "tset" in test.refused("run", "tset")
    test.refused("run", "no/such/file")
    test.refused("run", "gone.py")
    assert list(test.run("test-flow.py", "a; b", "a; c", "d")) == ["a", "b", "c", "d"]
    assert list(test.run("test-flow.py", "-e", "d")) == ["d"]
    assert list(test.run("test-flow.py", "d")) == ["d"]


def test_without_a_flow_the_folder_is_looked_at(test: Any) -> None:
    test.refused("run")
    test.refused("run", "a; b")
    assert list(test.run("--flowname", "test", "a; d")) == ["a", "d"]
    test.write("workflow-flow.yaml", "flow: y\ntasks: {y: {command: 'true'}}\n")
    assert list(test.run()) == ["y"]
    assert test.last["workflow"] == "workflow"
    test.write("workflow-flow.py", "def p(): pass\ndef q(): pass\n")
    assert list(test.run("p; q")) == ["p", "q"]
    assert list(test.run("-e", "p")) == ["p"]


def test_flowfile_names_the_file(test: Any) -> None:
    assert list(test.run("--flowfile", "test-flow.py", "a; d")) == ["a", "d"]


def test_names_that_are_odd(here: Any) -> None:
    here.write("mein flöw ✓.py", "def a(): return 'ü'\n")
    assert here.run("./mein flöw ✓.py", "a", "--flowname", "x")["a"]["result"] == "ü"
    here.write("sub.dir/f.yml", "flow: a\ntasks: {a: {command: echo hi}}\n")
    assert here.run("sub.dir/f.yml")["a"]["result"] == "hi"


def test_a_stored_definition_of_somebody_else_needs_trust(test: Any, home: Any) -> None:
    test("add", "test-flow.py")
    (home / ".cloudmesh/flow/key").write_bytes(b"x" * 32)  # another user's
    assert "--trust" in test.refused("run", "test")
    assert test("run", "test", "--trust").code == 0
    assert test("run", "test-flow.py").code == 0


# -- check, show, list ----------------------------------------------------------------------


def test_check_and_show_are_of_one_shape(test: Any) -> None:
    checked = test.json("check", "test-flow.py")
    assert list(checked)[:4] == ["workflow", "flow", "nodes", "problems"]
    assert (checked["workflow"], checked["problems"]) == ("test", [])
    assert checked["nodes"][1]["dependencies"] == ["a"]
    assert test.documents("test-flow") == []
    test("add", "test-flow.py")
    shown = test.json("show", "test")
    assert set(shown) >= {"workflow", "flow", "nodes", "problems"}
    assert [n["name"] for n in shown["nodes"]] == ["a", "b", "c"]
    listed = test.json("list")
    assert [flow["workflow"] for flow in listed] == ["test"]
    assert test.json("check", "test")["workflow"] == "test"


def test_check_prints_the_graph_and_the_normalised_string(test: Any) -> None:
    out = test("check", "test-flow.py").out
    assert "a; (b || c)" in out
    assert "a" in out.splitlines()[-1] or "c" in out
    assert test("check", "a;b|c").out.splitlines()[0].strip() == "a; (b || c)"


def test_check_of_something_wrong_still_prints_its_json(test: Any) -> None:
    document = test.json("check", "test-flow.py", "a; bb; nope", code=2)
    assert {"message", "text", "line", "column"} <= set(document["problems"][0])
    assert [(p["line"], p["column"]) for p in document["problems"]] == [(1, 4), (1, 8)]
    assert document["problems"][0]["text"] == "a; bb; nope"
    document = test.json("check", "gone.py", code=2)
    assert document["problems"]
    document = test.json("check", "gone", code=2)
    assert document["problems"]


def test_a_bare_string_that_is_a_name_needs_e(test: Any) -> None:
    assert [n["name"] for n in test.json("check", "-e", "a")["nodes"]] == ["a"]


def test_delete(test: Any) -> None:
    test.run("test-flow.py")
    assert test("delete", "test").code == 0
    assert test.json("list") == []
    assert len(test.json("runs")) == 1
    assert test("delete", "test").code == 2
    assert test("show", "test").code == 2


# -- edits ------------------------------------------------------------------------------


def depends(test: Any) -> dict[str, list[str]]:
    return {n["name"]: n["dependencies"] for n in test.json("show", "test")["nodes"]}


def test_edits(test: Any) -> None:
    assert test("add", "test-flow.py", "a; b", "c").code == 0
    name = ("--flowname", "test")
    assert test("edge", "add", "c", "a", *name).code == 0
    assert depends(test)["c"] == ["a"]
    assert test("edge", "invert", "c", "a", *name).code == 0
    assert depends(test)["a"] == ["c"]
    assert test("edge", "delete", "a", "c", *name).code == 0
    assert depends(test)["a"] == []
    assert test("node", "add", "d", *name).code == 0
    assert set(depends(test)) == {"a", "b", "c", "d"}
    assert depends(test)["d"] == []
    test.refused("edge", "delete", "b", "a", *name)  # b takes the value of a
    assert test("node", "delete", "b", *name).code == 0
    before = depends(test)
    for words in (
        ("edge", "add", "a", "nope"), ("edge", "add", "a", "a"), ("edge", "delete", "a", "c"),
        ("edge", "invert", "a", "c"), ("node", "add", "a"), ("node", "add", "no-method"),
        ("node", "add", "1x"), ("node", "delete", "zz"),
    ):  # fmt: skip
        test.refused(*words, *name)
        assert depends(test) == before, words
    assert test("edge", "add", "a", "c", *name).code == 0
    assert "c" in test.refused("edge", "add", "c", "a", *name)  # a cycle
    assert "run test" in test.refused("run", "test-flow.py")
    assert set(test.run("test")) == set(depends(test))
    assert test("run", "test-flow.py", "--redefine").code == 0
    assert depends(test) == {"a": [], "b": ["a"], "c": ["a"]}


def test_an_edit_never_touches_a_run(test: Any) -> None:
    nodes = test.run("test-flow.py")
    test("node", "delete", "c", "--flowname", "test")
    again = test.json("status")
    assert {n["name"]: n for n in again["nodes"]} == nodes


# -- runs --------------------------------------------------------------------------------


def test_run_and_status_and_runs(test: Any) -> None:
    nodes = test.run("test-flow.py")
    first = test.last
    assert list(first)[:3] == ["run", "workflow", "status"]
    assert list(nodes) == ["a", "b", "c"]
    test.run("test-flow.py", "--param", "bad=true", code=1)
    runs = test.json("runs")
    assert [r["run"] for r in runs] == [test.last["run"], first["run"]]
    assert [r["run"] for r in test.json("runs", "test")] == [r["run"] for r in runs]
    assert test.json("status") == test.json("status", "latest") == test.json("status", "test")
    assert test.json("status", first["run"][:7])["run"] == first["run"]
    assert test("status", "zzzzzzzz").code == 2
    assert test("runs", "nope").code == 2
    assert test("result", "latest", "nope").code == 2


def test_an_ambiguous_prefix_is_exit_2(test: Any) -> None:
    from cloudmesh.flow import api, open_store
    from cloudmesh.flow.language.load import load

    program = load("test-flow.py")
    store = open_store(test.store)
    for run in ("q1aaaaaa", "q1bbbbbb"):
        api.run(program, store, run_id=run)
    store.close()
    said = test.refused("status", "q1")
    assert "q1aaaaaa" in said
    assert "q1bbbbbb" in said
    assert test.json("status", "q1a")["run"] == "q1aaaaaa"


def test_what_is_asked_where_there_is_no_run(test: Any) -> None:
    assert test.json("runs") == []
    assert test.json("list") == []
    for words in (["status"], ["result", "latest"], ["logs"], ["resume"], ["retry", "latest"],
                  ["cancel", "latest"], ["export", "latest"], ["diff", "a", "b"]):  # fmt: skip
        test.refused(*words)


def test_json_is_alone_on_stdout(test: Any) -> None:
    done = test("run", "test-flow.py", "--output", "json")
    json.loads(done.out)
    assert "a | in a" in done.err
    done = test("run", "test-flow.py")
    assert "a | in a" in done.out.splitlines()
    assert "in a" not in done.err


def test_control_characters_from_nodes_are_escaped(test: Any) -> None:
    done = test("run", "test-flow.py", "--param", "bad=true")
    assert done.code == 1
    assert "\x1b" not in done.out + done.err
    assert "ValueError" in done.err


def test_retry_keeps_what_finished(test: Any) -> None:
    test.run("test-flow.py", "--param", "bad=true", code=1)
    old = test.last["run"]
    dry = test("retry", old, "--dry-run")
    assert dry.code == 0
    assert len(test.json("runs")) == 1
    text = (test.folder / "test-flow.py").read_text()
    test.write("test-flow.py", text.replace("if bad:", "if False:"))
    document = test.json("retry", old)
    nodes = {n["name"]: n for n in document["nodes"]}
    assert document["run"] != old
    assert nodes["b"]["result"] == 2
    assert "kept" in nodes["a"]["reason"] or old in nodes["a"]["reason"], nodes["a"]["reason"]
    document = test.json("retry", document["run"], "--from", "b")
    nodes = {n["name"]: n for n in document["nodes"]}
    assert nodes["b"]["reason"] == "first"
    assert nodes["a"]["reason"] != "first"
    test.refused("retry", document["run"])
    test.refused("retry", document["run"], "--from", "zz")


def test_resume_of_an_ended_run_exits_as_it_did(test: Any) -> None:
    test.run("test-flow.py", "--param", "bad=true", code=1)
    done = test("resume")
    assert done.code == 1
    assert "ended" in done.err
    test.run("test-flow.py")
    assert test("resume").code == 0


def test_diff_and_prune(test: Any) -> None:
    test.run("test-flow.py")
    first = test.last["run"]
    test.run("test-flow.py", "--param", "bad=true", code=1)
    document = test.json("diff", first, "latest")
    assert [n["name"] for n in document["nodes"]] == ["b"]
    assert test("diff", first, "latest").code == 0
    assert test("prune", "--keep", "1").code == 0
    assert [r["run"] for r in test.json("runs")] == [test.last["run"]]
    assert {d["run"] for d in test.documents("test-flow-history")} == set()
    test.refused("prune", "--keep", "-1")
    test.refused("prune")


@pytest.mark.parametrize("form", ["yaml", "json", "dot", "mermaid", "svg"])
def test_export(test: Any, form: str) -> None:
    test.run("test-flow.py")
    for what in ("test", test.last["run"]):
        done = test("export", what, "--format", form)
        assert done.code == 0, done.err
        assert "b" in done.out
    test.refused("export", "nope", "--format", form)
    test.refused("export", "test", "--format", "pdf")


def test_an_exported_flow_runs(test: Any) -> None:
    test.run("test-flow.py")
    before = depends(test)
    test.write("again.yaml", test("export", "test", "--format", "yaml").out)
    nodes = test.run("again.yaml", "--flowname", "again")
    assert {n: d["upstream"] for n, d in nodes.items()} == before
    assert nodes["b"]["result"] == 2


@pytest.mark.parametrize(
    "words",
    [
        ("nope",), ("run", "--nope"), ("run", "test-flow.py", "--parallel", "0"),
        ("run", "test-flow.py", "--parallel", "x"), ("run", "test-flow.py", "--output", "xml"),
        ("run", "test-flow.py", "--on", "a"), ("run", "test-flow.py", "--on", "zz=local"),
        ("run", "test-flow.py", "--on", "a=mars"), ("run", "test-flow.py", "--param", "=1"),
        ("status", "--at", "x"), ("edge", "add", "a"), ("node", "rename", "a"), ("export",),
        ("run", "test-flow.py", "--flowname", "no name"), ("delete",), (),
        ("run", "test-flow.py", "--out", "json"),
    ],
)  # fmt: skip
def test_wrong_words_are_exit_2_and_a_line(test: Any, words: tuple[str, ...]) -> None:
    done = test(*words)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert not (test.folder / "store.db").exists() or test.documents("flow-runs") == []


def test_help_is_exit_0(here: Any) -> None:
    assert here("--help").code == 0
    assert here("run", "--help").code == 0
    assert "--param" in here("help", "run").out


def test_a_file_that_raises_is_one_line(here: Any) -> None:
    here.write("x.py", "import nonexistent_thing\n")
    said = here.refused("run", "x.py", "a")
    assert "x.py:1" in said
    here.write("x.py", "def a(:\n")
    assert "x.py:1" in here.refused("run", "x.py", "a")


def test_parallel_limits_nodes(here: Any) -> None:
    here.write(
        "p.py",
        "import threading, time\nn = 0\nmost = 0\nlock = threading.Lock()\n"
        "def w():\n    global n, most\n    with lock:\n        n += 1; most = max(n, most)\n"
        "    time.sleep(0.02)\n    with lock: n -= 1\n"
        + "".join(f"def w{i}(): w()\n" for i in range(6))
        + "def z(): return most\n",
    )
    string = f"{' || '.join(f'w{i}' for i in range(6))}; z"
    assert here.run("p.py", string, "--parallel", "2")["z"]["result"] <= 2
    assert here.run("p.py", string, "--parallel", "1")["z"]["result"] == 1


def test_cancel_of_what_has_ended_or_is_lost(test: Any) -> None:
    test.run("test-flow.py")
    test.refused("cancel", test.last["run"])
    test.write("x.py", "import os\ndef a(): os._exit(1)\n")
    subprocess.run(
        [sys.executable, "-m", "cloudmesh.flow", "run", "x.py", "a"],
        cwd=test.folder, env=os.environ, capture_output=True, timeout=60,
    )  # fmt: skip
    assert "resume" in test.refused("cancel", "latest")
    status = test.json("status")
    assert (status["status"], status["engine"]) == ("running", "lost")
    assert "resume" in test("status").err


def test_the_api_refuses_where_that_is_unknown(test: Any) -> None:
    done = test.python(
        FLOW
        + """
if __name__ == "__main__":
    from cloudmesh.flow.errors import InputError
    for words in ({"on": {"a": "mars"}}, {"on": {"zz": "local"}}, {"params": {"a": 1}},
                  {"params": {"zz": 1}}, {"flow": "a; zz"}, {"flow": "a; a"}, {"flow": ""},
                  {"flow": []}, {"flow": 3}, {"parallel": 0}, {"parallel": "x"},
                  {"store": "mysql://x"}, {"params": {"bad": object()}}):
        try:
            F().run(**words)
        except InputError as error:
            assert str(error), words
        else:
            raise SystemExit(f"not refused: {words}")
"""
    )
    assert done.returncode == 0, done.stderr
    assert test.documents("flow-runs") == []


def test_debug_shows_the_traceback_and_keeps_the_exit_code(test: Any) -> None:
    done = test("run", "gone.py", "--debug")
    assert done.code == 2
    assert "Traceback" in done.err
    assert done.err.endswith("gone.py: there is no such file\n")


def test_what_cannot_be_reached_is_exit_3(test: Any) -> None:
    done = test("run", "test-flow.py", "--store", "sqlite:////proc/none/flow.db")
    assert done.code == 3
    assert "Traceback" not in done.err
    test.write("no.db", "this is no database, and stays as it is" * 100)
    done = test("runs", "--store", "sqlite:///no.db")
    assert done.code in (2, 3)
    assert (test.folder / "no.db").read_text().startswith("this is no database")

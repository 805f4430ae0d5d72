"""More of CONTRACT §3, §4 and §6: folders, secrets, threads and time, commands of a stored flow."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest
from nodes import flow


def test_a_flow_is_run_shown_and_run_again_from_another_folder(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.write(
        "one/f.yaml", "flow: a; b\npython: lib/functions.py\ntasks: {b: {command: 'echo {a}'}}\n"
    )
    here.write("one/lib/functions.py", "import helper\ndef a(): return helper.x\n")
    here.write("one/lib/helper.py", "x = 5\n")
    (here.folder / "two").mkdir()
    assert here.run("one/f.yaml")["b"]["result"] == "5"
    monkeypatch.chdir(here.folder / "two")
    assert here.run("f")["b"]["result"] == "5"
    assert here.run("../one/f.yaml")["b"]["result"] == "5"
    assert here.json("retry", "latest", "--from", "a")["status"] == "finished"


def test_a_python_file_with_a_module_beside_it(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here.write(
        "one/p-flow.py",
        "from beside import x\ndef a(): return x\ndef b():\n    import later\n    return later.y\n",
    )
    here.write("one/beside.py", "x = 1\n")
    here.write("one/later.py", "y = 2\n")
    assert here.run("one/p-flow.py", "a; b", "--on", "b=process")["b"]["result"] == 2
    monkeypatch.chdir("/")
    assert here.run("p")["a"]["result"] == 1


def test_a_secret_does_not_show_itself(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    flow(
        here,
        "def a(self, api_key: Secret): return [len(api_key), repr(api_key), str(api_key) == 'k-1']",
    )
    monkeypatch.setenv("api_key", "k-1")
    node = here.run("p-flow.py")["a"]
    assert node["result"][0] == 3
    assert "k-1" not in node["result"][1]
    assert "k-1" not in json.dumps(here.last)


def test_a_secret_is_kept_out_of_all_that_is_recorded_and_shown(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow(
        here,
        "def a(self, token: Secret):\n    print('out', token)\n    self.progress(5, token)\n"
        "    return len(token)\n"
        "def b(self, token: Secret): return {'t': 'Bearer ' + token}\n"
        "@task(on='process')\ndef c(self, token: Secret): raise ValueError('no ' + token)\n"
        "def d(self, token: Secret): return [{1}, token]\n"
        "def e(self, token: Secret): return {'status': 'error', 'label': token}",
        "a || b || c || d || e",
    )
    monkeypatch.setenv("TOKEN", 'hunter2-"quoted"')
    done = here("run", "p-flow.py")
    assert done.code == 1
    nodes = {n["name"]: n for n in here.json("status")["nodes"]}
    assert nodes["a"]["result"] == 16
    assert "secret" in nodes["b"]["error"]["message"]
    assert nodes["c"]["error"]["message"] == "no …"
    assert "secret" in nodes["d"]["error"]["message"]
    assert "out …" in here("logs", "latest", "a").out
    assert "hunter2" not in done.out + done.err
    for file in here.folder.rglob("*"):
        assert file.is_dir() or b"hunter2" not in file.read_bytes(), file


def test_current_is_for_running_nodes_only() -> None:
    from cloudmesh.flow import current

    with pytest.raises(RuntimeError, match="running node"):
        current()


def test_a_timeout_in_a_thread_drops_the_node_and_the_run_ends_at_once(here: Any) -> None:
    flow(
        here,
        "@task(on='thread', timeout='100ms')\n"
        "def a(self):\n    while not current().cancelled: time.sleep(0.01)\n    return 'late'\n"
        "@task(timeout='100ms')\nasync def b(self):\n    await asyncio.sleep(60)",
        "a || b",
        "import asyncio, time",
    )
    nodes = here.run("p-flow.py", code=1)
    assert {n["status"] for n in nodes.values()} == {"error"}
    assert [n["result"] for n in nodes.values()] == [None, None]
    assert all("imeout" in n["error"]["type"] for n in nodes.values())


def test_a_retry_of_a_node_that_sleeps_says_so(here: Any) -> None:
    flow(
        here,
        "@task(retries=2, retry_delay='1ms')\ndef a(self):\n"
        "    if self.attempt < 3: raise OSError('x')\n    return self.attempt",
    )
    node = here.run("p-flow.py")["a"]
    assert (node["attempt"], node["result"], node["reason"]) == (3, 3, "retry 3 of 3 after OSError")


def test_large_result_of_a_map_is_a_reference(here: Any) -> None:
    flow(here, "def a(self): return list(range(300))\ndef b(self, a): return 'x' * 300", "a; b*")
    here.run("p-flow.py")
    connection = sqlite3.connect(here.folder / "store.db")
    ((text,),) = connection.execute("select result from \"p-flow-active\" where name = 'b'")
    connection.close()
    mark = json.loads(text)
    assert (set(mark), mark["type"]) == ({"$ref", "size", "type"}, "list")
    assert here.documents("p-flow-active", name="b")[0]["result"] == ["x" * 300] * 300
    assert json.loads(here("result", "latest", "b").out) == ["x" * 300] * 300


def test_a_large_value_is_given_whole_by_run(here: Any) -> None:
    done = here.python("""\
        from cloudmesh.flow import workflow
        def a(): return {"k": "x" * 100_000}
        def b(a): return [a["k"]] * 2
        if __name__ == "__main__":
            run = workflow("a; b").run()
            assert run["a"].result == {"k": "x" * 100_000}
            assert run["b"].value == ["x" * 100_000] * 2
            assert run.values["a"] == {"k": "x" * 100_000}
        """)
    assert done.returncode == 0, done.stderr


def test_a_report_of_error_may_have_no_more(here: Any) -> None:
    flow(here, "def a(self): return {'status': 'failed'}")
    node = here.run("p-flow.py", code=1)["a"]
    assert node["error"]["type"]
    assert node["error"]["message"]
    assert node["exit_code"] is None


def test_what_a_node_prints_is_in_the_log_of_the_node_alone(here: Any) -> None:
    flow(
        here,
        "def a(self): print('from a')\n"
        "@task(on='process')\ndef b(self): print('from b'); print('err b', file=sys.stderr)",
        "a || b",
        "import sys",
    )
    here.run("p-flow.py")
    assert here("logs", "latest", "a").out == "from a\n"
    assert set(here("logs", "latest", "b").out.splitlines()) == {"from b", "err b"}
    every = here("logs").out.splitlines()
    assert {"a | from a", "b | from b", "b | err b"} <= set(every)


def test_two_flows_of_one_file_and_one_name(here: Any) -> None:
    here.write(
        "k.py",
        "from cloudmesh.flow import BaseWorkFlow\n"
        "class One(BaseWorkFlow):\n    flow = 'a'\n    def a(self): return 1\n"
        "class Two(BaseWorkFlow):\n    flow = 'a'\n    name = 'second'\n"
        "    def a(self): return 2\n",
    )
    said = here.refused("run", "k.py")
    assert "One" in said
    assert "Two" in said
    assert here.run("k.py:Two")["a"]["result"] == 2
    assert here.last["workflow"] == "second"
    assert here.run("second")["a"]["result"] == 2


def test_a_class_that_inherits_its_flow(here: Any) -> None:
    here.write(
        "k.py",
        "from cloudmesh.flow import BaseWorkFlow\n"
        "class One(BaseWorkFlow):\n    flow = 'a; b'\n    def a(self): return 1\n"
        "    def b(self, a): return a\n"
        "class Two(One):\n    def a(self): return super().a() + 1\n",
    )
    assert here.run("k.py:Two")["b"]["result"] == 2


def test_a_run_parameter_of_a_yaml_may_be_given_by_name(here: Any) -> None:
    here.write(
        "f.yaml",
        "flow: a; b\nparameters: {x: 1}\ntasks:\n  a: {command: 'echo {x}'}\n"
        "  b: {command: 'echo {a}{x}'}\n",
    )
    assert here.run("f.yaml")["b"]["result"] == "11"
    assert here.run("f.yaml", "--param", "x=a b")["b"]["result"] == "a ba b"
    here.refused("run", "f.yaml", "--param", "y=1")
    here.refused("run", "f.yaml", "--param", "a=1")
    assert here.last["parameters"] == {"x": "a b"}


def test_a_command_list_may_have_references_in_any_argument(here: Any) -> None:
    here.write(
        "f.yaml",
        "flow: a\nparameters: {x: 'a b; rm', y: -n}\ntasks:\n"
        "  a: {command: [printf, '%s/%s/%s', '{x}', 'p{x}s', '{y}']}\n",
    )
    assert here.run("f.yaml")["a"]["result"] == "a b; rm/pa b; rms/-n"


def test_a_value_with_a_nul_cannot_be_given_to_a_command(here: Any) -> None:
    here.write(
        "f.yaml",
        "flow: a; b || c\npython: g.py\ntasks:\n  b: {command: 'echo {a}'}\n"
        "  c: {command: [echo, '{a}']}\n",
    )
    here.write("g.py", "def a(): return 'x\\0y'\n")
    nodes = here.run("f.yaml", code=1)
    assert [nodes[n]["status"] for n in "bc"] == ["error", "error"]
    assert all(nodes[n]["error"]["message"] for n in "bc")


def test_a_value_too_long_for_a_command_is_its_error(here: Any) -> None:
    here.write(
        "f.yaml",
        "flow: a; b || c\npython: g.py\ntasks:\n  b: {command: 'echo {a}'}\n"
        "  c: {command: [echo, '{a}']}\n",
    )
    here.write("g.py", "def a(): return 'x' * 3_000_000\n")
    nodes = here.run("f.yaml", code=1)
    assert [nodes[n]["status"] for n in "bc"] == ["error", "error"]


def test_the_definition_says_commands_and_words_but_no_code(here: Any) -> None:
    here.write(
        "f.yaml",
        "flow: a; b\npython: g.py\nparameters: {x: 1}\ntasks:\n"
        "  a: {calculation: 'f(x)', retries: 2, timeout: 1m}\n"
        "  b: {command: 'echo {a}', when: 'a > 0'}\n",
    )
    here.write("g.py", "def f(x): return x  # secret-code-here\n")
    here("add", "f.yaml")
    a, b = (d["task"] for d in here.documents("f-flow"))
    assert (a["calculation"], a["retries"], a["timeout"]) == ("f(x)", 2, 60)
    assert (b["command"], b["when"]) == ("echo {a}", "a > 0")
    assert "secret-code-here" not in json.dumps(here.documents("f-flow"))


def test_a_stored_definition_whose_file_is_gone(here: Any) -> None:
    here.write("x-flow.py", "def a(): pass\n")
    here("add", "x-flow.py", "a")
    (here.folder / "x-flow.py").unlink()
    assert "x-flow.py" in here.refused("run", "x")
    assert here.json("show", "x")["problems"]


def test_versions_and_the_owner_are_told(here: Any) -> None:
    flow(here, "def a(self): pass")
    here.run("p-flow.py")
    (run,) = here.documents("flow-runs")
    assert run["versions"]["cloudmesh-flow"]
    assert run["versions"]["python"].startswith("3.")
    assert run["engine"]


def test_node_add_makes_a_flow_where_there_is_none(here: Any) -> None:
    assert here("node", "add", "a").code == 0
    assert here("node", "add", "b").code == 0
    assert here("edge", "add", "b", "a").code == 0
    found = {n["name"]: n["dependencies"] for n in here.json("show", "workflow")["nodes"]}
    assert found == {"a": [], "b": ["a"]}
    here.refused("run", "workflow")
    here.write("workflow-flow.py", "def a(): return 1\ndef b(a): return a + 1\n")
    assert here.run("workflow")["b"]["result"] == 2


def test_check_of_a_bare_string_touches_no_file_and_no_store(here: Any) -> None:
    assert here("check", "a; b").code == 0
    assert list(here.folder.iterdir()) == []
    assert here("check", "no such thing").code == 2
    assert list(here.folder.iterdir()) == []


def test_a_wrong_flow_leaves_no_store(here: Any) -> None:
    here.write("x.py", "def a(): pass\n")
    here.refused("run", "x.py", "a; b")
    assert not (here.folder / "store.db").exists()


def test_values_that_subclass_json_types_keep_their_type(here: Any) -> None:
    flow(
        here,
        "def a(self): return [E.X, OD(a=1), S('x'), True, 1.0]\n"
        "def b(self, a): return [type(x).__name__ for x in a]",
        "a; b",
        "import enum\nfrom collections import OrderedDict as OD\n"
        "class E(enum.IntEnum):\n    X = 1\nclass S(str): pass\n",
    )
    assert here.run("p-flow.py")["b"]["result"] == ["E", "OrderedDict", "S", "bool", "float"]
    document = here.json("retry", "latest", "--from", "b")
    assert document["nodes"][1]["result"] == ["E", "OrderedDict", "S", "bool", "float"]


def test_a_tuple_parameter_and_lists_of_python(here: Any) -> None:
    done = here.python("""\
        from cloudmesh.flow import workflow
        def a(x, y="d"): return [x, y]
        if __name__ == "__main__":
            run = workflow("a").run(params={"x": {"k": [1, None, 2.5]}})
            assert run["a"].value == [{"k": [1, None, 2.5]}, "d"]
            run = workflow("a").run(params={"x": "7"})
            assert run["a"].value == ["7", "d"], run["a"].value
        """)
    assert done.returncode == 0, done.stderr

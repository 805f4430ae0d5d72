"""CONTRACT as someone reads it who knows nothing else: what was found wrong from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

PYTHON = """\
import sys
from cloudmesh.flow import BaseWorkFlow, open_store, workflow
from cloudmesh.flow.errors import FlowError

URL = "sqlite:///other.db"

class MyFlow(BaseWorkFlow):
    name = "mine"
    flow = "a; b"
    def a(self): return 1
    def b(self, a, fail: bool = True): return 1 / (not fail) + a

def refused(call):
    try:
        print("not refused", call())
    except FlowError as error:
        print(error)
"""


def test_what_python_gives_a_run_to_finds_its_store(here: Any) -> None:
    done = here.python(
        PYTHON
        + """
run = MyFlow().run(store=URL)
print(MyFlow().retry(run).status, MyFlow().resume(run).status)
for name in ("latest", "mine", run.id[:7]):
    print(MyFlow().retry(name, store=URL).status, MyFlow().resume(name, store=URL).status)
refused(lambda: MyFlow().cancel(run))
refused(lambda: MyFlow().resume("nosuchrn"))
refused(lambda: MyFlow().retry(5))
import pathlib
refused(lambda: MyFlow().run(store=pathlib.Path("other.db")))
"""
    )
    assert done.stderr == ""
    *same, ended, unknown, wrong, path = done.stdout.splitlines()
    assert same == ["error error"] * 4
    assert ended.endswith("is error: there is nothing to cancel")
    assert unknown == "no run nosuchrn in this store; `cms flow runs` lists them"
    assert wrong == "5 is no run: a Run or a text that names one is"
    assert path.endswith("is no store: a URL or an open store is")


MAP = """\
from cloudmesh.flow import BaseWorkFlow
class M(BaseWorkFlow):
    flow = "split; work*"
    def split(self): return [1, 0]
    def work(self, split): return 1 / split
    def lazy(self): yield 1
"""


def test_what_is_said_of_a_node_without_a_result(here: Any) -> None:
    here.write("m-flow.py", MAP)
    here.run("m-flow.py", code=1)
    assert "work has not finished: ZeroDivisionError" in here("result", "latest", "work").err
    done = here("run", "m-flow.py", "-e", "lazy")
    assert (done.code, "a generator, cannot be stored" in done.err) == (1, True)
    assert "cloudpickle" not in done.err


def test_names_that_are_none(here: Any) -> None:
    here.write("m-flow.py", MAP)
    said = here.refused("run", "m-flow.py", "-e", "__init__")
    assert said.startswith("flow string:1:1: M.__init__ is no method")
    assert "--flowname" in here.refused("run", "m-flow.py", "--flowname", "")
    assert "no flow 'nosuch'; `cms flow list`" in here.refused("run", "nosuch")


def test_a_home_that_cannot_be_written(here: Any, monkeypatch: Any) -> None:
    here.write("m-flow.py", MAP + "    def kind(self): return object\n")
    (here.folder / "home").touch()
    monkeypatch.setenv("HOME", str(here.folder / "home"))
    error = here.run("m-flow.py", "-e", "kind", code=1)["kind"]["error"]
    assert "it would be signed with a key in" in error["message"]
    assert error["traceback"].count("\n") <= 1


def test_the_module_takes_the_words_with_flow_before_them_too(cms: Any) -> None:
    for words in (["check", "a; b"], ["flow", "check", "a; b"]):
        done = subprocess.run(
            [sys.executable, "-m", "cloudmesh.flow", *words],
            capture_output=True,
            text=True,
            env=cms.environment,
        )
        assert done.stdout.startswith("a; b\n")


def test_a_type_may_stand_under_its_own_key(here: Any, monkeypatch: Any) -> None:
    here.write(
        "t.yaml",
        """\
        flow: a
        tasks:
          a:
            parameter: {pw: {type: secret}, n: {type: int}}
            command: test {pw} = sesame && echo $(({n} + 1))
        """,
    )
    monkeypatch.setenv("PW", "sesame")
    assert here.run("t.yaml", "--param", "n=4")["a"]["result"] == "5"
    assert "no whole number" in here.refused("run", "t.yaml", "--param", "n=x")


def test_yaml_says_the_order_of_the_methods_of_a_file_s_one_class(here: Any) -> None:
    here.write("m.py", MAP + "\ndef beside(work): return sum(work, 1)\n")
    here.write(
        "t.yaml", "flow: split; work*; beside\npython: m.py\ntasks: {split: {on: process}}\n"
    )
    nodes = here.run("t.yaml", code=1)
    assert (nodes["split"]["result"], nodes["split"]["where"]) == ([1, 0], "process")
    assert nodes["work[0]"]["result"] == 1.0
    assert here.json("show", "t")["nodes"][1]["task"]["source"]["class"] == "M"
    here.write("m.py", MAP.replace("1 / split", "split") + "\ndef beside(work): return work\n")
    retried = {n["name"]: n for n in here.json("retry", "latest")["nodes"]}
    assert retried["beside"]["result"] == [1.0, 0]
    here.write("t.yaml", "python: m.py\n")
    assert list(here.run("t.yaml", "--flowname", "u")) == ["split", "work", "work[0]", "work[1]"]


def test_a_retry_from_a_node_that_is_none(here: Any) -> None:
    here.write("m-flow.py", MAP)
    here.run("m-flow.py", code=1)
    said = here.refused("retry", "latest", "--from", "work[7]")
    assert said.endswith(" has no node 'work[7]'; did you mean 'work[1]'?\n")


def test_a_pydantic_model_may_be_left_out_and_says_in_a_line_what_it_refuses(here: Any) -> None:
    here.write(
        "p-flow.py",
        """\
        from __future__ import annotations
        from typing import Optional
        from cloudmesh.flow import BaseWorkFlow
        from pydantic import BaseModel
        class Deep(BaseModel):
            tags: list[str] = []
        class Cfg(BaseModel):
            x: int
            deep: Deep = Deep()
        class P(BaseWorkFlow):
            flow = "a; b"
            def a(self, c: Cfg | None = None, d: Optional[Deep] = None):
                return [getattr(c, "x", None), getattr(d, "tags", None)]
            def b(self, bad: bool = False): return 1 / (not bad)
        """,
    )
    assert here.run("p-flow.py")["a"]["result"] == [None, None]
    assert here.run("p-flow.py", "--param", "c=null")["a"]["result"] == [None, None]
    given = ("--param", 'c={"x": 3}', "--param", 'd={"tags": ["t"]}')
    assert here.run("p-flow.py", *given)["a"]["result"] == [3, ["t"]]
    here.run("p-flow.py", *given, "--param", "bad=true", code=1)
    retried = {n["name"]: n for n in here.json("retry", "latest", "--from", "a", code=1)["nodes"]}
    assert retried["a"]["result"] == [3, ["t"]]
    said = here.refused("run", "p-flow.py", "--param", 'c={"x": "q", "deep": {"tags": [1]}}')
    assert said.count("\n") == 1
    assert "is no Cfg: x: Input should be a valid integer" in said
    assert "; deep.tags.0: Input should be a valid string" in said


LOUD = """\
import atexit, os, sys, threading
from cloudmesh.flow import BaseWorkFlow
print("loading"); os.system("echo loading"); sys.stdout.write("without an end")
atexit.register(lambda: (print("bye"), os.system("echo bye")))
class Loud(BaseWorkFlow):
    flow = "a; b"
    def __init__(self, *words): print("made")
    def a(self):
        thread = threading.Thread(target=lambda: print("beside"))
        thread.start(); thread.join()
        os.system("echo program")
    def b(self): print("node"); return 1
"""


def test_stdout_holds_the_json_alone_whatever_a_file_writes(cms: Any) -> None:
    cms.write("loud-flow.py", LOUD)
    for words in (
        ["run", "loud-flow.py"],
        ["check", "loud-flow.py"],
        ["run", "loud", "--on", "b=process"],
        ["run", "loud-flow.py", "--dry-run"],
        ["retry", "latest", "--from", "b"],
        ["resume", "latest"],
    ):
        assert cms.json("flow", *words)
    said = cms("flow", "run", "loud", "--output", "json").stderr
    for word in ("loading", "made", "beside", "program", "b | node", "bye"):
        assert word in said
    assert "made" in cms("flow", "run", "loud").stdout


def test_json_and_exports_are_whole_where_the_terminal_has_no_utf_8(cms: Any) -> None:
    cms.write(
        "u-flow.py",
        "from cloudmesh.flow import workflow\n"
        "def a(): return {'é': '日本\\ud800', 'x': '👍'}\n"
        "w = workflow('a')\n",
    )
    wanted = {"é": "日本\ud800", "x": "👍"}
    cms.environment.update(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert cms.json("flow", "run", "u-flow.py")["nodes"][0]["result"] == wanted
    assert cms.json("flow", "result") == {"a": wanted}
    exported = cms("flow", "export", "latest", "--format", "json").stdout
    assert json.loads(exported)["nodes"][0]["result"] == wanted
    cms.write("u2.yaml", "name: u2\nflow: a\ntasks: {a: {command: 'echo é', label: ä}}\n")
    assert cms("flow", "add", "u2.yaml").returncode == 0
    for form in ("yaml", "svg", "dot", "mermaid"):
        text = cms("flow", "export", "u2", "--format", form).stdout
        assert "\\x" not in text
        assert ("é" in text) == (form == "yaml")


def test_what_a_node_s_own_threads_print_is_the_node_s(here: Any, monkeypatch: Any) -> None:
    here.write(
        "t-flow.py",
        """\
        import threading
        from concurrent.futures import ThreadPoolExecutor
        from cloudmesh.flow import Secret, current, workflow
        shared = ThreadPoolExecutor(1)
        def said(text):
            print(text)
            return text
        def a():
            with ThreadPoolExecutor(2) as pool:
                found = sorted(pool.map(said, ["one", "two"]))
            shared.submit(said, "shared a").result()
            thread = threading.Thread(target=lambda: current().progress(40))
            thread.start(); thread.join()
            return found
        def b(token: Secret):
            threading.Timer(0, print, [token]).run()
            thread = threading.Thread(target=print, args=(token,))
            thread.start(); thread.join()
            shared.submit(said, "shared b").result()
        w = workflow("a; b")
        """,
    )
    monkeypatch.setenv("TOKEN", "sesame-open")
    done = here("run", "t-flow.py")
    assert done.code == 0, done.err
    assert "sesame" not in done.out + done.err
    lines = here("logs", "latest", "a").out.splitlines()
    assert sorted(lines) == ["one", "shared a", "two"]
    assert "a | one\n" in done.out
    assert here("logs", "latest", "b").out == "…\n…\n"
    assert "\nshared b\n" in done.out  # a pool that outlives its node speaks for nobody
    assert here.json("status")["nodes"][0]["progress"] == 40


def test_a_run_s_document_is_the_definition_s_but_for_its_collection(here: Any) -> None:
    here.write("m-flow.py", MAP)
    here("add", "m-flow.py")
    here("run", "m-flow.py")
    here("run", "m")
    here("retry", "latest")
    here.write("m-flow.py", MAP.replace("work*", "lazy"))
    here("run", "m-flow.py")
    defined = here.documents("m-flow")
    assert defined[0]["cm"]["modified"] > defined[0]["cm"]["created"]
    runs = [here.documents("m-flow-active"), *([d] for d in here.documents("m-flow-history"))]
    assert len({document["run"] for found in runs for document in found}) == 4
    for document in here.documents("m-flow-active"):
        (wanted,) = [d for d in defined if d["name"] == document["name"]]
        assert {k: document[k] for k in ("workflow", "kind", "cloud", "task")} == {
            k: wanted[k] for k in ("workflow", "kind", "cloud", "task")
        }
        assert document["cm"] == {**wanted["cm"], "collection": "m-flow-active"}
    created = {d["cm"]["created"] for found in runs for d in found}
    assert created == {defined[0]["cm"]["created"]}

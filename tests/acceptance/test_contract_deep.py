"""Two features of CONTRACT §1 to §4 at once, and places where few would look."""

from __future__ import annotations

from typing import Any

import pytest
from nodes import flow

DECORATED = '''\
import asyncio, functools

def plain(function):
    """A decorator that knows nothing of async."""
    @functools.wraps(function)
    def call(*positional, **named): return function(*positional, **named)
    return call

@plain
async def outside():
    await asyncio.sleep(0)
    return "outside"
'''


def test_a_plain_decorator_above_an_async_function(here: Any) -> None:
    flow(
        here,
        "@plain\nasync def a(self):\n    await asyncio.sleep(0)\n    return 1\n"
        "@staticmethod\n@plain\nasync def b(a): return a + 1\n"
        "@plain\nasync def c(self, b): return b + 1",
        "a; b; c",
        head=DECORATED,
    )
    nodes = here.run("p-flow.py", "--on", "c=process")
    assert [nodes[name]["result"] for name in "abc"] == [1, 2, 3]
    here.write(
        "f-flow.py", DECORATED + "from cloudmesh.flow import workflow\nw = workflow('outside')\n"
    )
    assert here.run("f-flow.py")["outside"]["result"] == "outside"


def test_a_method_whose_name_python_changes(here: Any) -> None:
    flow(here, "def __a(self): return 1\ndef b(self): return 2", "__a; b")
    assert here.run("p-flow.py", "--on", "__a=process")["__a"]["result"] == 1


def test_a_default_that_a_run_cannot_keep_is_found_by_check(here: Any) -> None:
    here.write(
        "q.yaml", "flow: a\nparameters: {x: 1, y: .nan}\ntasks: {a: {command: 'echo {x}{y}'}}\n"
    )
    assert here.refused("check", "q.yaml").startswith("q.yaml:2:23: the run parameter y is no JSON")
    assert here.json("check", "q.yaml", code=2)["problems"][0]["column"] == 23


@pytest.mark.parametrize("condition", ["class == 1", "a.class == 1"])
def test_a_word_of_python_in_a_condition_is_named(here: Any, condition: str) -> None:
    here.write(
        "q.yaml",
        "flow: a; class; b\ntasks: {a: {command: echo}, class: {command: echo}, "
        f"b: {{command: echo, when: {condition}}}}}\n",
    )
    assert "'class' is a word of Python" in here.refused("check", "q.yaml")


def test_another_string_need_not_have_the_edges_that_have_labels(here: Any) -> None:
    flow(
        here,
        "def a(self): return 1\n@task(edges={'a': 'rows'})\ndef b(self): return 2",
        "a; b",
        head="import sys",
    )
    assert here.run("p-flow.py", "-e", "b")["b"]["result"] == 2
    assert here.run("p-flow.py", "b; a")["b"]["result"] == 2
    done = here.python(
        "import runpy\nflow = runpy.run_path('p-flow.py')['P']()\nflow.runCommand('b')"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert here("add", "p-flow.py").code == 0
    assert here("edge", "delete", "b", "a", "--flowname", "p").code == 0
    flow(here, "@task(edges={'aa': 'rows'})\ndef b(self): return 2", "b")
    assert "'aa' is no node" in here.refused("check", "p-flow.py", "-e", "b")


def test_a_class_that_cannot_be_made_is_told_with_the_users_file(here: Any) -> None:
    flow(here, "@abc.abstractmethod\ndef a(self): pass", head="import abc")
    path = here.folder / "p-flow.py"
    path.write_text(path.read_text().replace("P(BaseWorkFlow)", "P(BaseWorkFlow, abc.ABC)"))
    assert here.refused("check", "p-flow.py").startswith("cms flow: p-flow.py: P() cannot be made")


def test_a_current_folder_that_is_gone(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    flow(here, "def a(self): return 1")
    gone = here.folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    for words in (["run", "../p-flow.py"], ["check", "p-flow.py"]):
        assert here.refused(*words) == "cms flow: the current folder is gone; go to another\n"
    assert here.run(str(here.folder / "p-flow.py"))["a"]["result"] == 1

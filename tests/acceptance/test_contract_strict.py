"""Sentences of the contract, read by somebody who trusts nothing: the odd but legitimate cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def problems(here: Any, *words: str) -> list[tuple[int, str]]:
    """What `check` says: the line of each finding, and what it is about."""
    found = here.json("check", *words, code=2)["problems"]
    return [(p["line"], p["message"]) for p in found]


def said(found: list[tuple[int, str]], line: int, *words: str) -> bool:
    """Whether one finding of a line says all these words."""
    return any(at == line and all(word in text for word in words) for at, text in found)


# -- all findings at once --------------------------------------------------------------


def test_a_wrong_string_hides_nothing_else_of_a_yaml(here: Any) -> None:
    here.write("functions.py", "def f(x, y=1): return x\n")
    here.write(
        "f.yaml",
        """\
        flow: a; b ||; nope
        colour: red
        python: functions.py
        parameters: {x: three, a: 4}
        edges: {"a -> zz": rows}
        tasks:
          a: {calculation: "f(x, lost)", parameter: {x: int}, retrys: 3}
          b: {command: "echo '{a}' {q}", on: nowhere, timeout: soon, when: "a + 1",
              pool: big}
          unused: {comand: "true"}
        """,
    )
    found = problems(here, "f.yaml")
    for line, *words in [
        (1, "'||' and ';'"), (1, "'nope'"), (2, "'colour'"), (4, "x as int"), (4, "'a'"),
        (5, "'zz'"), (7, "'lost'"), (7, "'retrys'"), (8, "quotes"), (8, "'q'"),
        (8, "'nowhere'"), (8, "'soon'"), (8, "a + 1"), (9, "no pool 'big'"), (10, "'comand'"),
    ]:  # fmt: skip
        assert said(found, line, *words), (line, words, found)  # type: ignore[arg-type]
    assert len(found) == 15, found


def test_a_wrong_string_hides_nothing_else_of_a_class(here: Any) -> None:
    here.write(
        "x-flow.py",
        """\
        from cloudmesh.flow import BaseWorkFlow, task
        class X(BaseWorkFlow):
            flow = "a; b || cc;; d"
            @task(retrys=3, on="nowhere")
            def a(self, *args): return 1
            @task(when="zz > 3")
            def b(self, d, c): return 1
            def c(self): return 1
            def d(self, q, scale: int = 1): return 1
        """,
    )
    words = ("--param", "scale=x", "--param", "nothing=1", "--param", "d=1")
    done = here("run", "x-flow.py", *words)
    assert done.code == 2
    for text in ["'cc'", "';' and ';'", "'retrys'", "'nowhere'", "*args", "'zz'", "'q' of d",
                 "'x' is no whole number", "the run parameter 'd'"]:  # fmt: skip
        assert text in done.err, (text, done.err)
    # What a string that is mended may say otherwise is no mistake yet: b may come after d,
    # 'cc' is to be c, and either of them may take what nobody takes now.
    for text in ["takes the value", "'c' of b", "'nothing'"]:
        assert text not in done.err, done.err


# -- names, parameters ------------------------------------------------------------------


def test_annotated_is_the_type_that_it_annotates(here: Any) -> None:
    here.write(
        "x-flow.py",
        """\
        from typing import Annotated
        from cloudmesh.flow import BaseWorkFlow
        class X(BaseWorkFlow):
            flow = "a"
            def a(self, n: Annotated[int, "how many"], t: Annotated[str, 1] = ""): return [n, t]
        """,
    )
    nodes = here.run("x-flow.py", "--param", "n=7", "--param", "t=8")
    assert nodes["a"]["result"] == [7, "8"]
    assert "no whole number" in here.refused("run", "x-flow.py", "--param", "n=x")


@pytest.mark.parametrize("wrong", [[1], {1: 2}, "x=3", 5])
def test_params_that_are_no_names_are_refused(wrong: Any) -> None:
    from cloudmesh.flow import workflow
    from cloudmesh.flow.errors import InputError

    flow = workflow("a", {"a": lambda x=1: x})
    for given in ({"params": wrong}, {"on": wrong}):
        with pytest.raises(InputError, match="expected names and values"):
            flow.run(**given)
    with pytest.raises(InputError, match="expected names and values"):
        workflow("a", wrong)


# -- calculations, conditions -------------------------------------------------------------


def test_literals_are_yaml_s_too(here: Any) -> None:
    here.write("functions.py", "def f(*xs): return list(xs)\n")
    here.write(
        "f.yaml",
        """\
        flow: a; b || c
        python: functions.py
        tasks:
          a: {calculation: "f(true, false, null, True, None)"}
          b: {command: "echo ran", when: true}
          c: {command: "echo ran", when: false}
        """,
    )
    nodes = here.run("f.yaml")
    assert nodes["a"]["result"] == [True, False, None, True, None]
    assert (nodes["b"]["result"], nodes["c"]["skipped"]) == ("ran", True)


def test_a_condition_may_have_several_lines(here: Any, tmp_path: Path) -> None:
    here.write("functions.py", "def a(): return {'n': 1, 'd': {}}\ndef b(): return 2\n")
    here.write(
        "f.yaml",
        """\
        flow: a; b
        python: functions.py
        tasks:
          b:
            when: |
              a.n == 1
              and a == {'n': 1, 'd': {}}
        """,
    )
    assert here.run("f.yaml")["b"]["result"] == 2


# -- work[3] stands wherever a NODE does ----------------------------------------------------

MAPPED = """\
import os
from cloudmesh.flow import BaseWorkFlow
class M(BaseWorkFlow):
    flow = "split; work*; merge"
    def split(self): return [0, 1, 2]
    def work(self, split):
        if split == 2 and not os.path.exists("mended"):
            raise ValueError("two")
        return os.getpid()
    def merge(self, work): return len(set(work))
"""


def test_one_element_may_run_elsewhere(here: Any) -> None:
    import os

    here.write("m-flow.py", MAPPED)
    here.run("m-flow.py", "--on", "work[1]=process", "--on", "work[7]=process", code=1)
    here.write("mended", "")
    assert here("retry", "latest", "--from", "work[1]").code == 0
    nodes = {n["name"]: n for n in here.json("status")["nodes"]}
    assert [nodes[f"work[{i}]"]["where"] for i in (1, 2)] == ["process", "local"]
    assert [nodes[f"work[{i}]"]["cloud"] for i in range(3)] == ["local", "process", "local"]
    assert nodes["work[1]"]["cm"]["cloud"] == "process"
    own = nodes["work[1]"]["result"]
    assert (nodes["work[2]"]["result"], nodes["merge"]["result"]) == (os.getpid(), 2)
    assert own != os.getpid()
    assert here("result", "latest", "work[1]").out == f"{own}\n"


@pytest.mark.parametrize(
    "node",
    [
        *("work[x]", "work[-1]", "work[01]", "work[]", "work[1", "merge[0]"),
        pytest.param(f"merge[{'9' * 5000}]", id="very many digits"),
    ],
)
def test_what_is_no_element_is_refused(here: Any, node: str) -> None:
    here.write("m-flow.py", MAPPED)
    assert "no node" in here.refused("run", "m-flow.py", "--on", f"{node}=process")
    assert not here.documents("flow-runs")
    assert "no infrastructure" in here.refused("run", "m-flow.py", "--on", "work[0]=nowhere")


# -- no name but the public ones is taken ----------------------------------------------------


def test_a_method_of_any_other_name_is_a_node(here: Any) -> None:
    names = ["_program", "_functions", "_rebound", "_run_alone", "_repr_svg_", "params", "store",
             "status", "result", "sleep", "documents", "self", "_", "__"]  # fmt: skip
    methods = "".join(f"    def {n}(self): return {n!r}\n" for n in names)
    text = f"from cloudmesh.flow import BaseWorkFlow\nclass U(BaseWorkFlow):\n{methods}"
    here.write("u-flow.py", text)
    nodes = here.run("u-flow.py", " || ".join(names))
    assert {name: node["result"] for name, node in nodes.items()} == {n: n for n in names}
    done = here.python(
        f"{text}run = U().run({'; '.join(names)!r})\n"
        f"assert list(run.values) == {names}\n"
        "assert U().retry(run, '_').status == 'finished'\n"
        "U().define('_')\n"
        "U().runCommand('_program')\n"
    )
    assert done.returncode == 0, done.stderr


def test_a_map_that_lacks_what_was_skipped_is_skipped_whole(here: Any) -> None:
    here.write(
        "functions.py",
        """\
        def split(): return [1, 2]
        def b(): return 1
        def work(split, b): return b
        def other(split, b=9): return b
        def after(work): return work
        """,
    )
    here.write(
        "f.yaml",
        """\
        flow: split || b; work* || other*; after
        python: functions.py
        tasks: {b: {when: "false"}, work: {over: split}, other: {over: split}}
        """,
    )
    nodes = here.run("f.yaml")
    assert "work[0]" not in nodes
    work, after = nodes["work"], nodes["after"]
    assert (work["status"], work["skipped"], work["result"]) == ("finished", True, None)
    assert (after["status"], after["skipped"]) == ("finished", True)
    assert nodes["other"]["result"] == [9, 9]
    assert here("resume", "latest").code == 0  # read again from its journal
    assert here.json("status", "latest")["counts"] == here.last["counts"]


@pytest.mark.parametrize("on", ["local", "process"])
def test_a_calculation_calls_methods_of_a_class(here: Any, on: str) -> None:
    here.write(
        "k.py",
        """\
        from cloudmesh.flow import BaseWorkFlow
        class K(BaseWorkFlow):
            def f(self, x, y=2):
                total = x + y
                return "not this"
            @staticmethod
            def s(x, *, y): return [x, y]
            @classmethod
            def c(cls, x): return [cls.__name__, x]
            async def co(self, x): return x * 2
        """,
    )
    here.write(
        "f.yaml",
        f"""\
        flow: a; b || c || d || e
        python: k.py:K
        parameters: {{p: 3}}
        tasks:
          a: {{calculation: "f(1, p)", return: {{value: total}}, on: {on}}}
          b: {{calculation: "f(a, y=p)", return: {{value: y}}, on: {on}}}
          c: {{calculation: "s(a, y=p)", on: {on}}}
          d: {{calculation: c(a), on: {on}}}
          e: {{calculation: co(a), on: {on}}}
        """,
    )
    nodes = here.run("f.yaml")
    assert [nodes[n]["result"] for n in "abcde"] == [4, 3, [4, 3], ["K", 4], 8]


def test_a_node_that_takes_a_value_is_added_before_its_edges(here: Any) -> None:
    here.write(
        "test-flow.py",
        """\
        from cloudmesh.flow import BaseWorkFlow, task
        class T(BaseWorkFlow):
            flow = "a"
            def a(self): return 1
            @task(when="a > 0")
            def b(self, a): return a + 1
            def c(self, a, b=0): return a + b
        """,
    )
    name = ("--flowname", "test")
    for words in [
        ("add", "test-flow.py"),
        ("node", "add", "b", *name),
        ("node", "add", "c", *name),
    ]:
        assert here(*words).code == 0, words
    assert "a" in here.refused("run", "test")  # b and c still lack a
    assert "takes the value of a" in here.refused("check", "test")
    assert here("edge", "add", "b", "a", *name).code == 0
    assert here("edge", "add", "c", "b", *name).code == 0
    assert here.run("test")["c"]["result"] == 3
    # What an edit itself breaks is refused, as ever.
    assert "takes the value of a" in here.refused("edge", "delete", "b", "a", *name)
    assert "takes the value of b" in here.refused("edge", "invert", "c", "b", *name)


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        ("flow = 5", "x-flow.py:3:12: X.flow is to be a string or a list of strings, not 5"),
        ("flow: list = ['a', 5]", "x-flow.py:3:18: X.flow is to be a string or a list of strings"),
        ("flow = 'a'; name = '1x'", "x-flow.py:3:24: the flow's name '1x' is no name"),
        ("flow = 'a'; name = 5", "x-flow.py:3:24: the flow's name 5 is no text"),
    ],
)
def test_what_a_class_says_wrong_of_itself_has_its_place(
    here: Any, attribute: str, said: str
) -> None:
    here.write(
        "x-flow.py",
        "from cloudmesh.flow import BaseWorkFlow\nclass X(BaseWorkFlow):\n"
        f"    {attribute}\n    def a(self): pass\n",
    )
    shown = here.refused("run", "x-flow.py")
    assert shown.startswith(said)
    assert shown.splitlines()[1].strip() == attribute

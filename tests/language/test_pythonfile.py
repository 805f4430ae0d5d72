"""A file of Python while it is loaded: what it may do, what it cannot, and which flow is meant."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest

from cloudmesh.flow.errors import InputError, NotFound
from cloudmesh.flow.language.load import load
from cloudmesh.flow.language.program import Program

SEED = """
    from cloudmesh.flow.WorkFlow import BaseWorkFlow

    class MyFlow(BaseWorkFlow):

        def a(self):
            print("in a!")

        def b(self):
            print("in b!")

        def c(self):
            print("in c!")
"""


def test_the_original_s_last_lines_do_nothing(
    program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["cms"])
    text = """
        import sys
        from cloudmesh.flow.WorkFlow import BaseWorkFlow

        class MyFlow(BaseWorkFlow):
            def a(self): ...

        Flow = MyFlow(sys.argv[0]); Flow.runCommand(sys.argv[1])
    """
    assert len(program(text, "a").flow) == 1
    assert sys.argv == ["cms"]


@pytest.mark.parametrize("call", ["run()", "define()", "resume('x')", "retry('x')", "cancel('x')"])
def test_a_run_while_the_file_is_loaded_is_refused(shown: Callable[..., Any], call: str) -> None:
    text = SEED + f"\n    MyFlow().{call}\n"
    ((line, marked, message),) = shown(text, "a")
    assert (line, marked) == (15, f"MyFlow().{call}")
    assert 'if __name__ == "__main__":' in message


@pytest.mark.parametrize(
    ("text", "line", "marked", "said"),
    [
        ("x = 1\ndef f(:\n  pass\n", 2, ":", "no Python: invalid syntax"),
        ("x = 1\nimport no_such_module\n", 2, "import no_such_module", "; install it for "),
        ("def f():\n    return 1/0\nf()\n", 2, "return 1/0", "ZeroDivisionError"),
        ("import sys\nsys.exit(3)\n", 2, "sys.exit(3)", "ends the program"),
        ("x = '\0'\n", 0, "", ""),
        ("raise KeyError\n", 1, "raise KeyError", "KeyError"),
        ("if x:\ny = 1\n", 2, "y", "expected an indented block"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_one_finding(
    shown: Callable[..., Any], text: str, line: int, marked: str, said: str
) -> None:
    ((found_line, found_marked, message),) = shown(text, "a")
    if line:
        assert (found_line, found_marked[: len(marked)]) == (line, marked)
    assert said in message


def test_a_mistake_in_a_module_beside_is_told_with_its_place(
    write: Callable[..., str], shown: Callable[..., Any]
) -> None:
    write("\n\nraise RuntimeError('broken')\n", "helper_broken.py")
    write("def f(:\n", "helper_syntax.py")
    ((_, marked, message),) = shown("import helper_broken\n", "a")
    assert marked == "import helper_broken"
    assert "RuntimeError: broken (at helper_broken.py:3)" in message
    ((line, _, message),) = shown("import helper_syntax\n", "a")
    assert line == 1
    assert "no Python" in message


def test_modules_beside_the_file_can_be_imported_then_and_when_nodes_run(
    write: Callable[..., str], program: Callable[..., Program]
) -> None:
    write("VALUE = 7\n", "beside_one.py")
    write("VALUE = 8\n", "beside_two.py")
    text = """
        import beside_one
        from cloudmesh.flow import BaseWorkFlow

        class MyFlow(BaseWorkFlow):
            flow = "a"
            def a(self):
                import beside_two
                return beside_one.VALUE + beside_two.VALUE
    """
    assert program(text).functions["a"]() == 15


def test_what_a_file_defines_can_be_pickled(program: Callable[..., Program]) -> None:
    text = """
        from __future__ import annotations
        from dataclasses import dataclass
        from cloudmesh.flow import BaseWorkFlow

        @dataclass
        class Point:
            x: int

        class MyFlow(BaseWorkFlow):
            flow = "a"
            def a(self): return Point(3)
    """
    point = program(text, name="has points-flow.py", flowname="p").functions["a"]()
    assert pickle.loads(pickle.dumps(point)) == point
    assert type(point).__module__ == "has_points_flow"


def test_a_file_with_the_name_of_a_module_of_python(program: Callable[..., Program]) -> None:
    loaded = program(SEED, "a", name="random.py")
    assert loaded.flow.name == "random"
    import random

    assert hasattr(random, "choice")
    assert loaded.functions["a"].__module__ == "flow_random"


def test_a_file_is_read_anew_each_time(program: Callable[..., Program]) -> None:
    assert program(SEED.replace("print", "return len"), "a").functions["a"]() == 5
    assert program(SEED.replace('print("in a!")', "return 1"), "a").functions["a"]() == 1


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(NotFound, match="there is no such file"):
        load("nowhere.py")


def test_which_class(program: Callable[..., Program], write: Callable[..., str]) -> None:
    two = SEED + "\n    class Other(BaseWorkFlow):\n        def x(self): ...\n"
    with pytest.raises(InputError, match=r"several flows.*test-flow.py:MyFlow.*:Other"):
        program(two, "a")
    assert load(write(two) + ":Other", ["x"]).cls == "Other"
    with pytest.raises(NotFound, match="did you mean 'MyFlow'"):
        load(write(two) + ":MyFlo", ["a"])
    refined = SEED + "\n    class Better(MyFlow):\n        def d(self): ...\n"
    assert program(refined, "a; d").cls == "Better"


def test_a_class_that_cannot_be_made(shown: Callable[..., Any]) -> None:
    text = SEED + "\n        def __init__(self, size): ...\n"
    ((line, marked, message),) = shown(text, "a")
    assert (line, marked) == (15, "__init__")
    assert "without arguments" in message

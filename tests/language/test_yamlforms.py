from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloudmesh.flow.errors import InputError, Problem
from cloudmesh.flow.language.load import rebind
from cloudmesh.flow.language.program import Program
from cloudmesh.flow.model.flow import Argument, Calculation, Flow, Look, Parameter

FUNCTIONS = """
    def f(x, y):
        total = x + y
        return total

    def g(a, times=2):
        return a * times

    async def c(a: int):
        return a
"""

SAMPLE = """
    name: sampleflow
    flow: a; c || b                # a string or a list
    python: functions.py
    parameters: {x: 3, y: 4, unused: 5}
    edges: {"a -> b": {label: rows}}
    tasks:
      a:
        parameter: {x: int, y: int}
        calculation: f(x, y)
        entry:  {color: orange, label: "a…", shape: circle}
        return: {color: green, label: "a = {value}", shape: circle, value: total}
        error:  {color: red}
        on: lab
        retries: 2
        timeout: 1h30m
      b: {command: "echo {a}", on: vm, color: blue}
    infrastructure:
      vm: {kind: ssh, host: example.org}
"""


@pytest.fixture
def yaml(write: Callable[..., str], program: Callable[..., Program]) -> Callable[..., Program]:
    def yaml(text: str, *strings: str, **more: Any) -> Program:
        write(FUNCTIONS, "functions.py")
        return program(text, *strings, **{"name": "flow.yaml", **more})

    return yaml


@pytest.fixture
def wrong(yaml: Callable[..., Program]) -> Callable[..., list[tuple[int, str, str]]]:
    """Line, what the caret marks, and message of what is wrong."""

    def wrong(text: str, *strings: str, **more: Any) -> list[tuple[int, str, str]]:
        with pytest.raises(InputError) as error:
            yaml(text, *strings, **more)
        found: list[Problem] = error.value.problems
        return [(p.line, p.text[p.column - 1 : p.column - 1 + p.length], p.message) for p in found]

    return wrong


def test_the_form_of_the_contract(yaml: Callable[..., Program]) -> None:
    loaded = yaml(SAMPLE, infrastructure=["lab"])
    flow = loaded.flow
    assert flow.name == "sampleflow"
    assert flow.text == ("a; (c || b)",)
    assert flow.parameters == {"x": 3, "y": 4, "unused": 5}
    assert flow.infrastructure == {"vm": {"kind": "ssh", "host": "example.org"}}
    assert flow.labels == {("a", "b"): "rows"}
    a, c, b = (node.task for node in flow.nodes)
    assert a.calculation == Calculation("f", (Argument("x"), Argument("y")))
    assert a.parameters == (Parameter("x", "int"), Parameter("y", "int"))
    assert (a.on, a.retries, a.timeout, a.value_of) == ("lab", 2, 5400.0, "total")
    assert a.entry == Look("orange", "a…", "circle")
    assert a.done == Look("green", "a = {value}", "circle")
    assert a.failed == Look("red")
    assert (b.command, b.on) == ("echo {a}", "vm")
    assert b.parameters == (Parameter("a"),)
    assert b.look == b.entry == Look("blue")
    assert c.is_async
    assert loaded.functions["a"](x=1, y=2) == 3
    assert "b" not in loaded.functions
    assert Flow.from_json(flow.to_json()) == flow


def test_edges_have_their_own_label_or_the_parameter_that_they_carry(
    yaml: Callable[..., Program],
) -> None:
    flow = yaml(SAMPLE, infrastructure=["lab"]).flow
    assert flow.edge_label("a", "b") == "rows"
    assert flow.edge_label("a", "c") == "a"
    assert (
        yaml("flow: x; y\ntasks: {x: {command: ls}, y: {command: ls}}").flow.edge_label("x", "y")
        == ""
    )


SEED_LIST = """
    flow: a; b
    python: functions.py
    parameters: {x: 1, y: 2}
    tasks:
      - name: a
        parameter:
          - x: "int"
          - y: "int"
        calculation: f(x,y)
        entry:
          - color: green
          - label: a
          - value: x
          - shape: circle
        return:
          color: green
          label: a
          value: x
          shape: circle
      - b: {command: ls}
"""


def test_the_list_form_of_the_seed(yaml: Callable[..., Program]) -> None:
    a = yaml(SEED_LIST).flow.nodes[0].task
    assert a.parameters == (Parameter("x", "int"), Parameter("y", "int"))
    assert a.entry == Look("green", "a", "circle")
    assert a.done == Look("green", "a", "circle")
    assert a.value_of == "x"


def test_a_file_that_is_only_the_list_takes_a_string(yaml: Callable[..., Program]) -> None:
    tasks = "- {name: a, command: ls}\n- {name: b, command: ls}\n"
    assert yaml(tasks, "a; b").flow.name == "flow"
    with pytest.raises(InputError, match="the file has no flow"):
        yaml(tasks)


SNIPPET = """\
      name: a
         x: "int"
         y:: "int"
      calculation: f(x,y)
         color: green
         label: a
         value: x (this is a python variable local to the function
         shape: circle
"""


def test_the_seed_s_own_snippet_is_no_yaml_and_the_error_names_the_line(
    wrong: Callable[..., Any],
) -> None:
    ((line, _, message),) = wrong(SNIPPET)
    assert line == 1 or line == 2
    assert "no YAML" in message


ORIGINAL = """
    name: sampleflow1
    flow: a;c||b
    tasks:
      a:
        parameter:
          x: int
          y: int
        calculation: f(x,y)
        entry:
          color: green
          label: a
          value: x
          shape: circle
        return:
          color: green
          label: a
          value: x
          shape: circle
      b:
        parameter:
          x: int
          y: int
          k: float
        calculation: g(x,y)
      c:
        parameter:
          x: int
          y: int
        calculation: g(x,y)
"""


def test_the_sample_of_the_original_finds_its_functions_beside_it(
    yaml: Callable[..., Program], write: Callable[..., str]
) -> None:
    write("def f(x, y): return x\ndef g(x, y): return y\n", "flow.py")
    loaded = yaml(ORIGINAL, parameters={"x": "1", "y": "2"})
    assert loaded.flow.name == "sampleflow1"
    assert [p.name for p in loaded.flow.nodes[2].task.parameters] == ["x", "y"]


def test_without_them_it_says_what_to_add(wrong: Callable[..., Any]) -> None:
    found = wrong(ORIGINAL, parameters={"x": "1", "y": "2"})
    assert [(line, marked) for line, marked, _ in found] == [(9, "f"), (25, "g"), (30, "g")]
    assert "add  python: FILE.py" in found[0][2]


def test_a_class_holds_the_functions(
    yaml: Callable[..., Program], write: Callable[..., str]
) -> None:
    write(
        """
        from cloudmesh.flow import BaseWorkFlow, task

        class Tools(BaseWorkFlow):
            flow = "a; b"
            @task(retries=2, timeout=5)
            def a(self): return 1
            def b(self, a): return a
            def add(self, x, y): return x + y
        """,
        "tools.py",
    )
    text = "python: tools.py:Tools\ntasks:\n  a: {retries: 4}\n"
    loaded = yaml(text)
    assert loaded.flow.text == ("a; b",)
    assert (loaded.flow.nodes[0].task.retries, loaded.flow.nodes[0].task.timeout) == (4, 5.0)
    assert loaded.functions["b"](a=3) == 3
    text = "python: tools.py:Tools\nflow: sum\ntasks: {sum: {calculation: 'add(1, y=2)'}}\n"
    assert yaml(text).functions["sum"](x=1, y=2) == 3


def test_a_module_holds_the_functions(
    yaml: Callable[..., Program], wrong: Callable[..., Any]
) -> None:
    text = "python: functions\nflow: a\ntasks: {a: {calculation: 'g(3)'}}\n"
    assert yaml(text).functions["a"](a=3) == 6
    ((line, marked, message),) = wrong(text.replace("functions", "no.such"))
    assert (line, marked) == (1, "no.such")
    assert "No module named" in message
    assert "; install it for " in message


def test_a_flow_from_the_journal_finds_file_module_and_class_again(
    yaml: Callable[..., Program], write: Callable[..., str], tmp_path: Any
) -> None:
    write(
        "from cloudmesh.flow import BaseWorkFlow\n"
        "class Tools(BaseWorkFlow):\n    def a(self): return 1\n",
        "tools.py",
    )
    for python, call in (("functions.py", "g(3)"), ("functions", "g(3)"), ("tools.py:Tools", "")):
        said = f"{{calculation: {call}}}" if call else "{}"
        loaded = yaml(f"python: {python}\nflow: a; b\ntasks: {{a: {said}, b: {{command: ls}}}}")
        again = rebind(Flow.from_json(loaded.flow.to_json()), str(tmp_path / "flow.yaml"))
        assert again.flow == loaded.flow
        assert again.functions.keys() == {"a"}


def test_a_python_file_that_is_not_there_or_wrong(
    wrong: Callable[..., Any], write: Callable[..., str]
) -> None:
    ((line, marked, _),) = wrong("python: nowhere.py\nflow: a\ntasks: {a: {calculation: f(1)}}")
    assert (line, marked) == (1, "nowhere.py")
    write("def f(:\n", "broken.py")
    ((line, _, message),) = wrong("python: broken.py\nflow: a\n")
    assert "no Python" in message


WRONG = """
    nmae: x
    flow: "a; bb ||
       c"
    python: functions.py
    parameters: {a: 4}
    edges: {"a -> c": {lable: r}, "a - b": x, "c -> a": u, "z -> a": v}
    pools: {db: 0}
    infrastructure: {lab: {}}
    tasks:
      a: {command: 'echo "{x}" {y}', on: labb, retrys: 3}
      b: {command: [echo, "{a}"]}
      c: {calculation: "f(x, q=3)", timeout: 5x, return: {value: totel, clor: r}}
"""


def test_everything_wrong_is_found_at_once(wrong: Callable[..., Any]) -> None:
    found = wrong(WRONG)
    marks = [(line, marked) for line, marked, _ in found]
    assert marks == [
        (2, "nmae"),
        (3, "bb"),
        (6, "a"),
        (7, "{"),
        (7, '"a - b"'),
        (7, '"c -> a"'),
        (7, '"z -> a"'),
        (8, "0"),
        (9, "lab"),
        (11, "{x}"),
        (11, "{x}"),
        (11, "{y}"),
        (11, "labb"),
        (11, "retrys"),
        (13, '"f(x, q=3)"'),
        (13, '"f(x, q=3)"'),
        (13, "x"),
        (13, "5x"),
        (13, "totel"),
        (13, "clor"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "marked", "said"),
    [
        ("just text", 1, "just text", "expected keys"),
        ("flow: 3", 1, "3", "expected a string or a list"),
        ("flow: [a, 3]\ntasks: {a: {command: x}}", 1, "3", "expected a string or a list"),
        ("flow: a\ntasks: {a: {name: b, command: x}}", 2, "b", "another name"),
        (
            "flow: a\nparameters: {t: x}\ntasks: {a: {command: 'x {t}', parameter: {t: secret}}}",
            2,
            "t",
            "is a secret",
        ),
        ("flow: a\ntasks: {a: {command: x}, b: {comand: x}}", 2, "comand", "no key of a task"),
        ("flow: a\ntasks: 3", 2, "3", "expected a name and keys"),
        ("flow: a\ntasks: {a: 3}", 2, "3", "expected keys"),
        ("flow: a\ntasks: [3]", 2, "3", "expected {name: …, …}"),
        ("flow: a\ntasks: [{command: ls}]", 2, "{", "needs a name"),
        ("flow: a\ntasks: [{name: a, command: x}, {name: a, command: y}]", 2, "a", "twice"),
        ("flow: a\ntasks: {1a: {command: x}}", 2, "1a", "is no name"),
        ("flow: a\ntasks: {a: {}}", 1, "a", "neither calculation nor command"),
        ("flow: a; b\ntasks: {a: {command: x}}", 1, "b", "there is no task 'b'"),
        ("flow: a\ntasks: {a: {command: 3}}", 2, "3", "expected text for a shell"),
        ("flow: a\ntasks: {a: {command: []}}", 2, "[", "expected text for a shell"),
        ("flow: a\ntasks: {a: {command: 'x {b}'}}", 2, "{b}", "for a brace write {{"),
        ("flow: a\ntasks: {a: {command: [x, 'y{b}']}}", 2, "{b}", "nothing fills"),
        ("flow: a\ntasks: {a: {command: x, calculation: f()}}", 2, "x", "not both"),
        ("flow: a\ntasks: {a: {command: x, when: 'b +'}}", 2, "'b +'", "no condition"),
        ("flow: a\ntasks: {a: {command: x, when: b}}", 2, "b", "neither a parameter nor"),
        ("flow: a\ntasks: {a: {command: x, return: {value: v}}}", 2, "v", "no variables"),
        ("flow: a\ntasks: {a: {command: x, parameter: {b: itn}}}", 2, "itn", "did you mean 'int'"),
        ("flow: a\ntasks: {a: {command: x, error: {value: v}}}", 2, "value", "no key of error"),
        ("flow: a\ntasks: {a: {command: x, on: true}}", 2, "true", "expected a word"),
        ("flow: a\ntasks: {a: {command: x, color: [r]}}", 2, "[", "expected text"),
        ("flow: a\ntasks: {a: {command: 'x << E\n {b} E'}}", 3, "{b}", "a here-document"),
        ("flow: a\nparameters: {a: 1}\ntasks: {a: {command: x}}", 2, "a", "name of a node"),
        ("flow: a\nparameters: [1]\ntasks: {a: {command: x}}", 2, "[", "expected keys"),
        ("name: 5x\nflow: a\ntasks: {a: {command: x}}", 1, "5x", "is no name"),
        ("name: [x]\nflow: a\ntasks: {a: {command: x}}", 1, "[", "expected text"),
        ("flow: a\ntasks: {a: {command: x, edges: {b: l}}}", 2, "{", "'b' is no node"),
        ("flow: a\nedges: {b -> a: l}\ntasks: {a: {command: x}}", 2, "b -> a", "'b' is no node"),
        ("flow: [a; b, b; a]\ntasks: {a: {command: x}, b: {command: x}}", 1, "a", "a → b → a"),
    ],
)
def test_what_is_wrong_is_marked(
    wrong: Callable[..., Any], text: str, line: int, marked: str, said: str
) -> None:
    found = wrong(text)
    assert any((f[0], f[1]) == (line, marked) and said in f[2] for f in found), found


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("f(x, y, 3)", "takes at most 2 by position"),
        ("f(x, x=3, y=1)", "x is given twice"),
        ("f(x)", "also needs y"),
        ("g(x, tiems=3)", "did you mean 'times'"),
        ("gg(x)", "has no function 'gg'; did you mean 'g'"),
        ("f(x, y", "no call of a function"),
        ("f.g(x)", "expected a call"),
        ("f(x, y)(3)", "expected a call"),
        ("f(x + 1, y)", "neither a name nor a literal"),
        ("f(*x)", "neither a name nor a literal"),
        ("f(**x)", "** is not possible"),
    ],
)
def test_calculations_are_checked_against_their_function(
    wrong: Callable[..., Any], call: str, said: str
) -> None:
    text = f"""
        python: functions.py
        parameters: {{x: 1, y: 2}}
        flow: a
        tasks: {{a: {{calculation: '{call}'}}}}
    """
    assert any(said in message for _, _, message in wrong(text))


def test_literals_are_arguments(yaml: Callable[..., Program]) -> None:
    text = (
        "python: functions.py\nflow: a\ntasks: {a: {calculation: 'g(-3, times=[1, \"x\", None])'}}"
    )
    task = yaml(text).flow.nodes[0].task
    assert task.parameters == ()
    assert task.calculation == Calculation(
        "g", (Argument(None, "-3"), Argument(None, "[1, 'x', None]", "times"))
    )


def test_only_names_that_are_used_are_filled(yaml: Callable[..., Program]) -> None:
    text = "flow: a\ntasks: {a: {command: ls, parameter: {x: int}}}"
    assert yaml(text).flow.nodes[0].task.parameters == ()


def test_strings_of_the_command_line_replace_the_flow(yaml: Callable[..., Program]) -> None:
    text = "flow: a; nothing\ntasks: {a: {command: x}, b: {command: y}}"
    assert yaml(text, "b; a").flow.text == ("b; a",)


def test_windows_line_ends_and_a_mark_at_the_start(
    tmp_path: Any, wrong: Callable[..., Any]
) -> None:
    from cloudmesh.flow.language.load import load

    path = tmp_path / "win.yaml"
    text = "\ufeffflow: a;\r\n  bb\r\ntasks:\r\n  a: {command: ls}\r\n"
    path.write_bytes(text.encode())
    with pytest.raises(InputError) as error:
        load(str(path))
    (problem,) = error.value.problems
    assert (problem.line, problem.column, problem.text) == (2, 3, "  bb")


def test_a_yaml_file_names_a_class_of_its_python_file(
    write: Callable[..., str], wrong: Callable[..., Any]
) -> None:
    from cloudmesh.flow.language.load import load

    write(
        "from cloudmesh.flow import BaseWorkFlow\n"
        "class A(BaseWorkFlow):\n    def a(self): return 'A'\n"
        "class B(BaseWorkFlow):\n    def a(self): return 'B'\n",
        "two.py",
    )
    path = write("flow: a\npython: two.py\n", "flow.yaml")
    assert load(path + ":B").functions["a"]() == "B"


@pytest.mark.parametrize(
    ("kind", "value", "right"),
    [
        ("int", "3", True),
        ("int", "x", False),
        ("int", "3.5", False),
        ("int", "true", False),
        ("float", "3", True),
        ("str", "3", False),
        ("str", "'3'", True),
        ("bool", "yes", False),
        ("list", "[1]", True),
        ("dict", "[1]", False),
        ("Anything", "x", True),
    ],
)
def test_the_type_of_a_default(
    yaml: Callable[..., Program], wrong: Callable[..., Any], kind: str, value: str, right: bool
) -> None:
    text = (
        f"flow: a\nparameters: {{x: {value}}}\n"
        f"tasks: {{a: {{command: 'echo {{x}}', parameter: {{x: {kind}}}}}}}"
    )
    if right:
        assert yaml(text)
        return
    ((line, marked, message),) = wrong(text)
    assert line == 2
    assert marked in (value, "[")
    assert f"a takes x as {kind}" in message


@pytest.mark.parametrize(
    ("entry", "marked"),
    [
        ("lab: {}", "lab"),
        ("lab: 3", "lab"),
        ("lab: {kind: sssh, host: x}", "kind"),
        ("lab: {kind: ssh, hots: x}", "hots"),
        ("local: {kind: ssh, host: x}", "local"),
    ],
)
def test_infrastructure_is_checked_as_in_the_configuration(
    wrong: Callable[..., Any], entry: str, marked: str
) -> None:
    text = f"flow: a\ntasks: {{a: {{command: ls}}}}\ninfrastructure:\n  {entry}\n"
    found = wrong(text)
    assert (4, marked) in [(line, mark) for line, mark, _ in found], found

"""CONTRACT §3, a flow in YAML: its forms, commands, calculations, looks and conditions."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

FUNCTIONS = """\
def f(x, y):
    total = x + y
    return total

class Other:
    pass
"""

FORM = """\
name: sampleflow
flow: a; c || b
python: functions.py
parameters: {x: 3, y: 4, nobody: 5}
edges: {"a -> b": {label: rows}}
tasks:
  a:
    parameter: {x: int, y: int}
    calculation: f(x, y)
    entry:  {color: orange, label: "a…", shape: circle}
    return: {color: green, label: "a = {value}", shape: circle, value: total}
    error:  {color: red}
    on: thread
  b: {command: "echo {a}", on: local}
  c: {command: [printf, "%s", "<{a}>"]}
"""


def yaml(here: Any, text: str, functions: str = "", name: str = "f.yaml") -> None:
    here.write(name, text)
    if functions:
        here.write("functions.py", functions)


def test_the_form_of_the_contract(here: Any) -> None:
    yaml(here, FORM, FUNCTIONS)
    nodes = here.run("f.yaml")
    assert here.last["workflow"] == "sampleflow"
    assert {n: nodes[n]["result"] for n in nodes} == {"a": 7, "b": "7", "c": "<7>"}
    a = nodes["a"]
    assert (a["color"], a["shape"]) == ("green", "circle")
    assert a["cloud"] == "thread"
    assert here.run("f.yaml", "--param", "x=10")["a"]["result"] == 14
    assert "rows" in here("export", "sampleflow", "--format", "dot").out


def test_what_is_not_given_stays(here: Any) -> None:
    yaml(
        here,
        """\
flow: a || b || c || d
python: functions.py
tasks:
  a:
    entry: {color: orange, label: in, shape: box}
    return: {color: green}
  b:
    entry: {color: orange, label: in, shape: box}
    error: {label: bad}
  c:
    entry: {color: orange}
    return: {color: green, label: said}
  d: {color: blue, label: D, shape: star, return: {shape: box}}
""",
        """\
def a(): return 1
def b(): raise ValueError
def c(): return {"color": "pink", "value": 1}
def d(): return 1
""",
    )
    nodes = here.run("f.yaml", code=1)
    shown = {n: [nodes[n][k] for k in ("color", "label", "shape")] for n in nodes}
    assert shown["a"] == ["green", "in", "box"]
    assert shown["b"] == ["orange", "bad", "box"]
    assert shown["c"][1] == "said"
    assert shown["d"] == ["blue", "D", "box"]


def test_value_is_a_local_variable_of_the_function_as_it_returns(here: Any) -> None:
    yaml(
        here,
        "flow: a || b || c\npython: functions.py\ntasks:\n"
        "  a: {return: {value: x}}\n  b: {return: {value: x}}\n  c: {return: {value: nope}}\n",
        "def a():\n    x = 1\n    x = 2\n    return 'no'\n"
        "async def b():\n    x = 5\n    return None\ndef c(): return 1\n",
    )
    assert "nope" in here.refused("run", "f.yaml")
    nodes = here.run("f.yaml", "a || b")
    assert [nodes[n]["result"] for n in "ab"] == [2, 5]


# -- YAML 1.2 ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("true", True),
        ("True", True), ("FALSE", False), ("null", None), ("~", None), ("010", 10), ("0o10", 8),
        ("0x1F", 31), ("1_000", "1_000"), ("1:30", "1:30"), ("12:30:45", "12:30:45"),
        ("2020-01-01", "2020-01-01"), ("1e3", 1000.0), (".5", 0.5), ("'3'", "3"), ("1.", 1.0),
        ("ä ✓", "ä ✓"), ("+3", 3), ("0b1", "0b1"), ("=", "="), ("<<", "<<"), ("''", ""),
        ("[1, [2]]", [1, [2]]), ("{a: {b: no}}", {"a": {"b": "no"}}),
    ],
)  # fmt: skip
def test_values_are_read_by_yaml_1_2(here: Any, written: str, value: Any) -> None:
    yaml(
        here,
        f"flow: a\npython: functions.py\nparameters: {{x: {written}}}\n",
        "from cloudmesh.flow import Value\ndef a(x): return Value([x])\n",
    )
    found = here.run("f.yaml")["a"]["result"]
    assert found == [value]
    assert type(found[0]) is type(value)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("flow: a\nflow: b\n", (2, 1)),
        ("flow: a\nflwo: b\n", (2, 1)),
        ("flow: a\ntasks:\n  a: {command: x, comand: y}\n", (3, 19)),
        ("flow: a\ntasks:\n  a: {command: x}\n  a: {command: y}\n", (4, 3)),
        ("flow: !!python/name:os.system a\n", (1, 7)),
        ("flow: !x a\n", (1, 7)),
        ("flow: [a\n", None),
        ("flow: a\n\ttasks: b\n", None),
        ("flow: a\ntasks:\n  a: {on: &x local, command: y}\n  b: *z\n", None),
        ("", None),
        ("3\n", None),
        ("flow: 3\n", None),
        ("flow: a\ntasks: [1]\n", None),
        ("flow: a\ntasks: {a: 3}\n", None),
        ("flow: a; b\ntasks: {a: {command: x}}\n", (1, 10)),
        ("flow: a\nname: 1 2\ntasks: {a: {command: x}}\n", (2, 7)),
        ("flow: a\ntasks: {a: {command: x, calculation: f()}}\n", None),
        ("flow: a\ntasks: {a: {command: x, when: 'import os'}}\n", None),
        ("flow: a\ntasks: {a: {command: x, on: mars}}\n", (2, 29)),
        ("flow: a\ntasks: {a: {command: 'echo \"{x}\"'}}\n", None),
        ("flow: a\ntasks: {a: {command: \"echo '{x}'\"}}\n", None),
        ("flow: a\ntasks: {a: {command: 'echo {x}'}}\n", None),
        ("flow: a\nedges: {'a -> b': {label: x}}\ntasks: {a: {command: x}}\n", None),
    ],
)
def test_what_is_refused_names_line_and_column(
    here: Any, text: str, place: tuple[int, int] | None
) -> None:
    yaml(here, text)
    document = here.json("check", "f.yaml", code=2)
    places = [(problem["line"], problem["column"]) for problem in document["problems"]]
    assert place is None or place in places, document["problems"]
    said = here.refused("run", "f.yaml")
    assert "f.yaml" in said
    assert here.documents("flow-runs") == []


def test_limits_of_a_file(here: Any) -> None:
    yaml(here, "flow: a\nparameters: {x: " + "[" * 101 + "]" * 101 + "}\n")
    assert "100" in here.refused("check", "f.yaml")
    yaml(here, "flow: a\nname: '" + "x" * 10_000_001 + "'\n")
    assert "10" in here.refused("check", "f.yaml")


def test_windows_line_ends_and_a_byte_order_mark(here: Any) -> None:
    yaml(here, "\ufeff" + FORM.replace("\n", "\r\n"), FUNCTIONS.replace("\n", "\r\n"))
    assert here.run("f.yaml")["b"]["result"] == "7"


def test_the_list_form_of_the_seed(here: Any) -> None:
    yaml(
        here,
        """\
flow: a; b
python: functions.py
tasks:
  - name: a
    parameter:
      x: "int"
      y: "int"
    calculation: f(x,y)
    entry:
      color: green
      label: a
      shape: circle
    return:
      color: green
      label: a
      value: total
      shape: circle
  - name: b
    command: echo {a}
parameters: {x: 1, y: 2}
""",
        FUNCTIONS,
    )
    assert here.run("f.yaml")["b"]["result"] == "3"


def test_the_form_of_cloudmesh_cc(here: Any) -> None:
    yaml(
        here,
        """\
workflow:
  nodes:
    a: {name: a, user: me, host: local, kind: local, label: first, exec: "echo a", status: ready}
    b: {name: b, kind: local, exec: "echo b", progress: 0, script: b.sh, x: [1]}
    c: {name: c, kind: local, exec: "echo c"}
  dependencies:
    - a,b,c
""",
    )
    nodes = here.run("f.yaml")
    assert [nodes[n]["upstream"] for n in "abc"] == [[], ["a"], ["b"]]
    assert [nodes[n]["result"] for n in "abc"] == ["a", "b", "c"]
    assert nodes["a"]["label"] == "first"


def test_python_may_be_a_module_or_a_class(here: Any) -> None:
    text = "flow: a; b\npython: {}\n"
    here.write("stuff/__init__.py", "")
    here.write("stuff/mod.py", "def a(): return 1\ndef b(a): return a + 1\n")
    here.write(
        "k.py",
        "from cloudmesh.flow import BaseWorkFlow\n"
        "class One(BaseWorkFlow):\n    def a(self): return 10\n    def b(self, a): return a + 1\n"
        "class Two(BaseWorkFlow):\n    def a(self): return 20\n    def b(self, a): return a + 1\n",
    )
    for python, result in (("stuff.mod", 2), ("k.py:Two", 21), ("stuff/mod.py", 2)):
        here.write("f.yaml", text.format(python))
        assert here.run("f.yaml")["b"]["result"] == result


def test_flow_may_be_a_list(here: Any) -> None:
    yaml(
        here,
        "flow: ['a; b || c', 'a; d']\ntasks: "
        + json.dumps({n: {"command": f"echo {n}"} for n in "abcd"}),
    )
    assert here.run("f.yaml")["d"]["upstream"] == ["a"]


# -- commands ------------------------------------------------------------------------


NASTY = 'it\'s "$(touch pwned)" `x` ; rm {b} {{c}} \\ ä\n2'


def test_a_value_never_becomes_part_of_a_shell_string(here: Any) -> None:
    yaml(
        here,
        "flow: a; b || c || d\npython: functions.py\ntasks:\n"
        "  b: {command: 'printf %s {a}'}\n"
        "  c: {command: [printf, '%s', '<{a}>']}\n"
        "  d: {command: 'printf %s {a}; printf -- -{a}-'}\n",
        f"def a(): return {NASTY!r}\n",
    )
    nodes = here.run("f.yaml")
    assert nodes["b"]["result"] == NASTY
    assert nodes["c"]["result"] == f"<{NASTY}>"
    assert not (here.folder / "pwned").exists()


def test_braces_and_other_names(here: Any) -> None:
    yaml(
        here,
        "flow: a\nparameters: {x: [1, {k: ä}]}\ntasks:\n  a:\n"
        "    command: [printf, '%s|', '{x}', '{{x}}', '{', '}', '{1}', '{}', '{ x }', '{x}{x}']\n",
    )
    x = '[1, {"k": "ä"}]'
    assert here.run("f.yaml")["a"]["result"] == f"{x}|{{x}}|{{|}}|{{1}}|{{}}|{{ x }}|{x}{x}|"


def test_values_of_a_command_are_json_text(here: Any) -> None:
    yaml(
        here,
        "flow: a\nparameters: {n: null, t: true, i: 3, s: text, d: {a: 1}, l: [1, x]}\ntasks:\n"
        "  a: {command: [printf, '%s|', '{n}', '{t}', '{i}', '{s}', '{d}', '{l}']}\n",
    )
    assert here.run("f.yaml")["a"]["result"] == 'null|true|3|text|{"a": 1}|[1, "x"]|'


def test_stdout_stripped_is_the_value_and_the_exit_code_decides(here: Any) -> None:
    yaml(
        here,
        "flow: a || b || c || d\ntasks:\n"
        "  a: {command: \"printf '  x y \\\\n\\\\n'; echo err >&2\"}\n"
        "  b: {command: 'echo out; exit 7'}\n"
        "  c: {command: 'kill -TERM $$'}\n"
        "  d: {command: 'echo one; echo \"# cloudmesh status=running progress=40\"; echo two'}\n",
    )
    nodes = here.run("f.yaml", code=1)
    assert nodes["a"]["result"] == "x y"
    assert (nodes["b"]["status"], nodes["b"]["exit_code"]) == ("error", 7)
    assert (nodes["c"]["status"], nodes["c"]["exit_code"]) == ("error", 143)
    assert nodes["d"]["result"] == "one\ntwo"
    assert nodes["d"]["progress"] == 40
    assert "err" in here("logs", "latest", "a").out


def test_a_command_that_does_not_exist(here: Any) -> None:
    yaml(here, "flow: a || b\ntasks:\n  a: {command: [no-such-thing]}\n  b: {command: no-such}\n")
    nodes = here.run("f.yaml", code=1)
    assert {n["status"] for n in nodes.values()} == {"error"}
    assert nodes["b"]["exit_code"] == 127


def test_a_command_has_its_key(here: Any) -> None:
    yaml(here, "flow: a\ntasks: {a: {command: 'echo $CLOUDMESH_FLOW_KEY'}}\n")
    key = here.run("f.yaml")["a"]["result"]
    assert key.split("/")[1:] == [here.last["run"], "a"]


def test_a_secret_of_a_command(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    yaml(
        here,
        "flow: a\ntasks: {a: {parameter: {tok: secret}, command: 'printf %s {tok} | wc -c'}}\n",
    )
    here.refused("run", "f.yaml")
    monkeypatch.setenv("TOK", "hunter2hunter2")
    assert here.run("f.yaml")["a"]["result"] == "14"
    for file in here.folder.rglob("*"):
        assert file.is_dir() or b"hunter2" not in file.read_bytes()


def test_a_command_may_be_mapped(here: Any) -> None:
    yaml(
        here,
        "flow: a; b*; c\npython: functions.py\ntasks: {b: {command: 'echo \"v\"{a}'}, "
        "c: {command: [echo, '{b}']}}\n",
        "def a(): return [1, 2]\n",
    )
    nodes = here.run("f.yaml")
    assert nodes["b"]["result"] == ["v1", "v2"]
    assert nodes["c"]["result"] == '["v1", "v2"]'


# -- calculations ------------------------------------------------------------------------

CALLS = """\
flow: a
python: functions.py
parameters: {x: 1, y: 2}
tasks:
  a:
    calculation: """


@pytest.mark.parametrize(
    ("calculation", "result"),
    [
        ("f(x, y)", [1, 2]),
        ("f(y, x)", [2, 1]),
        ("f(x, y=3)", [1, 3]),
        ("f(1, -2.5)", [1, -2.5]),
        ("f('a', [1, {'k': None}])", ["a", [1, {"k": None}]]),
        ("f(True, (1, 2))", None),
    ],
)
def test_a_calculation_is_a_call_of_names_and_literals(
    here: Any, calculation: str, result: Any
) -> None:
    yaml(here, CALLS + json.dumps(calculation), "def f(x, y): return [x, y]\n")
    found = here.run("f.yaml")["a"]["result"]
    assert result is None or found == result


@pytest.mark.parametrize(
    "calculation",
    ["f", "f(x, g(y))", "os.system('x')", "f(x)", "f(x, y, 3)", "f(x + 1, y)", "f(*x)", "f(x, z=1)",
     "__import__('os')", "f(x, y); f(x, y)", "lambda: 1", "f(x, y).z", "f(x, undefined_name)", ""],
)  # fmt: skip
def test_anything_else_is_refused(here: Any, calculation: str) -> None:
    yaml(here, CALLS + json.dumps(calculation), "def f(x, y): return [x, y]\n")
    here.refused("run", "f.yaml")


# -- conditions ------------------------------------------------------------------------


def conditional(here: Any, when: str) -> str:
    yaml(
        here,
        "flow: a || b; c\npython: functions.py\nparameters: {p: 5}\ntasks:\n"
        f"  c: {{when: {json.dumps(when)}}}\n",
        "def a(): return 4\ndef b(): return {'ok': True, 'list': [1, {'x': 'y'}], 'n': None}\n"
        "def c(p=0): return 'ran'\n",
    )
    done = here("run", "f.yaml", "--output", "json")
    if done.code == 2:
        return "refused"
    node = json.loads(done.out)["nodes"][2]
    return "skipped" if node["skipped"] else node["result"] or node["status"]


@pytest.mark.parametrize(
    ("when", "what"),
    [
        ("a > 3 and b.ok", "ran"),
        ("a > 4", "skipped"),
        ("not b.ok", "skipped"),
        ("b.list[1].x == 'y'", "ran"),
        ("b['list'][0] in [1, 2]", "ran"),
        ('b.list[-1].x != "y"', "skipped"),
        ("b.n == null", "ran"),
        ("b.n is None or false", "ran"),
        ("b.ok == true", "ran"),
        ("p == 5", "ran"),
        ("1 < a <= 4", "ran"),
        ("'x' in b.list[1]", "ran"),
        ("a not in [1]", "ran"),
        ("a", "ran"),
        ("b.nothing", "error"),
        ("b.list[9]", "error"),
        ("a > 'x'", "error"),
        ("a + 1 > 3", "refused"),
        ("len(b) > 1", "refused"),
        ("b.__class__", "refused"),
        ("zzz", "refused"),
        ("c", "refused"),
        ("a if b else 1", "refused"),
        ("[x for x in b]", "refused"),
        ("a = 3", "refused"),
        ("", "refused"),
        ("   ", "refused"),
    ],
)
def test_conditions(here: Any, when: str, what: str) -> None:
    assert conditional(here, when) == what


def test_what_is_skipped(here: Any) -> None:
    yaml(
        here,
        "flow: a; b; c || d || e || g || h*; f\npython: functions.py\n"
        "tasks:\n  b: {when: 'a > 3'}\n  g: {command: 'echo {b}'}\n",
        """\
def a(): return 1
def b(a): return 2
def c(b): return "needs"
def d(b=7): return b
def e(): return "ran"
def f(): return "last"
def h(b): return b
""",
    )
    nodes = here.run("f.yaml")
    assert here.last["status"] == "finished"
    b = nodes["b"]
    assert (b["status"], b["skipped"], b["result"]) == ("finished", True, None)
    assert b["exit_code"] == 0
    assert b["reason"] == "skipped: when a > 3"
    assert [nodes[n]["skipped"] for n in "cgh"] == [True] * 3
    assert nodes["c"]["status"] == "finished"
    assert [nodes[n]["result"] for n in "def"] == [7, "ran", "last"]
    assert [nodes[n]["skipped"] or False for n in "def"] == [False] * 3


def test_a_condition_of_a_map_is_asked_for_each_element(here: Any) -> None:
    yaml(
        here,
        "flow: a; b*; c\npython: functions.py\ntasks:\n  b: {when: 'a > 1'}\n",
        "def a(): return [1, 2, 3]\ndef b(a): return a * 10\ndef c(b): return b\n",
    )
    nodes = here.run("f.yaml")
    assert [nodes[f"b[{i}]"]["skipped"] or False for i in range(3)] == [True, False, False]
    assert nodes["b"]["result"] == [None, 20, 30] == nodes["c"]["result"]


def test_only_names_that_are_used_are_filled(here: Any) -> None:
    yaml(here, "flow: a\ntasks: {a: {parameter: {x: int, y: str}, command: echo}}\n")
    assert here.run("f.yaml")["a"]["result"] == ""
    assert "x" in here.refused("run", "f.yaml", "--param", "x=1")


def test_types_of_the_yaml_convert_parameters(here: Any) -> None:
    yaml(
        here,
        "flow: a\npython: functions.py\ntasks: {a: {parameter: {x: str}, calculation: f(x)}}\n",
        "def f(x): return [x]\n",
    )
    assert here.run("f.yaml", "--param", "x=3")["a"]["result"] == ["3"]


def test_infrastructure_of_the_flows_own(here: Any) -> None:
    yaml(
        here,
        "flow: a\ninfrastructure: {lab: {kind: ssh, host: 192.0.2.1}}\n"
        "tasks: {a: {command: x, on: lab}}\n",
    )
    assert here("check", "f.yaml").code == 0
    assert here.run("f.yaml", "--on", "a=local", code=1)["a"]["exit_code"] == 127


def test_progress_lines_of_a_function(here: Any) -> None:
    yaml(
        here,
        "flow: a || b\npython: functions.py\ntasks: {b: {on: process}}\n",
        "def a():\n    print('# cloudmesh status=running progress=30')\n    return 1\nb = None\n"
        "def b():\n    print('# cloudmesh status=running progress=60')\n    return 1\n",
    )
    nodes = here.run("f.yaml")
    assert (nodes["a"]["progress"], nodes["b"]["progress"]) == (30, 60)


def test_command_lists_take_numbers(here: Any) -> None:
    yaml(here, f"flow: a\ntasks: {{a: {{command: [{sys.executable}, -c, 'print(1)', 3, true]}}}}\n")
    assert here.run("f.yaml")["a"]["result"] == "1"

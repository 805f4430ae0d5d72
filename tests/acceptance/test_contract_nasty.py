"""What a strict user tries: odd flows, odd values, odd names, together."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nodes import flow


def test_a_map_of_values_that_are_no_json(here: Any) -> None:
    flow(
        here,
        "def a(self): return [1, 2]\n"
        "def b(self, a): return {'color': 'red', 'label': f'l{a}', 'value': bytes([a])}\n"
        "def c(self, b): return [type(x).__name__ for x in b] + [b'\\x01\\x02' == b''.join(b)]\n"
        "def d(self, b): return b == bytes([1])",
        "a; b*; c || d*",
    )
    nodes = here.run("p-flow.py")
    assert nodes["c"]["result"] == ["bytes", "bytes", True]
    shown = [nodes[f"b[{i}]"]["result"] for i in (0, 1)]
    assert nodes["b"]["result"] == shown
    assert nodes["b[1]"]["label"] == "l2"
    assert [nodes[f"d[{i}]"]["result"] for i in (0, 1)] == [True, False]


def test_a_map_of_large_values(here: Any) -> None:
    flow(
        here,
        "def a(self): return ['x', 'y']\ndef b(self, a): return a * 70_000\n"
        "def c(self, b): return [len(x) for x in b]",
        "a; b*; c",
    )
    assert here.run("p-flow.py")["c"]["result"] == [70_000, 70_000]
    assert here.documents("p-flow-active", name="b[1]")[0]["result"] == "y" * 70_000
    assert here.documents("p-flow-active", name="b")[0]["result"] == ["x" * 70_000, "y" * 70_000]
    assert json.loads(here("result", "latest", "b").out) == ["x" * 70_000, "y" * 70_000]


def test_a_value_that_cannot_be_stored_is_that_nodes_error(here: Any) -> None:
    flow(
        here,
        "def a(self): return threading.Lock()\ndef b(self): return (i for i in [1])\n"
        "def c(self): return [1, sys._getframe()]\ndef d(self): return lambda: 1",
        "a || b || c || d",
        "import sys, threading",
    )
    nodes = here.run("p-flow.py", code=1)
    for name in "abc":
        assert nodes[name]["status"] == "error", name
        assert "stored" in nodes[name]["error"]["message"]
    assert nodes["d"]["status"] == "finished"


def test_a_list_that_holds_itself(here: Any) -> None:
    flow(
        here,
        "def a(self):\n    x = [1]\n    x.append(x)\n    return x\ndef b(self, a): return 1",
        "a; b",
    )
    assert here.run("p-flow.py")["b"]["result"] == 1


def test_nodes_whose_names_differ_in_case_alone(here: Any) -> None:
    flow(here, "def a(self): return 1\ndef A(self, a): return a + 1", "a; A")
    nodes = here.run("p-flow.py")
    assert (nodes["a"]["result"], nodes["A"]["result"]) == (1, 2)
    assert here("result", "latest", "A").out.strip() == "2"


@pytest.mark.parametrize(
    "name", ["null", "true", "on", "class", "None", "self", "select", "__init", "_id", "x" * 300]
)
def test_names_of_nodes_that_are_words_elsewhere(here: Any, name: str) -> None:
    here.write(
        "f.yaml",
        f"flow: {json.dumps(f'{name}; z')}\ntasks:\n  {json.dumps(name)}: {{command: echo 1}}\n"
        "  z: {command: echo 2}\n",
    )
    nodes = here.run("f.yaml")
    assert nodes[name]["result"] == "1"
    assert nodes["z"]["upstream"] == [name]
    assert here("logs", "latest", name).code == 0


def test_methods_of_every_kind(here: Any) -> None:
    flow(
        here,
        "@staticmethod\ndef a(): return 1\n"
        "@classmethod\ndef b(cls, a): return cls.__name__\n"
        "c = lambda self, a: a + 1\n"
        "@deco\ndef d(self, a): return a + 2\n"
        "def e(self, **rest): return sorted(rest)\n"
        "def f(self, *, a, k=1): return a + k\n",
        "a; b || c || d || e || f || g",
        "import functools\n"
        "def deco(f):\n    @functools.wraps(f)\n    def w(*p, **k): return f(*p, **k)\n"
        "    return w\n"
        "class Base(BaseWorkFlow):\n    def g(self, a): return 'inherited'\n",
    )
    text = (here.folder / "p-flow.py").read_text().replace("P(BaseWorkFlow)", "P(Base)")
    here.write("p-flow.py", text)
    nodes = here.run("p-flow.py:P")
    found = {n: nodes[n]["result"] for n in nodes}
    assert found == {"a": 1, "b": "P", "c": 2, "d": 3, "e": [], "f": 2, "g": "inherited"}


def test_functions_of_every_kind(here: Any) -> None:
    done = here.python("""\
        import functools, operator
        from cloudmesh.flow import task, workflow
        @task(retries=1, retry_delay=0)
        def a():
            from cloudmesh.flow import current
            if current().attempt == 1: raise OSError
            return 3
        class C:
            def __call__(self, a): return a * 2
            async def m(self, a): return a * 5
        def p(a, k): return a + k
        w = workflow("a; b | c | d | e", functions={
            "a": a, "b": C(), "c": functools.partial(p, k=4), "d": C().m, "e": lambda a, **k: a})
        if __name__ == "__main__":
            run = w.run()
            assert run.values == {"a": 3, "b": 6, "c": 7, "d": 15, "e": 3}, (run, run.values)
            assert run["a"].attempt == 2
        """)
    assert done.returncode == 0, done.stderr


def test_of_two_runs_at_once_the_latest_started_stays_active(here: Any) -> None:
    done = here.python("""\
        import os, threading
        from cloudmesh.flow import open_store, workflow
        begun, go = threading.Event(), threading.Event()
        def a():
            begun.set(); go.wait(30)
        def b(): pass
        if __name__ == "__main__":
            first = []
            thread = threading.Thread(target=lambda: first.append(workflow("a").run()))
            thread.start(); begun.wait(30)
            second = workflow("b").run()
            store = open_store(os.environ["CLOUDMESH_FLOW_STORE"])
            for _ in range(1000):  # the documents follow the journal within a moment
                active = {d["run"] for d in store.documents("program-flow-active")}
                if len(active) == 2 or go.wait(0.01):
                    break
            assert len(active) == 2, active
            go.set(); thread.join()
            active = {d["run"] for d in store.documents("program-flow-active")}
            assert active == {second.id}, (active, second.id)
            old = {d["run"] for d in store.documents("program-flow-history")}
            assert old == {first[0].id}
        """)
    assert done.returncode == 0, done.stderr


def test_windows_line_ends_everywhere(here: Any) -> None:
    text = (
        "from cloudmesh.flow import BaseWorkFlow\r\n\r\nclass W(BaseWorkFlow):\r\n"
        '    flow = """a;\r\n    b || c"""\r\n'
        "    def a(self): return 'x\\r\\ny'\r\n    def b(self, a): return a\r\n"
        "    def c(self): print('one\\r\\ntwo')\r\n"
    )
    here.write("w-flow.py", text)
    nodes = here.run("w-flow.py")
    assert nodes["b"]["result"] == "x\r\ny"
    assert here("logs", "latest", "c").out.splitlines() == ["one", "two"]
    done = here("run", "w-flow.py", "a;\r\nb;\r\nnope")
    assert done.code == 2
    assert "3:1" in done.err, done.err


def test_output_of_every_kind(here: Any) -> None:
    flow(
        here,
        "def a(self):\n    print('ü✓😀', end='')\n    sys.stdout.write('\\n')\n    print()\n"
        "    print('err', file=sys.stderr)\n    print('x' * 10000)\n    return None",
        head="import sys",
    )
    done = here("run", "p-flow.py")
    assert done.code == 0, done.err
    assert "a | ü✓😀" in done.out.splitlines()
    assert "ü✓😀" in here("logs").out


def test_edges_without_a_label_have_the_parameter_that_they_carry(here: Any) -> None:
    flow(here, "def a(self): return 1\ndef b(self, a): pass\ndef c(self): pass", "a; b || c")
    here.run("p-flow.py")
    dot = here("export", "latest", "--format", "dot").out
    lines = [line for line in dot.splitlines() if "->" in line]
    assert len(lines) == 2
    assert ["label" in line for line in lines] == [True, False], lines


def test_looks_of_a_retry_begin_anew(here: Any) -> None:
    flow(
        here,
        "@task(retries=1, retry_delay=0, color='blue')\ndef a(self):\n"
        "    if current().attempt == 2: return 1\n"
        "    return {'status': 'error', 'color': 'red', 'label': 'bad'}",
    )
    node = here.run("p-flow.py")["a"]
    assert (node["status"], node["attempt"], node["color"]) == ("finished", 2, "blue")
    assert node["error"] is None


def test_retry_on(here: Any) -> None:
    flow(
        here,
        "@task(retries=3, retry_delay=0, retry_on=OSError)\ndef a(self): raise FileNotFoundError\n"
        "@task(retries=3, retry_delay=0, retry_on=OSError)\ndef b(self): raise ValueError",
        "a || b",
    )
    nodes = here.run("p-flow.py", code=1)
    assert (nodes["a"]["attempt"], nodes["b"]["attempt"]) == (4, 1)


def test_when_and_over_in_task(here: Any) -> None:
    flow(
        here,
        "def a(self): return [1, 2]\ndef m(self): return 5\n"
        "@task(over='a', when='a > k and m == 5')\ndef b(self, a, m, k=1): return a",
        "a; m; b*",
    )
    nodes = here.run("p-flow.py")
    assert nodes["b"]["result"] == [None, 2]
    assert nodes["b[0]"]["reason"] == "skipped: when a > k and m == 5"


def test_a_map_whose_function_does_not_take_the_element(here: Any) -> None:
    flow(here, "def a(self): return [1, 2]\ndef b(self): return 'x'", "a; b*")
    assert here.run("p-flow.py")["b"]["result"] == ["x", "x"]


def test_maps_side_by_side_and_after_each_other(here: Any) -> None:
    flow(
        here,
        "def a(self): return [1, 2]\ndef b(self, a): return a\ndef c(self, a): return -a\n"
        "def d(self, b, c): return [b, c]\n"
        "@task(over='c')\ndef e(self, b, c): return [b, c]",
        "a; b* || c*; d; e*",
    )
    nodes = here.run("p-flow.py")
    assert nodes["d"]["result"] == [[1, 2], [-1, -2]]
    assert nodes["e"]["result"] == [[[1, 2], -1], [[1, 2], -2]]


def test_status_at_any_number(here: Any) -> None:
    flow(here, "def a(self): return 1")
    here.run("p-flow.py")
    assert here("status", "--at", "999").code in (0, 2)
    here.refused("status", "--at", "0")
    here.refused("status", "--at", "-1")


def test_the_labels_of_a_look_may_be_templates(here: Any) -> None:
    here.write(
        "f.yaml",
        "flow: a\npython: f.py\ntasks:\n"
        "  a: {return: {label: '{name} = {value} ({status}) {other}'}}\n",
    )
    here.write("f.py", "def a(): return 7\n")
    label = here.run("f.yaml")["a"]["label"]
    assert label in ("{name} = {value} ({status}) {other}", "a = 7 (finished) {other}"), label


def test_keys_of_tasks_that_are_no_text(here: Any) -> None:
    here.write("f.yaml", "flow: a\ntasks:\n  1: {command: x}\n  a: {command: 'true'}\n")
    here.refused("run", "f.yaml")


def test_a_thousand_findings(here: Any) -> None:
    here.write("t.py", "def a(): pass\n")
    done = here("check", "t.py", "; ".join(f"n{i}" for i in range(1000)))
    assert done.code == 2
    assert len(done.err) < 100_000


def test_run_values_of_a_python_program(here: Any) -> None:
    done = here.python("""\
        import dataclasses
        from cloudmesh.flow import BaseWorkFlow, task
        @dataclasses.dataclass
        class Point:
            x: int
        class F(BaseWorkFlow):
            flow = "a; m*; b; c"
            def a(self): return [Point(1), Point(2)]
            @task(on="process")
            def m(self, a): return Point(a.x + 1)
            def b(self, m): return [isinstance(p, Point) for p in m]
            @task(on="process")
            async def c(self, m): return m == [Point(2), Point(3)]
        if __name__ == "__main__":
            run = F().run()
            assert run["b"].value == [True, True], run["b"].error
            assert run["c"].value is True, run["c"].error
            assert run["m"].value == [Point(2), Point(3)]
            assert run["m[1]"].value == Point(3)
            assert list(run.values) == ["a", "m", "b", "c"]
            again = F().retry(run, "b")
            assert again["b"].value == [True, True], again["b"].error
            assert again["m"].value == [Point(2), Point(3)]
        """)
    assert done.returncode == 0, done.stderr

"""CONTRACT §3, what nodes return and how they run: values, exit codes, places, words."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import pytest
from nodes import HEAD, flow

VALUES = {
    "bytes": "b'x\\x00'",
    "Path": "pathlib.Path('/x/y')",
    "datetime": "datetime.datetime(2020, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)",
    "dataclass": "Point(1, 2)",
    "tuple": "(1, 'a')",
    "set": "{1, 2}",
    "nan": "[float('inf'), 1.5]",
    "decimal": "decimal.Decimal('1.10')",
    "intkeys": "{1: 'a'}",
    "bigint": "2 ** 200",
    "surrogate": "'\\ud800'",
    "nul": "'a\\0b'",
    "marks": "Value({'$type': 'x', 'text': 'y'})",
    "ref": "Value({'$ref': 'x'})",
    "complex": "1 + 2j",
    "large": "list(range(30_000))",
    "largebytes": "b'x' * 100_000",
    "report": "{'color': 'red', 'value': b'x'}",
    "nested": "{'a': [Point(3, 4), b'x', {'b': datetime.date(2020, 1, 1)}]}",
    "numpy": "__import__('numpy').arange(6).reshape(2, 3)",
    "pandas": "__import__('pandas').DataFrame({'a': [1, 2], 'b': ['x', 'y']})",
    "bool": "True",
    "float": "1.0",
}


def test_values_of_any_type_come_back_after_a_resume_in_a_new_process(here: Any) -> None:
    methods = "".join(
        f"    def v_{n}(self): return {t}\n    def t_{n}(self, v_{n}): return same(v_{n}, {t})\n"
        for n, t in VALUES.items()
    )
    first = " || ".join(f"v_{n}" for n in VALUES)
    second = " || ".join(f"t_{n}" for n in VALUES)
    text = (
        HEAD
        + f"""
def same(found, wanted):
    if isinstance(wanted, Value):
        wanted = wanted.value
    if isinstance(wanted, dict) and "color" in wanted:
        wanted = wanted["value"]
    assert type(found) is type(wanted), (type(found), type(wanted))
    equal = found == wanted
    while getattr(equal, "ndim", 0):
        equal = equal.all()
    return bool(equal)

class V(BaseWorkFlow):
    flow = "({first}); die; ({second})"
    def die(self):
        import os
        if not os.path.exists("again"):
            open("again", "w").close()
            os._exit(9)
{methods}
if __name__ == "__main__":
    V().run()
"""
    )
    done = here.python(text)
    assert done.returncode == 9, done.stderr
    run = here.json("runs")[0]
    assert (run["status"], run["engine"]) == ("running", "lost")
    again = here.json("resume", run["run"])
    nodes = {n["name"]: n for n in again["nodes"]}
    wrong = {n: nodes[f"t_{n}"]["error"] for n in VALUES if nodes[f"t_{n}"]["result"] is not True}
    assert not wrong, wrong
    assert nodes["die"]["attempt"] == 2
    assert nodes["die"]["reason"] == "was running when the engine died"
    assert {nodes[f"v_{n}"]["attempt"] for n in VALUES} == {1}
    assert nodes["v_bytes"]["result"] == {"$type": "bytes", "text": "b'x\\x00'"}
    found = here.documents("program-flow-active", name="v_large")
    assert found[0]["result"] == list(range(30_000))


def test_nan_is_never_bare(here: Any) -> None:
    flow(here, "def a(self): return [float('nan')]\ndef b(self, a): return a[0] != a[0]", "a; b")
    done = here("run", "p-flow.py", "--output", "json")
    assert json.loads(done.out, parse_constant=lambda c: pytest.fail(c))["status"] == "finished"


def test_in_one_process_a_successor_gets_the_very_object(here: Any) -> None:
    done = here.python("""\
        from cloudmesh.flow import workflow
        thing = object()
        def a(): return thing
        def b(a): return a is thing
        if __name__ == "__main__":
            run = workflow("a; b").run()
            assert run["b"].value is True, run["b"].error
            assert run["a"].value is thing
        """)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("statement", "status", "code", "kind"),
    [
        ("raise ValueError('x')", "error", None, "ValueError"),
        ("sys.exit(3)", "error", 3, "SystemExit"),
        ("sys.exit('text')", "error", 1, "SystemExit"),
        ("sys.exit(0)", "finished", 0, None),
        ("sys.exit()", "finished", 0, None),
        ("raise KeyboardInterrupt", "error", None, "KeyboardInterrupt"),
        ("raise BaseExceptionGroup('g', [GeneratorExit()])", "error", None, "BaseExceptionGroup"),
        ("return 1", "finished", 0, None),
    ],
)
@pytest.mark.parametrize("on", ["local", "process"])
def test_exit_codes_of_a_node(
    here: Any, statement: str, status: str, code: int | None, kind: str | None, on: str
) -> None:
    flow(here, f"def a(self):\n    {statement}", head="import sys")
    node = here.run("p-flow.py", "--on", f"a={on}", code=status == "error")["a"]
    assert (node["status"], node["exit_code"]) == (status, code)
    assert (node["error"] or {}).get("type") == kind
    assert set(node["error"] or {"type", "message", "traceback"}) == {
        "type",
        "message",
        "traceback",
    }


def test_a_timeout_and_a_killed_worker_are_errors(here: Any) -> None:
    flow(
        here,
        "@task(timeout='200ms')\ndef a(self): time.sleep(60)\n"
        "@task(on='process')\ndef b(self): os.kill(os.getpid(), 9)",
        "a || b",
        head="import os, time",
    )
    nodes = here.run("p-flow.py", code=1)
    assert {n["status"] for n in nodes.values()} == {"error"}
    assert nodes["b"]["exit_code"] == 137
    assert "time" in nodes["a"]["error"]["type"].lower()


def test_where_a_node_runs(here: Any) -> None:
    flow(here, "def a(self): return os.getpid()", head="import os")

    assert here.run("p-flow.py")["a"]["result"] == os.getpid()
    assert here.run("p-flow.py", "--on", "a=thread")["a"]["result"] == os.getpid()
    assert here.run("p-flow.py", "--on", "a=process")["a"]["result"] != os.getpid()
    assert "nowhere" in here.refused("run", "p-flow.py", "--on", "a=nowhere")
    flow(here, "@task(on='mars')\ndef a(self): pass")
    assert "mars" in here.refused("run", "p-flow.py")


def test_state_on_self_is_not_carried_and_warned_of(here: Any) -> None:
    flow(here, "def a(self): self.x = 1\ndef b(self): return hasattr(self, 'x')", "a; b")
    with pytest.warns(RuntimeWarning, match=r"assigns self\.x.*return it"):
        here("run", "p-flow.py")
    assert here.json("status")["nodes"][1]["result"] is False


def test_current_and_self(here: Any) -> None:
    flow(
        here,
        "@task(retries=1, retry_delay=0)\n"
        "def a(self):\n"
        "    c = current()\n"
        "    c.progress(40, 'text'); self.progress(50)\n"
        "    c.sleep(0.01)\n"
        "    assert (self.key, self.attempt, self.cancelled) == (c.key, c.attempt, c.cancelled)\n"
        "    if c.attempt == 1: raise OSError('once')\n"
        "    return [c.key, c.attempt, c.cancelled]",
    )
    node = here.run("p-flow.py")["a"]
    key, attempt, cancelled = node["result"]
    _store, run, name = key.split("/")
    assert (run, name, attempt, cancelled) == (here.last["run"], "a", 2, False)
    assert node["progress"] == 50
    assert node["reason"] == "retry 2 of 2 after OSError"  # as "retry 2 of 3" with retries=2


@pytest.mark.parametrize(
    ("words", "fine"),
    [
        ("timeout='500ms'", True),
        ("timeout='5m'", True),
        ("timeout='1h30m'", True),
        ("timeout=3", True),
        ("timeout=2.5", True),
        ("retry_delay='1s', retries=1, retry_on=OSError", True),
        ("retry_on=(OSError, 'ValueError')", True),
        ("color='red', label='x', shape='box'", True),
        ("timeout='5 parsecs'", False),
        ("timeout=-1", False),
        ("retries=-1", False),
        ("retries='x'", False),
        ("colour='red'", False),
        ("when='import os'", False),
        ("when='f(x)'", False),
    ],
)
def test_words_of_task(here: Any, words: str, fine: bool) -> None:
    flow(here, f"@task({words})\ndef a(self): return 1")
    if fine:
        assert here.run("p-flow.py")["a"]["result"] == 1
    else:
        here.refused("run", "p-flow.py")


def test_edges_of_task(here: Any) -> None:
    flow(here, "def a(self): pass\n@task(edges={'a': 'rows'})\ndef b(self, a): pass", "a; b")

    here.run("p-flow.py")
    assert "rows" in here("export", "latest", "--format", "dot").out


def test_python_is_this_one() -> None:
    assert sys.version_info >= (3, 11)

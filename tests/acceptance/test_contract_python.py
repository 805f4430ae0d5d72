"""CONTRACT §3, a flow in Python: classes, functions, parameters, values, reports."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nodes import HEAD, flow

CLASS = (
    HEAD
    + """\
class MyFlow(BaseWorkFlow):
    flow = "(a; b || c)"
    def a(self): return 10
    def b(self, a): return a + 1
    @task(retries=2, timeout="5m")
    def c(self, a, scale=3):
        look = {"color": "green", "shape": "circle", "label": "c"}
        return {"status": "done", **look, "value": a * scale}
    def unnamed(self): raise RuntimeError("never runs")
    async def d(self, c):
        await asyncio.sleep(0)
        return c + 1
"""
)

RETURNS = [
    # returned, the value, shown color
    ('{"status": "done"}', None, None),
    ('{"status": "finished", "value": 3}', 3, None),
    ('{"color": "red", "value": 3}', 3, "red"),
    ('{"label": "x", "value": None}', None, None),
    ('{"shape": "box", "color": "blue", "label": "l", "value": [1]}', [1], "blue"),
    # and what is no report
    ('{"value": 3}', {"value": 3}, None),
    ('{"color": "red"}', {"color": "red"}, None),
    ('{"status": "ok"}', {"status": "ok"}, None),
    ('{"status": "ok", "value": 3}', {"status": "ok", "value": 3}, None),
    ('{"status": "done", "other": 3}', {"status": "done", "other": 3}, None),
    ('{"color": "red", "value": 3, "x": 1}', {"color": "red", "value": 3, "x": 1}, None),
    ('{"color": "red", "label": "x"}', {"color": "red", "label": "x"}, None),
    ('{"status": 1, "value": 3}', {"status": 1, "value": 3}, None),
    ('{"status": ["done"]}', {"status": ["done"]}, None),
    ("{}", {}, None),
    ("[{'status': 'done'}]", [{"status": "done"}], None),
    ("Value({'status': 'error'})", {"status": "error"}, None),
    ("Value({'status': 'done', 'value': 1})", {"status": "done", "value": 1}, None),
    ("Value(5)", 5, None),
    ("None", None, None),
]


@pytest.mark.parametrize(("returned", "value", "color"), RETURNS)
def test_the_report_rule(here: Any, returned: str, value: Any, color: str | None) -> None:
    here.write(
        "r-flow.py",
        f"""\
from cloudmesh.flow import BaseWorkFlow, Value
class R(BaseWorkFlow):
    flow = "a; b"
    def a(self): return {returned}
    def b(self, a): return Value([a])
""",
    )
    nodes = here.run("r-flow.py")
    assert nodes["b"]["result"] == [value]
    assert nodes["a"]["color"] == color
    assert nodes["a"]["status"] == "finished"


@pytest.mark.parametrize("status", ["error", "failed"])
def test_a_report_of_error_is_an_error(here: Any, status: str) -> None:
    here.write(
        "r-flow.py",
        f"""\
from cloudmesh.flow import BaseWorkFlow
class R(BaseWorkFlow):
    flow = "a; b"
    def a(self): return {{"status": "{status}", "label": "no", "value": 3}}
    def b(self, a): return a
""",
    )
    nodes = here.run("r-flow.py", code=1)
    assert nodes["a"]["status"] == "error"
    assert nodes["a"]["label"] == "no"
    assert nodes["b"]["status"] == "pending"
    assert nodes["b"]["reason"] == "blocked by a"


def test_the_class_of_the_contract(here: Any) -> None:
    here.write("my-flow.py", CLASS)
    nodes = here.run("my-flow.py", "--param", "scale=4")
    assert list(nodes) == ["a", "b", "c"]
    assert (nodes["a"]["result"], nodes["b"]["result"]) == (10, 11)
    report = {"status": "done", "color": "green", "shape": "circle", "label": "c", "value": 40}
    assert nodes["c"]["result"] == report
    assert [nodes["c"][k] for k in ("color", "shape", "label")] == ["green", "circle", "c"]
    assert here.run("my-flow.py", "a; c; d")["d"]["result"] == 31


def test_the_api_of_the_contract(here: Any) -> None:
    done = here.python(
        CLASS
        + """
if __name__ == "__main__":
    import os
    url = os.environ["CLOUDMESH_FLOW_STORE"]
    run = MyFlow().run("(a; b || c)", params={"scale": 5}, store=url, parallel=32)
    assert run.status == "finished", run.status
    assert run["b"].value == 11 and run["b"].status == "finished" and run["b"].result == 11
    assert run["b"].error is None and run["b"].attempt == 1
    assert run["c"].value == 50 and run["c"].result["value"] == 50
    assert run.values == {"a": 10, "b": 11, "c": 50}, run.values
    assert run.raise_for_error() is None
    assert len(run.id) == 8 and run.id.isalnum() and run.id.islower()
    from cloudmesh.flow import open_store
    store = open_store(url)
    found = list(store.documents("program-flow-active", run=run.id, name="b"))
    assert [d["result"] for d in found] == [11], found
    assert isinstance(found[0], dict)
    assert MyFlow().define() is None
    print(run.id)
""",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == here.json("runs")[0]["run"]


def test_a_failed_run_does_not_raise_by_itself(here: Any) -> None:
    done = here.python("""\
        from cloudmesh.flow import BaseWorkFlow
        class F(BaseWorkFlow):
            name = "other"
            flow = "a; b"
            def a(self):
                import os
                if os.path.exists("ok"): return 1
                raise KeyError("x")
            def b(self, a): return a + 1
        if __name__ == "__main__":
            run = F().run()
            assert run.status == "error" and run["a"].status == "error"
            assert run["a"].error["type"] == "KeyError"
            assert "KeyError" in run["a"].error["traceback"]
            assert run["a"].value is None and run["b"].status == "pending"
            assert run["b"].reason == "blocked by a"
            assert run.values == {}
            try:
                run.raise_for_error()
            except Exception as error:
                assert "KeyError" in str(error) and "a" in str(error)
            else:
                raise SystemExit("did not raise")
            again = F().resume(run)
            assert (again.id, again.status) == (run.id, "error")
            open("ok", "w").close()
            again = F().retry(run)
            assert again.status == "finished" and again.values == {"a": 1, "b": 2}
            assert again.id != run.id and again.workflow == "other"
            from cloudmesh.flow.errors import InputError
            try:
                F().cancel(again)
            except InputError as error:
                assert "finished" in str(error)
            else:
                raise SystemExit("cancelled what has ended")
        """)
    assert done.returncode == 0, done.stderr


def test_define_stores_the_definition_only(here: Any) -> None:
    here.python(CLASS + '\nif __name__ == "__main__": MyFlow().define()\n')
    assert [d["name"] for d in here.documents("program-flow")] == ["a", "b", "c"]
    assert here.documents("flow-runs") == []
    assert here.documents("program-flow-active") == []


def test_the_originals_last_lines_run_one_node(here: Any) -> None:
    text = """\
from cloudmesh.flow.WorkFlow import BaseWorkFlow
import sys

class MyFlow(BaseWorkFlow):
    def a(self): print("in a!")
    def b(self): print("in b!"); raise SystemExit(3)

Flow = MyFlow(sys.argv[0])
Flow.runCommand(sys.argv[1])
"""
    with_flow = text.replace("BaseWorkFlow):", "BaseWorkFlow):\n    flow = 'a; b'")
    here.write("program.py", with_flow)
    assert here("add", "program.py").code == 0
    done = here.python(with_flow, "a")
    assert done.returncode == 0, done.stderr
    assert "in a!" in done.stdout
    assert "in b!" not in done.stdout
    assert [d["name"] for d in here.documents("program-flow")] == ["a", "b"]  # as it was
    assert [d["name"] for d in here.documents("program-flow-active")] == ["a"]
    assert here.python(text, "b").returncode == 1
    assert here.python(text, "nope").returncode == 2
    here.write("my-flow.py", text)
    done = here("run", "my-flow.py", "a")
    assert done.code == 0
    assert done.out.count("in a!") == 1


def test_functions_plain_or_async_of_a_module(here: Any) -> None:
    done = here.python("""\
        import asyncio
        from cloudmesh.flow import workflow
        def a(): return 1
        async def b(a):
            await asyncio.sleep(0)
            return a + 1
        def c(a, k=5): return a + k
        w = workflow("a; b | c")
        if __name__ == "__main__":
            run = w.run(params={"k": 7})
            assert run.values == {"a": 1, "b": 2, "c": 8}, run.values
            def f(): return "f"
            other = workflow("a; g", functions={"a": f, "g": lambda a: a + "g"})
            assert other.run().values == {"a": "f", "g": "fg"}
            def local():
                def p(): return 1
                def q(p): return p + 1
                return workflow("p; q").run().values
            assert local() == {"p": 1, "q": 2}
        """)
    assert done.returncode == 0, done.stderr
    nodes = here.run("program.py")
    assert nodes["b"]["result"] == 2


def test_a_module_with_functions_and_a_string(here: Any) -> None:
    here.write("f-flow.py", "def a(): return 1\nasync def b(a): return a + 1\n")
    assert here.run("f-flow.py", "a; b")["b"]["result"] == 2


NAMES = [
    "flow",
    "name",
    "run",
    "define",
    "resume",
    "retry",
    "cancel",
    "key",
    "attempt",
    "progress",
    "cancelled",
    "runCommand",
]


def test_the_public_attributes_are_these_and_no_others() -> None:
    from cloudmesh.flow import BaseWorkFlow

    assert sorted(n for n in dir(BaseWorkFlow) if not n.startswith("_")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_node_named_as_a_public_attribute_is_refused(here: Any, name: str) -> None:
    here.write(
        "x-flow.py",
        "from cloudmesh.flow import BaseWorkFlow\nclass X(BaseWorkFlow):\n"
        f"    def a(self): pass\n    def {name}(self): pass\n",
    )
    assert name in here.refused("run", "x-flow.py", f"a; {name}")


def test_a_run_while_cms_loads_the_file_is_refused_with_the_remedy(here: Any) -> None:
    here.write("x-flow.py", CLASS + "\nMyFlow().run()\n")
    assert '__name__ == "__main__"' in here.refused("run", "x-flow.py")
    assert here.documents("flow-runs") == []


def test_the_name_of_a_flow(here: Any) -> None:
    here.write("my-flow.py", CLASS)
    here.run("my-flow.py", "--flowname", "other")
    assert here.last["workflow"] == "other"
    here.run("my-flow.py")
    assert here.last["workflow"] == "my"
    here.write("my-flow.py", CLASS.replace('flow = "(', 'name = "said"\n    flow = "('))
    here.run("my-flow.py")
    assert here.last["workflow"] == "said"
    here.write("2 x.py", CLASS)
    assert "--flowname" in here.refused("run", "2 x.py")
    here.run("2 x.py", "--flowname", "two")
    here.write("plain.py", CLASS)
    here.run("plain.py")
    assert here.last["workflow"] == "plain"


# -- parameters ---------------------------------------------------------------------


def test_parameters_are_filled_in_this_order(here: Any) -> None:
    flow(here, "def a(self): return 1\ndef x(self, a, b=2, c=3): return [a, b, c]", "a; x")
    assert here.run("p-flow.py", "--param", "b=9")["x"]["result"] == [1, 9, 3]
    # also of an indirect predecessor
    flow(here, "def a(self): return 1\ndef m(self): pass\ndef x(self, a): return a", "a; m; x")
    assert here.run("p-flow.py")["x"]["result"] == 1


@pytest.mark.parametrize(
    ("body", "string", "params"),
    [
        ("def a(self, q): pass", "a", []),
        ("def a(self, b): pass\ndef b(self): pass", "a; b", []),
        ("def a(self, b=1): pass\ndef b(self): pass", "a; b", []),
        ("def a(self, b=1): pass\ndef b(self): pass", "a || b", []),
        ("def a(self, a): pass", "a", []),
        ("def a(self): pass", "a", ["z=1"]),
        ("def a(self): pass\ndef b(self, a): pass", "a; b", ["a=1"]),
        ("def a(self, *rest): pass", "a", []),
        ("def a(self, x, /): pass", "a", ["x=1"]),
        ("def a(self, x: int): pass", "a", ["x=no"]),
        ("def a(self, x: bool): pass", "a", ["x=maybe"]),
        ("def a(self, x: list): pass", "a", ["x={}"]),
        ("def a(self, x: dict): pass", "a", ["x=[]"]),
        ("def a(self, x: int): pass", "a", ["x=1.5"]),
        ("def a(self, x: float): pass", "a", ["x=one"]),
        ("def a(self, x): pass", "a", ["x"]),
        ("def a(self, x): pass", "a", ["x=1", "x=2"]),
    ],
)
def test_what_is_refused_before_the_run(
    here: Any, body: str, string: str, params: list[str]
) -> None:
    flow(here, body, string)
    here.refused("run", "p-flow.py", *(w for p in params for w in ("--param", p)))
    assert here.documents("flow-runs") == []


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("", "3", 3),
        ("", "3.5", 3.5),
        ("", "true", True),
        ("", "null", None),
        ("", '["a"]', ["a"]),
        ("", "hello", "hello"),
        ("", "a=b=c", "a=b=c"),
        ("", "", ""),
        ("", "NaN", "NaN"),
        ("", "äöü ✓", "äöü ✓"),
        ("", "007", "007"),
        (": int", "7", 7),
        (": int", "-7", -7),
        (": float", "7", 7.0),
        (": bool", "true", True),
        (": bool", "False", False),
        (": str", "7", "7"),
        (": str", "null", "null"),
        (": list", "[1]", [1]),
        (": dict", '{"a": 1}', {"a": 1}),
        (": 'list[int]'", "[1]", [1]),
        (": dict[str, int]", '{"a": 1}', {"a": 1}),
        (": int | None", "null", None),
        (": int | None", "4", 4),
        (": str | None", "4", "4"),
        (": typing.Optional[str]", "4", "4"),
        (": typing.Optional[int]", "4", 4),
    ],
)
def test_param_text_is_converted_by_the_annotation(
    here: Any, annotation: str, text: str, value: Any
) -> None:
    flow(here, f"def a(self, x{annotation}): return Value([x])", head="import typing")
    found = here.run("p-flow.py", "--param", f"x={text}")["a"]["result"]
    assert found == [value]
    assert type(found[0]) is type(value)


def test_a_pydantic_model_is_a_parameter(here: Any) -> None:
    head = "import pydantic\nclass M(pydantic.BaseModel):\n    n: int\n"
    flow(here, "def a(self, m: M): return m.n + 1", head=head)
    assert here.run("p-flow.py", "--param", 'm={"n": 4}')["a"]["result"] == 5
    here.refused("run", "p-flow.py", "--param", 'm={"n": "x"}')


def test_a_secret_is_never_stored_logged_or_shown(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow(here, "def a(self, token: Secret):\n    return len(token)")
    assert "secret" in here.refused("run", "p-flow.py")
    monkeypatch.setenv("TOKEN", "hunter2-hunter2")
    assert here.run("p-flow.py")["a"]["result"] == 15
    assert "hunter2" not in json.dumps(here.last)
    for file in here.folder.rglob("*"):
        assert file.is_dir() or b"hunter2" not in file.read_bytes()
    here.refused("run", "p-flow.py", "--param", "token=x")

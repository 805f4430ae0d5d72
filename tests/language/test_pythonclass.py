from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cloudmesh.flow.errors import InputError, RunFailed
from cloudmesh.flow.executors import call
from cloudmesh.flow.language.functions import code_of
from cloudmesh.flow.language.load import load_functions, load_object
from cloudmesh.flow.language.pythonclass import BaseWorkFlow, Secret, task, workflow
from cloudmesh.flow.model.flow import Look, Parameter


def functions(thing: Any, text: str) -> Any:
    return load_object(thing, text).functions


class MyFlow(BaseWorkFlow):
    def __init__(self, *arguments: Any) -> None:
        self.shared = [1]

    def a(self) -> list[int]:
        return self.shared

    def assigns(self) -> int:
        self.x = 3
        self.shared = [2]
        return self.x

    def adds(self) -> None:
        self.shared.append(4)

    async def later(self, a: int = 1) -> int:
        self.y = a
        return a + 1

    @staticmethod
    def still(a: int = 1) -> int:
        return a

    @classmethod
    def of_class(cls, a: int = 1) -> str:
        return cls.__name__


def test_what_a_node_assigns_on_self_is_not_carried_and_warned_of() -> None:
    thing = MyFlow()
    nodes = functions(thing, "a; assigns")
    with pytest.warns(
        RuntimeWarning, match=r"MyFlow.assigns assigns self.shared, self.x.*return it"
    ):
        assert nodes["assigns"]() == 3
    assert nodes["a"]() == [1]
    assert not hasattr(thing, "x")


def test_a_node_that_assigns_nothing_is_not_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert functions(MyFlow(), "a")["a"]() == [1]


def test_an_async_node_stays_one_and_is_warned_of_too() -> None:
    node = functions(MyFlow(), "later")["later"]
    assert inspect.iscoroutinefunction(node)
    with pytest.warns(RuntimeWarning, match="assigns self.y"):
        assert asyncio.run(node(a=4)) == 5


def test_static_and_class_methods() -> None:
    nodes = functions(MyFlow(), "still; of_class")
    assert nodes["still"](a=7) == 7
    assert nodes["of_class"]() == "MyFlow"
    tasks = [n.task.parameters for n in load_object(MyFlow, "still; of_class").flow.nodes]
    assert tasks == [(Parameter("a", "int", False),)] * 2


def test_slots_are_copied_too() -> None:
    class Slotted(BaseWorkFlow):
        __slots__ = ("x",)

        def __init__(self) -> None:
            self.x = 5

        def a(self) -> int:
            return self.x

    assert functions(Slotted(), "a")["a"]() == 5


def test_the_code_under_the_call_can_be_found() -> None:
    node = functions(MyFlow(), "a")["a"]
    assert code_of(node) is MyFlow.a.__code__
    assert list(inspect.signature(node).parameters) == ["self"]


def test_signatures() -> None:
    def plain(a: int, b: list[int], c="x", *, d: Any, e=None, **rest): ...  # type: ignore[no-untyped-def]

    @functools.wraps(plain)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        plain(*args, **kwargs)

    expected = (
        Parameter("a", "int"),
        Parameter("b", "list[int]"),
        Parameter("c", "", False),
        Parameter("d", "Any"),
        Parameter("e", "", False),
    )

    def parameters(function: Any) -> Any:
        return load_functions("f", {"f": function}, later=True).flow.nodes[0].task.parameters

    assert parameters(plain) == expected
    assert parameters(wrapped) == expected
    assert [p.name for p in parameters(functools.partial(plain, a=1)) if p.required] == ["b", "d"]


def test_what_is_called_may_be_an_object() -> None:
    class Called:
        async def __call__(self, x: int) -> int:
            return x

    node = load_functions("f", {"f": Called()}, later=True).flow.nodes[0]
    assert node.task.parameters == (Parameter("x", "int"),)
    assert node.task.is_async


def test_task_says_the_rest_of_a_node() -> None:
    @task(
        on="process",
        retries=2,
        retry_delay="500ms",
        retry_on=(OSError, "TimeoutError"),
        timeout="1h30m",
        pool="db",
        color="green",
        label="the {name}",
        edges={"a": "rows"},
    )
    def b() -> int:
        return 1

    flow = load_functions("a; b", {"a": lambda: 1, "b": b}).flow
    told = flow.nodes[1].task
    assert (told.on, told.retries, told.retry_delay, told.timeout) == ("process", 2, 0.5, 5400.0)
    assert told.retry_on == ("OSError", "TimeoutError")
    assert told.pool == "db"
    assert told.look == told.entry == Look("green", "the {name}")
    assert flow.labels == {("a", "b"): "rows"}
    assert b() == 1


def test_task_without_parentheses() -> None:
    @task
    def a() -> int:
        return 1

    assert load_functions("a", {"a": a}).functions["a"] is a


def test_a_wrong_word_of_task_is_refused_at_once_outside_of_a_file_that_is_loaded() -> None:
    with pytest.raises(InputError, match="did you mean 'retries'") as error:
        task(retrys=2)  # type: ignore[call-overload]
    assert Path(error.value.problems[0].file).absolute() == Path(__file__)


def test_workflow_takes_the_functions_of_the_place_where_it_is_called() -> None:
    def a() -> int:
        return 1

    made = workflow("a; in_module")
    program = load_functions(made.text, made.functions)
    assert program.functions == {"a": a, "in_module": in_module}


def in_module() -> int:
    return 2


def test_a_secret_does_not_show_itself() -> None:
    assert "token" not in repr(Secret("token"))
    assert Secret("token") == "token"


def test_key_attempt_progress_and_cancelled_are_those_of_the_running_node() -> None:
    said = []
    attempt = SimpleNamespace(
        key="s/r/a", number=2, cancelled=False, progress=lambda p, t: said.append((p, t)), extra={}
    )
    token = call.here.set(attempt)
    try:
        thing = MyFlow()
        assert (thing.key, thing.attempt, thing.cancelled) == ("s/r/a", 2, False)
        thing.progress(40, "text")
    finally:
        call.here.reset(token)
    assert said == [(40.0, "text")]
    with pytest.raises(RuntimeError):
        _ = thing.key


class Chain(BaseWorkFlow):
    name = "chain"
    flow = "a; b"

    def a(self) -> int:
        return 1

    def b(self, a: int, fail: bool = False) -> int:
        if fail:
            raise ValueError("asked to")
        return a + 1


@pytest.fixture
def store(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/flow.db"


def test_run_from_python(store: str) -> None:
    run = Chain().run(store=store)
    assert (run.status, run.values, run["b"].value) == ("finished", {"a": 1, "b": 2}, 2)
    assert Chain().run("a", store=store).values == {"a": 1}
    with pytest.raises(InputError, match="did you mean 'a'"):
        Chain().run("aa", store=store)


def test_a_failed_run_does_not_raise_by_itself_and_can_be_retried(store: str) -> None:
    run = Chain().run(store=store, params={"fail": True})
    assert run.status == "error"
    with pytest.raises(RunFailed, match="asked to"):
        run.raise_for_error()

    class Mended(Chain):
        def b(self, a: int, fail: bool = False) -> int:
            return a + 10

    again = Mended().retry(run, store=store)
    assert (again.status, again.values) == ("finished", {"a": 1, "b": 11})


def test_functions_run_as_well(store: str) -> None:
    def a() -> int:
        return 1

    async def b(a: int) -> int:
        return a + 1

    assert workflow("a; b").run(store=store).values == {"a": 1, "b": 2}


def test_the_original_s_last_line_runs_one_node(
    store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLOUDMESH_FLOW_STORE", store)
    monkeypatch.setattr(sys, "argv", ["test-flow.py", "a"])
    thing = Chain(sys.argv[0])
    thing.runCommand(sys.argv[1])
    with pytest.raises(SystemExit) as error:
        thing.runCommand("c")
    assert error.value.code == 2
    assert "no method 'c'" in capsys.readouterr().err


def test_the_original_s_last_lines_do_nothing_in_a_worker_either(
    store: str, tmp_path: Path
) -> None:
    path = tmp_path / "old-flow.py"
    path.write_text(
        "import sys\n"
        "from cloudmesh.flow import BaseWorkFlow, task\n"
        "class MyFlow(BaseWorkFlow):\n"
        "    @task(on='process')\n"
        "    def a(self): return 5\n"
        "Flow = MyFlow(sys.argv[0]); Flow.runCommand(sys.argv[1])\n"
    )
    from cloudmesh.flow import api
    from cloudmesh.flow.language.load import load
    from cloudmesh.flow.store import open_store

    run = api.run(load(str(path), ["a"]), open_store(store))
    assert (run["a"].error, run.values) == (None, {"a": 5})


def test_a_condition_on_a_parameter_that_is_left_to_its_default(store: str) -> None:
    class Limited(BaseWorkFlow):
        flow = "a || b"

        @task(when="limit > 2")
        def a(self, limit: int = 3) -> int:
            return limit

        @task(when="limit > 3")
        def b(self, limit: int = 3) -> int:
            return limit

    run = Limited().run(store=store)
    assert run.values == {"a": 3, "b": None}
    assert Limited().run(store=store, params={"limit": 4}).values == {"a": 4, "b": 4}

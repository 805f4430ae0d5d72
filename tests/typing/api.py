"""What the type checker sees of the public names; nothing here is ever run.

`assert_type` says what a type is; where a mistake must be seen stands an
``ignore`` with its code, which is itself a mistake when nothing is wrong there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Iterator
from typing import Any, assert_type

from cloudmesh.flow import BaseWorkFlow, Secret, Value, current, open_store, task, workflow
from cloudmesh.flow.errors import FlowError, InputError, Problem, StoreError
from cloudmesh.flow.handle import Run, RunNode
from cloudmesh.flow.language.pythonclass import Workflow
from cloudmesh.flow.store.protocol import Store
from cloudmesh.flow.testing import (
    LOST,
    FakeClock,
    FakeExecutor,
    InTurn,
    Rehearsal,
    Takes,
    memory_store,
    rehearse,
    simulate,
)
from cloudmesh.flow.WorkFlow import BaseWorkFlow as SeedsBaseWorkFlow


# -- a class -----------------------------------------------------------------
class MyFlow(BaseWorkFlow):
    flow = "a; b || c"
    name = "mine"

    def a(self) -> int:
        return 10

    @task(retries=2, timeout="5m", on="lab", retry_on=(OSError, "TimeoutError"))
    def b(self, a: int, by: int = 1) -> int:
        self.progress(50, "half way")
        assert_type(self.key, str)
        assert_type(self.attempt, int)
        assert_type(self.cancelled, bool)
        return a + by

    @task
    async def c(self, token: Secret) -> str:
        return token.upper()


assert_type(MyFlow().a(), int)
assert_type(MyFlow().b(1), int)  # a decorated method keeps its signature
asynchronous: Coroutine[Any, Any, str] = MyFlow().c(Secret("x"))
run = MyFlow("any", 1).run(
    "a; b", params={"by": 2}, store="memory://x", on={"a": "lab"}, parallel=4
)
MyFlow().define(store=open_store())
seeds: type[BaseWorkFlow] = SeedsBaseWorkFlow

MyFlow().b("ten")  # type: ignore[arg-type]
MyFlow().run(parallel="4")  # type: ignore[arg-type]
MyFlow().run(params=["by"])  # type: ignore[arg-type]
MyFlow().retry(3)  # type: ignore[arg-type]

# -- a run -------------------------------------------------------------------
assert_type(run, Run)
assert_type(run.id, str)
assert_type(run.status, str)
assert_type(run.workflow, str)
assert_type(run.store, Store)
assert_type(run["b"], RunNode)
assert_type(run["b"].status, str)
assert_type(run["b"].value, Any)
assert_type(run["b"].error, dict[str, Any] | None)
assert_type(run["b"].attempt, int)
assert_type(run["b"].reason, str | None)
assert_type(run.values, dict[str, Any])
assert_type(iter(run), Iterator[str])
assert_type(run.documents(), list[dict[str, Any]])
assert_type(MyFlow().resume(run), Run)
assert_type(MyFlow().retry(run.id, "b"), Run)
assert_type(MyFlow().cancel(run), str)
run["b"].status = "finished"  # type: ignore[misc]
run.result_of("b")  # type: ignore[attr-defined]


# -- functions -----------------------------------------------------------------
def f(x: int) -> str:
    return "a" * x


async def g(x: int) -> str:
    return "a" * x


assert_type(workflow("a; b", functions={"a": f, "b": lambda a: a}, name="n"), Workflow)
assert_type(workflow(["a; b", "a; c"]).run(), Run)
assert_type(task(f)(3), str)
assert_type(task(pool="gpu", color="red", edges={"a": "rows"})(f)(3), str)
awaited: Awaitable[str] = task(timeout=3)(g)(3)
workflow(3)  # type: ignore[arg-type]
task(colour="red")  # type: ignore[call-overload]
task(retries="two")  # type: ignore[call-overload]
task("lab")  # type: ignore[call-overload]

# -- inside a node ---------------------------------------------------------------
current().progress(40, "text")
current().sleep(0.5)
assert_type(current().key, str)
assert_type(current().attempt, int)
assert_type(current().cancelled, bool)
assert_type(Value({"status": "done"}).value, Any)
current().progress("40")  # type: ignore[arg-type]
secret: str = Secret("a secret is a text")

# -- stores ------------------------------------------------------------------------
store = open_store("sqlite:///flow.db")
assert_type(store, Store)
found: list[dict[str, Any]] = store.documents("a-flow-active", run="latest")
store.close()
open_store(3)  # type: ignore[arg-type]

# -- errors ------------------------------------------------------------------------
try:
    run.raise_for_error()
except InputError as error:
    assert_type(error.problems, list[Problem])
    assert_type(error.problems[0].line, int)
except StoreError as store_error:
    assert_type(store_error.exit_code, int)
base: FlowError = InputError("x")

# -- tests of flows ------------------------------------------------------------------
told = rehearse(
    MyFlow, {"a": 3, "b": InTurn(OSError("busy"), LOST, Takes("5m", 3))}, slots={"lab": 1}
)
assert_type(told, Rehearsal)
assert_type(told.took, float)
assert_type(told.starts, list[tuple[float, str, int]])
assert_type(told.log("a"), str)
assert_type(memory_store(), Store)
assert_type(FakeExecutor({"a": 1}, FakeClock()).clock, FakeClock)
simulate(3).check()
rehearse(MyFlow, outcomes=[3])  # type: ignore[arg-type]
Takes(None)  # type: ignore[arg-type]

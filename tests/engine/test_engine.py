"""The engine on real threads: values, errors, output, limits, retries, cancel, resume."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow import Value, api, current, task
from cloudmesh.flow.errors import InputError, RunFailed
from cloudmesh.flow.handle import Run
from cloudmesh.flow.language.program import Program
from cloudmesh.flow.store.protocol import Store

Runner = Callable[..., Run]


def test_values_go_by_parameter_name(run: Runner) -> None:
    def a() -> int:
        return 10

    def b(a: int) -> int:
        return a + 1

    def c(a: int, scale: int = 3) -> dict[str, Any]:
        return {"status": "done", "color": "green", "label": "c", "value": a * scale}

    done = run("(a; b || c)", a, b, c)
    assert done.status == "finished"
    assert done.values == {"a": 10, "b": 11, "c": 30}
    assert done["c"].result == {"status": "done", "color": "green", "label": "c", "value": 30}
    assert done["c"].attempt == 1
    done.raise_for_error()


def test_run_parameters_and_defaults(run: Runner) -> None:
    def a(x: int, y: int = 2) -> int:
        return x * y

    assert run("a", a, parameters={"x": 4})["a"].value == 8


def test_the_very_object_is_passed_on(run: Runner) -> None:
    seen = []

    def a() -> object:
        return [object]

    def b(a: object) -> None:
        seen.append(a)

    done = run("a; b", a, b)
    assert seen[0] is done["a"].value


def test_a_value_wrapped_is_the_value_itself(run: Runner) -> None:
    def a() -> Value:
        return Value({"status": "done", "value": 3})

    def b(a: Any) -> Any:
        return a["status"]

    assert run("a; b", a, b)["b"].value == "done"


def test_no_node_starts_before_what_it_depends_on_has_ended(run: Runner, watcher: Any) -> None:
    names = [f"n{k}" for k in range(50)]
    functions = []
    for name in names:

        def node() -> int:
            return 1

        node.__name__ = name
        functions.append(node)
    assert run("; ".join(names), *functions).status == "finished"
    at = {event[:2]: event[2] for event in watcher.events if event[0] != "end"}
    for i in range(1, len(names)):
        assert at["finished", i - 1] <= at["started", i] <= at["finished", i]


def test_an_error_blocks_what_follows_and_nothing_else(run: Runner) -> None:
    def a() -> None:
        raise ValueError("no such thing")

    def b() -> int:
        return 1

    def c() -> int:
        return 2

    done = run(["a; b", "c"], a, b, c)
    assert done.status == "error"
    assert done["a"].error is not None
    assert done["a"].error["type"] == "ValueError"
    assert 'raise ValueError("no such thing")' in done["a"].error["traceback"]
    assert "cloudmesh/flow" not in done["a"].error["traceback"]
    assert done["b"].status == "pending"
    assert done["b"].reason == "blocked by a"
    assert done["c"].value == 2
    with pytest.raises(RunFailed, match="a: ValueError: no such thing"):
        done.raise_for_error()


@pytest.mark.parametrize(("code", "exit_code", "status"), [(7, 7, "error"), (0, 0, "finished")])
def test_system_exit(run: Runner, store: Store, code: int, exit_code: int, status: str) -> None:
    def a() -> None:
        sys.exit(code)

    done = run("a", a)
    [document] = store.nodes(done.id)
    assert (document["status"], document["exit_code"]) == (status, exit_code)
    assert done["a"].value is None


def test_a_report_of_error_is_an_error(run: Runner, store: Store) -> None:
    def a() -> dict[str, Any]:
        return {"status": "error", "color": "red", "value": "disk is full"}

    done = run("a", a)
    [document] = store.nodes(done.id)
    assert document["status"] == "error"
    assert document["color"] == "red"
    assert "disk is full" in document["error"]["message"]


def test_a_value_that_cannot_be_stored_is_that_nodes_error(run: Runner) -> None:
    def a() -> Any:
        return (i for i in [1])

    done = run("a", a)
    assert done["a"].error is not None
    assert "a generator, cannot be stored" in done["a"].error["message"]


def test_maps(run: Runner, store: Store) -> None:
    def split() -> list[int]:
        return [1, 2, 3]

    def work(split: int) -> int:
        return split * split

    def merge(work: list[int], split: list[int]) -> int:
        return sum(work) + len(split)

    done = run("split; work*; merge", split, work, merge)
    assert done["merge"].value == 17
    assert done["work"].value == [1, 4, 9]
    assert done["work"].result == [1, 4, 9]
    assert done["work[1]"].value == 4
    names = [document["name"] for document in store.nodes(done.id)]
    assert names == ["split", "work", "merge", "work[0]", "work[1]", "work[2]"]


def test_a_map_over_a_tuple_and_over_nothing(run: Runner) -> None:
    def split() -> tuple[int, ...]:
        return ()

    def work(split: int) -> int:
        return split

    def merge(work: list[int]) -> int:
        return len(work)

    done = run("split; work*; merge", split, work, merge)
    assert done["work"].value == []
    assert done["merge"].value == 0


def test_async_nodes_run_side_by_side(run: Runner) -> None:
    meeting = asyncio.Event()

    async def a() -> int:
        meeting.set()
        return 1

    async def b() -> int:
        await asyncio.wait_for(meeting.wait(), 10)
        return 2

    def c(a: int, b: int) -> int:
        return a + b

    assert run("b || a; c", a, b, c)["c"].value == 3


def test_threads_run_side_by_side(run: Runner) -> None:
    meeting = threading.Barrier(8, timeout=60)

    def work(split: int) -> int:
        return meeting.wait()

    def split() -> list[int]:
        return list(range(8))

    assert sorted(run("split; work*", split, work)["work"].value) == list(range(8))


def test_no_more_than_parallel_at_once(run: Runner) -> None:
    lock = threading.Lock()
    now, most = 0, 0

    def split() -> list[int]:
        return list(range(20))

    def work(split: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        current().sleep(0.002)
        with lock:
            now -= 1

    run("split; work*", split, work, parallel=3)
    assert most <= 3


def test_what_a_node_prints_is_its_log(run: Runner, store: Store, watcher: Any) -> None:
    def a() -> None:
        print("one")
        print("two", file=sys.stderr)
        print("three", end="")

    done = run("a", a)
    assert ("a", "out", "one\n") in watcher.printed
    assert ("a", "err", "two\n") in watcher.printed
    text, _ = store.read_log(done.id, "a")
    assert "one\n" in text
    assert "three" in text


def test_progress_and_key(run: Runner, store: Store, watcher: Any) -> None:
    keys = []

    def a() -> None:
        keys.append((current().key, current().attempt))
        current().progress(40, "half")

    done = run("a", a)
    assert keys == [(f"{store.id}/{done.id}/a", 1)]


def test_retries(run: Runner, watcher: Any) -> None:
    tries = []

    @task(retries=2, retry_delay="1ms")
    def a() -> int:
        tries.append(current().attempt)
        if len(tries) < 3:
            raise OSError("not yet")
        return 7

    done = run("a", a)
    assert done["a"].value == 7
    assert tries == [1, 2, 3]
    assert done["a"].reason == "retry 3 of 3 after OSError"


def test_retry_on_only_what_is_named(run: Runner) -> None:
    @task(retries=5, retry_delay="1ms", retry_on="OSError")
    def a() -> None:
        raise KeyError("x")

    assert run("a", a)["a"].attempt == 1


def test_retry_on_a_base_class(run: Runner) -> None:
    @task(retries=1, retry_delay="1ms", retry_on="OSError")
    def a() -> None:
        raise FileNotFoundError("x")

    assert run("a", a)["a"].attempt == 2


def test_a_condition(run: Runner) -> None:
    def a() -> int:
        return 3

    @task(when="a > 5")
    def b() -> int:
        return 1

    def c(b: int) -> int:
        return b

    def d(b: int = 9) -> int:
        return b

    done = run("a; b; c || d", a, b, c, d)
    assert done.status == "finished"
    assert done["b"].reason == "skipped: when a > 5"
    assert done["c"].status == "finished"
    assert done["c"].attempt == 0
    assert done["d"].value == 9


def test_a_thread_that_takes_too_long_is_left_to_itself(run: Runner) -> None:
    release = threading.Event()

    @task(timeout="50ms", on="thread")
    def a() -> None:
        release.wait(30)

    done = run("a", a)
    release.set()
    assert done["a"].error is not None
    assert done["a"].error["type"] == "Timeout"


def test_an_async_node_that_takes_too_long_is_ended(run: Runner) -> None:
    @task(timeout="50ms")
    async def a() -> None:
        await asyncio.sleep(30)

    done = run("a", a)
    assert done["a"].error is not None
    assert done["a"].error["type"] == "Timeout"


def test_cancel(store: Store, program: Callable[..., Program]) -> None:
    class Canceller(api.Quiet):
        def batch(self, seq: int, events: list[tuple[Any, ...]]) -> None:
            if seq == 2:
                [document] = store.runs()
                store.request(document["run"], "cancel", "a test")

    def a() -> None:
        current().sleep(30)

    def b() -> None:
        pass

    done = api.run(program("a; b", a, b), store, observer=Canceller())
    assert done.status == "cancelled"
    assert done["a"].error is not None
    assert done["a"].error["type"] == "Cancelled"
    assert done["b"].reason == "cancelled"


def test_documents_agree_with_the_run(run: Runner, store: Store) -> None:
    def a() -> list[int]:
        return [1, 2]

    def b(a: int) -> int:
        return 1 // (a - 1)

    done = run("a; b*", a, b)
    for document in store.nodes(done.id):
        node = done[document["name"]]
        assert document["status"] == node.status
        assert document["result"] == node.result
        assert document["error"] == node.error
        assert document["reason"] == node.reason
    [head] = store.runs()
    assert head["status"] == done.status == "error"
    assert head["counts"] == {"pending": 0, "running": 0, "finished": 2, "error": 1}


def test_a_replayed_journal_gives_the_same_run(run: Runner, store: Store) -> None:
    def a() -> list[int]:
        return [1, 2]

    def b(a: int) -> int:
        return 1 // (a - 1)

    done = run("a; b*", a, b)
    _, state = api.replay(store, done.id)
    for i in done.state.nodes():
        assert state.status[i] == done.state.status[i]
        assert state.result[i] == done.state.result[i]
        assert state.reason_of(i) == done.state.reason_of(i)


class Stop(api.Quiet):
    """Ends the engine as a dying process would: nothing more is written."""

    def __init__(self, after: int) -> None:
        self.after = after

    def batch(self, seq: int, events: list[tuple[Any, ...]]) -> None:
        if seq == self.after:
            raise SystemError("the engine dies here")


def test_resume_runs_nothing_again_that_was_recorded(
    store: Store, program: Callable[..., Program], tmp_path: Path
) -> None:
    calls: list[str] = []

    def a() -> Path:
        calls.append("a")
        return tmp_path

    def b(a: Path) -> str:
        calls.append("b")
        return str(a)

    def c(b: str) -> str:
        calls.append("c")
        return b

    made = program("a; b; c", a, b, c)
    with pytest.raises(SystemError):
        api.run(made, store, observer=Stop(3))  # b is recorded as started
    [document] = store.runs()
    done = api.resume(document["run"], store, program=made)
    assert done.status == "finished"
    assert calls.count("a") == 1
    assert done["a"].value == tmp_path
    assert done["c"].value == str(tmp_path)
    assert done["b"].attempt == 2
    assert done["b"].reason == "was running when the engine died"


def test_resume_of_a_run_that_has_ended_gives_it_as_it_was(run: Runner, store: Store) -> None:
    def a() -> int:
        return 3

    done = run("a", a)
    again = api.resume(done.id, store)
    assert again.status == "finished"
    assert again["a"].value == 3


def test_a_large_value_is_kept_by_reference(run: Runner, store: Store) -> None:
    def a() -> list[int]:
        return list(range(50_000))

    def b(a: list[int]) -> int:
        return len(a)

    done = run("a; b", a, b)
    [document, _] = store.nodes(done.id)
    assert set(document["result"]) == {"$ref", "size", "type"}
    assert done["a"].result == list(range(50_000))
    [whole] = store.documents("t-flow-active", name="a")
    assert whole["result"] == list(range(50_000))
    assert api.resume(done.id, store)["a"].value == list(range(50_000))


# -- after the fact -------------------------------------------------------------


def test_retry_runs_what_failed_and_what_depends_on_it(
    store: Store, program: Callable[..., Program]
) -> None:
    calls: list[str] = []
    broken = True

    def split() -> list[int]:
        calls.append("split")
        return [1, 2, 3]

    def work(split: int) -> int:
        calls.append(f"work{split}")
        if split == 2 and broken:
            raise ValueError("two")
        return split * 10

    def merge(work: list[int]) -> int:
        calls.append("merge")
        return sum(work)

    made = program("split; work*; merge", split, work, merge)
    first = api.run(made, store)
    assert first.status == "error"
    todo = api.plan_retry(first.id, store, program=made)
    assert todo.runs == ("merge", "work[1]")
    assert todo.kept == ("split", "work[0]", "work[2]")
    broken = False
    calls.clear()
    second = api.retry(first.id, store, program=made)
    assert second.status == "finished"
    assert second["merge"].value == 60
    assert sorted(calls) == ["merge", "work2"]
    assert second["split"].reason == f"kept from {first.id}"
    assert second["split"].attempt == 0
    assert {entry["name"] for entry in api.diff(first.id, second.id, store)} == {
        "work",
        "work[1]",
        "merge",
    }
    with pytest.raises(InputError, match="every node has finished"):
        api.plan_retry(second.id, store, program=made)
    todo = api.plan_retry(second.id, store, from_nodes=["work"], program=made)
    assert todo.runs == ("work", "merge")
    todo = api.plan_retry(second.id, store, from_nodes=["work[0]"], program=made)
    assert todo.runs == ("merge", "work[0]")
    todo = api.plan_retry(second.id, store, from_nodes=["work[1]", "work[0]"], program=made)
    assert todo.runs == ("merge", "work[0]", "work[1]")
    third = api.retry(second.id, store, from_nodes=["split"], program=made)
    assert third["merge"].value == 60
    assert api.prune(store, 1) == [second.id, first.id]
    assert [document["run"] for document in store.runs()] == [third.id]


def test_what_a_given_up_attempt_returns_is_nobodys_value(run: Runner) -> None:
    first_may_end, second_has_ended = threading.Event(), threading.Event()

    @task(on="thread", timeout="500ms", retries=1, retry_delay="1ms")
    def a() -> str:
        if current().attempt == 1:
            first_may_end.wait(30)
            return "late"
        first_may_end.set()
        return "second"

    def b(a: str) -> str:
        second_has_ended.wait(0.2)
        return a

    done = run("a; b", a, b)
    assert done["a"].value == done["b"].value == "second"

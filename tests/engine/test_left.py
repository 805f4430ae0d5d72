"""What is left of an attempt that was given up: a thread that runs on, a retry that is not made."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from cloudmesh.flow import api, current, task
from cloudmesh.flow.engine.loop import Engine
from cloudmesh.flow.errors import InputError
from cloudmesh.flow.executors.call import here
from cloudmesh.flow.handle import Run
from cloudmesh.flow.language.program import Program
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.store.protocol import Store

Runner = Callable[..., Run]


def test_a_thread_is_asked_to_end_and_what_it_says_later_is_dropped(
    run: Runner, store: Store, watcher: Any
) -> None:
    asked, may_end, has_ended = threading.Event(), threading.Event(), threading.Event()

    @task(timeout="300ms", on="thread")
    def a() -> None:
        print("before")
        while not current().cancelled:
            time.sleep(0.001)  # not its own sleep, which would end it
            if may_end.is_set():
                return
        asked.set()
        may_end.wait(60)
        print("from the grave")
        current().progress(99)
        has_ended.set()

    def b() -> None:
        asked.wait(60)
        may_end.set()
        has_ended.wait(60)

    done = run("a || b", a, b)
    assert asked.is_set()
    assert has_ended.is_set()
    assert (done["a"].error or {})["type"] == "Timeout"
    assert done["b"].status == "finished"
    assert store.nodes(done.id, ["a"])[0]["progress"] is None
    log = store.read_log(done.id, "a")[0]
    assert log.startswith("before\n")
    assert log.count("a Python thread cannot be ended") == 1
    assert "grave" not in log
    assert "from the grave\n" not in [text for _, _, text in watcher.printed]


def test_an_async_node_that_does_not_end_is_dropped(run: Runner, store: Store) -> None:
    released = threading.Event()

    @task(timeout="50ms")
    async def stays() -> None:
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                print("not me")

    @task(timeout="50ms")
    async def holds_up_the_loop() -> None:
        released.wait(60)

    for node in (stays, holds_up_the_loop):
        done = run(node.__name__, node)
        assert (done[node.__name__].error or {})["type"] == "Timeout"
        log = store.read_log(done.id, node.__name__)[0]
        assert log.endswith("what it still does is dropped]\n")
    released.set()


@pytest.mark.parametrize(
    ("word", "run_is", "node_is"),
    [("cancel", "cancelled", "error"), ("interrupt", "interrupted", "pending")],
)
def test_a_run_ends_whatever_an_async_node_does(
    run: Runner, word: str, run_is: str, node_is: str
) -> None:
    released = threading.Event()

    async def a() -> None:
        engine: Engine = here.get().log.__self__.engine
        by = ("a test",) if word == "cancel" else ()
        threading.Thread(target=getattr(engine, word), args=by).start()
        released.wait(60)  # not awaited: it holds up the loop

    done = run("a", a)
    released.set()
    assert (done.status, done["a"].status) == (run_is, node_is)


def test_where_a_node_with_a_timeout_runs(run: Runner) -> None:
    @task(timeout="60s")
    async def waits() -> int:
        await asyncio.sleep(0)
        return os.getpid()

    @task(timeout="60s", on="thread")
    def thread() -> int:
        return os.getpid()

    @task(timeout="60s")
    def worker() -> int:
        return os.getpid()

    done = run("waits || thread || worker", waits, thread, worker)
    here = os.getpid()
    assert done["waits"].value == done["thread"].value == here
    assert done["worker"].value != here


def test_a_cancelled_node_is_not_tried_again(store: Store, program: Callable[..., Program]) -> None:
    class Canceller(api.Quiet):
        def batch(self, seq: int, events: list[tuple[Any, ...]]) -> None:
            if seq == 2:
                store.request(store.runs()[0]["run"], "cancel", "a test")

    @task(on="process", retries=3, retry_delay=0)
    def a() -> None:
        current().sleep(60)

    done = api.run(program("a", a), store, observer=Canceller())
    assert (done.status, done["a"].status, done["a"].attempt) == ("cancelled", "error", 1)
    assert (done["a"].error or {})["type"] == "Cancelled"


class Dies(api.Quiet):
    """The engine dies when so many batches are written."""

    def __init__(self, after: int) -> None:
        self.after = after

    def batch(self, seq: int, events: list[tuple[Any, ...]]) -> None:
        if seq == self.after:
            raise SystemError("the engine dies here")


def test_a_death_of_the_engine_is_no_failure_of_the_node(
    store: Store, program: Callable[..., Program]
) -> None:
    tries: list[int] = []

    @task(retries=1, retry_delay=0)
    def a() -> str:
        tries.append(current().attempt)
        if len(tries) < 2:
            raise OSError("not yet")
        return "at last"

    made = program("a", a)
    with pytest.raises(SystemError):  # before its first attempt is called
        api.run(made, store, observer=Dies(2))
    done = api.resume(store.runs()[0]["run"], store, program=made)
    assert done["a"].value == "at last"
    assert tries == [2, 3]
    assert done["a"].reason == "retry 2 of 2 after OSError"


def test_who_cancels_is_told_that_the_engine_died_meanwhile_and_nothing_starts_again(
    store: Store, program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def a() -> None:
        tries.append(1)

    made = program("a", a)
    with pytest.raises(SystemError):
        api.run(made, store, observer=Dies(2))
    before = {**store.runs()[0], "engine": "vm:1"}  # as it was found, a moment ago
    monkeypatch.setattr(api, "find_run", lambda store, text: before)
    with pytest.raises(InputError, match="was gone before the run had ended"):
        api.cancel(before["run"], store, wait=1)
    monkeypatch.undo()
    done = api.resume(before["run"], store, program=made)
    assert (done.status, done["a"].status, done["a"].reason) == (
        "cancelled",
        "pending",
        "cancelled",
    )
    assert tries == []


class NoText:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_run_ends_though_what_a_node_reports_has_no_text(run: Runner) -> None:
    def a() -> dict[str, Any]:
        return {"status": "error", "value": NoText()}

    def b() -> None:
        return

    done = run("a; b", a, b)
    assert (done.status, done["b"].reason) == ("error", "blocked by a")
    assert "whose text cannot be made" in (done["a"].error or {})["message"]


def test_a_node_under_which_two_engines_died_is_kept_out_of_the_third(
    store: Store, program: Callable[..., Program]
) -> None:
    def a() -> None:
        if current().attempt < 3:
            raise AssertionError("the engine is dead before")
        os.kill(os.getpid(), signal.SIGKILL)  # this very process, were it not a worker

    made = program("a", a)
    with pytest.raises(SystemError):
        api.run(made, store, observer=Dies(2))
    run = store.runs()[0]["run"]
    with pytest.raises(SystemError):
        api.resume(run, store, program=made, observer=Dies(4))
    done = api.resume(run, store, program=made)
    assert (done["a"].error or {})["type"] == "WorkerLost"
    assert done["a"].attempt == 3


def test_what_is_made_outside_is_on_the_disk_before_it_is_made(
    store: Store, program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[tuple[str, bool]] = []
    create = store.create

    def watched(*args: Any) -> Any:
        journal = create(*args)
        append = journal.append

        def keep(events: str, *, durable: bool = False) -> int:
            written.append((events, durable))
            return append(events, durable=durable)

        monkeypatch.setattr(journal, "append", keep)
        return journal

    monkeypatch.setattr(store, "create", watched)

    def a() -> None:
        going: Any = current()._attempt
        going.engine.intend({"tag": "cmflow/x"})
        assert any('"intent"' in events and durable for events, durable in written)

    api.run(program("a", a), store).raise_for_error()


def test_what_comes_while_the_end_is_being_told_is_recorded_too(
    store: Store, program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    engines: list[Engine] = []
    begin = Engine.begin
    monkeypatch.setattr(Engine, "begin", lambda self: (engines.append(self), begin(self)))

    def a() -> int:
        return 1

    done = api.run(program("a", a), store)
    [engine] = engines

    class Late(tuple[Any, ...]):
        """Something is given back by another thread in the middle of this."""

        def __getitem__(self, key: Any) -> Any:
            if not waiting:
                waiting.append(1)
                engine._inbox.append((None, ev.released(2.0, {"tag": "second"})))
            return super().__getitem__(key)

    waiting: list[int] = []
    engine._inbox.append((None, Late(ev.released(2.0, {"tag": "first"}))))
    engine.step(0)
    text = "".join(text for _, text in store.batches(done.id, 0))
    assert engine.failure is None
    assert [tag for tag in ("first", "second") if tag in text] == ["first", "second"]

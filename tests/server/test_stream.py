"""The stream of a run: without a gap, at bounded cost, to its end."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from cloudmesh.flow.server import state as state_module
from cloudmesh.flow.server import stream as module
from cloudmesh.flow.server.access import Tickets
from cloudmesh.flow.server.engines import Engines
from cloudmesh.flow.server.projection import replay
from cloudmesh.flow.server.state import State
from cloudmesh.flow.server.stream import Feeds


async def take(stream: AsyncIterator[str], until: int) -> list[dict[str, str]]:
    """Read events up to an id; comments are left out."""
    found: list[dict[str, str]] = []
    async for chunk in stream:
        for block in chunk.split("\n\n"):
            lines = [line for line in block.splitlines() if line and line[0] != ":"]
            fields = dict(line.split(": ", 1) for line in lines)
            if "data" in fields:
                found.append(fields)
        if any(int(f.get("id", 0)) >= until for f in found):
            break
    return found


def ids(found: list[dict[str, str]]) -> list[int]:
    return [int(f["id"]) for f in found if "id" in f]


def test_what_comes_later_is_sent_as_it_comes(store: Any, hand: Any) -> None:
    run = hand({"a": [], "b": ["a"]})

    async def scenario() -> None:
        feeds = Feeds(store)
        stream = feeds.stream(run.id, 0, False)
        assert ids(await take(stream, 1)) == [1]
        run.batch(run.started("a"))
        run.batch(run.finished("a", "secret value"))
        found = await take(feeds.stream(run.id, 1, False), 3)
        assert ids(found) == [2, 3]
        assert "secret value" not in json.dumps(found)
        last = json.loads(found[-1]["data"])
        assert last["nodes"][0]["status"] == "finished"
        run.run_all("b")
        run.batch(run.end())
        rest = [f async for f in feeds.stream(run.id, 3, False)]
        assert "event: end" in rest[-1]
        feeds.stop()

    asyncio.run(scenario())


def test_a_slow_client_costs_nothing_and_misses_nothing(
    store: Any, hand: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_BYTES", 2_000)
    run = hand({f"n{k}": [] for k in range(60)})

    async def scenario() -> None:
        feeds = Feeds(store)
        slow = feeds.stream(run.id, 0, False)
        assert ids(await take(slow, 1)) == [1]
        fast = feeds.stream(run.id, 1, False)
        run.run_all(*(f"n{k}" for k in range(60)))
        assert ids(await take(fast, 121)) == list(range(2, 122))
        feed = feeds.get(run.id)
        assert sum(len(text) for _, text in feed._kept) <= 2_200
        # It was asleep: what it has missed is no longer kept, and comes from the journal.
        assert ids(await take(feeds.stream(run.id, 1, False), 121)) == list(range(2, 122))
        feeds.stop()

    asyncio.run(scenario())


def test_a_page_that_is_far_behind_is_told_to_load_anew(
    store: Any, hand: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEHIND_MAX", 10)
    run = hand({f"n{k}": [] for k in range(20)})
    run.run_all(*(f"n{k}" for k in range(20)))

    async def scenario() -> None:
        feeds = Feeds(store)
        page = [chunk async for chunk in feeds.stream(run.id, 1, True)]
        assert "event: reload" in page[-1]
        # A program is never told so: it gets every event.
        assert ids(await take(feeds.stream(run.id, 1, False), 41)) == list(range(2, 42))
        feeds.stop()

    asyncio.run(scenario())


def test_who_has_seen_more_than_the_journal_holds_misses_nothing_that_comes(
    store: Any, hand: Any
) -> None:
    run = hand({"a": []})

    async def scenario() -> None:
        feeds = Feeds(store)
        page = [part async for part in feeds.stream(run.id, 50, True)]
        assert page[1:] == ['event: reload\ndata: {"behind": 0}\n\n']
        program = feeds.stream(run.id, 50, False)
        await anext(program)
        run.batch(run.started("a"))
        assert (await anext(program)).startswith("id: 2\n")
        await program.aclose()
        feeds.stop()

    asyncio.run(asyncio.wait_for(scenario(), 30))


def test_an_engine_that_is_gone_is_told(
    store: Any, hand: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OWNER_SECONDS", 0.0)
    run = hand({"a": []})
    run.batch(run.started("a"))
    run.journal.close()

    async def scenario() -> None:
        feeds = Feeds(store)
        async for chunk in feeds.stream(run.id, 2, False):
            if "event: engine" in chunk:
                assert json.loads(chunk.split("data: ")[1]) == {"engine": "lost"}
                break
        feeds.stop()

    asyncio.run(scenario())


def test_stopping_ends_every_stream(store: Any, hand: Any) -> None:
    run = hand({"a": []})

    async def scenario() -> None:
        feeds = Feeds(store)

        async def client() -> int:
            return len([chunk async for chunk in feeds.stream(run.id, 0, False)])

        clients = [asyncio.create_task(client()) for _ in range(50)]
        while len(feeds._all) < 50:
            await asyncio.sleep(0)
        feeds.stop()
        assert len(await asyncio.gather(*clients)) == 50
        assert not feeds._all

    asyncio.run(scenario())


def test_the_deltas_add_up_to_the_snapshot(store: Any, hand: Any) -> None:
    """Whatever happens in a run: the last delta of each node is its state in the snapshot."""
    run = hand(
        {"split": [], "work": ["split"], "x": ["split"], "y": ["x"], "end": ["work", "y"]},
        maps={"work": "split"},
    )
    run.batch(run.started("split"))
    run.batch(run.finished("split", [1, 2, 3]))
    run.batch(run.started("work[0]"), run.started("x"))
    run.batch(
        run.progress("work[0]", 40, "half"),
        run.failed("x", retry_at=run.now + 60, reason="retry 2 at 12:00"),
    )
    run.batch(
        run.finished("work[0]", 1),
        run.started("work[1]"),
        run.started("x", "retry 2 of 2 after ValueError"),
    )
    run.batch(run.failed("x"), run.failed("work[1]"))
    run.batch(run.started("work[2]"))
    run.batch(run.reset("work[2]"), run.end("interrupted"))
    feed = Feeds(store).get(run.id)
    told: dict[str, Any] = {}
    messages = module.Replay(store, run.id, 0)
    while found := messages.next():
        for _, text in found:
            for node in json.loads(text.split("data: ")[1])["nodes"]:
                told[node["name"]] = node
    projection = feed.projection
    assert told == {n["name"]: n for n in map(projection.document, projection.numbers())}
    batches = store.batches(run.id)
    for until in range(1, len(batches) + 1):
        past = replay(batches, until)
        assert past is not None
        assert past.seq == until
    shown = {n["name"]: n["shown"] for n in told.values()}
    assert shown["x"] == "error"
    assert shown["y"] == "blocked"
    assert shown["work[2]"] == "interrupted"


def test_a_run_is_read_once_and_laid_out_once_however_many_ask(
    hand: Any, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = hand({"a": [], "b": ["a"]}, store=store)
    done: list[str] = []
    together = threading.Barrier(8)

    def counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            done.append(name)
            time.sleep(0.05)  # long enough for the others to come in between, were they let
            return function(*arguments)

        return call

    monkeypatch.setattr(module, "Feed", counted("read", module.Feed))
    monkeypatch.setattr(state_module, "layout", counted("layout", state_module.layout))
    state = State(store, Engines(store, None), Tickets())

    def ask() -> None:
        together.wait()
        state.warm(run.id)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["layout", "read"]
    assert gc.isenabled()
    state.warm("unknown0")  # who asks for it is told
    assert gc.isenabled()


def test_who_asks_is_given_all_that_the_store_holds_by_then(
    store: Any, hand: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that follows the journal may be late: a page that comes back is not."""
    run = hand({"a": []})
    late = threading.Event()
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0)
    monkeypatch.setattr(store, "wait", lambda *_: late.wait(20) and False)

    async def scenario() -> None:
        feeds = Feeds(store)
        stream = feeds.stream(run.id, 0, False)
        assert ids(await take(stream, 1)) == [1]
        listening = asyncio.ensure_future(take(stream, 2))
        for _ in range(20):
            await asyncio.sleep(0)  # it waits by now
        run.batch(run.started("a"))
        assert (await asyncio.to_thread(feeds.get, run.id)).seq == 2
        assert ids(await asyncio.wait_for(listening, 10)) == [2]  # and who listens is told
        late.set()
        feeds.stop()

    asyncio.run(scenario())

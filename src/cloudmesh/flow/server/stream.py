"""Runs that are followed, and the stream of each.

One `Feed` a run, shared by everybody who looks at it: the run's projection, and
the last messages that were made of its batches.  A client holds nothing but the
number that it has got to, and takes what comes after when it is ready for more:
a slow one costs no memory, and no queue can overflow.  Who has fallen behind
the messages that are kept gets the rest by a replay of the journal.

The journal is tailed by one thread for each run that has listeners; engines in
this process and in others are followed the same way.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from cloudmesh.flow.collector import uncollected
from cloudmesh.flow.errors import FlowError, NotFound
from cloudmesh.flow.server.projection import Projection
from cloudmesh.flow.store.protocol import Batch, Store

__all__ = ["Feed", "Feeds"]

KEPT_BYTES = 8_000_000  # of messages, per run
FEEDS_MAX = 24  # runs that are remembered
PAGE = 500  # batches read at once
SETTLE_SECONDS = 0.05  # messages of so long go out together
QUIET_SECONDS = 15.0  # after which a comment shows that the stream lives
OWNER_SECONDS = 2.0  # how often it is asked whether the engine lives
BEHIND_MAX = 5_000  # batches behind which a page is told to load anew

ENDED = ("finished", "error", "cancelled", "interrupted")

Message = tuple[int, str]


class Feed:
    """One run, as far as its journal has been read."""

    def __init__(self, store: Store, run: str) -> None:
        self.run = run
        self._store = store
        self._lock = threading.RLock()
        self._kept: deque[Message] = deque()
        self._kept_bytes = 0
        self._kept_after = 0  # messages with a higher number are kept
        self.projection = self._begin()
        self.lost = False
        self.listeners: set[asyncio.Event] = set()
        self.tailed = False
        self.graph: str | None = None  # what never changes, as the page is sent it
        self.drawing = threading.Lock()  # held while the picture is laid out
        self.labels: dict[str, str] | None = None  # by which the picture was laid out
        self.labels_final = False
        self.sync(keep=False)

    def _begin(self) -> Projection:
        first = self._store.batches(self.run, 0, 1)
        if not first:
            raise NotFound(f"no run {self.run!r}")
        return Projection(first[0])

    @property
    def seq(self) -> int:
        """The number of the last batch that was read."""
        return self.projection.seq

    @property
    def over(self) -> bool:
        """Whether nothing more is to come, as far as was read."""
        return self.projection.run.status_word in ENDED

    @property
    def lock(self) -> threading.RLock:
        """Held while the projection is read or moved on."""
        return self._lock

    def sync(self, keep: bool = True) -> bool:
        """Read the journal to its end; True where there was something new."""
        found = False
        with self._lock:
            while batches := self._store.batches(self.run, self.seq, PAGE):
                for batch in batches:
                    changed = self.projection.apply(batch)
                    if keep:
                        self._keep((batch.seq, encode(self.projection, changed)))
                    else:
                        self._kept_after = batch.seq
                found = True
                if len(batches) < PAGE:
                    break
            if self._kept_after == 0:
                self._kept_after = self.seq
        return found

    def _keep(self, message: Message) -> None:
        self._kept.append(message)
        self._kept_bytes += len(message[1])
        while self._kept_bytes > KEPT_BYTES and len(self._kept) > 1:
            seq, text = self._kept.popleft()
            self._kept_bytes -= len(text)
            self._kept_after = seq

    def after(self, seq: int) -> list[Message] | None:
        """The messages after a number; None where they are no longer kept."""
        with self._lock:
            if seq < self._kept_after:
                return None
            first = len(self._kept) - (self.seq - seq)
            if first < 0:
                return None
            return [self._kept[k] for k in range(first, len(self._kept))]


def encode(projection: Projection, changed: list[int]) -> str:
    """The message of the last batch, as it goes over the wire."""
    data = json.dumps(projection.message(changed), ensure_ascii=False, separators=(",", ":"))
    return f"id: {projection.seq}\ndata: {data}\n\n"


class Replay:
    """The messages after a number, made from the journal again."""

    def __init__(self, store: Store, run: str, after: int) -> None:
        self._store, self._run, self._after = store, run, after
        self._projection: Projection | None = None

    def next(self) -> list[Message]:
        """Some more messages, in order; none at the end of the journal."""
        out: list[Message] = []
        while not out:
            at = self._projection.seq if self._projection else 0
            batches = self._store.batches(self._run, at, PAGE)
            if not batches:
                break
            for batch in batches:
                changed = self._apply(batch)
                if batch.seq > self._after:
                    out.append((batch.seq, encode(self._projection, changed)))  # type: ignore[arg-type]
        return out

    def _apply(self, batch: Batch) -> list[int]:
        if self._projection is None:
            self._projection = Projection(batch)
            return list(self._projection.numbers())
        return self._projection.apply(batch)


class Feeds:
    """All runs that somebody looks at."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._feeds: OrderedDict[str, Feed] = OrderedDict()
        self._reading: dict[str, threading.Lock] = {}  # runs that are read for the first time
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._all: set[asyncio.Event] = set()
        self._left = threading.Condition()  # a listener has gone

    def get(self, run: str) -> Feed:
        """The feed of a run, read to the end of its journal.  Raises `NotFound`."""
        with self._lock:
            feed = self._feeds.get(run)
            if feed is not None:
                self._feeds.move_to_end(run)
        if feed is None:
            feed = self._read(run)
        elif feed.sync() and feed.tailed:
            self._tell(feed)  # its own thread has nothing new to tell any more
        return feed

    def _read(self, run: str) -> Feed:
        """A run that nobody has looked at yet: read once, however many ask at the same time."""
        with self._lock:
            reading = self._reading.setdefault(run, threading.Lock())
        try:
            with reading:
                known = self._feeds.get(run)
                if known is not None:
                    return known
                with uncollected():
                    feed = Feed(self._store, run)
                with self._lock:
                    self._feeds[run] = feed
                    for old in [k for k, f in self._feeds.items() if not f.listeners][:-FEEDS_MAX]:
                        del self._feeds[old]
                return feed
        finally:
            with self._lock:
                self._reading.pop(run, None)

    def finish(self, seconds: float) -> None:
        """Wait until those who follow a run that has ended have been told so, for a while."""
        with self._lock:
            followed = [feed for feed in self._feeds.values() if feed.listeners]
        for feed in followed:
            with suppress(FlowError):
                feed.sync()
            self._tell(feed)
        with self._left:
            self._left.wait_for(
                lambda: not any(feed.over and feed.listeners for feed in followed), seconds
            )

    def stop(self) -> None:
        """End all streams and threads.  May be called from any thread, also by a signal."""
        self._stopping.set()
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake, self._all)

    @staticmethod
    def _wake(listeners: set[asyncio.Event]) -> None:
        for event in list(listeners):
            event.set()

    # -- the stream of one client ------------------------------------------------
    async def stream(self, run: str, after: int, may_reload: bool) -> AsyncIterator[str]:
        """The server-sent events of a run after a number.

        A client that ``may_reload`` is told so instead of being sent thousands of batches.
        """
        feed = await asyncio.to_thread(self.get, run)
        wake = asyncio.Event()
        self._listen(feed, wake)
        replay: Replay | None = None
        lost: bool | None = None
        try:
            yield ": the events of a run; ids are SEQ\nretry: 1000\n\n"
            if after > feed.seq:
                # More was seen than the journal holds: a power cut took its last commits.
                if may_reload:
                    yield _reload(0)
                    return
                after = feed.seq
            while not self._stopping.is_set():
                wake.clear()
                if feed.lost != bool(lost):
                    lost = feed.lost
                    yield _engine(lost)
                messages = feed.after(after) if replay is None else []
                if messages is None or replay is not None:
                    if may_reload and feed.seq - after > BEHIND_MAX:
                        yield _reload(feed.seq - after)
                        return
                    replay = replay or Replay(self._store, run, after)
                    messages = await asyncio.to_thread(replay.next)
                    if not messages or messages[-1][0] >= feed.seq:
                        replay = None
                        if not messages and after < feed.seq:
                            continue
                if messages:
                    yield "".join(text for _, text in messages)
                    after = messages[-1][0]
                    await asyncio.sleep(SETTLE_SECONDS)
                elif feed.over and after >= feed.seq:
                    yield _end(feed)
                    return
                else:
                    try:
                        await asyncio.wait_for(wake.wait(), QUIET_SECONDS)
                    except TimeoutError:
                        yield ": quiet\n\n"
        finally:
            feed.listeners.discard(wake)
            self._all.discard(wake)
            with self._left:
                self._left.notify_all()

    def _listen(self, feed: Feed, wake: asyncio.Event) -> None:
        self._loop = asyncio.get_running_loop()
        feed.listeners.add(wake)
        self._all.add(wake)
        with self._lock:
            if feed.tailed or feed.over:
                return
            feed.tailed = True
        name = f"tail {feed.run}"
        threading.Thread(target=self._tail, args=(feed,), name=name, daemon=True).start()

    # -- the thread that follows a journal -----------------------------------------
    def _tail(self, feed: Feed) -> None:
        """Read on while somebody listens.  A store that is away for a while is waited for."""
        asked = 0.0
        while self._goes_on(feed):
            try:
                news = self._store.wait(feed.run, feed.seq, 1.0) and feed.sync()
                if time.monotonic() - asked > OWNER_SECONDS:
                    asked = time.monotonic()
                    lost = self._store.owner(feed.run).alive is False and not feed.sync()
                    news = news or lost != feed.lost
                    feed.lost = lost and not feed.over
            except FlowError:
                self._stopping.wait(1.0)
                continue
            if news:
                self._tell(feed)
        self._tell(feed)

    def _goes_on(self, feed: Feed) -> bool:
        """Decided under the lock: a listener that comes later starts a thread of its own."""
        with self._lock:
            feed.tailed = bool(feed.listeners) and not feed.over and not self._stopping.is_set()
            return feed.tailed

    def _tell(self, feed: Feed) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._wake, feed.listeners)


def _engine(lost: bool) -> str:
    data: dict[str, Any] = {"engine": "lost" if lost else "alive"}
    return f"event: engine\ndata: {json.dumps(data)}\n\n"


def _reload(behind: int) -> str:
    return f'event: reload\ndata: {{"behind": {behind}}}\n\n'


def _end(feed: Feed) -> str:
    data = {"seq": feed.seq, "status": feed.projection.run.status_word}
    return f"id: {feed.seq}\nevent: end\ndata: {json.dumps(data)}\n\n"

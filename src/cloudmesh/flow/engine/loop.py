"""The engine: the only place where run, store, executors and clock meet.

There is no engine thread.  Whoever brings an outcome - a worker thread, an
executor's reader, the watch - leaves it in the inbox and calls `Engine.step`:

    take what has happened, all of it
    → run.advance
    → journal.append: one batch, one commit
    → start what may start, and take the next node oneself

under one lock.  Who finds the lock taken goes on with other work: its holder
looks into the inbox again before it leaves.  So a node starts only after all
that it received is recorded, nothing asks the store what is ready, and while a
commit is slow the others leave their outcomes and go on.

Work-first: the worker that finished a node runs the next one itself, without a
hop to another thread, which costs more than the commit.  While nodes are short
a worker also runs what is already started (`tray`) before it settles, for up
to a millisecond, and wakes nobody.  The watch, the thread that called `watch`,
sees to it that this never delays anything: where the tray stands still it
wakes workers, where outcomes lie unsettled it settles them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic, perf_counter, time
from typing import Any, Protocol

from cloudmesh.flow.engine.going import Going
from cloudmesh.flow.engine.outcomes import Outcomes
from cloudmesh.flow.engine.patience import PATIENCE, Patience
from cloudmesh.flow.engine.projector import Projector
from cloudmesh.flow.errors import FlowError, Interrupted, StoreError, StoreUnavailable
from cloudmesh.flow.executors.call import here
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.events import Event
from cloudmesh.flow.run.policy import Rate, is_due
from cloudmesh.flow.run.run import Run
from cloudmesh.flow.store.protocol import Journal

__all__ = ["Engine", "Launcher", "Witness"]

#: A node that takes less than this is short: handing it to another thread costs more.
SHORT = 150e-6
#: How long a worker may run ahead of the record, seconds.
AHEAD = 1e-3
#: How often the watch looks when something may stand still; when documents lag; otherwise.
TICK, LAG, BEAT = 2e-3, 20e-3, 1.0
#: Nodes of a run whose documents are there before its first node starts; of a larger
#: one they come with the first that has changed, a moment later, for that is half the work.
SMALL = 100
#: Limits of one batch of the journal.
EVENTS_MAX, BYTES_MAX = 1000, 4_000_000


class Witness(Protocol):
    """Told what happens; see `cloudmesh.flow.api.Observer`."""

    def batch(self, seq: int, events: list[Event]) -> None:
        """A batch has been committed."""

    def output(self, node: str, stream: str, text: str) -> None:
        """A node printed something."""

    def note(self, text: str) -> None:
        """Something that the user should know."""


class Launcher(Protocol):
    """Starts and ends what does not run in a worker thread of the engine."""

    def runs_here(self, i: int) -> bool:
        """Whether a node is called in a worker thread of the engine."""

    def start(self, going: Going) -> None:
        """Start an attempt elsewhere; its outcome comes by `Engine.settle`."""

    def cancel(self, going: Going) -> None:
        """End an attempt; its outcome still comes."""

    def close(self) -> None:
        """End everything that still runs, and give back what was made."""


class Engine:
    """Runs one run to its end."""

    def __init__(
        self,
        run: Run,
        journal: Journal,
        outcomes: Outcomes,
        launcher: Callable[[Engine], Launcher],
        *,
        key_prefix: str,
        limits: Mapping[str, int],
        witness: Witness,
        rates: Mapping[str, Rate] | None = None,
        durable: bool = False,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time,
        ticks: Callable[[], float] = monotonic,
        pause: Callable[[float], bool] | None = None,
    ) -> None:
        self.run = run
        self.journal = journal
        self.outcomes = outcomes
        self.key_prefix = key_prefix
        self.limits = dict(limits)
        self.rates = dict(rates or {})
        self.witness = witness
        self._durable = durable
        self.clock = clock  # seconds since 1970, for people
        self._ticks = ticks  # seconds that never go back, for waiting
        self.projector = Projector(run, journal, outcomes.results.in_line)
        self.launcher = launcher(self)
        self.patience = Patience(patience, ticks, self._say, lambda: self.done.is_set(), pause)
        self.failure: BaseException | None = None  # why the engine stopped, if not by the run's end
        self.done = threading.Event()
        self.signalled = False
        self.abandoned = 0  # threads whose node was dropped and may run on

        self._lock = threading.Lock()
        self._inbox: deque[tuple[Going | None, Event | None]] = deque()
        self._tray: deque[Going] = deque()
        self._going: dict[int, Going] = {}
        self._progress: dict[int, tuple[float, str]] = {}
        self._turned = 0.0  # when the last turn was, by perf_counter
        self._projected = ticks()
        self._mean = 0.0  # of how long nodes took lately

        self._bell: SimpleQueue[bool] = SimpleQueue()  # wakes idle workers
        self._idle = 0
        self._crew = 0
        self._alarm: SimpleQueue[None] = SimpleQueue()  # wakes the watch
        self._armed = False
        self._stuck: Going | None = None
        self._beat = self._asked = ticks()

    # -- the loop ----------------------------------------------------------

    def settle(self, going: Going, event: Event) -> None:
        """Bring the outcome of an attempt, from any thread that is no worker of ours."""
        self._inbox.append((going, event))
        self.step(0)

    def step(self, takes: int) -> None:
        """Take what has happened, record it, start what may start.

        ``takes`` is 1 where the caller is a worker and takes a node itself.
        """
        while self._inbox and self._lock.acquire(False):
            try:
                if not self.done.is_set():
                    self._turn(takes)
                else:
                    self._late()
            except BaseException as error:
                self._fail(error)
            finally:
                self._lock.release()

    def _turn(self, takes: int) -> None:
        now = self.clock()
        happened = self._take(now)
        record, starting = self.run.advance(happened, now, self.limits, self._decide, self.rates)
        if record:
            self._append(record)
        for i in starting:
            self._launch(i)
        if self.outcomes.inputs.held:
            self.outcomes.inputs.let_go(record)
        self._turned = perf_counter()
        if self.run.over:
            self._finish()
            return
        if self.projector.lags:
            if self._ticks() - self._projected > LAG:
                self._project()
            else:
                self._arm()
        waiting = len(self._tray) - takes
        if waiting > 0:
            if self._mean > SHORT or not takes:
                self._wake(waiting if self._mean > SHORT else 1)
            self._arm()

    def _take(self, now: float) -> list[Event]:
        """All that has happened, as events; what came too late is dropped."""
        happened: list[Event] = []
        inbox, going_by_vertex = self._inbox, self._going
        if self._progress:
            happened.extend(self._take_progress(now))
        while inbox:
            going, event = inbox.popleft()
            if going is None:
                if event is not None:
                    if event[0] == "broken":
                        raise event[1]
                    happened.append(event)
                continue
            if going.over or event is None:
                continue
            going.over = True
            going_by_vertex.pop(going.vertex, None)
            if event[0] == "finished":
                self.outcomes.accept(going, event)
            else:
                event = self.outcomes.decide(going, event, self.run)
            happened.append(event)
        return happened

    def _decide(self, i: int) -> Event | None:
        return self.outcomes.inputs.decide(i, self.clock())

    def _launch(self, i: int) -> None:
        """Hand a started node to a worker, or to whoever runs it elsewhere."""
        going = Going(self, i)
        self._going[i] = going
        if self.launcher.runs_here(i):
            self._tray.append(going)
            return
        try:
            self.launcher.start(going)
        except (Interrupted, StoreError):
            raise
        except Exception as error:
            self._inbox.append((going, self.outcomes.broken(going, error, self.clock())))

    def _append(self, record: list[Event], durable: bool = False) -> None:
        """Commit events, in as few batches as the limits allow."""
        names = self.run.name_json.__getitem__
        if len(record) <= EVENTS_MAX:
            text = ev.encode(record, names)
            durable = durable or self._durable
            if len(text) <= BYTES_MAX or len(record) == 1:
                seq = self.patience.do(self.journal.append, text, durable=durable)
                self.witness.batch(seq, record)
                return
        half = len(record) // 2
        self._append(record[:half], durable)
        self._append(record[half:], durable)

    def intend(self, document: Mapping[str, Any]) -> None:
        """Record on disk that something outside is about to be made; from any thread."""
        with self._lock:
            if self.done.is_set():
                raise FlowError("the run has ended")
            event = ev.intent(self.clock(), document)
            self.run.apply(event)
            self._append([event], durable=True)

    def release(self, document: Mapping[str, Any]) -> None:
        """Record that something outside is gone; from any thread."""
        self._inbox.append((None, ev.released(self.clock(), document)))
        self.step(0)

    def _late(self) -> None:
        """After the end nothing counts any more, but that what was made outside is gone."""
        gone = []
        while self._inbox:  # threads that were left to themselves may still add to it
            _, event = self._inbox.popleft()
            if event is not None and event[0] == "released":
                gone.append(event)
        if gone and self.failure is None:
            for event in gone:
                self.run.apply(event)
            with suppress(FlowError):  # `infra clean` looks there, and finds nothing
                self._append(gone)

    def _project(self) -> None:
        """Bring the documents up to the journal; a store that is away is met again soon."""
        with suppress(StoreUnavailable):
            self.projector.flush()
        self._projected = self._ticks()

    def _finish(self) -> None:
        """The run has ended: its documents first, then it is told."""
        self.patience.do(self.projector.flush)
        self._stop()

    def broke(self, error: BaseException) -> None:
        """Have the next turn stop the engine, for what cannot be mended; from any thread."""
        self._inbox.append((None, ("broken", error)))
        self._alarm.put(None)

    def _fail(self, error: BaseException) -> None:
        """The engine cannot go on; what was recorded stays."""
        if self.failure is not None:
            return
        self.failure = error
        for going in list(self._going.values()):
            going.over = True
            self._end_attempt(going)
        self._stop()

    def _stop(self) -> None:
        self.done.set()
        self._tray.clear()
        for _ in range(self._crew):
            self._bell.put(False)
        self._alarm.put(None)

    # -- workers -----------------------------------------------------------

    def _wake(self, count: int) -> None:
        """Have up to ``count`` workers look at the tray."""
        for _ in range(count):
            if self._idle > 0:
                self._idle -= 1
                self._bell.put(True)
            elif self._crew < self.limits["local"] + self.abandoned:
                self._crew += 1
                name = f"cloudmesh-flow-{self._crew}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
            else:
                return

    def _work(self) -> None:
        """A worker: runs nodes until the engine is done."""
        going = self._next_started()
        while not self.done.is_set():
            if going is None:
                # Counted first and looked at again then, so that no node is left
                # between a worker that goes to sleep and a turn that wakes nobody.
                self._idle += 1
                if not self._tray and not self._bell.get():
                    return
                going = self._next_started()
                continue
            took = self._perform(going)
            self._mean += (took - self._mean) * 0.2
            if self._tray and took < SHORT and perf_counter() - self._turned < AHEAD:
                going = self._next_started()
                if going is not None:
                    continue
            self.step(1)
            going = self._next_started()

    def _next_started(self) -> Going | None:
        while self._tray:
            with suppress(IndexError):  # another worker was faster
                return self._tray.popleft()
        return None

    def _perform(self, going: Going) -> float:
        """Call a node in this thread; returns how long it took, seconds."""
        here.set(going)
        going.began = began = perf_counter()
        try:
            event = self.outcomes.call(going, self.clock)
        except FlowError as error:  # its value is not kept, so it is not over
            self.broke(error)
            event = None
        except Exception as error:  # a value may raise anything wherever it is looked at
            event = self.outcomes.broken(going, error, self.clock())
        took = perf_counter() - began
        here.set(None)  # what the engine and its store say in this thread is not the node's
        if going.over:  # a thread cannot be ended, so it ran on
            self.abandoned -= 1
        self._inbox.append((going, event))
        return took

    # -- the watch ---------------------------------------------------------

    def begin(self) -> None:
        """Record what can be started at first and start it."""
        if len(self.run.flow.nodes) <= SMALL:
            try:
                with self._lock:
                    self.patience.do(self.projector.flush)
            except FlowError as error:
                self._fail(error)
                return
        if self.run.engines > 1:  # what was asked for when nobody heard it: first of all
            self._guarded(self._take_requests)
        self._inbox.append((None, None))
        self.step(0)

    def watch(self) -> None:
        """Keep time until the run has ended: in the thread that started it."""
        while not self.done.is_set():
            with suppress(Empty):
                self._alarm.get(timeout=self._patience())
            if not self.done.is_set():
                self.tick()
        self.launcher.close()
        self.journal.close()

    def _arm(self) -> None:
        """Have the watch look soon."""
        if not self._armed:
            self._armed = True
            self._alarm.put(None)

    def _patience(self) -> float:
        """How long the watch may sleep, seconds."""
        if self._tray or self._inbox:
            return TICK
        if self.projector.lags or self._progress:
            return LAG
        self._armed = False
        if self._tray or self._inbox or self.projector.lags:  # armed again in between
            return TICK
        now = self.clock()
        due = self.run.next_due()
        times = [BEAT / 2, *self.outcomes.next_deadline(self._going)]
        if due is not None:
            times.append(due - now)
        return max(0.0, min(times))

    def tick(self) -> None:
        """What time alone brings."""
        now = self._ticks()
        if self.signalled and not self.run.stopping:
            self.interrupt()
        head = self._tray[0] if self._tray else None
        if head is not None and head is self._stuck:
            self._wake(len(self._tray))
        self._stuck = head
        due = self.run.next_due()
        if self._progress or (due is not None and is_due(due, self.clock())):
            self._inbox.append((None, None))
        for going in self.outcomes.overdue(self._going):
            self._end_attempt(going, "timeout")
        if now - self._beat >= BEAT:
            self._beat = now
            self._guarded(self.journal.beat)
        if now - self._asked >= BEAT / 2:
            self._asked = now
            self._guarded(self._take_requests)
        self.step(0)
        if (
            self.projector.lags
            and now - self._projected > LAG
            and self._lock.acquire(blocking=False)
        ):
            try:
                if not self.done.is_set():
                    self._guarded(self._project)
            finally:
                self._lock.release()

    def _guarded(self, deed: Callable[[], None]) -> None:
        """Do something that can wait; a store that refuses stops the engine."""
        began = self._ticks()
        try:
            deed()
        except StoreUnavailable as error:
            self.patience.missed(error, began)
            if self.patience.exhausted:
                self._fail(error)
        except FlowError as error:
            self._fail(error)
        else:
            self.patience.found()

    def _take_requests(self) -> None:
        for request in self.journal.requests():
            if request["kind"] == "cancel":
                self.cancel(request.get("by", ""))
            self.journal.take_request(request["id"])

    # -- ending attempts ---------------------------------------------------

    def cancel(self, by: str) -> None:
        """End the run for good: running nodes are in error, the rest stays pending."""
        with self._lock:
            if self.done.is_set():
                return
            self._inbox.append((None, ev.request(self.clock(), "cancel", by)))
            self._end_all("cancelled")
        self.step(0)

    def signal(self) -> None:
        """Ask for `interrupt`; all that a signal handler may do, for it may stand in any line."""
        self.signalled = True
        self.patience.hurry()
        self._alarm.put(None)

    def interrupt(self) -> None:
        """End the run so that it can be resumed: running nodes are pending again."""
        with self._lock:
            if self.done.is_set() or self.run.stopping:
                return
            self.run.interrupt()
            self._end_all("interrupted")
            self._inbox.append((None, None))
        self.step(0)

    def _end_all(self, word: str) -> None:
        for going in list(self._going.values()):
            self._end_attempt(going, word)
        self._tray.clear()

    def _end_attempt(self, going: Going, word: str = "cancelled") -> None:
        """Ask an attempt to end; a thread is left to itself and its outcome dropped."""
        if going.ending:
            return
        going.ending = word
        if not self.launcher.runs_here(going.vertex):
            self.launcher.cancel(going)
            return
        from cloudmesh.flow.executors.call import ask_to_end

        if going.began and not going.over:
            self.abandoned += 1
            self._keep(going, "err", _LEFT[word])
        # Its end is decided before it is asked: what it returns then comes too late.
        self._inbox.append((going, self.outcomes.ended(going, self.clock())))
        ask_to_end(going)

    # -- what nodes say ----------------------------------------------------

    def output(self, going: Going, stream: str, text: str) -> None:
        """Keep what a node printed, and pass it on."""
        text = self.outcomes.results.veil(text)
        inside = here.set(None)  # what the store and the witness print is not the node's
        try:
            self._keep(going, stream, text)
            self.witness.output(going.node, stream, text)
        finally:
            here.reset(inside)

    def _say(self, text: str) -> None:
        """Tell the user a line, whatever node the calling thread is in."""
        inside = here.set(None)
        try:
            self.witness.note(text)
        finally:
            here.reset(inside)

    def _keep(self, going: Going, stream: str, text: str) -> None:
        began = self._ticks()
        try:
            self.journal.write_log(going.node, going.number, stream, text, going.reason)
        except StoreUnavailable as error:
            self.patience.missed(error, began)
        except FlowError as error:
            if self.failure is None:
                self.broke(error)

    def progressed(self, i: int, percent: float, text: str) -> None:
        """Keep the last thing that a node said of itself, for the next turn."""
        self._progress[i] = (percent, self.outcomes.results.veil(text))
        self._arm()

    def _take_progress(self, now: float) -> list[Event]:
        events = []
        while self._progress:
            i, (percent, text) = self._progress.popitem()
            if i in self._going and not self._going[i].over:
                events.append(ev.progress(i, now, percent, text))
        return events


_LEFT = {
    word: f"[{word}: a Python thread cannot be ended; it was asked to, and what it still does "
    "is dropped]\n"
    for word in ("cancelled", "interrupted", "timeout")
}

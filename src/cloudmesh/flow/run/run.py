"""One run, as a pure state machine: no clock, no I/O, no threads.

Rules of this module:

* everything that changes the state of a run is in this file, in the methods
  that `apply` calls, one for each kind of event;
* a journal replayed through `apply` gives the same state as the run had.  So
  what follows from an event without being written down (the elements of a map,
  who is blocked, the state of a map's own node) is derived here and nowhere else.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from heapq import heappop, heappush
from json import dumps
from typing import Any

from cloudmesh.flow.model.flow import Flow, Node
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.events import Event
from cloudmesh.flow.run.policy import Rate, is_due, room
from cloudmesh.flow.run.state import State, lanes_of
from cloudmesh.flow.run.states import (
    ERROR,
    FINISHED,
    PENDING,
    RUNNING,
    TRANSITIONS,
    InvalidTransition,
)

__all__ = ["DEATHS_MAX", "Run"]

#: A node that was running at this many deaths of its engine is in error.
DEATHS_MAX = 3

NO_RATES: Mapping[str, Rate] = {}


class Run(State):
    """One run.  Its state changes by `apply` and `advance`, and by nothing else."""

    def __init__(self, flow: Flow) -> None:
        super().__init__(flow)
        self._handlers: dict[str, Callable[..., None]] = {
            "run": self._on_run,
            "started": self._on_started,
            "finished": self._on_finished,
            "failed": self._on_failed,
            "kept": self._on_kept,
            "skipped": self._on_skipped,
            "reset": self._on_reset,
            "progress": self._on_progress,
            "taken": self._on_taken,
            "request": self._on_request,
            "intent": self._on_intent,
            "released": self._on_released,
            "end": self._on_end,
        }
        for i in range(len(flow.nodes)):
            if not self.waiting[i]:
                self._make_ready(i)

    # -- what the engine calls ---------------------------------------------

    def advance(
        self,
        happened: Iterable[Event],
        now: float,
        limits: Mapping[str, int],
        decide: Callable[[int], Event | None] | None = None,
        rates: Mapping[str, Rate] = NO_RATES,
    ) -> tuple[list[Event], list[int]]:
        """Take what happened; return what to record, and which nodes to start once that is done.

        ``limits`` says how many nodes of a place or pool may run at once, ``rates``
        how many of a pool may start in a time.  ``decide`` is
        asked, for a node that has a condition or may lack an input, for the
        event to record in place of its start, or None.  The last event is the
        end of the run, exactly once.
        """
        record: list[Event] = []
        handlers = self._handlers
        for event in happened:
            handlers[event[0]](*event[1:])
            record.append(event)
        while self._due and not self.stopping:
            due = self.next_retry()
            if due is None or not is_due(due, now):
                break
            self._make_ready(heappop(self._due)[1])
        self.opens = None
        starting: list[int] = []
        if not self.stopping:
            self._start(record, starting, now, limits, decide, rates)
        if self.status_word == "running" and self.engines and self._is_over():
            event = ev.end(now, self._final_word())
            self.apply(event)
            record.append(event)
        return record, starting

    def interrupt(self) -> None:
        """Start nothing more; the run ends, to be resumed, when nothing runs."""
        self.stopping = self.stopping or "interrupted"

    def recode(self, flow: Flow) -> None:
        """Take the tasks of the same flow with its functions read anew; the graph stays."""
        self.tasks = [node.task for node in flow.nodes]
        for i, own in self.own.items():
            self.own[i] = self.tasks[self.parent[i]]._replace(on=own.on)

    def apply(self, event: Event) -> None:
        """Change the state by one event.

        Raises `InvalidTransition` where that cannot happen to the node.
        """
        self._handlers[event[0]](*event[1:])

    def replay(self, batch: Iterable[Sequence[Any]]) -> None:
        """Apply one decoded batch of a journal (nodes by name)."""
        for event in batch:
            kind = event[0]
            if kind not in ev.NODE_KINDS:
                self.apply(tuple(event))
                continue
            fields = list(event[1:])
            fields[0] = self.index[fields[0]]
            if kind in ("finished", "kept"):
                fields[2] = dumps(fields[2], ensure_ascii=False, separators=(",", ":"))
            self._handlers[kind](*fields)

    # -- starting ----------------------------------------------------------

    def _start(
        self,
        record: list[Event],
        starting: list[int],
        now: float,
        limits: Mapping[str, int],
        decide: Callable[[int], Event | None] | None,
        rates: Mapping[str, Rate],
    ) -> None:
        """Start what is ready, as far as the limits allow."""
        if self.deaths and self._start_suspects(record, starting, now):
            return
        status, later = self.status, self.retry_at
        progress = True
        while progress:  # what is skipped makes others ready
            progress = False
            for lane, queue in list(self.ready.items()):
                if not queue:
                    continue
                free = min(
                    [limits.get(name, limits["local"]) - self.busy.get(name, 0) for name in lane]
                )
                if rates:
                    free = min(free, self._room(lane, now, rates))
                while queue and free > 0:
                    i = queue.popleft()
                    if status[i] != PENDING or (i in later and not is_due(later[i], now)):
                        continue
                    task = self.task(i)
                    event = None
                    # A condition is asked, and whether something that it may take was skipped.
                    if decide is not None and (task.when is not None or self.skipped):
                        event = decide(i)
                    if event is not None:
                        self.apply(event)
                        progress = True
                    else:
                        reason = self._why(i) if self.attempt[i] else "first"
                        event = ev.started(i, now, self.attempt[i] + 1, reason, task.on)
                        self._on_started(i, now, event[3], reason, task.on)
                        starting.append(i)
                        free -= 1
                    record.append(event)
                if rates and queue:
                    self._room(lane, now, rates)

    def _room(self, lane: Sequence[str], now: float, rates: Mapping[str, Rate]) -> int:
        """How many of a lane its pool's rate lets start; where none, `opens` says when."""
        if len(lane) < 2 or lane[1] not in rates:
            return len(self.status)
        free, opens = room(self.recent.setdefault(lane[1], deque()), now, rates[lane[1]])
        if not free:
            self.opens = opens if self.opens is None else min(self.opens, opens)
        return free

    def _start_suspects(self, record: list[Event], starting: list[int], now: float) -> bool:
        """Start what was running at two deaths first, one at a time.  True while there is any."""
        suspects = [i for i, n in self.deaths.items() if n >= 2 and self.status[i] == PENDING]
        if not suspects:
            return any(n >= 2 and self.status[i] == RUNNING for i, n in self.deaths.items())
        if self.running == 0:
            i = min(suspects)
            event = ev.started(i, now, self.attempt[i] + 1, self._why(i), self.task(i).on)
            self.apply(event)
            record.append(event)
            starting.append(i)
        return True

    def _why(self, i: int) -> str:
        """Why a node that has run before runs again."""
        reason = self.reason.get(i, "first")
        if reason.startswith("retry "):
            kind = self.error.get(i, {}).get("type", "error")
            return f"retry {self.failures[i] + 1} of {self.task(i).retries + 1} after {kind}"
        return "was interrupted" if reason == "interrupted" else reason

    def _make_ready(self, i: int) -> None:
        if i in self.maps:
            self._expand(i)
            return
        lane = self.lanes[i]
        queue = self.ready.get(lane)
        if queue is None:
            queue = self.ready[lane] = deque()
        queue.append(i)

    # -- one method for each kind of event ---------------------------------

    def _on_run(self, at: float, head: Mapping[str, Any]) -> None:
        self.head = head
        self.begun = at
        self.engines = 1

    def _on_started(self, i: int, at: float, attempt: int, reason: str, where: str) -> None:
        if self.status[i] != PENDING:
            raise InvalidTransition(self.names[i], self.status[i], "started")
        self._set(i, RUNNING)
        self.attempt[i] = attempt
        self.started[i] = at
        self.ended[i] = 0.0
        if self.retry_at:
            self.retry_at.pop(i, None)
        lane = self.lanes[i]
        if len(lane) > 1:
            self.recent.setdefault(lane[1], deque()).append(at)
        if reason != "first" or i in self.reason:
            self.reason[i] = reason
        if where != "local":
            self.where[i] = where
        if attempt > 1:
            self._forget(i)
        if i in self.parent:
            parent = self.parent[i]
            if self.status[parent] == PENDING:
                self.status[parent] = RUNNING
                self.reason.pop(parent, None)
                if not self.attempt[parent]:
                    self.attempt[parent] = 1
                    self.started[parent] = at
                if where != "local":
                    self.where[parent] = where
            self.changed.add(parent)

    def _forget(self, i: int) -> None:
        """A new attempt shows nothing of the one before."""
        self.error.pop(i, None)
        self.exit_code.pop(i, None)
        self.progress.pop(i, None)
        self.look.pop(i, None)
        self.waited.pop(i, None)

    def _on_finished(
        self, i: int, at: float, result: str, extra: Mapping[str, Any] | None = None
    ) -> None:
        self._step(i, "finished")
        self.ended[i] = at
        self.result[i] = result
        self.exit_code[i] = 0
        if extra:
            self.extra[i] = extra
            if "items" in extra:
                self.items[i] = extra["items"]
            if "look" in extra:
                self.look[i] = extra["look"]
            if "where" in extra:
                self.where[i] = extra["where"]
            if "waited" in extra:
                self.waited[i] = extra["waited"]
        self._passed(i, at)

    def _on_failed(
        self,
        i: int,
        at: float,
        error: Mapping[str, Any],
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        extra = extra or {}
        retry_at = extra.get("retry_at")
        self._step(i, "failed" if retry_at is None else "retry")
        self.ended[i] = at
        self.error[i] = error
        self.failures[i] = self.failures.get(i, 0) + 1
        if extra.get("exit_code") is not None:
            self.exit_code[i] = extra["exit_code"]
        if "look" in extra:
            self.look[i] = extra["look"]
        if "where" in extra:
            self.where[i] = extra["where"]
        if "waited" in extra:
            self.waited[i] = extra["waited"]
        if "result" in extra:
            self.result[i] = extra["result"]
        if extra.get("reason"):
            self.reason[i] = extra["reason"]
        if retry_at is None:
            self._failed_for_good(i, at)
        else:
            self.retry_at[i] = retry_at
            heappush(self._due, (retry_at, i))

    def _on_kept(
        self, i: int, at: float, result: str, extra: Mapping[str, Any], reason: str
    ) -> None:
        self._step(i, "kept")
        self.ended[i] = at
        self.result[i] = result
        self.extra[i] = extra
        self.reason[i] = reason
        self.exit_code[i] = 0
        if "items" in extra:
            self.items[i] = extra["items"]
        if "look" in extra:
            self.look[i] = extra["look"]
        if extra.get("skipped"):
            self.skipped.add(i)
        self._passed(i, at)

    def _on_skipped(self, i: int, at: float, reason: str) -> None:
        self._step(i, "skipped")
        self.ended[i] = at
        self.result[i] = "null"
        self.exit_code[i] = 0
        self.skipped.add(i)
        self.reason[i] = reason
        self._passed(i, at)

    def _on_reset(self, i: int, at: float, reason: str) -> None:
        self._step(i, "reset")
        self.reason[i] = reason
        self.ended[i] = at
        self._make_ready(i)

    def _on_progress(self, i: int, _at: float, percent: float, text: str = "") -> None:
        self._step(i, "progress")
        self.progress[i] = (percent, text)

    def _on_taken(self, at: float, engine: Mapping[str, Any]) -> None:
        """What was running when its engine died is pending again; in error at the third death."""
        self.engines += 1
        self.over = 0.0
        self.stopping = "cancelled" if ("cancel" in dict(self.requested)) else ""
        self.status_word = "running"
        for i in [i for i, s in enumerate(self.status) if s == RUNNING]:
            if i in self.maps:
                continue
            self.deaths[i] = self.deaths.get(i, 0) + 1
            lost = self.deaths[i] >= DEATHS_MAX
            self._step(i, "lost" if lost else "died")
            self.reason[i] = "was running when the engine died"
            if lost:
                self.ended[i] = at
                self.error[i] = {
                    "type": "EngineDied",
                    "message": f"was running at {DEATHS_MAX} deaths of its engine",
                    "traceback": "",
                }
                self._failed_for_good(i, at)
            else:
                self._make_ready(i)

    def _on_request(self, _at: float, kind: str, by: str) -> None:
        self.requested.append((kind, by))
        if kind == "cancel":
            self.stopping = "cancelled"

    def _on_intent(self, _at: float, document: Mapping[str, Any]) -> None:
        self.intents[document["tag"]] = document

    def _on_released(self, _at: float, document: Mapping[str, Any]) -> None:
        self.intents.pop(document["tag"], None)

    def _on_end(self, at: float, status: str) -> None:
        self.status_word = status
        self.over = at
        for i in self.maps:
            if self.status[i] == RUNNING:
                self._stop_map(i, at, status)
        if status == "cancelled":
            self.changed.update(i for i in self.nodes() if self.status[i] == PENDING)

    # -- what follows ------------------------------------------------------

    def _step(self, i: int, word: str) -> None:
        """Take the transition of the table."""
        after = TRANSITIONS.get((self.status[i], word))
        if after is None or i in self.maps:
            raise InvalidTransition(self.names[i], self.status[i], word)
        self._set(i, after)

    def _set(self, i: int, after: int) -> None:
        """Change the status of something that runs, and the counters with it."""
        before = self.status[i]
        self.changed.add(i)
        if before == after:
            return
        self.status[i] = after
        if i in self.maps:
            return
        counts = self.counts
        counts[before] -= 1
        counts[after] += 1
        by = (after == RUNNING) - (before == RUNNING)
        self.running += by
        busy = self.busy
        for name in self.lanes[i]:
            busy[name] = busy.get(name, 0) + by

    def _passed(self, i: int, at: float) -> None:
        """A node has finished: open what waits for it."""
        self.open -= 1
        if i in self.parent:
            self._element_ended(self.parent[i], at)
            return
        waiting = self.waiting
        stack = [i]
        while stack:
            for follower in self.successors[stack.pop()]:
                waiting[follower] -= 1
                if waiting[follower]:
                    continue
                if follower >= self.first_junction:
                    stack.append(follower)
                else:  # nothing that is blocked gets here: what blocks it never counts down
                    self._make_ready(follower)

    def _failed_for_good(self, i: int, at: float) -> None:
        self.open -= 1
        parent = self.parent.get(i)
        if parent is not None:
            self._element_ended(parent, at)
        else:
            self._block_after(i)

    def _block_after(self, cause: int) -> None:
        """Everything that depends on a failed node stays pending, and says why."""
        n = len(self.flow.nodes)
        stack = [cause]
        while stack:
            for follower in self.successors[stack.pop()]:
                if follower in self.blocked:
                    continue
                self.blocked[follower] = cause
                stack.append(follower)
                if follower < n:
                    self.open -= 1
                    self.changed.add(follower)

    # -- maps --------------------------------------------------------------

    def _expand(self, i: int) -> None:
        """Make the elements of a map: all that it depends on has finished."""
        node = self.flow.nodes[i]
        source = self.index[node.source or ""]
        length = self.value_length(source)
        at = self.ended[source]
        lacking = self._lacks(node)
        if lacking:
            self._set(i, FINISHED)
            self.ended[i] = at
            self.result[i] = "null"
            self.skipped.add(i)
            self.reason[i] = f"skipped: {lacking} was skipped"
            self._passed(i, at)
            return
        if length is None:
            self._set(i, ERROR)
            self.ended[i] = at
            self.error[i] = {
                "type": "TypeError",
                "message": f"{node.name}* maps over the list of {source_name(node.source)}, "
                "which returned no list or tuple: return list(…), or .tolist() of an array",
                "traceback": "",
            }
            self._failed_for_good(i, at)
            return
        first = len(self.status)
        self.elements[i] = range(first, first + length)
        self.left[i] = length
        for k in range(length):
            name = f"{node.name}[{k}]"
            self.index[name] = first + k
            self.parent[first + k] = i
            self.names.append(name)
            self.name_json.append(dumps(name))
        self.status.extend(bytes(length))
        self.waiting.extend([0] * length)
        self.lanes.extend([self.lanes[i]] * length)
        self.attempt.extend([0] * length)
        self.started.extend([0.0] * length)
        self.ended.extend([0.0] * length)
        self.result.extend([None] * length)
        self.open += length
        self.counts[PENDING] += length
        if self.flow.elements:
            self._place_elements(i)
        self.expanded.append(i)
        self.changed.add(i)
        if not length:
            self._map_ended(i, at)
        for k in self.elements[i]:
            self._make_ready(k)

    def _lacks(self, node: Node) -> str:
        """The skipped node that a map cannot do without: its source, or what a parameter takes."""
        if not self.skipped:
            return ""
        needed = [node.source or "", *(p.name for p in node.task.parameters if p.required)]
        return next((name for name in needed if self.index.get(name) in self.skipped), "")

    def _place_elements(self, i: int) -> None:
        """Give the elements that are mapped elsewhere tasks of their own."""
        for k in self.elements[i]:
            on = self.flow.elements.get(self.names[k])
            if on is not None:
                self.own[k] = self.tasks[i]._replace(on=on)
                self.lanes[k] = lanes_of([self.own[k]])[0]

    def _element_ended(self, i: int, at: float) -> None:
        self.left[i] -= 1
        self.changed.add(i)
        if not self.left[i]:
            self._map_ended(i, at)

    def _stop_map(self, i: int, at: float, status: str) -> None:
        """The run stops before all elements of a map have ended."""
        cancelled = [k for k in self.elements[i] if self.status[k] == ERROR]
        if status == "cancelled" and cancelled:
            self._set(i, ERROR)
            self.ended[i] = at
            self.error[i] = self.error[cancelled[0]]
        else:
            self._set(i, PENDING)
            self.reason[i] = status

    def _map_ended(self, i: int, at: float) -> None:
        """The last element has ended, and with it the map's own node."""
        elements = self.elements[i]
        self.ended[i] = max((self.ended[k] for k in elements), default=at)
        bad = [k for k in elements if self.status[k] == ERROR]
        if bad:
            self._set(i, ERROR)
            first = self.error[bad[0]]
            more = "" if len(bad) == 1 else f", the first of {len(bad)},"
            self.error[i] = {
                "type": first.get("type", ""),
                "message": f"{self.names[bad[0]]}{more} failed: {first.get('message', '')}",
                "traceback": "",
            }
            self._failed_for_good(i, at)
            return
        self._set(i, FINISHED)
        self.exit_code[i] = 0
        self._passed(i, at)

    # -- the end -----------------------------------------------------------

    def _is_over(self) -> bool:
        if self.stopping:
            return self.running == 0
        return self.open == 0

    def _final_word(self) -> str:
        if self.stopping:
            return self.stopping
        failed = self.counts[ERROR] or any(self.status[i] == ERROR for i in self.maps)
        return "error" if failed else "finished"


def source_name(name: str | None) -> str:
    """The name of a map's source, for a message."""
    return name or "its source"

"""How an attempt ended: from what was returned or raised to the event that records it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from time import perf_counter
from typing import Any

from cloudmesh.flow.engine.going import Going
from cloudmesh.flow.engine.inputs import Inputs
from cloudmesh.flow.engine.results import Results
from cloudmesh.flow.errors import Interrupted, StoreError
from cloudmesh.flow.executors.call import call, failure, text_of
from cloudmesh.flow.executors.output import flush
from cloudmesh.flow.executors.protocol import Outcome
from cloudmesh.flow.model.documents import utc_text
from cloudmesh.flow.model.value import Value, read
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.events import Event
from cloudmesh.flow.run.policy import retry_delay, wants_retry
from cloudmesh.flow.run.run import Run

__all__ = ["Outcomes"]


class Outcomes:
    """Calls nodes, and makes events of how they ended.

    ``functions`` are the callables of the flow's nodes by number, None for a
    command.  Values of finished nodes are left in ``inputs`` for successors.
    """

    def __init__(
        self,
        run: Run,
        inputs: Inputs,
        results: Results,
        functions: Sequence[Callable[..., Any] | None],
        chance: Callable[[], float] | None = None,
    ) -> None:
        self.run = run
        self.inputs = inputs
        self.results = results
        self.functions = functions
        self._chance = chance
        flow = run.flow
        self._listed = {flow.index[node.source] for node in flow.nodes if node.source is not None}

    # -- calling -----------------------------------------------------------

    def function(self, i: int) -> Callable[..., Any] | None:
        """What a node, or the map of an element, calls."""
        return self.functions[self.run.parent.get(i, i)]

    def call(self, going: Going, clock: Callable[[], float]) -> Event:
        """Call a node in this thread and say how it ended.  Raises what the store raises."""
        i = going.vertex
        task = self.run.task(i)
        try:
            arguments = self.inputs.arguments(i)
        except (Interrupted, StoreError):
            raise
        except Exception as error:
            return self.broken(going, error, clock())
        told = call(self.function(i), arguments, task.calculation, task.value_of)  # type: ignore[arg-type]
        if going.extra:
            flush(going)
        if told[0] == "finished":
            value = Value(told[1]) if task.value_of is not None else told[1]
            return self.finished(going, value, clock())
        return ev.failed(i, clock(), told[2], {"exit_code": told[3], "kinds": told[5]})

    # -- how it ended --------------------------------------------------------

    def finished(
        self, going: Going, returned: Any, at: float, place: Mapping[str, Any] | None = None
    ) -> Event:
        """The event for what a node returned: finished, or failed where it reports an error.

        ``place``: ``where`` it ran and how long it ``waited``, if elsewhere.  Raises
        `StoreError`, `Interrupted` where its value cannot be kept.
        """
        i = going.vertex
        if place is None:
            simple = self.results.simple(returned)
            if simple is not None:
                going.value = returned
                return ev.finished(i, at, simple)
        report = read(returned)
        try:
            text, extra = self.results.write(report)
        except (Interrupted, StoreError):
            raise
        except Exception as error:  # any object may raise anything while it is written
            return self.broken(going, error, at)
        if report.look:
            look = {word: self.results.veil(text) for word, text in report.look.items()}
            extra = {**(extra or {}), "look": look}
        if place is not None:
            extra = {**(extra or {}), **place}
        if report.failed:
            status = report.result["status"]
            message = f'reported "{status}"'
            if report.value is not None:
                message += f": {text_of(report.value)}"
            told = {"type": "Reported", "message": message, "traceback": ""}
            return ev.failed(i, at, told, {**(extra or {}), "result": text, "kinds": ["Reported"]})
        if i in self._listed:
            items = len(report.value) if isinstance(report.value, list | tuple) else None
            extra = {**(extra or {}), "items": items}
        going.value = report.value
        return ev.finished(i, at, text, extra)

    def accept(self, going: Going, event: Event) -> None:
        """An attempt has finished, and was not given up before: its value is the node's."""
        i = going.vertex
        self.inputs.values[i] = going.value
        if event[4]:
            self.inputs.hold(i, event[4])

    def came(
        self, going: Going, outcome: Outcome, at: float, where: str, waited: float | None = None
    ) -> Event:
        """The event for an outcome that an executor brought; ``waited`` seconds for its machine."""
        i = going.vertex
        place: dict[str, Any] = {"where": where}
        if waited is not None:
            place["waited"] = round(max(0.0, waited), 3)
        if outcome.status == "finished":
            task = self.run.task(i)
            value = Value(outcome.value) if task.value_of is not None else outcome.value
            return self.finished(going, value, at, place)
        error = outcome.error or {"type": "Error", "message": "failed", "traceback": ""}
        kinds = outcome.kinds or (error["type"],)
        extra = {"exit_code": outcome.exit_code, "kinds": kinds, **place}
        return ev.failed(i, at, error, extra)

    def broken(self, going: Going, error: BaseException, at: float) -> Event:
        """The event for a node whose inputs cannot be read or whose value cannot be stored."""
        told = failure(error)
        if told[0] == "finished":  # SystemExit(0), out of somebody's __reduce__
            return self.finished(going, None, at)
        return ev.failed(going.vertex, at, told[2], {"exit_code": told[3], "kinds": told[5]})

    def ended(self, going: Going, at: float) -> Event:
        """The event for an attempt that was ended on purpose."""
        task = self.run.task(going.vertex)
        if going.ending == "interrupted":
            return ev.reset(going.vertex, at, "interrupted")
        if going.ending == "timeout":
            message = f"took longer than {task.timeout:g} s"
            error = {"type": "Timeout", "message": message, "traceback": ""}
            return ev.failed(going.vertex, at, error, {"kinds": ["Timeout", "TimeoutError"]})
        error = {"type": "Cancelled", "message": "cancelled", "traceback": ""}
        return ev.failed(going.vertex, at, error, {"kinds": ["Cancelled"]})

    def decide(self, going: Going, event: Event, run: Run) -> Event:
        """What follows a failed attempt: the end, another attempt, or a pause."""
        kind, i, at = event[:3]
        if going.ending in ("cancelled", "interrupted") or run.stopping:
            going.ending = going.ending or run.stopping
            return self.ended(going, at)
        if kind != "failed":
            return event
        veil = self.results.veil
        error = {word: veil(text) for word, text in event[3].items()}
        extra = dict(event[4] or {})
        kinds = extra.pop("kinds", ())
        if extra.get("exit_code") is None:
            extra.pop("exit_code", None)
        failures = run.failures.get(i, 0) + 1
        task = run.task(i)
        if wants_retry(task, failures, kinds):
            extra["retry_at"] = at + retry_delay(task, failures, self._random())
            extra["reason"] = f"retry {failures + 1} at {utc_text(extra['retry_at'])[:19]}"
        return ev.failed(i, at, error, extra)

    def _random(self) -> float:
        if self._chance is None:
            from random import random

            self._chance = random
        return self._chance()

    # -- time ----------------------------------------------------------------

    def next_deadline(self, going: Mapping[int, Going]) -> Iterable[float]:
        """In how many seconds nodes in threads of ours will have taken too long."""
        now = perf_counter()
        for one in list(going.values()):
            limit = self.run.task(one.vertex).timeout
            if limit is not None and one.began and not one.ending:
                yield one.began + limit - now

    def overdue(self, going: Mapping[int, Going]) -> list[Going]:
        """Nodes in threads of ours that took too long."""
        now = perf_counter()
        late = []
        for one in list(going.values()):
            limit = self.run.task(one.vertex).timeout
            if limit is not None and one.began and not one.ending and one.began + limit <= now:
                late.append(one)
        return late

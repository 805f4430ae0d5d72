"""Runs that are driven by hand: each test says what happens, in which batch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cloudmesh.flow.engine.projector import Projector
from cloudmesh.flow.model.documents import definition, utc_text
from cloudmesh.flow.model.flow import Flow, Node, Task
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.run import Run
from cloudmesh.flow.store.protocol import RunHead, Store

__all__ = ["BEGUN", "Hand", "make_flow"]

PLAIN = Task()  # nodes may share one
BEGUN = 1_790_000_000.0


class Hand:
    """A run of a flow in a store, and what happens to it.  Time goes on by a second a batch."""

    def __init__(
        self,
        store: Store,
        flow: Flow,
        run: str = "k7q2m9xd",
        parameters: Mapping[str, Any] | None = None,
        begun: float = BEGUN,
    ) -> None:
        self.store, self.flow, self.id, self.now = store, flow, run, begun
        store.define(flow.name, definition(flow, begun), {"flow": flow.to_json()})
        head = {"flow": flow.to_json(), "parameters": dict(parameters or {})}
        event = ev.begin(begun, head)
        self.run = Run(flow)
        self.run.apply(event)
        about = RunHead(
            run, flow.name, "; ".join(flow.text), dict(parameters or {}), utc_text(begun), {}
        )
        self.journal = store.create(about, ev.encode([event], str))
        self.projector = Projector(self.run, self.journal)
        self.projector.flush()

    def batch(self, *events: ev.Event, seconds: float = 1.0) -> int:
        """Record a batch of events, and bring the documents up to it; returns its SEQ."""
        self.now += seconds
        for event in events:
            self.run.apply(event)
        seq = self.journal.append(ev.encode(events, self.run.name_json.__getitem__))
        self.projector.flush()
        return seq

    def number(self, name: str) -> int:
        return self.run.index[name]

    def started(self, name: str, reason: str = "first", where: str = "local") -> ev.Event:
        i = self.number(name)
        return ev.started(i, self.now, self.run.attempt[i] + 1, reason, where)

    def finished(self, name: str, result: Any = None, **extra: Any) -> ev.Event:
        if isinstance(result, list):
            extra.setdefault("items", len(result))
        return ev.finished(self.number(name), self.now, json.dumps(result), extra or None)

    def failed(
        self, name: str, kind: str = "ValueError", message: str = "no", **extra: Any
    ) -> ev.Event:
        traceback = extra.pop(
            "traceback", f'  File "flow.py", line 3, in {name}\n    boom()\n{kind}: {message}'
        )
        error = {"type": kind, "message": message, "traceback": traceback}
        return ev.failed(self.number(name), self.now, error, extra or None)

    def progress(self, name: str, percent: float, text: str = "") -> ev.Event:
        return ev.progress(self.number(name), self.now, percent, text)

    def reset(self, name: str, reason: str = "interrupted") -> ev.Event:
        return ev.reset(self.number(name), self.now, reason)

    def end(self, status: str = "finished") -> ev.Event:
        return ev.end(self.now, status)

    def run_all(self, *names: str) -> None:
        """Start and finish nodes, each in two batches."""
        for name in names:
            self.batch(self.started(name))
            self.batch(self.finished(name, 1))


def make_flow(
    needs: Mapping[str, list[str]],
    maps: Mapping[str, str] | None = None,
    tasks: Mapping[str, Task] | None = None,
    name: str = "test",
) -> Flow:
    """A flow from the names that each node needs."""
    order = {n: i for i, n in enumerate(needs)}
    nodes = tuple(
        Node(n, (tasks or {}).get(n, PLAIN), n in (maps or {}), (maps or {}).get(n)) for n in needs
    )
    edges = tuple(tuple(order[m] for m in wanted) for wanted in needs.values())
    return Flow(name, nodes, edges, text=("; ".join(needs),))

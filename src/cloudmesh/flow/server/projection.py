"""One run as a reader sees it, kept up to date from its journal.

A `Projection` is built from batch 1 (which holds the run's flow) and fed the
batches after it, in order.  The state itself is `run.Run`, the very machine
that the engine has; beside it stand what only a reader wants: each node's
attempts, and when it could have started.

Results are left out as they are read: values are never on the stream, and the
server has no use for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from cloudmesh.flow.model.flow import Flow, Look
from cloudmesh.flow.model.value import read
from cloudmesh.flow.run.events import decode
from cloudmesh.flow.run.run import Run
from cloudmesh.flow.run.states import ERROR, FINISHED, NAMES, PENDING, RUNNING
from cloudmesh.flow.store.protocol import Batch
from cloudmesh.flow.view.shown import ORDER

__all__ = ["Projection", "error_line", "replay"]

#: What is kept of the rest of a finished event.
KEPT = frozenset(("items", "look", "exit_code", "where", "waited"))
#: How much of a value a label shows, in characters.
LABEL_VALUE_MAX = 80

_NO_LOOK = Look()

#: On these a node waits for a slot of the engine's own: it is pending, like all that is to come.
HERE = ("local", "thread", "process")


class Projection:
    """The state of a run at ``seq``; see the head of this module.

    Nodes are numbered as in `Run`: the flow's own, then junctions (which no
    reader sees), then the elements of maps.
    """

    def __init__(self, first: Batch) -> None:
        self.flow = Flow.from_json(_head(first)["flow"])
        self.run = Run(self.flow)
        self.seq = 0
        self.attempts: dict[int, list[dict[str, Any]]] = {}
        self.ready: dict[int, float] = {}
        self.errors: list[tuple[int, int]] = []  # SEQ and node of each error that is final
        self.moments: list[tuple[int, float, int]] = []  # SEQ, time and events of each batch
        self._valued = {
            node.name
            for node in self.flow.nodes
            for look in (node.task.look, node.task.entry, node.task.done, node.task.failed)
            if "{value}" in (look.label or "")
        }
        self._known = self.run.base  # vertices that readers know of
        self.apply(first)

    # -- applying batches ----------------------------------------------------
    def apply(self, batch: Batch) -> list[int]:
        """Take the next batch; returns the numbers of the nodes that look different now."""
        run = self.run
        before = set(run.retry_at)
        events = decode(batch.events)
        self.seq = batch.seq
        at = 0.0
        for event in events:
            at = self._without_value(event)
            run.replay([event])
            self._note(event, at)
        self.moments.append((batch.seq, at, len(events)))
        changed = run.changed
        run.changed = set()
        changed.update(range(self._known, len(run)))
        self._known = len(run)
        changed.update(before.difference(run.retry_at))
        if any(event[0] in ("end", "taken", "request") for event in events):
            changed.update(i for i in self.numbers() if run.status[i] == PENDING)
        changed.update(self._mark_ready(changed, at))
        return sorted(changed)

    def _without_value(self, event: list[Any]) -> float:
        """Take the value out of an event, unless a label shows it; returns the event's time."""
        kind = event[0]
        if kind in ("run", "taken", "request", "intent", "released", "end"):
            return float(event[1])
        keep = event[1].partition("[")[0] in self._valued
        if kind == "finished":
            event[3] = event[3] if keep else None
            if len(event) > 4 and event[4]:
                event[4] = {k: v for k, v in event[4].items() if k in KEPT}
        elif kind == "failed" and not keep and len(event) > 4 and event[4]:
            event[4].pop("result", None)
        return float(event[2])

    def _note(self, event: list[Any], at: float) -> None:
        """What only readers want to know of an event."""
        kind = event[0]
        if kind == "started":
            i = self.run.index[event[1]]
            self.ready.setdefault(i, at)
            entry = {"attempt": event[3], "started": at, "reason": event[4], "where": event[5]}
            self.attempts.setdefault(i, []).append(entry)
        elif kind in ("finished", "failed", "reset"):
            i = self.run.index[event[1]]
            outcome = {"finished": "finished", "failed": "error", "reset": "interrupted"}[kind]
            error = error_line(event[3]) if kind == "failed" else None
            self._close(i, at, outcome, error)
            if self.run.status[i] == ERROR and not _cancelled(self.run.error.get(i)):
                self.errors.append((self.seq, i))
        elif kind == "taken":
            for i, attempts in self.attempts.items():
                if "ended" not in attempts[-1]:
                    self._close(i, at, "lost", "its engine died")
                    if self.run.status[i] == ERROR:
                        self.errors.append((self.seq, i))

    def _close(self, i: int, at: float, outcome: str, error: str | None) -> None:
        attempts = self.attempts.get(i)
        if attempts and "ended" not in attempts[-1]:
            attempts[-1].update(ended=at, outcome=outcome)
            if error:
                attempts[-1]["error"] = error

    def _mark_ready(self, changed: Iterable[int], at: float) -> list[int]:
        """Nodes that wait for nothing any more but a place to run."""
        run, n = self.run, len(self.flow)
        found = []
        candidates: set[int] = set(range(n)) if self.seq == 1 else set()
        for i in changed:
            if i >= run.base:
                candidates.add(i)
            elif i < n and run.status[i] == FINISHED:
                candidates.update(self._followers(i))
        for i in candidates:
            if i in self.ready or run.status[i] != PENDING or run.waiting[i] or i in run.maps:
                continue
            if i not in run.blocked:
                self.ready[i] = at
                found.append(i)
        return found

    def _followers(self, i: int) -> Iterator[int]:
        n, stack = len(self.flow), [i]
        while stack:
            for follower in self.run.successors[stack.pop()]:
                if follower < n:
                    yield follower
                elif not self.run.waiting[follower]:
                    stack.append(follower)

    # -- reading ---------------------------------------------------------------
    def numbers(self) -> Iterator[int]:
        """The numbers of all nodes and elements, in order."""
        yield from range(len(self.flow))
        yield from range(self.run.base, len(self.run))

    @property
    def lengths(self) -> dict[str, int]:
        """How many elements each map has, as far as known."""
        return {self.run.names[m]: len(e) for m, e in self.run.elements.items()}

    def labels(self) -> dict[str, str]:
        """The label of each node of the flow that has one by now."""
        found = {i: self._look(i).get("label") for i in range(len(self.flow))}
        return {self.run.names[i]: label for i, label in found.items() if label}

    def shown(self, i: int) -> str:
        """The word of the status table.  ``lost`` is added by who knows that the engine is gone."""
        run = self.run
        status = run.status[i]
        if status == RUNNING:
            return "running"
        if status == FINISHED:
            return "skipped" if i in run.skipped else "finished"
        if status == ERROR:
            return "cancelled" if _cancelled(run.error.get(i)) else "error"
        if i in run.blocked or run.parent.get(i) in run.blocked:
            return "blocked"
        if run.status_word == "cancelled":
            return "cancelled"
        if run.reason.get(i) == "interrupted":
            return "interrupted"
        if run.status_word != "running":
            return "pending"
        if i in run.retry_at:
            return "waiting to retry"
        on = run.task(i).on
        if i in self.ready and on not in HERE:
            return f"waiting for {on}"
        return "pending"

    def document(self, i: int) -> dict[str, Any]:
        """The state of a node as the stream and the snapshot send it; what is null is left out."""
        run = self.run
        out: dict[str, Any] = {
            "n": i,
            "name": run.names[i],
            "status": NAMES[run.status[i]],
            "shown": self.shown(i),
            "attempt": run.attempt[i],
        }
        reason = run.reason_of(i)
        optional = {
            "parent": run.parent.get(i),
            "started": run.started[i] or None,
            "ended": run.ended[i] or None,
            "reason": None if reason == "first" else reason,
            "where": run.where.get(i),
            "waited": run.waited.get(i),
            "retry_at": run.retry_at.get(i),
            "ready": self.ready.get(i),
            "error": error_line(run.error[i]) if i in run.error else None,
            **self._look(i),
        }
        if i in run.progress and run.status[i] == RUNNING:
            optional["progress"], optional["text"] = run.progress[i]
        if i in run.elements:
            optional["first"], optional["count"] = run.elements[i].start, len(run.elements[i])
        out.update((k, v) for k, v in optional.items() if v is not None and v != "")
        return out

    def plain(self, i: int) -> bool:
        """Whether nothing is to be said of a node of the flow but that it is pending."""
        run = self.run
        if run.status[i] != PENDING or run.attempt[i] or i >= run.base or i in run.elements:
            return False
        said = (self.ready, run.reason, run.blocked, run.retry_at, run.look, run.where, run.error)
        if run.status_word == "cancelled" or any(i in some for some in said):
            return False
        return self.flow.nodes[i].task.look == _NO_LOOK

    def _look(self, i: int) -> dict[str, str]:
        """Colour, label and shape: what is not given stays as it was."""
        run, task = self.run, self.run.task(i)
        looks: list[Look] = [task.look]
        if run.attempt[i] or run.status[i] != PENDING:
            looks.append(task.entry)
        if run.status[i] == FINISHED:
            looks.append(task.done)
        elif run.status[i] == ERROR:
            looks.append(task.failed)
        found: dict[str, str] = {}
        for look in looks:
            for key in ("color", "label", "shape"):
                value = getattr(look, key)
                if value is not None:
                    found[key] = value
        found.update({k: str(v) for k, v in run.look.get(i, {}).items()})
        if "{" in found.get("label", ""):
            found["label"] = self._fill(found["label"], i)
        return found

    def _fill(self, template: str, i: int) -> str:
        """A label template with its four words filled in, as in the documents."""
        run = self.run
        progress = run.progress.get(i)
        words = {
            "{name}": run.names[i],
            "{status}": NAMES[run.status[i]],
            "{progress}": f"{progress[0]:g}" if progress else "",
            "{value}": _value_text(run.result[i]),
        }
        for word, text in words.items():
            template = template.replace(word, text)
        return template

    def message(self, changed: Iterable[int]) -> dict[str, Any]:
        """What the stream says of the last batch."""
        seq, at, _ = self.moments[-1]
        out: dict[str, Any] = {
            "seq": seq,
            "at": at,
            "status": self.run.status_word,
            "nodes": [self.document(i) for i in changed],
        }
        return out

    def counts(self) -> dict[str, int]:
        """How many nodes show each word, of what runs: elements, not the map's own document."""
        out: dict[str, int] = {}
        for i in self.numbers():
            if i in self.run.maps:
                continue
            word = self.shown(i)
            word = "waiting" if word.startswith("waiting") else word
            out[word] = out.get(word, 0) + 1
        return {word: out[word] for word in ORDER if word in out}


def replay(batches: Iterable[Batch], until: int | None = None) -> Projection | None:
    """The state after a journal's batches, or after batch ``until``; None for an empty journal."""
    projection: Projection | None = None
    for batch in batches:
        if until is not None and batch.seq > until:
            break
        if projection is None:
            projection = Projection(batch)
        else:
            projection.apply(batch)
    return projection


def error_line(error: Any) -> str:
    """An error in one line: ``TypeError: what it says``."""
    if not isinstance(error, dict):
        return "error"
    message = str(error.get("message") or "").strip()
    first = message.splitlines()[0] if message else ""
    kind = str(error.get("type") or "Error")
    return f"{kind}: {first}"[:300] if first else kind


def _head(first: Batch) -> dict[str, Any]:
    for event in decode(first.events):
        if event[0] == "run":
            head: dict[str, Any] = event[2]
            return head
    raise ValueError("the first batch of the journal does not begin a run")


def _value_text(result: str | None) -> str:
    """A value as a label shows it."""
    if result is None:
        return ""
    value = json.loads(result)
    if isinstance(value, dict) and "$type" in value:
        text = str(value["text"])
    else:
        value = read(value).value
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LABEL_VALUE_MAX else text[:LABEL_VALUE_MAX] + "…"


def _cancelled(error: Any) -> bool:
    return isinstance(error, dict) and error.get("type") == "Cancelled"

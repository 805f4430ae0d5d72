"""A run's journal as a trace of OpenTelemetry, in the JSON of OTLP.  Pure.

The run is the root span, each attempt of a node a span below it.  Names,
times, statuses and errors go into it, no parameters and no results.  The ids
follow from those of the store, the run and the attempt, so that a trace that is
sent twice is the same trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

__all__ = ["trace"]

Span = dict[str, Any]

INTERNAL = 1  # the kind of a span that calls nobody
OK, ERROR = 1, 2


def trace(store: str, run: str, events: Iterable[Sequence[Any]], version: str) -> dict[str, Any]:
    """The events of a journal, decoded and in order, as the body of an OTLP request."""
    spans = _Spans(store, run)
    for event in events:
        spans.take(event)
    scope = {"scope": {"name": "cloudmesh.flow", "version": version}, "spans": spans.done()}
    service = attributes({"service.name": "cloudmesh-flow", "service.version": version})
    return {"resourceSpans": [{"resource": {"attributes": service}, "scopeSpans": [scope]}]}


class _Spans:
    """The spans of one run, as its events come."""

    def __init__(self, store: str, run: str) -> None:
        self.key = f"{store}/{run}"
        self.trace_id = digest(self.key, 16)
        self.root = self._span("run", f"{self.key}", 0.0)
        self.root["attributes"] = attributes({"cloudmesh.flow.run": run})
        self.spans = [self.root]
        self.open: dict[str, Span] = {}
        self.last = 0.0

    def _span(self, name: str, key: str, at: float) -> Span:
        return {
            "traceId": self.trace_id,
            "spanId": digest(key, 8),
            "name": name,
            "kind": INTERNAL,
            "startTimeUnixNano": nanoseconds(at),
            "endTimeUnixNano": nanoseconds(at),
            "attributes": [],
            "events": [],
            "status": {},
        }

    def take(self, event: Sequence[Any]) -> None:
        """What an event says of the run or of a node."""
        kind = event[0]
        about_node = kind in ("started", "finished", "failed", "reset", "progress")
        at = event[2] if about_node or kind in ("kept", "skipped") else event[1]
        self.last = max(self.last, at)
        if kind == "run":
            self._begin(event[2], at)
        elif kind == "taken":
            self.root["events"].append(happened("another engine goes on with it", at))
        elif kind == "end":
            self._end(event[2])
        elif kind == "started":
            self._started(event[1], at, *event[3:6])
        elif about_node and event[1] in self.open:
            self._goes_on(kind, event[1], at, *event[3:])

    def _begin(self, head: dict[str, Any], at: float) -> None:
        name = head["flow"]["name"]
        self.root["name"] = f"flow {name}"
        self.root["startTimeUnixNano"] = nanoseconds(at)
        self.root["attributes"] += attributes({"cloudmesh.flow.workflow": name})

    def _end(self, status: str) -> None:
        code = {"finished": OK, "error": ERROR}.get(status)
        self.root["status"] = {"code": code} if code else {"message": status}

    def _started(self, node: str, at: float, attempt: int, reason: str, where: str) -> None:
        if node in self.open:  # its engine died, and nobody saw it end
            self._close(node, at, {"code": ERROR, "message": "lost"})
        span = self.open[node] = self._span(node, f"{self.key}/{node}/{attempt}", at)
        span["parentSpanId"] = self.root["spanId"]
        said = {"node": node, "attempt": attempt, "reason": reason, "where": where}
        span["attributes"] = attributes({f"cloudmesh.flow.{k}": v for k, v in said.items()})
        self.spans.append(span)

    def _goes_on(self, kind: str, node: str, at: float, *rest: Any) -> None:
        span = self.open[node]
        if kind == "progress":
            said = {"cloudmesh.flow.progress": float(rest[0])}
            text = str(rest[1]) if len(rest) > 1 else ""
            span["events"].append(
                {**happened(text or "progress", at), "attributes": attributes(said)}
            )
        elif kind == "finished":
            self._close(node, at, {"code": OK})
        elif kind == "reset":
            self._close(node, at, {"message": str(rest[0])})
        else:
            error = rest[0]
            said = {
                "exception.type": error.get("type"),
                "exception.message": error.get("message"),
                "exception.stacktrace": error.get("traceback"),
            }
            span["events"].append({**happened("exception", at), "attributes": attributes(said)})
            self._close(node, at, {"code": ERROR, "message": f"{error.get('type')}"})

    def _close(self, node: str, at: float, status: dict[str, Any]) -> None:
        span = self.open.pop(node)
        span["endTimeUnixNano"] = nanoseconds(at)
        span["status"] = status

    def done(self) -> list[Span]:
        """All spans; one that has not ended goes as far as the journal does."""
        for node in list(self.open):
            self._close(node, self.last, {"message": "running"})
        self.root["endTimeUnixNano"] = nanoseconds(self.last)
        return self.spans


def happened(name: str, at: float) -> dict[str, Any]:
    """An event of a span."""
    return {"timeUnixNano": nanoseconds(at), "name": name}


def attributes(said: dict[str, Any]) -> list[dict[str, Any]]:
    """Names and values as OTLP has them; what is None is left out."""
    return [{"key": key, "value": any_value(v)} for key, v in said.items() if v is not None]


def any_value(value: Any) -> dict[str, Any]:
    """A number or a text; whole numbers are text in JSON, as 64 bits do not fit into a double."""
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": str(value)}


def nanoseconds(at: float) -> str:
    """Seconds since 1970 as OTLP has them; a double knows the microsecond."""
    return str(round(at * 1_000_000) * 1000)


def digest(key: str, length: int) -> str:
    """So many bytes that follow from a key, in hexadecimal."""
    return sha256(key.encode()).hexdigest()[: 2 * length]

"""What differs between two runs, node by node.  Pure."""

from __future__ import annotations

from typing import Any

from cloudmesh.flow.run.run import Run
from cloudmesh.flow.run.states import NAMES

__all__ = ["compare"]


def compare(first: Run, second: Run) -> list[dict[str, Any]]:
    """One entry a node that differs, in the order of the first run, then of the second.

    ``{"name", "status", "result", "took", "code"}``: each a pair (first,
    second), ``took`` in seconds and always there, the others only where they
    differ; ``only`` is ``first`` or ``second`` for a node that the other lacks.
    """
    found = []
    for i in first.nodes():
        name = first.names[i]
        j = second.index.get(name)
        entry = {"name": name, "only": "first"} if j is None else _differ(first, i, second, j)
        if len(entry) > 2 or "only" in entry:
            found.append(entry)
    found += [
        {"name": second.names[j], "only": "second"}
        for j in second.nodes()
        if second.names[j] not in first.index
    ]
    return found


def _differ(first: Run, i: int, second: Run, j: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": first.names[i], "took": (_took(first, i), _took(second, j))}
    sides = (
        ("status", NAMES[first.status[i]], NAMES[second.status[j]]),
        ("result", _result(first, i), _result(second, j)),
        ("error", _error(first, i), _error(second, j)),
        ("code", first.task(i).code.sha256, second.task(j).code.sha256),
    )
    for word, one, other in sides:
        if one != other:
            entry[word] = (one, other)
    return entry


def _took(run: Run, i: int) -> float | None:
    return run.ended[i] - run.started[i] if run.started[i] and run.ended[i] else None


def _result(run: Run, i: int) -> str | None:
    return run.map_result(i) if i in run.elements else run.result[i]


def _error(run: Run, i: int) -> str | None:
    error = run.error.get(i)
    return f"{error['type']}: {error['message']}" if error else None

"""What differs between two runs, node by node.  Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from cloudmesh.flow.run.run import Run
from cloudmesh.flow.run.states import NAMES

__all__ = ["compare"]


def compare(first: Run, second: Run) -> list[dict[str, Any]]:
    """One entry a node that differs, in the order of the first run, then of the second.

    ``{"name", "status", "result", "error", "took", "code"}``: each a pair (first,
    second), ``took`` in seconds and always there, the others only where they
    differ; ``result`` and ``error`` are as the documents hold them, and errors that
    say the same do not differ, whatever their tracebacks; ``only`` is ``first`` or
    ``second`` for a node that the other lacks.
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
        ("code", first.task(i).code.sha256, second.task(j).code.sha256),
    )
    for word, one, other in sides:
        if one != other:
            entry[word] = (one, other)
    results = (_result(first, i), _result(second, j))
    if results[0] != results[1]:
        entry["result"] = tuple(map(json.loads, results))
    errors = (first.error.get(i), second.error.get(j))
    if _said(errors[0]) != _said(errors[1]):
        entry["error"] = tuple(None if error is None else dict(error) for error in errors)
    return entry


def _took(run: Run, i: int) -> float | None:
    return run.ended[i] - run.started[i] if run.started[i] and run.ended[i] else None


def _result(run: Run, i: int) -> str:
    return (run.map_result(i) if i in run.elements else run.result[i]) or "null"


def _said(error: Mapping[str, Any] | None) -> tuple[Any, Any] | None:
    return None if error is None else (error["type"], error["message"])

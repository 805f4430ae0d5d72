"""How long a flow will take, from what its nodes took in earlier runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from cloudmesh.flow.model.flow import Flow
    from cloudmesh.flow.store.protocol import Store

__all__ = ["Estimate", "Took", "earlier", "estimate", "steps", "took_of"]

#: So many runs are read, the newest, or fewer when they have more documents than this.
RUNS_MAX, DOCUMENTS_MAX = 10, 50_000

#: When a node started, and when it ended.
Span = tuple[datetime, datetime]


class Took(NamedTuple):
    """What a node took, in seconds: ``span`` from its start to its end, ``work`` in all.

    They differ for a map: its elements run side by side, and their times add up to its work.
    """

    span: float
    work: float


class Estimate(NamedTuple):
    """``span`` seconds along the longest chain, ``path``; ``work`` of all nodes together.

    ``unknown`` are the nodes of which no earlier run tells, counted as nothing.
    """

    span: float
    work: float
    path: tuple[str, ...]
    unknown: tuple[str, ...]

    def seconds(self, parallel: int) -> float:
        """How long the run takes at least, with so many nodes at once."""
        return max(self.span, self.work / parallel)


def earlier(store: Store, workflow: str) -> tuple[int, dict[str, Took]]:
    """Of how many earlier runs something is known, and the median of what each node took."""
    samples: dict[str, list[Took]] = {}
    runs = read = 0
    for run in store.runs(workflow, limit=RUNS_MAX):
        nodes = store.nodes(run["run"])
        found = took_of(nodes)
        for name, took in found.items():
            samples.setdefault(name, []).append(took)
        runs += bool(found)
        read += len(nodes)
        if read > DOCUMENTS_MAX:
            break
    return runs, {
        name: Took(median(t.span for t in all_of), median(t.work for t in all_of))
        for name, all_of in samples.items()
    }


def took_of(nodes: Iterable[Mapping[str, Any]]) -> dict[str, Took]:
    """What the nodes of a run took that ran in it and finished, a map as one."""
    own: dict[str, list[Span]] = {}
    elements: dict[str, list[Span]] = {}
    unfinished = set()
    for node in nodes:
        name, bracket, _ = node["name"].partition("[")
        if node["status"] != "finished":
            unfinished.add(name)
        elif node["attempt"] and node["started"] and node["ended"]:
            begun, ended = map(datetime.fromisoformat, (node["started"], node["ended"]))
            (elements if bracket else own).setdefault(name, []).append((begun, ended))
    spans = {**own, **elements}  # a map is what its elements are
    return {name: _took(spans[name]) for name in spans if name not in unfinished}


def _took(spans: list[Span]) -> Took:
    whole = max(end for _, end in spans) - min(start for start, _ in spans)
    work = sum((end - start).total_seconds() for start, end in spans)
    return Took(whole.total_seconds(), work)


def estimate(flow: Flow, took: Mapping[str, Took]) -> Estimate:
    """The longest chain of the flow, and all its work."""
    n = len(flow.nodes)
    ends = [0.0] * (n + len(flow.junctions))
    before: list[int | None] = [None] * len(ends)
    needs = [*flow.needs, *flow.junctions]
    for vertex in flow.order:
        last = max(needs[vertex], key=ends.__getitem__, default=None)
        before[vertex] = last
        own = took.get(flow.nodes[vertex].name) if vertex < n else None
        ends[vertex] = (ends[last] if last is not None else 0.0) + (own.span if own else 0.0)
    path = []
    at: int | None = max(range(n), key=ends.__getitem__, default=None)
    span = ends[at] if at is not None else 0.0
    while at is not None:
        if at < n:
            path.append(flow.nodes[at].name)
        at = before[at]
    names = [node.name for node in flow.nodes]
    return Estimate(
        span,
        sum(took[name].work for name in names if name in took),
        tuple(reversed(path)),
        tuple(name for name in names if name not in took),
    )


def steps(flow: Flow) -> list[int]:
    """For each node the step, from 1, in which it can start if all take equally long."""
    n = len(flow.nodes)
    needs = [*flow.needs, *flow.junctions]
    level = [0] * len(needs)
    for vertex in flow.order:
        level[vertex] = max((level[u] for u in needs[vertex]), default=0) + (vertex < n)
    return level[:n]

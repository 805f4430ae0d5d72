"""The state of one run: what there is to know, and nothing that changes it.

Vertices are numbered: the flow's nodes, then its junctions, then the elements
of maps in the order in which their lists became known.  For each vertex there
is one entry in each of the arrays; what few nodes have stands in dicts.

Constant:  flow, names, tasks, lanes, maps and successors of the flow's own vertices
Changing:  status, waiting, attempt, …; the counters derived from them, `ready`
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from heapq import heappop
from typing import Any

from cloudmesh.flow.model.flow import Flow, Task
from cloudmesh.flow.run.states import NAMES, PENDING

__all__ = ["HERE", "State", "lanes_of"]

#: The words for this machine: their nodes share one limit.
HERE = ("local", "thread", "process")


class State:
    """The state of one run, to be read by everyone and changed by `Run` alone."""

    def __init__(self, flow: Flow) -> None:
        n = len(flow.nodes)
        self.flow = flow
        self.first_junction = n
        self.base = n + len(flow.junctions)  # number of the first element of a map
        self.successors = flow.successors
        self.names: list[str] = [node.name for node in flow.nodes]
        self.names.extend("" for _ in flow.junctions)
        self.index = {name: i for i, name in enumerate(self.names) if name}
        self.tasks: list[Task] = [node.task for node in flow.nodes]
        self.maps = frozenset(i for i, node in enumerate(flow.nodes) if node.mapped)
        self.lanes = lanes_of(self.tasks)
        self.lanes.extend(() for _ in flow.junctions)
        self.name_json: list[str] = [f'"{name}"' for name in self.names]  # they need no escape

        needs = [*flow.needs, *flow.junctions]
        self.status = bytearray(self.base)
        self.waiting = [len(need) for need in needs]
        self.attempt = [0] * self.base
        self.started = [0.0] * self.base
        self.ended = [0.0] * self.base
        self.result: list[str | None] = [None] * self.base

        # maps
        self.parent: dict[int, int] = {}  # element -> its map
        self.elements: dict[int, range] = {}  # map -> its elements
        self.left: dict[int, int] = {}  # map -> elements that have not ended
        self.own: dict[int, Task] = {}  # elements that run elsewhere than their map's others
        self.items: dict[int, int | None] = {}  # node -> length of its list, None: no list
        self.expanded: list[int] = []  # maps whose documents are still to be made

        # what few nodes have
        self.reason: dict[int, str] = {}
        self.error: dict[int, Mapping[str, Any]] = {}
        self.exit_code: dict[int, int] = {}
        self.extra: dict[int, Mapping[str, Any]] = {}  # of a finished event
        self.look: dict[int, Mapping[str, str]] = {}
        self.progress: dict[int, tuple[float, str]] = {}
        self.where: dict[int, str] = {}
        self.waited: dict[int, float] = {}
        self.skipped: set[int] = set()
        self.blocked: dict[int, int] = {}  # vertex -> the first cause
        self.failures: dict[int, int] = {}
        self.deaths: dict[int, int] = {}
        self.retry_at: dict[int, float] = {}
        self._due: list[tuple[float, int]] = []
        self.requested: list[tuple[str, str]] = []
        self.intents: dict[str, Mapping[str, Any]] = {}

        # the run itself
        self.head: Mapping[str, Any] = {}
        self.status_word = "running"
        self.begun = 0.0
        self.over = 0.0
        self.stopping = ""  # "cancelled" or "interrupted": nothing starts any more
        self.engines = 0

        # counters derived from the above
        self.running = 0
        self.open = n  # nodes and elements that may still change
        self.counts = [n - len(self.maps), 0, 0, 0]
        self.ready: dict[tuple[str, ...], deque[int]] = {}
        self.busy: dict[str, int] = {}
        self.recent: dict[str, deque[float]] = {}  # pool -> when its nodes were started
        self.opens: float | None = None  # when a pool that has a rate has room again
        self.changed: set[int] = set()  # since the documents were written last

    # -- reading -----------------------------------------------------------

    def __len__(self) -> int:
        """How many vertices there are now, junctions included."""
        return len(self.status)

    def task(self, i: int) -> Task:
        """What is said of a node; an element has its map's, but where it runs elsewhere."""
        if i < self.base:
            return self.tasks[i]
        return self.own[i] if i in self.own else self.tasks[self.parent[i]]

    def reason_of(self, i: int) -> str | None:
        """Why a node ran as it did, or why it did not."""
        if i in self.blocked and self.error[self.blocked[i]].get("type") != "Cancelled":
            return f"blocked by {self.names[self.blocked[i]]}"
        if self.status[i] == PENDING and (i in self.blocked or self.status_word == "cancelled"):
            return "cancelled"
        if i in self.reason:
            return self.reason[i]
        return "first" if self.attempt[i] else None

    def where_of(self, i: int) -> str | None:
        """Where a node ran or runs; None where it has not started."""
        return self.where.get(i, "local") if self.attempt[i] else None

    def next_due(self) -> float | None:
        """When something can start that waits for its time alone, in seconds since 1970."""
        times = [t for t in (self.next_retry(), self.opens) if t is not None]
        return min(times, default=None)

    def next_retry(self) -> float | None:
        """When the next attempt that waits for its time is due, in seconds since 1970."""
        while self._due and self.retry_at.get(self._due[0][1]) != self._due[0][0]:
            heappop(self._due)
        return self._due[0][0] if self._due else None

    def value_length(self, i: int) -> int | None:
        """The length of the list that a node returned; None where it is no list."""
        if i in self.elements:
            return len(self.elements[i])
        return self.items.get(i)

    def map_result(self, i: int) -> str:
        """The JSON text of a finished map's result: its elements' results, in order."""
        return "[" + ",".join(self.result[k] or "null" for k in self.elements[i]) + "]"

    def nodes(self) -> Iterable[int]:
        """Every vertex but the junctions."""
        yield from range(len(self.flow.nodes))
        yield from range(self.base, len(self.status))

    def counts_by_status(self) -> dict[str, int]:
        """How many of what runs are in each status: elements of a map, not the map's own node."""
        return dict(zip(NAMES, self.counts, strict=True))


def lanes_of(tasks: Iterable[Task]) -> list[tuple[str, ...]]:
    """For each task the names of the limits that its node counts against: where it runs, and
    ``pool:NAME`` where it says so."""
    known: dict[tuple[str, str | None], tuple[str, ...]] = {}
    lanes = []
    for task in tasks:
        key = (task.on, task.pool)
        if key not in known:
            place = "local" if task.on in HERE else task.on
            known[key] = (place,) if task.pool is None else (place, f"pool:{task.pool}")
        lanes.append(known[key])
    return lanes

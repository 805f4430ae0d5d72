"""From parsed flow strings to the arrays of a `Flow`: nodes, needs, junctions.

In a list of strings the same name is the same node, so several trees make one
graph.  A barrier between two wide groups becomes a junction (see `model.flow`),
so that a flow of n names has O(n) edges however it is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any

from cloudmesh.flow.language.flowstring import Parsed, Tree
from cloudmesh.flow.language.source import Findings
from cloudmesh.flow.model.flow import topological

__all__ = ["Graph", "build"]

_FEW_EDGES = 6  # a barrier of so few edges is written out


class Graph:
    """The names in order of first mention, and who waits for whom.

    ``needs`` and ``junctions`` are as in `model.flow.Flow`; ``places`` has, for
    each name, every string that mentions it.
    """

    def __init__(self) -> None:
        self.index: dict[str, int] = {}
        self.mapped: set[str] = set()
        self.needs: list[tuple[int, ...]] = []
        self.junctions: list[tuple[int, ...]] = []
        self.parsed: list[Parsed] = []

    def places(self, name: str) -> list[tuple[Parsed, int]]:
        """Where a name stands: the string and the offset in it."""
        return [(p, p.names[name]) for p in self.parsed if name in p.names]


def build(strings: Sequence[Parsed], findings: Findings) -> Graph:
    """The graph of all strings; a cycle across them goes to ``findings``."""
    graph = Graph()
    graph.parsed = list(strings)
    words = chain.from_iterable(parsed.words for parsed in strings)
    graph.index = {name: i for i, name in enumerate(dict.fromkeys(words))}
    graph.mapped.update(*(parsed.mapped for parsed in strings))
    edges = _Edges(graph.index)
    for parsed in strings:
        if parsed.rows is not None:
            edges.add_rows(parsed.rows)
        elif parsed.tree is not None:
            edges.add(parsed.tree)
    graph.needs = edges.numbered()
    graph.junctions = list(edges.junctions)
    if len(strings) > 1:
        _find_cycles(graph, findings)
    return graph


class _Edges:
    """Collects edges; while it does, junction k is the vertex ``~k``.

    What a node needs is a tuple, that of its first barrier, which all behind it
    share; a dict where there are several barriers.
    """

    def __init__(self, index: dict[str, int]) -> None:
        self.index = index
        self.needs: list[tuple[int, ...] | dict[int, None]] = [()] * len(index)
        self.junctions: dict[tuple[int, ...], int] = {}

    def add(self, tree: Tree) -> None:
        """Add the edges of one tree, from the leaves up.

        What comes up from a subtree are its first and its last nodes, as ropes
        (a number, or a list of ropes): each is flattened at one barrier at most,
        so that deep nesting stays linear.
        """
        work: list[tuple[Tree, bool]] = [(tree, False)]
        done: list[tuple[Any, Any]] = []
        while work:
            node, children_done = work.pop()
            if isinstance(node, str):
                number = self.index[node]
                done.append((number, number))
                continue
            kind, items = node
            if not children_done:
                work.append((node, True))
                work.extend((item, False) for item in reversed(items))
                continue
            parts = done[-len(items) :]
            del done[-len(items) :]
            if kind == "|":
                done.append(([first for first, _ in parts], [last for _, last in parts]))
                continue
            for (_, last), (first, _) in pairwise(parts):
                self.barrier(_flat(last), _flat(first))
            done.append((parts[0][0], parts[-1][1]))

    def add_rows(self, rows: list[list[str]]) -> None:
        """Add the edges of a string that is rows, each of which waits for the one before."""
        index = self.index
        for before, after in pairwise([[index[name] for name in row] for row in rows]):
            self.barrier(before, after)

    def barrier(self, before: list[int], after: list[int]) -> None:
        """Everything in ``after`` waits for everything in ``before``."""
        vertices = tuple(before)
        if len(before) > 1 < len(after) and len(before) * len(after) > _FEW_EDGES:
            vertices = (~self.junctions.setdefault(vertices, len(self.junctions)),)
        for node in after:
            needs = self.needs[node]
            if not needs:
                self.needs[node] = vertices
                continue
            if isinstance(needs, tuple):
                needs = self.needs[node] = dict.fromkeys(needs)
            needs.update(dict.fromkeys(vertices))

    def numbered(self) -> list[tuple[int, ...]]:
        """What each node needs, junctions after the nodes; equal ones are one object."""
        n = len(self.index)
        known: dict[tuple[int, ...], tuple[int, ...]] = {}
        made = []
        for needs in map(tuple, self.needs):
            if needs not in known:
                plain = not self.junctions or min(needs, default=0) >= 0
                known[needs] = needs if plain else tuple(v if v >= 0 else n + ~v for v in needs)
            made.append(known[needs])
        return made


def _flat(rope: Any) -> list[int]:
    """The numbers of a rope, from left to right."""
    if isinstance(rope, int):
        return [rope]
    out: list[int] = []
    stack = [rope]
    while stack:
        top = stack.pop()
        if isinstance(top, int):
            out.append(top)
        else:
            stack.extend(reversed(top))
    return out


def _find_cycles(graph: Graph, findings: Findings) -> None:
    needs = [*graph.needs, *graph.junctions]
    _, left = topological(needs)
    names = list(graph.index)
    while left:
        cycle = _one_cycle(needs, left)
        nodes = [v for v in cycle if v < len(names)]
        first = nodes.index(min(nodes))
        around = [names[v] for v in [*nodes[first:], *nodes[: first + 1]]]
        parsed, offset = graph.places(around[0])[-1]
        findings.add(
            parsed.source.problem(
                f"a cycle: {' → '.join(around)}: none of these can be first",
                offset,
                offset + len(around[0]),
            )
        )
        cut = set(cycle)
        needs = [
            () if v in cut else tuple(u for u in needs[v] if u not in cut)
            for v in range(len(needs))
        ]
        _, left = topological(needs)


def _one_cycle(needs: Sequence[Sequence[int]], left: set[int]) -> list[int]:
    """A cycle among the vertices that no order reaches, in the order of running."""
    at = min(left)
    seen: dict[int, int] = {}
    path: list[int] = []
    while at not in seen:
        seen[at] = len(path)
        path.append(at)
        at = next(v for v in needs[at] if v in left)
    return path[seen[at] :][::-1]

"""A flow as text again: the flow strings of a graph."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cloudmesh.flow.language.flowstring import Parsed, Tree, parse
from cloudmesh.flow.language.source import Findings, Source
from cloudmesh.flow.model.flow import Flow

__all__ = ["as_text", "normalised", "parenthesised", "strings"]

_BETWEEN = {";": "; ", "|": " || "}


def parenthesised(text: str) -> str:
    """A flow string with all the parentheses that ``;`` and ``||`` leave to be understood.

    Raises `InputError` for a string that is wrong.
    """
    findings = Findings()
    parsed = parse(Source(text, "flow string"), findings)
    findings.raise_if_any()
    return as_text(parsed, parsed.mapped)


def as_text(parsed: Parsed, mapped: Collection[str]) -> str:
    """What a flow string says, as `normalised` text; of rows that is made without their tree."""
    rows = parsed.rows
    if rows is None:
        return normalised(parsed.tree, mapped) if parsed.tree is not None else ""
    if mapped:
        rows = [[f"{name}*" if name in mapped else name for name in row] for row in rows]
    if len(rows) == 1:
        return " || ".join(rows[0])
    return "; ".join(row[0] if len(row) == 1 else f"({' || '.join(row)})" for row in rows)


def normalised(tree: Tree, mapped: Collection[str]) -> str:
    """A tree as text: one blank around operators, parentheses where ``;`` and ``||`` meet."""
    out: list[str] = []
    work: list[tuple[Tree | None, str]] = [(tree, "")]  # None: a piece of text
    while work:
        node, outer = work.pop()
        if node is None:
            out.append(outer)
            continue
        if isinstance(node, str):
            out.append(node + "*" if node in mapped else node)
            continue
        kind, items = node
        if outer not in ("", kind):
            out.append("(")
            work.append((None, ")"))
        if not mapped and all(type(item) is str for item in items):  # most of a wide flow
            out.append(_BETWEEN[kind].join(items))  # type: ignore[arg-type]
            continue
        for item in reversed(items[1:]):
            work.append((item, kind))
            work.append((None, _BETWEEN[kind]))
        work.append((items[0], kind))
    return "".join(out)


def strings(flow: Flow) -> list[str]:
    """A flow's graph as flow strings: one where that is possible, else a list.

    Reading them again gives the same nodes with the same dependencies.  Drawn
    from the graph alone, so that an edited flow can be printed, too.
    """
    mapped = {node.name for node in flow.nodes if node.mapped}
    barriers = _barriers(flow)
    tree = _series_parallel(flow, barriers) if barriers is not None else None
    if tree is not None:
        return [normalised(tree, mapped)]
    return [normalised(t, mapped) for t in _list_of_trees(flow)]


def _groups(flow: Flow) -> dict[frozenset[int], list[int]]:
    """The nodes by what they depend on; a set is written out once, not for each node."""
    known: dict[tuple[int, ...], frozenset[int]] = {}
    groups: dict[frozenset[int], list[int]] = {}
    for i, needs in enumerate(flow.needs):
        before = known.get(needs)
        if before is None:
            before = known[needs] = frozenset(m for vertex in needs for m in flow.members(vertex))
        groups.setdefault(before, []).append(i)
    return groups


def _barriers(flow: Flow) -> tuple[list[int], list[int]] | None:
    """For each node the barrier that it waits at, and the one that waits for it.

    A barrier is two groups, everything in the second waiting for everything in
    the first; 0 is before all and 1 behind all.  None where the edges are not
    made of whole barriers: then no single string has this graph.
    """
    enters = [0] * len(flow.nodes)
    leaves = [1] * len(flow.nodes)
    for number, (before, after) in enumerate(_groups(flow).items(), 2):
        if not before:
            continue
        for i in after:
            enters[i] = number
        for i in before:
            if leaves[i] != 1:
                return None
            leaves[i] = number
    return enters, leaves


def _series_parallel(flow: Flow, barriers: tuple[list[int], list[int]]) -> Tree | None:
    """The tree of a series-parallel graph, or None.

    Each node is an edge from its barrier to the next one; edges with the same
    ends are side by side, and a barrier with one edge in and one out is a
    ``;`` (Valdes, Tarjan and Lawler 1982).
    """
    between: dict[tuple[int, int], list[tuple[int, Tree]]] = {}
    for i, ends in enumerate(zip(*barriers, strict=True)):
        between.setdefault(ends, []).append((i, flow.nodes[i].name))
    edges = {ends: _side_by_side(items) for ends, items in between.items()}
    into: dict[int, dict[int, None]] = {}
    out: dict[int, dict[int, None]] = {}
    for u, v in edges:
        out.setdefault(u, {})[v] = None
        into.setdefault(v, {})[u] = None
    work = sorted(into.keys() - {0, 1}, reverse=True)
    while work:
        v = work.pop()
        if len(into.get(v, ())) != 1 or len(out.get(v, ())) != 1:
            continue
        (u,), (w,) = into.pop(v), out.pop(v)
        first, left = edges.pop((u, v))
        _, right = edges.pop((v, w))
        del out[u][v], into[w][v]
        joined: tuple[int, Tree] = (first, (";", [left, right]))
        known = edges.get((u, w))
        edges[u, w] = joined if known is None else _side_by_side([known, joined])
        out[u][w] = None
        into[w][u] = None
        work.extend(x for x in (u, w) if x > 1)
    return edges[0, 1][1] if list(edges) == [(0, 1)] else None


def _side_by_side(items: list[tuple[int, Tree]]) -> tuple[int, Tree]:
    """Trees as one, in the order of their first nodes."""
    if len(items) == 1:
        return items[0]
    items = sorted(items, key=lambda item: item[0])
    return items[0][0], ("|", [tree for _, tree in items])


def _list_of_trees(flow: Flow) -> list[Tree]:
    """A tree for each barrier, the fitting ones joined, and one for each node that stands alone."""
    names = [node.name for node in flow.nodes]
    groups = _groups(flow)
    needed = {i for before in groups for i in before}
    chains: dict[int, list[list[int]]] = {}
    ends_with: dict[tuple[int, ...], int] = {}
    for number, (before, after) in enumerate(groups.items()):
        if not before:
            continue
        first = tuple(sorted(before))
        joined = ends_with.pop(first, None)
        chain = chains.pop(joined) if joined is not None else [list(first)]
        chain.append(after)
        chains[number] = chain
        ends_with[tuple(after)] = number
    trees: list[Tree] = [names[i] for i in groups.get(frozenset(), ()) if i not in needed]
    trees.extend(
        (";", [_group([names[i] for i in group]) for group in chain]) for chain in chains.values()
    )
    return trees


def _group(names: Sequence[str]) -> Tree:
    return names[0] if len(names) == 1 else ("|", list(names))

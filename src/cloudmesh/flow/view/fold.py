"""From a flow to what is drawn: plates, folded groups, gates, and edges between them.

Pure.  A *mapped* node is one group; so is a fan-out of more than `LIKE_MAX`
like nodes (same needs, same followers).  Where a barrier would be more lines
than `EDGES_MAX`, a *gate* stands for it; a smaller one is written out.

The result, a `Graph`, has items and the edges between them by number, in an
order that follows the flow's own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from cloudmesh.flow.model.flow import Flow

__all__ = ["Graph", "Item", "fold", "stem"]

LIKE_MAX = 12
EDGES_MAX = 6


@dataclass(slots=True)
class Item:
    """Something that is drawn and has a place.

    ``kind`` is ``node``, ``map``, ``group`` or ``gate``.  ``members`` are the
    flow's nodes that it stands for; ``count`` how many run in it (None: a map
    whose list is not known yet).  ``key`` names it in addresses and edges.
    """

    key: str
    kind: str
    label: str
    members: list[int]
    count: int | None = 1
    open: bool = False


@dataclass(slots=True)
class Graph:
    """Items, and for each the items that it needs (``needs``) and feeds (``feeds``)."""

    items: list[Item] = field(default_factory=list)
    needs: list[list[int]] = field(default_factory=list)
    feeds: list[list[int]] = field(default_factory=list)

    def add(self, item: Item) -> int:
        self.items.append(item)
        self.needs.append([])
        self.feeds.append([])
        return len(self.items) - 1


def fold(
    flow: Flow,
    lengths: Mapping[str, int] | None = None,
    opened: Collection[str] = (),
    labels: Mapping[str, str] | None = None,
) -> Graph:
    """What is drawn of a flow.

    ``lengths`` maps mapped nodes to their number of elements, as far as known;
    ``opened`` holds the keys of groups that are open; ``labels`` are those of now.
    """
    graph = Graph()
    place = _place_nodes(flow, lengths or {}, opened, labels or {}, graph)
    sources = _edges(flow, graph, place)
    for target, needs in sources:
        graph.needs[target] = needs
    _gates_for_alike(graph)
    for target, needs in enumerate(graph.needs):
        for source in needs:
            graph.feeds[source].append(target)
    return graph


def stem(name: str) -> str:
    """A name without its number: ``train_07_2`` is ``train``."""
    return re.sub(r"[_-]?\d[\d_-]*$", "", name) or name


# -- items ---------------------------------------------------------------------
def _place_nodes(
    flow: Flow,
    lengths: Mapping[str, int],
    opened: Collection[str],
    labels: Mapping[str, str],
    graph: Graph,
) -> list[int]:
    """Make the items of all nodes; returns each node's item."""
    alike: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}
    followers = flow.successors
    for i, node in enumerate(flow.nodes):
        if not node.mapped:
            alike.setdefault((flow.needs[i], tuple(followers[i])), []).append(i)
    group_of = {
        i: members for members in alike.values() if len(members) > LIKE_MAX for i in members
    }
    place = [-1] * len(flow)
    for i in range(len(flow)):
        if place[i] >= 0:
            continue
        members = group_of.get(i, [i])
        item = _item(flow, i, members, lengths, labels)
        item.open = item.kind != "node" and item.key in opened and bool(item.count)
        number = graph.add(item)
        for member in members:
            place[member] = number
    return place


def _item(
    flow: Flow,
    i: int,
    members: list[int],
    lengths: Mapping[str, int],
    labels: Mapping[str, str],
) -> Item:
    node = flow.nodes[i]
    label = labels.get(node.name) or node.task.look.label or ""
    text = label if label and "{" not in label else node.name
    if node.mapped:
        return Item(node.name, "map", text, [i], lengths.get(node.name))
    if len(members) > 1:
        return Item(node.name, "group", _common(flow, members), members, len(members))
    return Item(node.name, "node", text, [i])


def _common(flow: Flow, members: list[int]) -> str:
    stems = {stem(flow.nodes[i].name) for i in members}
    if len(stems) == 1:
        return stems.pop()
    first, last = flow.nodes[members[0]].name, flow.nodes[members[-1]].name
    return f"{first} … {last}"


# -- edges ---------------------------------------------------------------------
def _edges(flow: Flow, graph: Graph, place: list[int]) -> list[tuple[int, list[int]]]:
    """For each item the items it needs; junctions become gates or are written out."""
    n = len(flow)
    preds = [*flow.needs, *flow.junctions]
    gates = dict.fromkeys(range(n, len(preds)), -1)
    written: dict[int, list[int]] = {}  # junction -> the items it stands for

    def items_of(vertices: Iterable[int]) -> list[int]:
        found: dict[int, None] = {}
        for vertex in vertices:
            if vertex < n:
                found[place[vertex]] = None
            elif gates[vertex] >= 0:
                found[gates[vertex]] = None
            else:
                found.update(dict.fromkeys(written[vertex]))
        return list(found)

    out: list[tuple[int, list[int]]] = []
    for junction in _junctions_in_order(flow):
        sources = items_of(preds[junction])
        targets = {place[v] if v < n else v for v in flow.successors[junction]}
        if _wide(len(sources), len(targets)):
            members = list(flow.members(junction))
            gate = graph.add(Item(f"gate {junction - n}", "gate", "", members, len(members)))
            gates[junction] = gate
            out.append((gate, sources))
        else:
            written[junction] = sources
    done: set[int] = set()
    for i in range(n):
        if place[i] not in done:
            done.add(place[i])
            out.append((place[i], items_of(preds[i])))
    return out


def _junctions_in_order(flow: Flow) -> list[int]:
    """Junctions such that one comes after those that it waits for."""
    n = len(flow)
    order: list[int] = []
    seen: set[int] = set()
    for first in range(n, n + len(flow.junctions)):
        stack = [first]
        while stack:
            top = stack[-1]
            rest = [v for v in flow.junctions[top - n] if v >= n and v not in seen]
            if rest and top not in seen:
                stack.extend(rest)
                continue
            stack.pop()
            if top not in seen:
                seen.add(top)
                order.append(top)
    return order


def _wide(n: int, m: int) -> bool:
    """Are these edges better drawn as one gate?"""
    return (n >= 2 and m >= 2 and n * m > EDGES_MAX) or max(n, m) > LIKE_MAX


def _gates_for_alike(graph: Graph) -> None:
    """Barriers that are not written as one: many items that need the very same items."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for target, needs in enumerate(graph.needs):
        if needs and graph.items[target].kind != "gate":
            alike.setdefault(tuple(needs), []).append(target)
    for sources, targets in alike.items():
        needs = list(sources)
        if len(needs) == 1 and graph.items[needs[0]].kind == "gate":
            continue
        if _wide(len(needs), len(targets)):
            members = [m for source in needs for m in graph.items[source].members]
            key = f"gate {graph.items[targets[0]].key}"
            gate = graph.add(Item(key, "gate", "", members, len(members)))
            graph.needs[gate] = needs
            for target in targets:
                graph.needs[target] = [gate]

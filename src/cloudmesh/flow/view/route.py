"""The routes of edges: cubic paths with shared trunks, straight ones into and out of gates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from cloudmesh.flow.model.flow import Flow
from cloudmesh.flow.view.fold import Graph, Item

__all__ = ["Column", "Edge", "brief_documents", "documents", "label_of", "labelled", "route"]

LABEL_MAX = 18
TRUNK = 36
HEAD = 10  # the last stretch before a head is straight


class Column(NamedTuple):
    """Where a level begins and ends, along u."""

    start: float
    end: float


@dataclass(slots=True)
class Edge:
    """An edge between two items, as points of a path in (u, v).

    ``steps`` is a list of ``("L", u, v)`` and ``("C", u1, v1, u2, v2, u, v)``
    after the first point.
    """

    source: int
    target: int
    start: tuple[float, float]
    steps: list[tuple[Any, ...]]
    label: str = ""
    label_at: tuple[float, float] = (0.0, 0.0)
    curved: bool = False

    def document(self, graph: Graph, down: bool, texts: _Texts) -> dict[str, Any]:
        """The edge as JSON data, with the name that the page writes as ``data-edge``."""
        source, target = graph.items[self.source], graph.items[self.target]
        left = "" if source.kind == "gate" else source.key
        right = "" if target.kind == "gate" else target.key
        out: dict[str, Any] = {
            "edge": f"{left}→{right}",
            "from": self.source,
            "to": self.target,
            "path": self.text(down, texts),
        }
        if self.label:
            u, v = self.label_at
            out.update(label=self.label, x=v if down else u, y=u if down else v)
            if self.curved:
                out["curved"] = True
        return out

    def text(self, down: bool, texts: _Texts) -> str:
        """The path as SVG has it."""
        a, b = (1, 0) if down else (0, 1)
        parts = [f"M{texts[self.start[a]]} {texts[self.start[b]]}"]
        for step in self.steps:
            if len(step) == 3:
                parts.append(f"L{texts[step[1 + a]]} {texts[step[1 + b]]}")
            else:
                parts.append(
                    f"C{texts[step[1 + a]]} {texts[step[1 + b]]} {texts[step[3 + a]]} "
                    f"{texts[step[3 + b]]} {texts[step[5 + a]]} {texts[step[5 + b]]}"
                )
        return "".join(parts)


class _Texts(dict[float, str]):
    """Coordinates as text: edges share most of theirs."""

    def __missing__(self, value: float) -> str:
        text = self[value] = f"{round(value, 1):.7g}"
        return text


def documents(edges: list[Edge], graph: Graph, down: bool) -> list[dict[str, Any]]:
    """All edges as JSON data."""
    texts = _Texts()
    return [edge.document(graph, down, texts) for edge in edges]


def brief_documents(edges: list[Edge], down: bool) -> list[list[Any]]:
    """All edges as ``[from, to, path]``; one with a label goes on ``label, x, y, curved``."""
    texts = _Texts()
    out: list[list[Any]] = []
    for edge in edges:
        entry: list[Any] = [edge.source, edge.target, edge.text(down, texts)]
        if edge.label:
            u, v = edge.label_at
            entry += [edge.label, *((v, u) if down else (u, v)), int(edge.curved)]
        out.append(entry)
    return out


def labelled(flow: Flow) -> bool:
    """Does any edge say something?"""
    return bool(flow.labels) or any(node.task.parameters for node in flow.nodes)


Box = tuple[float, float, float, float]
Chain = list[tuple[int, float]]


def route(
    flow: Flow,
    graph: Graph,
    boxes: list[Box],
    chains: dict[tuple[int, int], Chain],
    columns: dict[int, Column],
) -> list[Edge]:
    """The paths of all edges."""
    edges = []
    say = labelled(flow)
    for source, feeds in enumerate(graph.feeds):
        plain = [t for t in feeds if graph.items[t].kind != "gate"]
        labels = (
            {t: label_of(flow, graph.items[source], graph.items[t]) for t in plain} if say else {}
        )
        shared = bool(labels) and len(plain) > 1 and len(set(labels.values())) == 1
        for k, target in enumerate(feeds):
            edge = _edge(graph, boxes, source, target, chains.get((source, target), []), columns)
            text = labels.get(target, "")
            if text and (k == 0 or not shared):
                _put_label(edge, text, shared, graph.items[source], boxes)
            edges.append(edge)
    return edges


def label_of(flow: Flow, source: Item, target: Item) -> str:
    """What an edge says: its label, else the parameter that it fills; cut in the middle."""
    if source.kind == "gate" or target.kind == "gate":
        return ""
    a, b = flow.nodes[source.members[0]], flow.nodes[target.members[0]]
    text = flow.labels.get((a.name, b.name), "")
    if not text and any(p.name == a.name for p in b.task.parameters):
        text = a.name
    if len(text) > LABEL_MAX:
        text = f"{text[:9]}…{text[-8:]}"
    return text


def _edge(
    graph: Graph,
    boxes: list[Box],
    source: int,
    target: int,
    chain: Chain,
    columns: dict[int, Column],
) -> Edge:
    u0, v0, a0, b0 = boxes[source]
    u1, v1, _, b1 = boxes[target]
    start_v, end_v = v0 + b0 / 2, v1 + b1 / 2
    from_gate = graph.items[source].kind == "gate"
    to_gate = graph.items[target].kind == "gate"
    first_v = chain[0][1] if chain else end_v
    last_v = chain[-1][1] if chain else start_v
    if from_gate:  # edges leave a gate where they are wanted
        start_v = _within(first_v, v0, b0)
    if to_gate:
        end_v = _within(last_v, v1, b1)
    edge = Edge(source, target, (u0 + a0, start_v), [])
    fans = len(graph.feeds[source]) > 1 and not from_gate
    at = (u0 + a0, start_v)
    if fans and not to_gate:
        trunk = TRUNK if u1 - at[0] >= 84 else max(4.0, (u1 - at[0]) * 0.2)
        at = (at[0] + trunk, start_v)
        edge.steps.append(("L", *at))
    for level, v in chain:
        column = columns[level]
        _curve(edge, at, (column.start, v))
        at = (column.end, v)
        edge.steps.append(("L", *at))
    head = 0.0 if to_gate else HEAD
    _curve(edge, at, (u1 - head, end_v))
    if head:
        edge.steps.append(("L", u1, end_v))
    return edge


def _within(v: float, low: float, extent: float) -> float:
    return min(max(v, low + 4), low + extent - 4)


def _curve(edge: Edge, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A straight line where it is one, else an S."""
    if abs(start[1] - end[1]) < 0.6:
        edge.steps.append(("L", *end))
        return
    half = (end[0] - start[0]) / 2
    edge.curved = True
    edge.steps.append(("C", start[0] + half, start[1], end[0] - half, end[1], *end))


def _put_label(edge: Edge, text: str, shared: bool, item: Item, boxes: list[Box]) -> None:
    """On the trunk where it is shared, above a straight edge, in the middle of a curve."""
    edge.label = text
    u0, v0 = edge.start
    u1, v1, _, b1 = boxes[edge.target]
    if shared:
        behind = 4 if item.kind in ("map", "group") and not item.open else 0
        edge.label_at, edge.curved = (u0 + TRUNK / 2 + behind, v0), False
    elif edge.curved:
        edge.label_at = ((u0 + u1) / 2, (v0 + v1 + b1 / 2) / 2)
    else:
        edge.label_at = ((u0 + u1) / 2, v0)

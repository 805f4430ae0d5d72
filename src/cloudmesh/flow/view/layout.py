"""Where everything stands: places of plates, groups and gates, and the routes of edges.

Pure, and a function of the flow, the direction and the open groups alone: a
change of status never moves anything.

Layers are longest paths; a gate stands between two layers.  Within a layer the
order starts as the flow's own (for a flow string, no crossings) and is improved
by barycenters.  Places across a layer come from a few sweeps in which each item
wants to be at the mean of its neighbours and keeps its distance (isotonic
regression: the best possible in each sweep, in linear time).

Inside, ``u`` runs along the layers and ``v`` across; ``right`` and ``down``
differ only in which of them is x.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

from cloudmesh.flow.model.flow import Flow
from cloudmesh.flow.view.fold import Graph, Item, fold, stem
from cloudmesh.flow.view.route import Column, Edge, brief_documents, documents, labelled, route

__all__ = ["layout"]

PLATE_HEIGHT, PLATE_MIN, PLATE_MAX, PLATE_STEP = 56, 132, 220, 8
FOLDED = (204, 112)
FOLDED_DOWN = (204, 72)
GATE = 6
COLUMN_GAP, COLUMN_GAP_LABELS, GATE_GAP = 66, 90, 44
ROW_GAP = 24
LANE_GAP = 14  # beside an edge that passes a layer
MARGIN = 24
SECOND_LINE = 100  # room for “finished · 0.18 s”, below any name
CELL_LIMIT = 600
LARGE = 8000  # vertices above which fewer sweeps must do


def layout(
    flow: Flow,
    direction: str = "right",
    lengths: Mapping[str, int] | None = None,
    opened: Collection[str] = (),
    labels: Mapping[str, str] | None = None,
    brief: bool = False,
) -> dict[str, Any]:
    """The picture of a flow as JSON data: ``items``, ``edges``, ``stages``, ``width``, ``height``.

    ``lengths`` are those of maps, as far as known; ``labels`` what nodes are
    labelled with by now, for the width of their plates.  Sizes are CSS pixels
    at 100 %.  ``brief``: plates are ``[x, y, w, h, level, n]``, and edges
    ``[from, to, path]``, each with its label after that; names are left out.
    Raises nothing: every checked flow has a picture.
    """
    graph = fold(flow, lengths, opened, labels)
    down = direction == "down"
    sizes = [_size(item, down) for item in graph.items]
    if not down:
        _even_columns(graph, sizes)
    levels = _levels(graph)
    lanes = _Lanes(graph, levels, [(h, w) if down else (w, h) for w, h in sizes])
    lanes.order()
    lanes.place()
    columns = _columns(flow, graph, lanes, down)
    boxes = _boxes(graph, lanes, columns)
    edges = route(flow, graph, boxes, lanes.chains(), columns)
    return _document(flow, graph, boxes, edges, columns, levels, down, brief)


# -- sizes -----------------------------------------------------------------------
def _size(item: Item, down: bool) -> tuple[float, float]:
    """Width and height of an item."""
    if item.kind == "gate":
        return (GATE, GATE)
    if item.kind == "node":
        return (plate_width(item.label), PLATE_HEIGHT)
    if not item.open:
        return FOLDED_DOWN if down else FOLDED
    cells = cell_grid(item.count or 0)
    rows = -(-(item.count or 0) // cells["columns"])
    step = cells["size"] + cells["gap"]
    inner = max(1, min(item.count or 0, cells["columns"])) * step - cells["gap"]
    return (max(276, inner + 32), 48 + rows * step - cells["gap"] + 38)


def plate_width(label: str) -> int:
    """A plate is as wide as its label at 13 px, 0.58 em a character, in steps of 8."""
    wanted = 54 + max(0.58 * 13 * len(label), SECOND_LINE) + 10
    steps = -(-(wanted - PLATE_MIN) // PLATE_STEP)
    return int(max(PLATE_MIN, min(PLATE_MAX, PLATE_MIN + PLATE_STEP * steps)))


def cell_grid(count: int) -> dict[str, int]:
    """Size, gap, columns and origin of the cells of an open group."""
    if count > CELL_LIMIT:
        return {"size": 9, "gap": 2, "columns": 36, "x": 16, "y": 48}
    return {"size": 17, "gap": 3, "columns": 20, "x": 16, "y": 48}


def _even_columns(graph: Graph, sizes: list[tuple[float, float]]) -> None:
    """Plates that stand beside each other with the same needs are equally wide."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for i, item in enumerate(graph.items):
        if item.kind == "node":
            alike.setdefault(tuple(graph.needs[i]), []).append(i)
    for needs, members in alike.items():
        width = max(sizes[i][0] for i in members) if needs else 0
        for i in members:
            sizes[i] = (width or sizes[i][0], PLATE_HEIGHT)


# -- layers ----------------------------------------------------------------------
def _levels(graph: Graph) -> list[int]:
    """Even levels hold plates and groups, odd ones the gates between them."""
    levels = [0] * len(graph.items)
    waiting = [len(needs) for needs in graph.needs]
    ready = [i for i, count in enumerate(waiting) if count == 0]
    for i in ready:  # grows while it is walked
        gate = graph.items[i].kind == "gate"
        for follower in graph.feeds[i]:
            to_gate = graph.items[follower].kind == "gate"
            step = 1 if gate != to_gate else 2
            levels[follower] = max(levels[follower], levels[i] + step)
            waiting[follower] -= 1
            if waiting[follower] == 0:
                ready.append(follower)
    return levels


class _Lanes:
    """Layers with items and, for edges that pass a layer, dummies; their order and place.

    A vertex is an item (its number) or a dummy (numbers after the items).
    """

    def __init__(self, graph: Graph, levels: list[int], sizes: list[tuple[float, float]]) -> None:
        self.graph = graph
        self.level = list(levels)
        self.size = [v for _, v in sizes]
        self.along = [u for u, _ in sizes]
        self.ups: list[list[int]] = [[] for _ in levels]
        self.downs: list[list[int]] = [[] for _ in levels]
        self.via: dict[tuple[int, int], list[int]] = {}
        used = sorted(set(levels))
        self._gate_heights()
        for source, feeds in enumerate(graph.feeds):
            for target in feeds:
                if levels[target] - levels[source] <= 1:
                    self.downs[source].append(target)
                    self.ups[target].append(source)
                else:
                    self._connect(source, target, used)
        self.layers: dict[int, list[int]] = {level: [] for level in used}
        for vertex in sorted(range(len(self.level)), key=self._first_order):
            self.layers[self.level[vertex]].append(vertex)
        self.v = [0.0] * len(self.level)

    def chains(self) -> dict[tuple[int, int], list[tuple[int, float]]]:
        """For each edge the (level, v) of the layers that it passes."""
        return {
            edge: [(self.level[d], self.v[d]) for d in dummies]
            for edge, dummies in self.via.items()
        }

    def _gate_heights(self) -> None:
        """A gate takes as much room as the higher of its groups, stacked."""
        for i, item in enumerate(self.graph.items):
            if item.kind == "gate":
                sides = (self.graph.needs[i], self.graph.feeds[i])
                self.size[i] = max(
                    sum(self.size[k] + ROW_GAP for k in side) - ROW_GAP for side in sides
                )

    def _connect(self, source: int, target: int, used: list[int]) -> None:
        passed = [u for u in used if self.level[source] < u < self.level[target]]
        last = source
        dummies = []
        for level in passed:
            dummy = len(self.level)
            self.level.append(level)
            self.size.append(0.0)
            self.along.append(0.0)
            self.ups.append([])
            self.downs.append([])
            self.ups[dummy].append(last)
            self.downs[last].append(dummy)
            dummies.append(dummy)
            last = dummy
        self.downs[last].append(target)
        self.ups[target].append(last)
        if dummies:
            self.via[source, target] = dummies

    def _first_order(self, vertex: int) -> float:
        """The flow's own order; a dummy stands by what it comes from."""
        items = self.graph.items
        while vertex >= len(items):
            vertex = self.ups[vertex][0]
        return min(items[vertex].members, default=0) + (0.5 if vertex >= len(items) else 0)

    # -- order -----------------------------------------------------------------
    def order(self) -> None:
        """Barycenter sweeps, forward and back; ties stay as they are."""
        used = list(self.layers)
        place = [0.0] * len(self.level)
        for layer in self.layers.values():
            for k, vertex in enumerate(layer):
                place[vertex] = float(k)
        for sweep in range(4):
            forward = sweep % 2 == 0
            near = self.ups if forward else self.downs
            for level in used if forward else reversed(used):
                layer = self.layers[level]
                means = {
                    v: sum(place[k] for k in near[v]) / len(near[v]) if near[v] else place[v]
                    for v in layer
                }
                scale = len(layer) or 1
                layer.sort(key=means.__getitem__)
                for k, vertex in enumerate(layer):
                    place[vertex] = k / scale  # in parts of the layer: comparable between layers

    # -- place -----------------------------------------------------------------
    def place(self) -> None:
        """Sweeps in which each vertex moves to the mean of its neighbours, at a distance."""
        for layer in self.layers.values():
            total = sum(self._gap(a, b) for a, b in pairwise(layer))
            at = -total / 2
            for k, vertex in enumerate(layer):
                at += self._gap(layer[k - 1], vertex) if k else 0.0
                self.v[vertex] = at
        used = list(self.layers)
        back = used[::-1]
        ups, downs = self._pulls(self.ups), self._pulls(self.downs)
        both = [[*a, *b] for a, b in zip(ups, downs, strict=True)]
        sweeps = [(ups, used), (downs, back), (ups, used), (downs, back), (both, used)]
        sweeps += [(both, back), (ups, used)]
        offsets = {level: self._offsets(layer) for level, layer in self.layers.items()}
        for near, levels in sweeps if len(self.v) < LARGE else sweeps[-4:]:
            for level in levels:
                self._sweep(self.layers[level], near, offsets[level])

    def _offsets(self, layer: list[int]) -> list[float]:
        """How far each vertex of a layer is at least from the first."""
        offset, offsets = 0.0, [0.0]
        for a, b in pairwise(layer):
            offset += self._gap(a, b)
            offsets.append(offset)
        return offsets

    def _gap(self, a: int, b: int) -> float:
        """The least distance between the centres of two neighbours of a layer."""
        real = len(self.graph.items)
        space = ROW_GAP if a < real and b < real else LANE_GAP
        return (self.size[a] + self.size[b]) / 2 + space

    def _pulls(self, side: list[list[int]]) -> list[list[int]]:
        """The neighbours on a side that pull a vertex.

        A gate is as high as its group: it pulls only what nothing else pulls.
        """
        gates = {i for i, item in enumerate(self.graph.items) if item.kind == "gate"}
        if not gates:
            return side
        pulls = []
        for vertex, around in enumerate(side):
            if vertex not in gates and not gates.isdisjoint(around):
                plain = [i for i in around if i not in gates]
                both = (*self.ups[vertex], *self.downs[vertex])
                around = plain if plain or not gates.issuperset(both) else around
            pulls.append(around)
        return pulls

    def _sweep(self, layer: list[int], near: list[list[int]], offsets: list[float]) -> None:
        """Isotonic regression: pool neighbours that would come too close."""
        v = self.v
        means: list[float] = []  # of each block, with its weight and first index
        weights: list[float] = []
        firsts: list[int] = []
        for k, vertex in enumerate(layer):
            around = near[vertex]
            if len(around) == 1:
                mean, weight = v[around[0]] - offsets[k], 1.0
            elif around:
                mean, weight = sum([v[i] for i in around]) / len(around) - offsets[k], 1.0
            else:
                mean, weight = v[vertex] - offsets[k], 0.25
            first = k
            while means and means[-1] >= mean:
                other = weights.pop()
                mean = (means.pop() * other + mean * weight) / (other + weight)
                weight += other
                first = firsts.pop()
            means.append(mean)
            weights.append(weight)
            firsts.append(first)
        firsts.append(len(layer))
        for block, mean in enumerate(means):
            for k in range(firsts[block], firsts[block + 1]):
                v[layer[k]] = mean + offsets[k]


# -- columns and boxes -------------------------------------------------------------
def _columns(flow: Flow, graph: Graph, lanes: _Lanes, down: bool) -> dict[int, Column]:
    """Where each level begins and ends, along u."""
    real = len(graph.items)
    gap_plain, gap_gate = (34, 24) if down else (COLUMN_GAP, GATE_GAP)
    labels = _label_gaps(flow, graph, lanes) if not down else {}
    columns: dict[int, Column] = {}
    at = float(MARGIN)
    last: int | None = None
    for level, layer in lanes.layers.items():
        width = max((lanes.along[v] for v in layer if v < real), default=0.0)
        if last is not None:
            gate = level % 2 or last % 2
            at += gap_gate if gate else max(gap_plain, labels.get(last, 0))
        columns[level] = Column(at, at + width)
        at += width
        last = level
    return columns


def _label_gaps(flow: Flow, graph: Graph, lanes: _Lanes) -> dict[int, float]:
    """Room for the labels of the edges that leave a level."""
    gaps: dict[int, float] = {}
    if not labelled(flow):
        return gaps
    for source, feeds in enumerate(graph.feeds):
        if graph.items[source].kind == "gate":
            continue
        for target in feeds:
            text = edge_label(flow, graph.items[source], graph.items[target])
            if text:
                level = lanes.level[source]
                gaps[level] = max(gaps.get(level, COLUMN_GAP_LABELS), 6.2 * len(text) + 34)
    return gaps


def edge_label(flow: Flow, source: Item, target: Item) -> str:
    """What an edge carries: its label, else the parameter that it fills."""
    from cloudmesh.flow.view.route import label_of

    return label_of(flow, source, target)


Box = tuple[float, float, float, float]  # u, v of the corner; extent along u, along v


def _boxes(graph: Graph, lanes: _Lanes, columns: dict[int, Column]) -> list[Box]:
    """The place of each item; everything moved so that it begins at the margin."""
    boxes: list[Box] = []
    for i, item in enumerate(graph.items):
        column = columns[lanes.level[i]]
        u = column.start + (column.end - column.start - lanes.along[i]) / 2
        if item.kind == "gate":
            boxes.append((u, 0.0, GATE, 0.0))
        else:
            boxes.append((u, lanes.v[i] - lanes.size[i] / 2, lanes.along[i], lanes.size[i]))
    for i, item in enumerate(graph.items):
        if item.kind == "gate":
            low, high = _gate_range(graph, boxes, i)
            boxes[i] = (boxes[i][0], low, GATE, high - low)
    top = min((v for _, v, _, _ in boxes), default=0.0)
    lowest = min([top, *lanes.v])
    shift = MARGIN - lowest
    lanes.v = [round(v + shift, 1) for v in lanes.v]
    return [(round(u, 1), round(v + shift, 1), a, round(b, 1)) for u, v, a, b in boxes]


def _gate_range(graph: Graph, boxes: list[Box], gate: int) -> tuple[float, float]:
    """A gate is as high as the higher of the groups beside it."""
    best = (0.0, 0.0)
    for side in (graph.needs[gate], graph.feeds[gate]):
        plain = [boxes[k] for k in side if graph.items[k].kind != "gate"]
        if plain:
            low = min(v for _, v, _, _ in plain)
            high = max(v + b for _, v, _, b in plain)
            if high - low > best[1] - best[0]:
                best = (low, high)
    return best


# -- the document --------------------------------------------------------------------
def _document(
    flow: Flow,
    graph: Graph,
    boxes: list[Box],
    edges: list[Edge],
    columns: dict[int, Column],
    levels: list[int],
    down: bool,
    brief: bool,
) -> dict[str, Any]:
    items: list[Any] = []
    for i, (item, (u, v, a, b)) in enumerate(zip(graph.items, boxes, strict=True)):
        x, y, w, h = (v, u, b, a) if down else (u, v, a, b)
        if brief and item.kind == "node":
            label = [item.label] if item.label != item.key else []
            items.append([x, y, w, h, levels[i], item.members[0], *label])
            continue
        entry: dict[str, Any] = {
            "key": item.key,
            "kind": item.kind,
            "x": x,
            "y": y,
            "w": w,
            "h": h,
            "level": levels[i],
        }
        if item.kind != "node":
            entry.update(label=item.label, count=item.count, open=item.open)
        elif item.label != item.key:
            entry["label"] = item.label
        if item.kind in ("node", "map"):
            entry["n"] = item.members[0]
        else:
            entry["members"] = item.members
        if item.open:
            entry["cells"] = cell_grid(item.count or 0)
        items.append(entry)
    length = max((c.end for c in columns.values()), default=0.0) + MARGIN
    across = max([v + b for _, v, _, b in boxes], default=0.0) + MARGIN
    return {
        "direction": "down" if down else "right",
        "width": round(across if down else length, 1),
        "height": round(length if down else across, 1),
        "items": items,
        "edges": brief_documents(edges, down) if brief else documents(edges, graph, down),
        "stages": _stages(flow, graph, columns, levels),
    }


def _stages(
    flow: Flow, graph: Graph, columns: dict[int, Column], levels: list[int]
) -> list[dict[str, Any]]:
    """Names for columns, for when plates are too small to be read."""
    names: dict[int, list[str]] = {}
    for item, level in zip(graph.items, levels, strict=True):
        if item.kind != "gate":
            names.setdefault(level, []).extend(flow.nodes[m].name for m in item.members)
    stages: list[dict[str, Any]] = []
    for level in sorted(names):
        found = names[level]
        word, times = Counter(map(stem, found)).most_common(1)[0]
        if len(found) == 1:
            word = found[0]
        elif times < 0.6 * len(found):
            continue
        column = columns[level]
        if stages and stages[-1]["name"] == word and stages[-1]["level"] == level - 2:
            stages[-1].update(to=column.end, level=level)
            stages[-1]["count"] += len(found)
        else:
            stages.append(
                {"name": word, "count": len(found), "from": column.start, "to": column.end}
                | {"level": level}
            )
    return stages

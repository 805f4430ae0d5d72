"""A flow or a run as one SVG: for export and for notebooks.

The whole graph at 100 %, groups folded or open, the words of status included, in the
light theme, all styling as attributes; with a title and a description for
screen readers.  Marks come from the one set of symbols that the page uses.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape
from importlib import resources
from typing import Any

from cloudmesh.flow.model.flow import Flow
from cloudmesh.flow.view.layout import layout
from cloudmesh.flow.view.shown import ORDER, duration, seconds_of, shown_word

__all__ = ["svg"]

SANS = "system-ui, Inter, Segoe UI, Helvetica, Arial, sans-serif"
BG, SURFACE, LINE = "#F6F7F9", "#FFFFFF", "#848D9A"
TEXT, TEXT_2, BLOCKED = "#12161C", "#48515F", "#3F4855"
COLORS = {
    "pending": "#7A838F",
    "waiting": "#7A838F",
    "skipped": "#7A838F",
    "cancelled": "#7A838F",
    "blocked": BLOCKED,
    "running": "#2A5FE0",
    "finished": "#00604E",
    "error": "#B5102B",
    "lost": "#B27200",
    "interrupted": "#B27200",
}
#: Fill and stroke of a cell, the rest hollow and dashed.
CELLS = {
    "finished": ("#DFF1EC", "#459682"),
    "running": ("#E8F0FE", "#2A5FE0"),
    "error": ("#B5102B", "#B5102B"),
    "lost": ("#FFF3DC", "#B27200"),
    "interrupted": ("#FFF3DC", "#B27200"),
    "blocked": ("none", BLOCKED),
    "cancelled": ("none", "#7A838F"),
}
TINTS = {"error": "#FCE8EA", "lost": "#FFF3DC", "interrupted": "#FFF3DC"}
WORDS = {"lost": "#875500", "interrupted": "#875500", "error": "#B5102B", "running": "#2A5FE0"}
BAR_ORDER = (
    "error",
    "lost",
    "interrupted",
    "running",
    "finished",
    "skipped",
    "cancelled",
    "blocked",
    "waiting",
    "pending",
)
ASIDE = frozenset(("error", "blocked", "interrupted", "lost"))
SHAPES = {"box": "square", "rect": "square", "rectangle": "square", "ellipse": "circle"}
COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,30}|(?:rgb|hsl)a?\([0-9.,%/ deg]{5,40}\)")


def svg(
    flow: Flow,
    documents: Iterable[Mapping[str, Any]] = (),
    *,
    title: str = "",
    run_status: str = "running",
    lost: bool = False,
    opened: Collection[str] = (),
) -> str:
    """The picture of a flow, or with a run's ``documents`` (elements of maps too) of that run.

    ``run_status`` and ``lost`` are the run's; ``opened`` are the groups that are open.
    The text is a whole SVG document.
    """
    nodes = {str(d["name"]): d for d in documents}
    members: dict[str, list[Mapping[str, Any]]] = {}
    for name, document in nodes.items():
        if name.endswith("]"):
            members.setdefault(name.rpartition("[")[0], []).append(document)
    labels = {n: str(d["label"]) for n, d in nodes.items() if d.get("label")}
    lengths = {name: len(found) for name, found in members.items()}
    picture = layout(flow, "right", lengths, opened, labels)
    drawing = _Drawing(flow, picture, nodes, members, run_status, lost)
    return drawing.text(title or flow.name)


class _Drawing:
    def __init__(
        self,
        flow: Flow,
        picture: dict[str, Any],
        nodes: Mapping[str, Mapping[str, Any]],
        members: Mapping[str, Sequence[Mapping[str, Any]]],
        run_status: str,
        lost: bool,
    ) -> None:
        self.flow, self.picture, self.nodes, self.members = flow, picture, nodes, members
        self.run_status, self.lost = run_status, lost

    def text(self, title: str) -> str:
        width, height = self.picture["width"], self.picture["height"]
        counts = self._counts(
            d
            for name, d in self.nodes.items()
            if name not in self.flow.index or not self.flow.nodes[self.flow.index[name]].mapped
        )
        said = ", ".join(f"{n} {word}" for word, n in counts.items())
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
            f'viewBox="0 0 {width:g} {height:g}" role="img" font-family="{SANS}" font-size="13">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(said or f'{len(self.flow)} nodes')}</desc>",
            f'<rect width="{width:g}" height="{height:g}" fill="{BG}"/>',
        ]
        parts += [self._edge(edge) for edge in self.picture["edges"]]
        parts += [self._item(item) for item in self.picture["items"]]
        return "\n".join([*parts, "</svg>\n"])

    # -- states ------------------------------------------------------------------
    def _shown(self, document: Mapping[str, Any] | None) -> str:
        if document is None:
            return "pending"
        word = shown_word(document, self.run_status, self.lost)
        return "waiting" if word.startswith("waiting") else word

    def _counts(self, documents: Iterable[Mapping[str, Any]]) -> dict[str, int]:
        found: dict[str, int] = {}
        for document in documents:
            word = self._shown(document)
            found[word] = found.get(word, 0) + 1
        return {word: found[word] for word in ORDER if word in found}

    def _item_shown(self, item: Mapping[str, Any]) -> str:
        if item["kind"] == "node":
            return self._shown(self.nodes.get(item["key"]))
        if item["kind"] == "gate":
            words = {self._shown(self.nodes.get(self.flow.nodes[m].name)) for m in item["members"]}
            if words <= {"finished", "skipped"}:
                return "finished" if self.nodes else "pending"
            return "error" if words & {"error", "blocked"} else "pending"
        counts = self._counts(self._members(item))
        return next(iter(counts), self._shown(self.nodes.get(item["key"])))

    def _members(self, item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        if item["kind"] == "map":
            return list(self.members.get(item["key"], ()))
        names = (self.flow.nodes[m].name for m in item["members"])
        return [self.nodes[name] for name in names if name in self.nodes]

    # -- edges -------------------------------------------------------------------
    def _edge(self, edge: Mapping[str, Any]) -> str:
        items = self.picture["items"]
        source = self._item_shown(items[edge["from"]])
        style = f'stroke="{LINE}" stroke-width="1.25"'
        if source == "finished":
            style = f'stroke="{TEXT_2}" stroke-width="1.9"'
        elif source in ("error", "blocked"):
            style = f'stroke="{BLOCKED}" stroke-width="1.5" stroke-dasharray="4 4"'
        elif source == "skipped":
            style = f'stroke="{LINE}" stroke-width="1.25" stroke-dasharray="1 3"'
        parts = [f'<path d="{edge["path"]}" fill="none" {style}/>']
        target = items[edge["to"]]
        if target["kind"] != "gate":
            x, y = (float(n) for n in re.split(r"[LC ]", edge["path"])[-2:])
            parts.append(_head(x, y, source))
        if edge.get("label"):
            above = 0 if edge.get("curved") else -7
            parts.append(
                f'<text x="{edge["x"]:g}" y="{edge["y"] + above + 4 * (above == 0):g}" '
                f'font-size="11" text-anchor="middle" fill="{TEXT_2}" stroke="{BG}" '
                f'stroke-width="4" paint-order="stroke">{escape(edge["label"])}</text>'
            )
        return "".join(parts)

    # -- items -------------------------------------------------------------------
    def _item(self, item: Mapping[str, Any]) -> str:
        draw = {"node": self._plate, "gate": self._gate}.get(item["kind"], self._group)
        return f'<g transform="translate({item["x"]:g} {item["y"]:g})">{draw(item)}</g>'

    def _body(self, item: Mapping[str, Any], shown: str, radius: int) -> str:
        bold = shown in ("error", "running", "lost", "interrupted")
        stroke = COLORS[shown] if bold else LINE
        width = {"error": 1.75}.get(shown, 1.25 if bold else 1)
        dash = ' stroke-dasharray="4 3"' if shown == "blocked" else ""
        return (
            f'<rect width="{item["w"]:g}" height="{item["h"]:g}" rx="{radius}" '
            f'fill="{TINTS.get(shown, SURFACE)}" stroke="{stroke}" stroke-width="{width}"{dash}/>'
        )

    def _plate(self, item: Mapping[str, Any]) -> str:
        name = item["key"]
        document = self.nodes.get(name)
        shown = self._shown(document)
        parts = [self._body(item, shown, 8)]
        label = str((document or {}).get("label") or item.get("label") or name)
        room = item["w"] - 64
        parts.append(_mark(30, 28, shown, document))
        words, fact = self._facts(document, shown, item["n"])
        y = 24 if words else 33
        parts.append(
            f'<text x="54" y="{y}" font-weight="600" fill="{TEXT}">'
            f"<title>{escape(name)}</title>{escape(_cut(label, int(room / 7.4)))}</text>"
        )
        if words:
            weight = ' font-weight="600"' if shown in WORDS else ""
            second = escape(_cut(words, int(room / 5.5)))
            rest = f" · {escape(fact)}" if fact and len(words) + len(fact) < room / 5.5 - 3 else ""
            parts.append(
                f'<text x="54" y="41" font-size="11.5" fill="{TEXT_2}">'
                f'<tspan fill="{WORDS.get(shown, TEXT_2)}"{weight}>{second}</tspan>{rest}</text>'
            )
        return "".join(parts)

    def _facts(self, document: Mapping[str, Any] | None, shown: str, n: int) -> tuple[str, str]:
        """The second line of a plate: a word and a fact; of a flow alone where it runs."""
        on = self.flow.nodes[n].task.on
        place = "" if on == "local" else f"on {on}"
        if document is None:
            return place, ""
        begun, over = seconds_of(document.get("started")), seconds_of(document.get("ended"))
        if shown in ("blocked", "skipped"):
            return str(document.get("reason") or shown).partition(":")[0], ""
        if shown in ("finished", "error") and begun and over:
            return shown, duration(over - begun)
        if shown == "running" and document.get("progress") is not None:
            return shown, f"{document['progress']:g} %"
        return shown, place if shown == "pending" else ""

    def _gate(self, item: Mapping[str, Any]) -> str:
        documents = [self.nodes.get(self.flow.nodes[m].name) for m in item["members"]]
        done = sum(self._shown(d) in ("finished", "skipped") for d in documents if d)
        bad = sum(self._shown(d) == "error" for d in documents if d)
        w, h, total = item["w"], item["h"], len(documents)
        part = h * done / total if total else 0
        text = f"blocked: {bad} of {total} failed" if bad else f"{done} of {total}"
        color = COLORS["error"] if bad else TEXT_2
        parts = [
            f'<rect width="{w:g}" height="{h:g}" rx="3" fill="{SURFACE}" stroke="{LINE}"/>',
            f'<rect y="{h - part:g}" width="{w:g}" height="{part:g}" rx="3" fill="#459682"/>',
        ]
        if self.nodes:
            parts.append(
                f'<text x="{w / 2:g}" y="{h + 16:g}" font-size="11" text-anchor="middle" '
                f'fill="{color}">{text}</text>'
            )
        return "".join(parts)

    def _opened(self, item: Mapping[str, Any]) -> str:
        """A group with a cell for each of its members, in their order."""
        members = self._members(item)
        shown = self._item_shown(item)
        words = " · ".join(f"{n} {word}" for word, n in list(self._counts(members).items())[:3])
        parts = [
            f'<rect width="{item["w"]:g}" height="{item["h"]:g}" rx="10" fill="{SURFACE}" '
            f'stroke="{COLORS[shown] if shown in WORDS else LINE}" stroke-width="1.25"/>',
            f'<g transform="translate(28 24) scale(.78)">'
            f"{_mark(0, 0, shown, self.nodes.get(item['key']))}</g>",
            f'<text x="50" y="29"><tspan font-weight="600" fill="{TEXT}">'
            f"{escape(_cut(item['label'], 16))}</tspan>"
            f'<tspan fill="{TEXT_2}"> × {item["count"]:,}</tspan></text>',
            f'<text x="{item["w"] - 16:g}" y="28" font-size="11.5" text-anchor="end" '
            f'fill="{WORDS.get(shown, TEXT_2)}">{escape(words)}</text>',
        ]
        for k, document in enumerate(members):
            parts.append(_cell(item["cells"], k, self._shown(document), document))
        return "".join(parts)

    def _group(self, item: Mapping[str, Any]) -> str:
        if item["open"]:
            return self._opened(item)
        counts = self._counts(self._members(item))
        shown = self._item_shown(item)
        times = "?" if item["count"] is None else format(item["count"], ",")
        words = [f"{n} {word}" for word, n in list(counts.items())[:2]] or [shown]
        first = WORDS.get(shown, TEXT_2)
        behind = (
            f'<rect x="6" y="6" width="{item["w"]:g}" height="{item["h"]:g}" rx="10" '
            f'fill="{SURFACE}" stroke="{LINE}"/>'
        )
        parts = [
            behind,
            self._body(item, shown, 10),
            _mark(32, 32, shown, self.nodes.get(item["key"])),
            f'<text x="58" y="28"><tspan font-weight="600" fill="{TEXT}">'
            f"{escape(_cut(item['label'], 16))}</tspan>"
            f'<tspan fill="{TEXT_2}"> × {times}</tspan></text>',
            f'<text x="58" y="45" font-size="11.5" fill="{TEXT_2}"><tspan fill="{first}">'
            f"{escape(words[0])}</tspan>{escape(''.join(f' · {w}' for w in words[1:]))}</text>",
            f'<g transform="translate(16 58)">{_bar(counts or {shown: 1}, item["w"] - 32)}</g>',
        ]
        bad = next((d for d in self._members(item) if self._shown(d) == "error"), None)
        if bad is not None:
            kind, bad_name = (bad.get("error") or {}).get("type", ""), bad["name"]
            parts.append(
                f'<text x="16" y="96" font-size="11.5" fill="{COLORS["error"]}">'
                f"{escape(_cut(f'{bad_name}: {kind}', 32))}</text>"
            )
        return "".join(parts)


# -- pieces ----------------------------------------------------------------------
def _head(x: float, y: float, source: str) -> str:
    if source == "finished":
        points = f"M{x - 10:g} {y - 4.5:g}L{x:g} {y:g}L{x - 10:g} {y + 4.5:g}Z"
        return f'<path d="{points}" fill="{TEXT_2}"/>'
    if source in ("error", "blocked"):
        return f'<path d="M{x - 1:g} {y - 6:g}v12" stroke="{BLOCKED}" stroke-width="2.5"/>'
    return (
        f'<path d="M{x - 8:g} {y - 4.5:g}L{x:g} {y:g}L{x - 8:g} {y + 4.5:g}" fill="none" '
        f'stroke="{LINE}" stroke-width="1.25"/>'
    )


def _cell(cells: Mapping[str, int], k: int, shown: str, document: Mapping[str, Any]) -> str:
    """The k-th cell of an open group: its colour, how far it is, its mark."""
    size, step = cells["size"], cells["size"] + cells["gap"]
    x = cells["x"] + k % cells["columns"] * step
    y = cells["y"] + k // cells["columns"] * step
    fill, stroke = CELLS.get(shown, ("none", COLORS[shown]))
    dash = "" if shown in CELLS else ' stroke-dasharray="2 1.6"'
    radius = 3 if size > 10 else 1.5
    parts = [
        f'<g transform="translate({x} {y})"><title>{escape(str(document["name"]))}</title>'
        f'<rect x=".5" y=".5" width="{size - 1}" height="{size - 1}" rx="{radius}" '
        f'fill="{fill}" stroke="{stroke}"{dash}/>'
    ]
    if shown == "running":
        high = max(2.0, (size - 4) * float(document.get("progress") or 15) / 100)
        parts.append(
            f'<rect x="2" y="{size - 2 - high:.1f}" width="{size - 4}" height="{high:.1f}" '
            f'fill="{stroke}"/>'
        )
    if size > 10:
        half = size / 2
        icon = _symbol(f"cell-{shown}", COLORS[shown])
        parts.append(f'<g transform="translate({half:g} {half:g})">{icon}</g>')
    return "".join([*parts, "</g>"])


def _bar(counts: Mapping[str, int], width: float) -> str:
    words = [word for word in BAR_ORDER if counts.get(word)]
    total = sum(counts[word] for word in words)
    room = width - 2 * (len(words) - 1)
    widths = [max(4.0, room * counts[word] / total) for word in words]
    widths[widths.index(max(widths))] -= sum(widths) - room
    parts, x = [], 0.0
    for word, w in zip(words, widths, strict=True):
        fill = "none" if word in ("pending", "waiting") else COLORS[word]
        stroke = f' stroke="{COLORS[word]}"' if fill == "none" else ""
        parts.append(
            f'<rect x="{x:.1f}" width="{w:.1f}" height="10" rx="2" fill="{fill}"{stroke}/>'
        )
        x += w + 2
    return "".join(parts)


def _mark(x: float, y: float, shown: str, document: Mapping[str, Any] | None) -> str:
    """Ring, the user's core, icon: as on the page."""
    color = COLORS[shown]
    document = document or {}
    own = document.get("color")
    inside = isinstance(own, str) and COLOR.fullmatch(own) and shown not in ASIDE
    icon_color = "#FFFFFF" if shown == "error" else color
    parts = [_symbol(f"ring-{shown}", color)]
    if shown == "running":
        part = document.get("progress")
        arc = 25 if part is None else max(0, min(100, part))
        parts.append(
            f'<circle r="16" fill="none" stroke="{color}" stroke-width="3" pathLength="100" '
            f'stroke-dasharray="{arc:g} 100" transform="rotate(-90)"/>'
        )
    if inside:
        shape = str(document.get("shape") or "circle")
        shape = SHAPES.get(shape, shape)
        shape = shape if f"shape-{shape}" in _symbols() else "circle"
        parts.append(f'<g fill="{escape(str(own))}">{_symbol(f"shape-{shape}", color)}</g>')
        icon_color = _on(str(own))
    parts.append(_symbol(f"icon-{shown}", icon_color))
    return f'<g transform="translate({x:g} {y:g})">{"".join(parts)}</g>'


def _on(color: str) -> str:
    """Black or white on a colour; where only its name is known, black."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        dark = ("black", "blue", "navy", "purple", "green", "maroon", "red", "teal", "indigo")
        return "#FFFFFF" if color.lower() in dark and color.lower() not in ("green",) else "#000000"
    channels = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    light = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (light + 0.05) / 0.05 > 1.05 / (light + 0.05) else "#FFFFFF"


@lru_cache(maxsize=1)
def _symbols() -> dict[str, str]:
    """The marks by name, from the page's own sprite."""
    file = resources.files("cloudmesh.flow.view") / "static" / "marks.svg"
    text = file.read_text(encoding="utf-8")
    return dict(re.findall(r'<symbol id="([\w-]+)"[^>]*>(.*?)</symbol>', text, re.DOTALL))


def _symbol(name: str, color: str) -> str:
    body = _symbols()[name]
    return re.sub(r"var\(--on,#fff\)", "#FFFFFF", body).replace("currentColor", color)


def _cut(text: str, most: int) -> str:
    """Names differ at their ends: cut in the middle."""
    if len(text) <= most:
        return text
    tail = max(1, most // 2)
    return f"{text[: max(1, most - 1 - tail)]}…{text[-tail:]}"

"""Pictures of figures as SVG: text, lines and dots, readable on a light and on a dark page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from math import ceil, floor, log10

from benchmarks.registry import PEERS

ROW, LEFT, PANEL, GAP, TOP = 20, 170, 150, 18, 46

STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #1f2430; }
.small { font-size: 11px; fill: #5b6472; }
.grid { stroke: #d9dde3; }
.dot { fill: #5b6472; stroke: #5b6472; stroke-width: 1.5; }
.open { fill: none; }
.ours { fill: #2a5fe0; stroke: #2a5fe0; }
.line { fill: none; stroke: #2a5fe0; stroke-width: 2; }
.second { stroke: #c2571a; }
.dot.second { fill: #c2571a; }
.third { stroke: #1d8a6b; }
.dot.third { fill: #1d8a6b; }
text.ours { stroke: none; font-weight: 600; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e9ef; } .small { fill: #a4adba; } .grid { stroke: #3a4250; }
  .dot { fill: #a4adba; stroke: #a4adba; } .open { fill: none; }
  .ours { fill: #7ea2ff; stroke: #7ea2ff; } .line { stroke: #7ea2ff; }
  .second { stroke: #f0935a; } .dot.second { fill: #f0935a; }
  .third { stroke: #58c8a5; } .dot.third { fill: #58c8a5; }
}
</style>"""


def dots(panels: Sequence[tuple[str, Mapping[str, float]]], keys: Sequence[str]) -> str:
    """A panel for each shape, a row for each peer, a dot at its microseconds a node.

    Filled dots record every result.  The scale is logarithmic, the same for all.
    """
    values = [value for _, row in panels for value in row.values()]
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    width = LEFT + len(panels) * (PANEL + GAP)
    height = TOP + len(keys) * ROW + 34
    parts = []
    for number, key in enumerate(keys):
        name = PEERS[key].title.strip("*")
        style = ' class="ours"' if key == "ours" else ""
        parts.append(text(LEFT - 12, TOP + number * ROW + 14, name, style, "end"))
    for column, (title, row) in enumerate(panels):
        left = LEFT + column * (PANEL + GAP)
        parts += panel(left, title, len(keys), (low, high))
        for number, key in enumerate(keys):
            if key in row:
                x = left + (log10(row[key]) - low) / (high - low) * PANEL
                kind = " ours" if key == "ours" else "" if PEERS[key].keeps else " open"
                y = TOP + number * ROW + 10
                parts.append(f'<circle class="dot{kind}" cx="{x:.1f}" cy="{y}" r="4.5"/>')
    foot = (
        "µs a node, logarithmic; filled: every result is recorded before it is used; "
        "what takes too long by its smaller form"
    )
    parts.append(text(LEFT, height - 6, foot, ' class="small"', "start"))
    return document(width, height, foot, parts)


def panel(left: float, title: str, rows: int, scale: tuple[int, int]) -> list[str]:
    """The title, the grid and the scale of one panel."""
    low, high = scale
    bottom = TOP + rows * ROW
    parts = [text(left + PANEL / 2, 16, title, "", "middle")]
    for power in range(low, high + 1):
        x = left + (power - low) / (high - low) * PANEL
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{bottom}"/>')
        word = {0: "1", 2: "100", 4: "10k", 6: "1M"}.get(power, "")
        parts.append(text(x, TOP - 8, word, ' class="small"', "middle"))
    return parts


def curves(
    title: str, series: Mapping[str, Sequence[tuple[float, float]]], words: tuple[str, str]
) -> str:
    """Lines over two logarithmic scales; ``words``: what stands along each."""
    points = [point for line in series.values() for point in line]
    xs, ys = [log10(x) for x, _ in points], [log10(y) for _, y in points]
    low_x, high_x, low_y, high_y = floor(min(xs)), ceil(max(xs)), floor(min(ys)), ceil(max(ys))
    width, height, left, top = 620, 340, 70, 40
    wide, tall = width - left - 130, height - top - 50

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + (log10(x) - low_x) / (high_x - low_x) * wide,
            top + tall - (log10(y) - low_y) / (high_y - low_y) * tall,
        )

    parts = [text(left, 20, title, "", "start")]
    for power in range(low_x, high_x + 1):
        x, _ = place(10**power, 10**low_y)
        parts.append(f'<path class="grid" d="M{x:.1f} {top}v{tall}"/>')
        parts.append(text(x, top + tall + 16, f"{10**power:,}", ' class="small"', "middle"))
    for power in range(low_y, high_y + 1):
        _, y = place(10**low_x, 10**power)
        parts.append(f'<path class="grid" d="M{left} {y:.1f}h{wide}"/>')
        parts.append(text(left - 8, y + 4, f"{10.0**power:,.10g}", ' class="small"', "end"))
    ends = apart([place(*line[-1])[1] for line in series.values()])
    for (name, line), kind, end in zip(
        series.items(), ("", " second", " third"), ends, strict=False
    ):
        at = [place(x, y) for x, y in line]
        way = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        parts.append(f'<path class="line{kind}" d="M{way}"/>')
        kind = f"dot ours{kind}"
        parts += [f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in at]
        parts.append(text(at[-1][0] + 8, end + 4, name, "", "start"))
    parts.append(text(left + wide / 2, height - 8, words[0], ' class="small"', "middle"))
    parts.append(text(left, top - 6, words[1], ' class="small"', "end"))
    return document(width, height, title, parts)


def apart(heights: Sequence[float]) -> list[float]:
    """Where words stand that belong at these heights, none on another."""
    found = list(heights)
    for before, i in pairwise(sorted(range(len(found)), key=heights.__getitem__)):
        found[i] = max(found[i], found[before] + 15)
    return found


def text(x: float, y: float, words: str, style: str, anchor: str) -> str:
    """A piece of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}"{style} text-anchor="{anchor}">{escape(words)}</text>'


def document(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    """The whole picture; its ground is the page's."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
    return "\n".join([head, f"<title>{escape(title)}</title>", STYLE, *parts, "</svg>"]) + "\n"

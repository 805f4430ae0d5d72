"""The report of `stdlib-flow.py`: one HTML page whose pictures are SVG, drawn here."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --quiet: #5d6878; --ground: #fbfbfc;
  --bar: #c2410c; --edge: #4338ca; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --quiet: #9aa5b5;
  --ground: #14171c; --bar: #fb923c; --edge: #a5b4fc; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground);
  max-width: 60rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem }
p { color: var(--quiet); margin: .25rem 0 1rem }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif }
svg text { fill: var(--ink) } .quiet { fill: var(--quiet) } .on { fill: #fff }
.bar { fill: var(--bar) } .edge { fill: none; stroke: var(--edge); stroke-opacity: .22 }
.dot { fill: var(--edge) }
"""


def page(
    packages: list[dict[str, Any]], longest: Sequence[Sequence[Any]], imports: dict[str, Any]
) -> str:
    """The whole page."""
    lines = sum(p["lines"] for p in packages)
    functions = sum(p["functions"] for p in packages)
    unreadable = [file for p in packages for file in p["unreadable"]]
    version = ".".join(map(str, sys.version_info[:3]))
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>The standard library of Python {version}</title><style>{STYLE}</style>
<h1>The standard library of Python {version}</h1>
<p>{len(packages)} packages, {sum(p["files"] for p in packages):,} files, {lines:,} lines,
{functions:,} functions. {len(unreadable)} files are no Python of this version.</p>
<h2>Where the lines are</h2>
<p>Each tile is a package; its area is its lines, darker is longer functions on average.</p>
{treemap(packages)}
<h2>The longest functions</h2>
<p>In lines, decorators apart.</p>
{bars(longest)}
<h2>Who imports whom</h2>
<p>The packages that most others import; a curve is an import, the dot grows with their number.</p>
{wheel(imports)}
</html>
"""


def bars(longest: Sequence[Sequence[Any]]) -> str:
    """One bar for each function: ``[lines, name, file, line]``."""
    top = max((row[0] for row in longest), default=1)
    drawn = []
    for i, (length, name, file, line) in enumerate(longest):
        y, width = i * 24, 480 * length / top
        drawn.append(
            f'<rect class="bar" x="420" y="{y + 4}" width="{width:.1f}" height="14" rx="2"/>'
            f'<text x="408" y="{y + 15}" text-anchor="end">{escape(name)}'
            f"<title>{escape(file)}:{line}</title></text>"
            f'<text class="quiet" x="{426 + width:.1f}" y="{y + 15}">{length}</text>'
        )
    return svg(960, 24 * len(longest), "The longest functions", drawn)


def treemap(packages: list[dict[str, Any]]) -> str:
    """Every package as a tile whose area is its lines."""
    big = sorted((p for p in packages if p["lines"]), key=lambda p: -p["lines"])
    drawn = []
    tiles = squarify([p["lines"] for p in big], 960, 480)
    for package, (x, y, width, height) in zip(big, tiles, strict=True):
        mean = package["function_lines"] / max(1, package["functions"])
        light = 62 - min(40, 1.6 * mean)
        drawn.append(
            f'<rect x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="{max(0.5, width - 1):.1f}" '
            f'height="{max(0.5, height - 1):.1f}" fill="hsl(168 38% {light:.0f}%)">'
            f"<title>{escape(package['name'])}: {package['lines']:,} lines, "
            f"{mean:.1f} in a function</title></rect>"
        )
        if width > 7.2 * len(package["name"]) + 8 and height > 18:
            label = escape(package["name"])
            drawn.append(f'<text class="on" x="{x + 5:.1f}" y="{y + 15:.1f}">{label}</text>')
    return svg(960, 480, "Lines by package", drawn)


def squarify(
    sizes: Sequence[float], width: float, height: float
) -> list[tuple[float, float, float, float]]:
    """Tiles ``(x, y, width, height)`` of areas in proportion to `sizes`, near to squares.

    `sizes` fall.  A row is laid along the shorter side and takes tiles as long
    as its worst one becomes no more oblong by it (Bruls, Huizing, van Wijk 2000).
    """
    scale = width * height / (sum(sizes) or 1)
    areas = [size * scale for size in sizes]
    x = y = 0.0
    tiles: list[tuple[float, float, float, float]] = []
    while areas:
        side = min(width, height)
        row = 1
        while row < len(areas) and worst(areas[: row + 1], side) <= worst(areas[:row], side):
            row += 1
        depth = sum(areas[:row]) / side
        along = 0.0
        for area in areas[:row]:
            length = area / depth
            if width >= height:
                tiles.append((x, y + along, depth, length))
            else:
                tiles.append((x + along, y, length, depth))
            along += length
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth
        areas = areas[row:]
    return tiles


def worst(areas: Sequence[float], side: float) -> float:
    """How oblong the worst tile of a row of these areas along `side` is; 1 is a square."""
    total = sum(areas)
    return max(side**2 * areas[0] / total**2, total**2 / (side**2 * areas[-1]))


def wheel(imports: dict[str, Any], most: int = 48) -> str:
    """The packages that are imported most, on a circle, with a curve for each import."""
    names = sorted(list(imports["used"])[:most])
    at = {name: 2 * math.pi * i / max(1, len(names)) for i, name in enumerate(names)}

    def point(name: str, radius: float) -> tuple[float, float]:
        return 480 + radius * math.cos(at[name]), 370 + radius * math.sin(at[name])

    drawn = []
    for start, end in imports["edges"]:
        if start in at and end in at:
            (x1, y1), (x2, y2) = point(start, 262), point(end, 262)
            drawn.append(
                f'<path class="edge" d="M{x1:.1f} {y1:.1f}Q480 370 {x2:.1f} {y2:.1f}">'
                f"<title>{escape(start)} imports {escape(end)}</title></path>"
            )
    for name in names:
        (x, y), degrees = point(name, 262), math.degrees(at[name])
        turned = 90 < degrees < 270
        drawn.append(
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" '
            f'r="{1.5 + math.sqrt(imports["used"][name]) / 2:.1f}"/>'
            f'<text transform="rotate({degrees + 180 * turned:.1f} 480 370)" '
            f'x="{480 + (-278 if turned else 278)}" y="374" '
            f'text-anchor="{"end" if turned else "start"}">{escape(name)}</text>'
        )
    return svg(960, 740, "The import graph", drawn)


def svg(width: int, height: int, title: str, drawn: list[str]) -> str:
    """The parts of a picture as one."""
    body = "\n".join(drawn)
    return f'<svg viewBox="0 0 {width} {height}" role="img"><title>{title}</title>\n{body}\n</svg>'

"""A mark is the same mark, whether it is drawn as SVG, on the canvas, or exported."""

from __future__ import annotations

import re
import struct
import zlib
from importlib import resources
from typing import Any

import pytest

from cloudmesh.flow.view import svg as export

pytestmark = pytest.mark.real

WORDS = (
    "pending",
    "waiting",
    "running",
    "finished",
    "skipped",
    "error",
    "blocked",
    "interrupted",
    "lost",
    "cancelled",
)

DRAW = """async ([id, exported]) => {
    const { drawSymbol } = await import("/static/canvastools.js");
    document.getElementById("app").replaceChildren();
    const ns = "http://www.w3.org/2000/svg";
    const box = document.createElement("div");
    box.id = "three";
    Object.assign(box.style, { display: "flex", background: "#fff", width: "360px" });
    box.style.color = "#B5102B";
    const make = (content) => {
        const svg = document.createElementNS(ns, "svg");
        svg.setAttribute("viewBox", "-20 -20 40 40");
        svg.setAttribute("width", 120);
        svg.setAttribute("height", 120);
        svg.append(content);
        return svg;
    };
    const use = document.createElementNS(ns, "use");
    use.setAttribute("href", "#" + id);
    const view = document.getElementById(id).getAttribute("viewBox").split(" ").map(Number);
    ["x", "y", "width", "height"].forEach((name, k) => use.setAttribute(name, view[k]));
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 120;
    const context = canvas.getContext("2d");
    drawSymbol(context, id, 60, 60, 3, "#B5102B", "#FFFFFF");
    const text = `<g xmlns="${ns}">${exported}</g>`;
    const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
    box.append(make(use), canvas, make(document.importNode(parsed.documentElement, true)));
    document.body.prepend(box);
}"""


def pixels(png: bytes) -> list[bytes]:
    """The rows of a PNG of 8-bit RGB or RGBA, as RGB."""
    at, data, channels = 8, b"", 3
    while at < len(png):
        (size,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        body = png[at + 8 : at + 8 + size]
        if kind == b"IHDR":
            width, height, channels = *struct.unpack(">II", body[:8]), {2: 3, 6: 4}[body[9]]
        elif kind == b"IDAT":
            data += body
        at += size + 12
    raw, rows, before = zlib.decompress(data), [], bytes(width * channels)
    for y in range(height):
        line = raw[y * (width * channels + 1) :][: width * channels + 1]
        before = unfilter(line[0], line[1:], before, channels)
        pixels_ = [before[k : k + 3] for k in range(0, len(before), channels)]
        rows.append(b"".join(pixels_))
    return rows


def unfilter(kind: int, line: bytes, above: bytes, step: int) -> bytes:
    out = bytearray(line)
    for k in range(len(out)):
        left = out[k - step] if k >= step else 0
        up = above[k]
        corner = above[k - step] if k >= step else 0
        guess = left + up - corner
        nearest = min((left, up, corner), key=lambda v: abs(guess - v))
        out[k] = (out[k] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
    return bytes(out)


def differ(a: list[bytes], b: list[bytes]) -> float:
    """The share of pixels that are clearly not the same."""
    far = total = 0
    for one, other in zip(a, b, strict=True):
        for k in range(0, len(one), 3):
            total += 1
            far += (
                max(abs(x - y) for x, y in zip(one[k : k + 3], other[k : k + 3], strict=True)) > 96
            )
    return far / total


@pytest.mark.parametrize("word", WORDS)
def test_three_ways_to_draw_a_mark(page: Any, word: str) -> None:
    page.wait_for_selector("main")
    for part in ("ring", "icon", "row"):
        page.evaluate(DRAW, [f"{part}-{word}", export._symbol(f"{part}-{word}", "#B5102B")])
        rows = pixels(page.locator("#three").screenshot())
        three = [[row[k * 360 : (k + 1) * 360] for row in rows] for k in range(3)]
        assert any(row.strip(b"\xff") for row in three[0]), part
        assert differ(three[0], three[1]) < 0.02, part
        assert differ(three[0], three[2]) < 0.02, part
        page.evaluate("document.getElementById('three').remove()")


def test_the_exported_picture_uses_the_page_s_own_symbols() -> None:
    text = (resources.files("cloudmesh.flow.view") / "static" / "marks.svg").read_text("utf-8")
    names = set(re.findall(r'<symbol id="([\w-]+)"', text))
    assert set(export._symbols()) == names

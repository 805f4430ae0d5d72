"""The colours of the page, recomputed from its style sheet.

Contrast as WCAG 2 defines it; colour blindness simulated after Machado,
Oliveira and Fernandes (2009) at severity 1; differences in OKLab × 100.
"""

from __future__ import annotations

import re
from importlib import resources
from itertools import combinations

import pytest

CSS = (resources.files("cloudmesh.flow.view") / "static" / "tokens.css").read_text("utf-8")
THEMES = ("light", "dark")
HUES = ("pending", "running", "finished", "error", "cut")

MACHADO = {
    "full": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}

RGB = tuple[float, float, float]


def tokens(theme: str) -> dict[str, str]:
    block = CSS.split(':root[data-theme="dark"]')[theme == "dark"].split("}")[0]
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9A-Fa-f]{6})", block))


def linear(color: str) -> RGB:
    r, g, b = (int(color[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return tuple(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (r, g, b))  # type: ignore[return-value]


def contrast(a: str, b: str) -> float:
    lights = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b_ for r, g, b_ in (linear(a), linear(b)))
    return (lights[1] + 0.05) / (lights[0] + 0.05)


def oklab(rgb: RGB) -> RGB:
    r, g, b = (max(0.0, c) for c in rgb)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    mid = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * mid - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * mid + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * mid - 0.8086757660 * short,
    )


def seen(color: str, sight: str) -> RGB:
    rgb = linear(color)
    rows = MACHADO[sight]
    return tuple(sum(m * c for m, c in zip(row, rgb, strict=True)) for row in rows)  # type: ignore[return-value]


def difference(a: str, b: str, sight: str) -> float:
    pairs = zip(oklab(seen(a, sight)), oklab(seen(b, sight)), strict=True)
    return 100 * sum((x - y) ** 2 for x, y in pairs) ** 0.5


def test_both_themes_have_the_same_tokens() -> None:
    assert set(tokens("light")) == set(tokens("dark"))


@pytest.mark.parametrize("theme", THEMES)
def test_text_has_a_contrast_of_4_5_on_every_ground(theme: str) -> None:
    t = tokens(theme)
    grounds = ["bg", "surface", "sunken", "raised", "running-tint", "finished-tint"]
    for text in ("text", "text-2", "text-3"):
        for ground in [*grounds, "error-tint", "cut-tint"]:
            assert contrast(t[text], t[ground]) >= 4.5, (text, ground)
    for word, tint in (
        ("running", "running-tint"),
        ("finished", "finished-tint"),
        ("error", "error-tint"),
        ("cut-text", "cut-tint"),
    ):
        for ground in ("bg", "surface", tint):
            assert contrast(t[word], t[ground]) >= 4.5, (word, ground)
    for solid in ("running", "error", "finished"):
        assert contrast(t["on"], t[solid]) >= 4.5, solid


@pytest.mark.parametrize("theme", THEMES)
def test_marks_have_a_contrast_of_3(theme: str) -> None:
    t = tokens(theme)
    marks = ("line-2", "pending", "blocked", "running", "finished", "finished-2", "error", "cut")
    for mark in marks:
        for ground in ("bg", "surface"):
            assert contrast(t[mark], t[ground]) >= 3, (mark, ground)
    for mark in ("running", "finished", "error", "cut"):
        assert contrast(t[mark], t[f"{mark}-tint"]) >= 3, mark
    assert contrast(t["on"], t["cut"]) >= 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("sight", sorted(MACHADO))
def test_any_two_of_the_five_hues_differ_for_every_eye(theme: str, sight: str) -> None:
    t = tokens(theme)
    least = min((difference(t[a], t[b], sight), a, b) for a, b in combinations(HUES, 2))
    assert least[0] >= 7, least

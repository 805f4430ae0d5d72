"""The pictures of the demo's report."""

from __future__ import annotations

import importlib.util
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

EXAMPLE = Path(__file__).parents[2] / "examples/stdlib/stdlib_page.py"


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    return load()


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("stdlib_page", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["stdlib_page"] = module
    spec.loader.exec_module(module)
    return module


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=60))
def test_tiles_cover_the_picture_in_proportion(sizes: list[int]) -> None:
    sizes.sort(reverse=True)
    tiles = load().squarify(sizes, 960, 480)
    whole = sum(sizes)
    for size, (x, y, width, height) in zip(sizes, tiles, strict=True):
        assert width * height == pytest.approx(960 * 480 * size / whole)
        assert -1e-6 <= x <= x + width <= 960 + 1e-6
        assert -1e-6 <= y <= y + height <= 480 + 1e-6


def test_tiles_do_not_overlap(drawing: ModuleType) -> None:
    tiles = drawing.squarify([9, 5, 4, 3, 2, 1, 1, 1], 100, 60)
    for i, (x, y, w, h) in enumerate(tiles):
        for x2, y2, w2, h2 in tiles[:i]:
            apart = x >= x2 + w2 - 1e-9 or x2 >= x + w - 1e-9
            assert apart or y >= y2 + h2 - 1e-9 or y2 >= y + h - 1e-9


def test_names_are_text_in_every_picture(drawing: ModuleType) -> None:
    name = "<b>&\"'"
    pictures = [
        drawing.bars([[3, name, name, 1]]),
        drawing.wheel({"edges": [[name, "b"]], "used": {name: 1, "b": 2}}),
        drawing.treemap([{"name": name, "lines": 9, "functions": 1, "function_lines": 9}]),
    ]
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        assert any((element.text or "").find(name) >= 0 for element in root.iter())


def test_nothing_to_draw_is_an_empty_picture(drawing: ModuleType) -> None:
    assert ElementTree.fromstring(drawing.bars([])) is not None
    assert ElementTree.fromstring(drawing.treemap([])) is not None
    assert ElementTree.fromstring(drawing.wheel({"edges": [], "used": {}})) is not None

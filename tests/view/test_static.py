"""The page's files: plain modules, nothing from elsewhere, no markup from data."""

from __future__ import annotations

import re
from importlib import resources

import pytest

STATIC = resources.files("cloudmesh.flow.view") / "static"
FILES = {f.name: f.read_text("utf-8") for f in STATIC.iterdir() if f.is_file()}
MODULES = sorted(name for name in FILES if name.endswith(".js"))


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_small_and_says_why(name: str) -> None:
    lines = FILES[name].splitlines()
    assert len(lines) <= 300
    assert lines[0].startswith("//")


@pytest.mark.parametrize("name", MODULES)
def test_nothing_becomes_markup_or_code(name: str) -> None:
    forbidden = (
        r"\.(?:innerHTML|outerHTML|insertAdjacentHTML|srcdoc)\b|\bdocument\.write|\beval\(|"
        r"new Function\(|createContextualFragment|[\"']style[\"']\s*[,:]|javascript:"
    )
    assert re.findall(forbidden, FILES[name]) == []


@pytest.mark.parametrize("name", sorted(FILES))
def test_nothing_comes_from_another_host(name: str) -> None:
    text = FILES[name].replace("http://www.w3.org/2000/svg", "")
    assert re.findall(r"https?://|//[a-z]+\.[a-z]|@import", text) == []


@pytest.mark.parametrize("name", sorted(n for n in FILES if n.endswith(".html")))
def test_pages_have_no_inline_script_or_style(name: str) -> None:
    text = FILES[name]
    assert re.findall(r"\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)", text) == []
    for path in re.findall(r'(?:src|href)="/static/([^"]+)"', text):
        assert path in FILES


def test_every_import_has_its_file_and_every_module_its_use() -> None:
    used = {"main.js", "docs.js"}
    for name in MODULES:
        for path in re.findall(r'from "\./([\w-]+\.js)"', FILES[name]):
            assert path in FILES, (name, path)
            used.add(path)
    assert used == set(MODULES)


def test_every_mark_that_is_named_exists() -> None:
    symbols = set(re.findall(r'id="([\w-]+)"', FILES["marks.svg"]))
    words = "pending waiting running finished skipped error blocked interrupted lost cancelled"
    for word in words.split():
        assert {f"{part}-{word}" for part in ("ring", "icon", "row", "cell")} <= symbols
    assert {f"shape-{s}" for s in ("circle", "square", "diamond", "hexagon", "triangle")} <= symbols

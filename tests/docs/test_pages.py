"""Every example of README and docs is run, each page in a folder and a home of its own.

* A block of code after a line that ends in "`name`:" is saved as that file.
* Any other ``python`` block is run as a script; ``json`` and ``yaml`` blocks are read.
* In a ``console`` block lines with ``$`` are commands, the others what they
  print: ``…`` stands for anything in a line, alone for any lines.  A command
  ends with exit 0, or with N where ``# exit N`` stands behind it.
* ``<!-- not run: why -->`` above a block leaves it out; ``<!-- in any order -->``:
  the lines are printed so, but not one after the other.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from cloudmesh.flow import config
from cloudmesh.flow.cli.main import COMMANDS, load, parser_of
from cloudmesh.flow.executors.table import faults
from cloudmesh.flow.language.yamlforms import TOP_KEYS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BIN = Path(sys.executable).parent


@dataclass
class Block:
    """A fenced block: its language, its text, where it stands, the file that it is."""

    language: str
    text: str
    line: int
    file: str | None
    any_order: bool


def blocks(page: Path) -> Iterator[Block]:
    lines = page.read_text(encoding="utf-8").splitlines()
    before = ""
    number = 0
    while number < len(lines):
        if not lines[number].startswith("```"):
            before = lines[number].strip() or before
            number += 1
            continue
        language, start = lines[number].removeprefix("```").strip(), number + 1
        number = next(i for i in range(start, len(lines)) if lines[i].startswith("```"))
        named = re.search(r"`([\w./-]+\.\w+)`[^`]*:$", before)
        if not before.startswith("<!-- not run:"):
            text = "\n".join(lines[start:number]) + "\n"
            any_order = before.startswith("<!-- in any order")
            yield Block(language, text, start + 1, named[1] if named else None, any_order)
        before, number = "", number + 1


def commands(text: str) -> Iterator[tuple[str, int, str]]:
    """The commands of a console block: what is typed, its exit code, what it prints."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        typed, _, printed = part.partition("\n")
        exits = re.search(r"\s+# exit (\d+)$", typed)
        yield typed, int(exits[1]) if exits else 0, printed


def pattern(shown: str) -> str:
    """A line, or several, as a regular expression."""
    found = ""
    for line in shown.rstrip("\n").split("\n"):
        if line.strip() == "…":
            found += r"(?:.*\n)*"
        else:
            found += ".*".join(re.escape(part.rstrip()) for part in line.split("…")) + r"[ \t]*\n"
    return re.sub(r"(?:\\ )+", " +", found)  # columns are as wide as what stands in them


def is_shown(shown: str, printed: str, any_order: bool) -> bool:
    """Whether a page shows what a command printed."""
    parts = shown.rstrip("\n").split("\n") if any_order else [shown]
    whole = printed.rstrip("\n") + "\n"
    match = re.search if any_order else re.fullmatch
    return all(match(pattern(part), whole) for part in parts)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_what_a_page_shows_is_so(page: Path, tmp_path: Path, home: Path) -> None:
    env = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100"}
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    for block in blocks(page):
        where = f"{page.name}:{block.line}"
        if block.file:
            (tmp_path / block.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            (tmp_path / "example.py").write_text(block.text, encoding="utf-8")
            run(f"{sys.executable} example.py", 0, tmp_path, env, where)
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "console":
            for typed, exits, printed in commands(block.text):
                if typed.startswith("sqlite3 ") and not shutil.which("sqlite3"):
                    pytest.skip("NOT TESTED: sqlite3 (needs sqlite3; make test-deps installs it)")
                out = run(typed, exits, tmp_path, env, where)
                if printed.strip():
                    so = is_shown(printed, out, block.any_order)
                    assert so, f"{where}: $ {typed}\nprints\n{out}\nand not\n{printed}"


def run(typed: str, exits: int, folder: Path, env: dict[str, str], where: str) -> str:
    """What a command prints, on both streams, as on a terminal."""
    done = subprocess.run(
        typed,
        shell=True,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == exits, f"{where}: $ {typed}\nexit {done.returncode}\n{done.stdout}"
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", text)
    dead = []
    for target in ("".join(pair) for pair in targets):
        file, _, place = target.partition("#")
        found = page.parent / file if file else page
        if "://" in target:
            continue
        if not found.exists() or (place and place not in places(found)):
            dead.append(target)
    assert not dead


def places(page: Path) -> set[str]:
    """What a link may name behind ``#``: the headings of a page, as sites of sources make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_tests_that_a_page_names_exist(page: Path) -> None:
    for file, function in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page.read_text("utf-8")):
        assert (ROOT / file).exists(), file
        assert not function or f"def {function}(" in (ROOT / file).read_text("utf-8"), function


def test_readme_names_the_two_commands_and_they_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        assert set(re.findall(r"\bmake ([a-z-]+)`?", code(page))) <= targets
    assert "make demo\nmake test\n" in readme


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_commands_that_a_page_names_are_some(page: Path) -> None:
    """Also where they are not run: the command is there, and has the options."""
    for name, rest in re.findall(r"cms flow ([a-z]+)([^\n`#|>]*)", code(page)):
        assert name in COMMANDS, name
        known = parser_of(name, load(name))._option_string_actions
        options = re.findall(r"(?<!\S)(--?[a-z][\w-]*)", rest)
        assert [o for o in options if o not in known] == [], f"cms flow {name}{rest}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_yaml_that_a_page_shows_is_right(page: Path) -> None:
    """It can be read, and an entry of ``infrastructure`` has what its kind has."""
    for block in blocks(page):
        if block.language != "yaml":
            continue
        shown = YAML(typ="safe", pure=True).load(block.text)
        assert set(shown) <= {*config.KEYS, *TOP_KEYS}, f"{page.name}:{block.line}"
        for name, entry in shown.get("infrastructure", {}).items():
            assert faults(name, entry) == [], f"{page.name}:{block.line}"


def test_the_design_has_a_place_for_every_module() -> None:
    text = (ROOT / "docs/design.md").read_text(encoding="utf-8")
    units = [p for p in (ROOT / "src/cloudmesh/flow").iterdir() if not p.name.startswith("_")]
    named = [p.name + "/" * p.is_dir() for p in units if p.suffix in ("", ".py")]
    assert [name for name in named if name not in text and name != "WorkFlow.py"] == []


def code(page: Path) -> str:
    """All that stands in a page as code."""
    text = page.read_text(encoding="utf-8")
    fenced = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*fenced, *re.findall(r"`[^`\n]+`", text)])

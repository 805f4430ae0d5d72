"""The shape of the code is tested too: sizes, arrows between modules, nothing dead, no address."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src/cloudmesh/flow"
MODULES = sorted(SOURCE.rglob("*.py"))

# Who may import whom, by the first name below cloudmesh.flow: the arrows of
# docs/design.md. `errors` and the plain facts of `model` may be known by all.
EVERYBODY = {"collector", "errors", "model", "times", "__version__"}
ARROWS: dict[str, set[str]] = {
    "__init__": set(),
    "collector": set(),
    "errors": set(),
    "times": set(),
    "model": set(),
    "run": set(),
    "store": set(),
    "codecs": set(),
    "view": set(),
    "providers": {"store"},  # sweep: what a journal intended
    "executors": {"providers"},
    "config": {"executors", "language", "webhooks"},
    "language": {"config", "executors", "store"},
    "notebook": {"view"},
    "handle": {"run", "notebook"},
    "widget": {"api", "handle", "run", "store", "view"},
    "definitions": {"language"},
    "parameters": {"language"},
    "trust": {"codecs"},
    "export": set(),
    "estimate": set(),
    "otel": set(),
    "again": {"run"},
    "compare": {"run"},
    "engine": {"run", "store", "executors", "codecs", "language", "config", "handle"}
    | {"webhooks"},
    "webhooks": set(),
    "api": {"language", "engine", "run", "store", "handle", "parameters", "trust", "config"}
    | {"again", "compare"},
    "server": {"api", "store", "view", "run", "again"},
    "cli": {"api", "store", "server", "language", "config", "definitions", "trust", "export"}
    | {"estimate", "otel"}
    | {"executors", "providers", "engine", "run", "parameters", "view"},
    "command": {"cli"},
    "testing": {"store", "executors", "engine", "run", "api", "language", "parameters", "handle"},
    "WorkFlow": {"language"},
    "__main__": {"cli"},
}
# The one arrow upward: `BaseWorkFlow.run()` is a convenience over the one way in.
# In a notebook a flow shows its picture.
UPWARD = {("language/pythonclass.py", name) for name in ("api", "config")}
UPWARD |= {(f"language/{file}.py", "notebook") for file in ("pythonclass", "program")}


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def unit_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """The modules of ours that a file imports when it runs, dotted below cloudmesh.flow."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        found: list[str] = []
        if isinstance(node, ast.ImportFrom) and node.module:
            found = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        for name in found:
            if name.startswith("cloudmesh.flow."):
                yield name.removeprefix("cloudmesh.flow."), node.lineno


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_has_at_most_600_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 600


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_has_at_most_70_lines(path: Path) -> None:
    long = [
        f"{node.name} has {node.end_lineno - node.lineno + 1}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > 70
    ]
    assert not long


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_follow_the_arrows(path: Path) -> None:
    own = unit_of(path)
    assert own in ARROWS, f"{own} has no place among the arrows yet"
    allowed = ARROWS[own] | EVERYBODY | {own}
    wrong = {
        f"line {line}: {target}"
        for target, line in imports(path)
        if target.split(".")[0] not in allowed
        and (name_of(path), target.split(".")[0]) not in UPWARD
    }
    assert not wrong, f"{own} may import {sorted(allowed)}"


def test_cloudmesh_is_a_namespace_and_every_package_below_flow_is_one() -> None:
    assert not (SOURCE.parent / "__init__.py").exists()
    folders = {path.parent for path in MODULES}
    assert not [name_of(f) for f in folders if not (f / "__init__.py").exists()]


def test_names_stay_apart_where_case_does_not_count() -> None:
    names = [name_of(path).lower() for path in MODULES]
    assert len(set(names)) == len(names)
    # The cloudmesh shell takes every module with `.command.` in its name for a command.
    dotted = [n.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for n in names]
    assert [n for n in dotted if ".command." in f".{n}"] in ([], ["command.flow"])


def test_no_module_is_dead() -> None:
    """Each is imported by another or named in one as text (lazily, or as a far-side program)."""
    used = {target for path in MODULES for target, _ in imports(path)}
    texts = "\n".join(path.read_text(encoding="utf-8") for path in MODULES)
    entered = {"__main__", "WorkFlow", "command.flow", "widget"}  # from outside
    dead = []
    for path in MODULES:
        dotted = name_of(path).removesuffix(".py").replace("/", ".")
        if path.name == "__init__.py" or dotted in used | entered or unit_of(path) == "testing":
            continue
        texts = texts.replace(f'cloudmesh.flow.{dotted}"', f'"{path.stem}"')
        if f'"{path.stem}"' not in texts and f'"{path.name}"' not in texts:
            dead.append(dotted)
    assert not dead


def tracked() -> list[Path]:
    """The text files under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("NOT TESTED: the tracked files (needs a git clone)")
    names = listed.stdout.decode().split("\0")
    binary = {".png", ".woff2", ".ico", ".gz", ".db", ".qcow2"}
    return [p for n in names if n and (p := ROOT / n).is_file() and p.suffix not in binary]


def test_no_tracked_file_names_a_path_of_a_machine_or_a_registry() -> None:
    # Written in pieces, so that this file does not find itself.
    wrong = re.compile(
        "|".join(
            [
                r"/(?:root/(?!dev\b)|work/|home/(?!user\b|me\b|alice\b)\w+/|Users/\w+/)" + r"[\w.]",
                r"pypi\." + r"org|files\.pythonhosted|registry\.npm" + r"js|proxy\.golang",
                r"deb\.deb" + r"ian\.org|index" + r"-url\s*=",
            ]
        )
    )
    found = []
    for path in tracked():
        if path.name in {"LICENSE", "go.sum"}:
            continue
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            if match := wrong.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match[0]}")
    assert not found


def test_no_tracked_file_is_large() -> None:
    large = [p.name for p in tracked() if p.stat().st_size > 500_000]
    assert not large


def test_requirements_are_names_versions_and_hashes() -> None:
    line = re.compile(r"[\w.\[\]-]+==[\w.+!]+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")
    for name in ("run", "test", "docs", "bench"):
        text = (ROOT / f"requirements/{name}.txt").read_text()
        assert [t for t in text.splitlines() if not line.fullmatch(t)] == []


def test_requirements_name_all_that_the_project_needs() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = (ROOT / "requirements/run.in").read_text().splitlines()
    assert set(project["dependencies"]) <= set(wanted)


def test_the_changelog_has_its_form() -> None:
    """A heading for each version, newest first; under it one sentence for each change."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(
        r"^## (\d+)\.(\d+)\.(\d+) \((?:unreleased|\d{4}-\d\d-\d\d)\)$", text, re.M
    )
    assert len(versions) == text.count("\n## ")
    numbers = [tuple(map(int, v)) for v in versions]
    assert numbers == sorted(numbers, reverse=True)
    assert all(item.rstrip().endswith(".") for item in re.findall(r"^- .*", text, re.MULTILINE))

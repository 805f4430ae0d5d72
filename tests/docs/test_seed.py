"""The first sketch of the project, sentence by sentence, by the real command; see docs/seed.md."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SEED = ROOT / "examples/seed"
CMS = Path(sys.executable).with_name("cms")

Cms = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cms(tmp_path: Path, home: Path) -> Cms:
    """The real command in an empty folder with an empty home; fails where it exits otherwise."""

    def call(*words: str, exits: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [CMS, "flow", *words],
            cwd=tmp_path,
            env=dict(os.environ),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == exits, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    return call


@pytest.fixture
def test_flow(tmp_path: Path) -> Path:
    """The class of the sketch, saved as it stands."""
    return Path(shutil.copy(SEED / "test-flow.py", tmp_path))


def rows(home: Path, collection: str) -> list[dict[str, Any]]:
    """The documents of a collection, read by SQL as anybody may."""
    with sqlite3.connect(home / ".cloudmesh/flow/flow.db") as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f'SELECT * FROM "{collection}"')]


def by_name(documents: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {document["name"]: document for document in documents}


def test_the_class_runs_as_it_stands(cms: Cms, test_flow: Path) -> None:
    done = cms("run", "test-flow.py", "(a; b || c)")
    for name in "abc":
        assert re.search(rf"^{name}\b.*in {name}!", done.stdout, re.MULTILINE)


def test_without_a_file_the_folder_is_looked_at(cms: Cms, test_flow: Path) -> None:
    cms("run", "(a; b || c)", "--flowname", "test")


def test_a_semicolon_is_one_after_the_other(cms: Cms, test_flow: Path, home: Path) -> None:
    cms("run", "test-flow.py", "(a; b || c)")
    nodes = by_name(rows(home, "test-flow-active"))
    assert nodes["a"]["ended"] <= nodes["b"]["started"]
    assert nodes["a"]["ended"] <= nodes["c"]["started"]


def test_bars_are_side_by_side(cms: Cms, tmp_path: Path) -> None:
    """b and c each wait for the other to have begun: one after the other they would never end."""
    (tmp_path / "pair-flow.py").write_text(
        "from threading import Barrier\n"
        "from cloudmesh.flow.WorkFlow import BaseWorkFlow\n"
        "both = Barrier(2)\n"
        "class Pair(BaseWorkFlow):\n"
        "    def a(self): pass\n"
        "    def b(self): both.wait(50)\n"
        "    def c(self): both.wait(50)\n"
    )
    cms("run", "pair-flow.py", "(a; b || c)")


def test_the_definition_has_its_collection(cms: Cms, test_flow: Path, home: Path) -> None:
    cms("add", "test-flow.py", "--flowname", "other", exits=2)  # no string yet
    cms("run", "test-flow.py", "(a; b || c)")
    nodes = by_name(rows(home, "test-flow"))
    assert {name: json.loads(n["dependencies"]) for name, n in nodes.items()} == {
        "a": [],
        "b": ["a"],
        "c": ["a"],
    }
    a = nodes["a"]
    assert (a["workflow"], a["kind"], a["cloud"]) == ("test", "flow", "local")
    assert {n["status"] for n in nodes.values()} == {"defined"}
    cm = json.loads(a["cm"])
    assert set(cm) == {"kind", "cloud", "name", "collection", "created", "modified"}
    assert (cm["kind"], cm["name"], cm["collection"]) == ("flow", "a", "test-flow")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", cm["created"])


def test_the_run_has_its_collection_with_results(cms: Cms, tmp_path: Path, home: Path) -> None:
    (tmp_path / "sum-flow.py").write_text(
        "def a(): return [1, 2, 3]\n"
        "def b(a): return sum(a)\n"
        "def c(): raise SystemExit(3)\n"
        "def d(c): pass\n"
    )
    cms("run", "sum-flow.py", "a; b || c; d", exits=1)
    nodes = by_name(rows(home, "sum-flow-active"))
    assert {n["name"]: n["status"] for n in nodes.values()} == {
        "a": "finished",
        "b": "finished",
        "c": "error",
        "d": "pending",
    }
    assert json.loads(nodes["b"]["result"]) == 6  # what a returned, consumed by b
    assert nodes["c"]["exit_code"] == 3
    assert nodes["d"]["reason"] == "blocked by c"
    # Of the dependencies only what has not finished is left; upstream keeps them all.
    assert json.loads(nodes["d"]["dependencies"]) == ["c"]
    assert json.loads(nodes["d"]["upstream"]) == ["b", "c"]
    assert by_name(rows(home, "sum-flow"))["d"]["dependencies"] == nodes["d"]["upstream"]


def test_a_node_says_how_it_is_shown(cms: Cms, home: Path) -> None:
    cms("run", str(SEED / "workflow.py"))
    nodes = by_name(rows(home, "workflow-flow-active"))
    for name in "abc":
        found = nodes[name]
        assert (found["color"], found["shape"], found["label"]) == ("green", "circle", name)
    result = json.loads(nodes["c"]["result"])
    assert result == {**result, "status": "done", "value": 10}


def test_any_object_is_a_value(cms: Cms, tmp_path: Path) -> None:
    (tmp_path / "object-flow.py").write_text(
        "class Point:\n"
        "    def __init__(self, x): self.x = x\n"
        "def a(): return {'status': 'done', 'color': 'green', 'value': Point(4)}\n"
        "def b(a): return a.x + 1\n"
    )
    cms("run", "object-flow.py", "a; b")
    assert cms("result", "latest", "b").stdout.strip() == "5"


def test_the_same_in_yaml(cms: Cms, home: Path) -> None:
    cms("run", str(SEED / "sampleflow.yaml"))
    nodes = by_name(rows(home, "sampleflow-flow-active"))
    a = nodes["a"]
    assert (a["color"], a["label"], a["shape"], json.loads(a["result"])) == (
        "green",
        "a = 7",
        "circle",
        7,
    )
    assert json.loads(nodes["b"]["result"]) == "b has heard 7"
    assert json.loads(nodes["c"]["result"]) == 70


def test_the_description_of_the_http_interface(cms: Cms) -> None:
    document = json.loads(cms("openapi").stdout)
    assert document["openapi"].startswith("3.1")
    assert "/api/runs/{run}" in document["paths"]

"""What a command may load: nothing that it does not need, because the user waits for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

#: Everything that takes longer to import than a small flow takes to run.
HEAVY = {
    "asyncio",
    "asyncssh",
    "bson",
    "cloudpickle",
    "concurrent.futures",
    "dask",
    "difflib",
    "email",
    "fastapi",
    "importlib.metadata",
    "logging",
    "multiprocessing",
    "numpy",
    "pandas",
    "pickle",
    "pydantic",
    "pymongo",
    "rich",
    "ruamel",
    "ssl",
    "starlette",
    "subprocess",
    "tempfile",
    "unittest",
    "urllib.request",
    "uvicorn",
    "yaml",
}
#: Of ours, what only some commands need.
ENGINE = {"cloudmesh.flow.engine.loop", "cloudmesh.flow.store.sqlite", "sqlite3"}

FLOW = """\
from cloudmesh.flow.WorkFlow import BaseWorkFlow
class MyFlow(BaseWorkFlow):
    def a(self): return 1
    def b(self): print("in b")
    def c(self): pass
"""

PROGRAM = """\
import json, sys
from cloudmesh.flow.cli.main import main
code = main(sys.argv[1:])
sys.stderr.write("\\n" + json.dumps([code, sorted(sys.modules)]))
"""


def loaded(folder: Path, *words: str) -> set[str]:
    """The modules that are there when a command has ended well."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(modules)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "test-flow.py").write_text(FLOW)
    loaded(tmp_path, "flow", "run", "test-flow.py", "(a; b || c)")
    return tmp_path


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("check", "(a; b || c)"),
        ("check", "(a; b || c)", "--output", "json"),
        ("check", "test-flow.py", "(a; b || c)"),
        ("run", "test-flow.py", "(a; b || c)"),
        ("run", "test-flow.py", "(a; b || c)", "--output", "json"),
        ("run", "test"),
        ("add", "test-flow.py", "(a; b || c)"),
        ("list",),
        ("show", "test"),
        ("edge", "add", "c", "b", "--flowname", "test"),
        ("runs",),
        ("status",),
        ("status", "--at", "1"),
        ("result",),
        ("result", "latest", "b"),
        ("logs",),
        ("diff", "latest", "latest"),
        ("prune", "--keep", "1"),
        ("export", "test", "--format", "mermaid"),
        ("delete", "test"),
    ],
    ids=lambda words: " ".join(words),
)
def test_a_command_loads_nothing_heavy(folder: Path, words: tuple[str, ...]) -> None:
    bare = loaded_by_python()
    assert not (loaded(folder, "flow", *words) - bare) & HEAVY


def loaded_by_python() -> set[str]:
    """What a bare interpreter of this environment loads (site-packages may have hooks)."""
    code = "import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return set(done.stdout.split())


def test_a_bare_string_needs_no_store_and_no_engine(tmp_path: Path) -> None:
    assert not loaded(tmp_path, "flow", "check", "(a; b || c)") & ENGINE
    assert not loaded(tmp_path, "flow", "--help") & {"argparse", "cloudmesh.flow.language.load"}


def test_reading_needs_no_engine(folder: Path) -> None:
    for words in (("runs",), ("list",), ("show", "test")):
        assert "cloudmesh.flow.engine.loop" not in loaded(folder, "flow", *words), words

"""Every promise of a run has a test that fails when the promise is broken in the code.

Each break of `broken.py` is planted in a copy of the package, and its test is
run against that copy.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib import util
from pathlib import Path
from typing import Any

import pytest

import cloudmesh.flow

SOURCE = Path(cloudmesh.flow.__file__).parent
PYTEST = [sys.executable, "-m", "pytest", "-qx", "-p", "no:cacheprovider", "--timeout", "90"]
ROOT = Path(__file__).parent.parent.parent


def load() -> Any:
    spec = util.spec_from_file_location("broken", Path(__file__).with_name("broken.py"))
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.BROKEN


BROKEN: dict[str, list[Any]] = load()
ALL = [one for part in BROKEN.values() for one in part]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("broken")
    shutil.copytree(
        SOURCE, folder / "cloudmesh" / "flow", ignore=shutil.ignore_patterns("__pycache__")
    )
    yield folder
    shutil.rmtree(folder)


def end_what_is_left(copy: Path) -> None:
    """Kill what still runs of the copy: a break may be that something is left."""
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and f"PYTHONPATH={copy}".encode() in (
                (entry / "environ").read_bytes().split(b"\0")
            ):
                os.kill(int(entry.name), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("broken", ALL, ids=[one.what for one in ALL])
def test_a_broken_promise_is_found(broken: Any, copy: Path) -> None:
    file = copy / "cloudmesh" / "flow" / broken.file
    text = file.read_text()
    assert text.count(broken.right) == 1, f"{broken.file} has changed: break it anew"
    file.write_text(text.replace(broken.right, broken.wrong))
    try:
        done = subprocess.run(
            [*PYTEST, f"tests/{broken.test}"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )
    finally:
        file.write_text(text)
        end_what_is_left(copy)
    if "NOT TESTED" in done.stdout and done.returncode == 0:
        pytest.skip(f"NOT TESTED: {broken.what}, broken on purpose (its test needs more)")
    if done.returncode == -signal.SIGKILL:  # the engine's process, which was the test's own
        return
    assert done.returncode == 1, done.stdout
    assert "failed" in done.stdout, done.stdout  # a failure, not an error of the test's own


def test_the_page_lists_every_break_and_every_test_that_it_names_is_there() -> None:
    page = (ROOT / "docs" / "guarantees.md").read_text()
    for part, breaks in BROKEN.items():
        assert f"| **{part}** |" in page
        for one in breaks:
            assert f"| {one.what} | `{one.test}` |" in page
    for piece in page.split("`tests/")[1:]:
        name, _, function = piece.partition("`")[0].partition("::")
        if not name.endswith(".py"):
            continue
        text = (ROOT / "tests" / name).read_text()
        assert not function or f"def {function.partition('[')[0]}(" in text, (name, function)

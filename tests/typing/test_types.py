"""The public names have the types that `api.py` says, as a user's type checker sees them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("api.py")
OPTIONS = ("--strict", "--python-version", "3.11", "--no-error-summary")


def mypy(file: Path, folder: Path) -> str:
    """What mypy says of a file, as of one that is outside of this project; "" where all is well."""
    pytest.importorskip("mypy", reason="NOT TESTED: types (needs mypy; make test installs it)")
    command = [sys.executable, "-m", "mypy", "--config-file", "", *OPTIONS, str(file)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=250)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def test_types_and_mistakes_are_seen(tmp_path: Path) -> None:
    assert mypy(FILE, tmp_path) == ""


def test_a_user_without_our_sources_sees_them_too(tmp_path: Path) -> None:
    """``py.typed`` is there: without it everything would be Any, and nothing a mistake."""
    file = tmp_path / "user.py"
    file.write_text("from cloudmesh.flow import workflow\nx: int = workflow('a').run()\n")
    assert "[assignment]" in mypy(file, tmp_path)

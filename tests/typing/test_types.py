"""The public names have the types that `api.py` says, as a user's type checker sees them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("api.py")
OPTIONS = ("--strict", "--python-version", "3.11", "--no-error-summary", "--config-file", "")


def test_types_and_mistakes_are_seen(tmp_path: Path) -> None:
    """From outside of this project; without ``py.typed`` nothing would be a mistake there."""
    pytest.importorskip("mypy", reason="NOT TESTED: types (needs mypy; make test installs it)")
    user = tmp_path / "user.py"
    user.write_text("from cloudmesh.flow import workflow\nx: int = workflow('a').run()\n")
    command = [sys.executable, "-m", "mypy", *OPTIONS, str(FILE), str(user)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250)
    said = done.stdout.splitlines()
    assert len(said) == 1, done.stdout + done.stderr
    assert said[0].startswith("user.py:2: error: ")
    assert said[0].endswith("[assignment]")

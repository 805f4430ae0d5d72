"""Where the helpers of these tests lie; and files as programs of older versions left them."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudmesh.flow.store import statements

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "real"))


@pytest.fixture
def older_file() -> Callable[[str | Path, int], None]:
    """``older_file(path, version)`` makes the file of that version: see ``versionN.sql``."""

    def make(path: str | Path, version: int) -> None:
        connection = sqlite3.connect(path)
        connection.executescript((HERE / f"version{version}.sql").read_text(encoding="utf-8"))
        connection.execute(f"PRAGMA application_id={statements.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={version}")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()

    return make

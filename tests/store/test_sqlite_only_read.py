"""A store's file that can only be read."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow.errors import InputError, StoreRefused
from cloudmesh.flow.store import sqlite_file
from cloudmesh.flow.store.opening import open_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "flow.db"


@pytest.fixture(params=[errno.EROFS, errno.EACCES], ids=["disk", "user"])
def only_read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Refuse to open a file for writing, as the system would; root may write everywhere."""

    def turn() -> None:
        def refuse(*_: object) -> None:
            raise OSError(request.param, os.strerror(request.param))

        monkeypatch.setattr(sqlite_file, "FileLock", refuse)

    return turn


def define(url: str) -> None:
    store = open_store(url)
    store.define("t", ([], [], []), {"flow": {}})
    store.close()


def test_it_is_read_and_not_written(path: Path, only_read: Any) -> None:
    url = f"sqlite:///{path}"
    define(url)
    there = sorted(os.listdir(path.parent))
    only_read()
    store = open_store(url)
    assert store.id
    assert store.definitions() == ["t"]
    assert sorted(os.listdir(path.parent)) == there
    with pytest.raises(StoreRefused, match="can only be read"):
        store.delete("t")
    with pytest.raises(StoreRefused, match="can only be read"):
        store.define("u", ([], [], []), {})
    store.close()


def test_what_is_written_elsewhere_is_seen(path: Path, only_read: Any) -> None:
    url = f"sqlite:///{path}"
    define(url)
    other = open_store(url)
    only_read()
    store = open_store(url)
    assert store.definitions() == ["t"]
    other.define("u", ([], [], []), {"flow": {}})
    assert store.definitions() == ["t", "u"]
    store.close()
    other.close()


def test_what_has_nothing_in_it_is_said_so(path: Path, only_read: Any) -> None:
    path.touch()
    only_read()
    with pytest.raises(StoreRefused, match="is empty, and can only be read"):
        open_store(f"sqlite:///{path}")


def test_the_version_before_is_read_as_it_is(path: Path, older_file: Any, only_read: Any) -> None:
    older_file(path, 2)
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    newest = open_store(f"sqlite:///{copy}")  # brought up to date
    only_read()
    store = open_store(f"sqlite:///{path}")
    for view in ("ml-flow", "ml-flow-active", "ml-flow-history", "ml-flow-journal", "flow-runs"):
        told = store.documents(view)
        assert told == newest.documents(view)
        assert told, view
    assert sqlite3.connect(path).execute("PRAGMA user_version").fetchone() == (2,)
    store.close()
    newest.close()


def test_an_older_file_is_to_be_copied_first(path: Path, older_file: Any, only_read: Any) -> None:
    older_file(path, 1)
    only_read()
    with pytest.raises(InputError, match=r"older cloudmesh-flow.*copy it"):
        open_store(f"sqlite:///{path}")

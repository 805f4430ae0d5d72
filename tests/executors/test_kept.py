"""What far sides keep: sources by their hash, in a folder of the user's own."""

from __future__ import annotations

import hashlib
import os
import stat
import time
from pathlib import Path

import pytest

from cloudmesh.flow.executors.kept import UNUSED_MAX, Sources, private_folder


def digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def folder_of(home: Path) -> Path:
    return home / ".cloudmesh" / "flow" / "sources"


def test_a_source_is_found_by_its_hash(home: Path) -> None:
    kept = Sources()
    assert kept.get(digest("größe = 1\n")) is None
    kept.put("größe = 1\n")
    assert Sources().get(digest("größe = 1\n")) == "größe = 1\n"
    assert [p.name for p in folder_of(home).iterdir()] == [digest("größe = 1\n")]
    assert stat.S_IMODE(folder_of(home).stat().st_mode) == 0o700


def test_a_source_that_was_changed_is_not_used(home: Path) -> None:
    kept = Sources()
    kept.put("x = 1\n")
    file = folder_of(home) / digest("x = 1\n")
    file.write_text("x = 2\n")
    assert kept.get(file.name) is None
    assert not file.exists()


def test_a_folder_that_others_could_open_is_closed_to_them(home: Path) -> None:
    folder = folder_of(home)
    folder.mkdir(parents=True, mode=0o777)
    folder.chmod(0o777)
    Sources()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_is_a_link_is_not_used(home: Path, tmp_path: Path) -> None:
    folder_of(home).parent.mkdir(parents=True)
    folder_of(home).symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="not a folder of this user's own"):
        private_folder("sources")
    kept = Sources()
    kept.put("x = 1\n")
    kept.forget_old()
    assert kept.get(digest("x = 1\n")) is None
    assert not list(tmp_path.iterdir())


def test_what_nobody_has_used_for_long_is_removed(home: Path) -> None:
    kept = Sources()
    for source in ("old = 1\n", "new = 1\n"):
        kept.put(source)
    past = time.time() - UNUSED_MAX - 1
    os.utime(folder_of(home) / digest("old = 1\n"), (past, past))
    kept.forget_old()
    assert [p.name for p in folder_of(home).iterdir()] == [digest("new = 1\n")]


def test_what_is_used_does_not_grow_old(home: Path) -> None:
    kept = Sources()
    kept.put("x = 1\n")
    past = time.time() - UNUSED_MAX - 1
    os.utime(folder_of(home) / digest("x = 1\n"), (past, past))
    assert kept.get(digest("x = 1\n")) is not None
    kept.forget_old()
    assert kept.get(digest("x = 1\n")) is not None

"""Large values and logs as files."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudmesh.flow.errors import NotFound, StoreRefused, StoreUnavailable
from cloudmesh.flow.store import files
from cloudmesh.flow.store.files import Blobs, Logs


def test_a_value_is_one_file_that_its_user_alone_may_read(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path / "blobs"))
    reference = blobs.put(b"x")
    found = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert [path.name for path in found] == [reference]
    assert found[0].stat().st_mode & 0o777 == 0o600
    assert blobs.get(reference) == b"x"


@pytest.mark.parametrize("reference", ["../../etc/passwd", "", "0" * 63, "0" * 64])
def test_what_was_never_put_is_not_found(tmp_path: Path, reference: str) -> None:
    with pytest.raises(NotFound):
        Blobs(str(tmp_path)).get(reference)


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.ENOSPC, StoreRefused), (errno.EROFS, StoreRefused), (errno.EIO, StoreUnavailable)],
)
def test_a_failed_write_leaves_nothing_and_says_whether_it_will_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    def fail(fd: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", fail)
    says = "make room, then resume" if number == errno.ENOSPC else os.strerror(number)
    with pytest.raises(kind, match=says):
        Blobs(str(tmp_path / "blobs")).put(b"x")
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_a_value_put_again_lately_is_not_removed(tmp_path: Path) -> None:
    blobs = Blobs(str(tmp_path))
    reference = blobs.put(b"x")
    now = os.stat(tmp_path / reference[:2] / reference).st_mtime
    blobs.remove(reference, now + 60)
    assert blobs.get(reference) == b"x"
    blobs.remove(reference, now + 3 * 3600)
    with pytest.raises(NotFound):
        blobs.get(reference)
    blobs.remove(reference, now + 3 * 3600)


def test_names_that_are_one_for_some_systems_have_logs_of_their_own(tmp_path: Path) -> None:
    logs = Logs(str(tmp_path))
    names = ["a", "A", "work[3]", "x" * 300, "x" * 299 + "y"]
    for name in names:
        logs.append("r", name, name.encode())
    assert [logs.read("r", name, 0, 1000)[0] for name in names] == names
    lower = {path.name.lower() for path in (tmp_path / "r").iterdir()}
    assert len(lower) == len(names)
    assert all(len(name) < 255 for name in lower)


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.text(alphabet="aé€💥\n", min_size=1, max_size=40), min_size=1, max_size=30),
    limit=st.integers(4, 200),
)
def test_a_reader_that_follows_sees_head_and_tail(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], limit: int
) -> None:
    head, tail = files.LOG_HEAD, files.LOG_TAIL
    files.LOG_HEAD, files.LOG_TAIL = 100, 60
    try:
        logs = Logs(str(tmp_path_factory.mktemp("logs")))
        for part in parts:
            logs.append("r", "a", part.encode())
        read, at = "", 0
        while (more := logs.read("r", "a", at, limit))[0]:
            read, at = read + more[0], more[1]
    finally:
        files.LOG_HEAD, files.LOG_TAIL = head, tail
    whole = "".join(parts)
    assert "\ufffd" not in read
    if len(whole.encode()) <= 90:
        assert read == whole
    elif "left out" in read:
        before, _, rest = read.partition("\n… ")
        after = rest.partition("left out here …\n")[2]
        assert whole.startswith(before.rstrip("\n"))
        assert whole.endswith(after)
        assert len(after.encode()) <= 120
    else:
        # Where a character did not fit, the head is filled up with line ends.
        assert read.replace("\n", "") == whole.replace("\n", "")

"""A definition carries the mark of the user who made it, in that store, for that file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudmesh.flow.trust import is_mine, mark


def test_a_mark_is_good_for_one_user_store_flow_and_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    extra = {"file": "/x/a.py", "cls": "A", "mark": mark("store", "flow", "/x/a.py", "A")}
    assert is_mine("store", "flow", extra)
    assert not is_mine("another", "flow", extra)
    assert not is_mine("store", "flow2", extra)
    assert not is_mine("store", "flow", {**extra, "file": "/x/b.py"})
    assert not is_mine("store", "flow", {**extra, "cls": "B"})
    assert not is_mine("store", "flow", {"file": "/x/a.py", "cls": "A"})
    monkeypatch.setenv("HOME", str(tmp_path))
    assert not is_mine("store", "flow", extra)


def test_where_no_key_can_be_kept_nothing_is_ones_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    assert mark("store", "flow", "/x/a.py", "A") == ""
    assert not is_mine("store", "flow", {"file": "/x/a.py", "cls": "A", "mark": ""})

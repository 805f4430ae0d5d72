"""``cms flow store check`` on the embedded store."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.store import check as checks
from cloudmesh.flow.store.check import check_store
from cloudmesh.flow.store.contract import CONTRACT
from cloudmesh.flow.store.contract_tools import Setting, same


def test_a_good_store_keeps_every_promise_and_is_not_touched(tmp_path: Path) -> None:
    found = check_store(f"sqlite:///{tmp_path}/flow.db")
    assert [check.what for check in found if not check.ok] == []
    assert len(found) == len(CONTRACT) + 2
    assert found[0].detail.startswith("SQLite 3")
    assert list(tmp_path.iterdir()) == []


def test_a_broken_promise_is_told_with_what_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(setting: Setting) -> None:
        """One is one."""
        same(1, 2, "one")

    monkeypatch.setattr(checks, "CONTRACT", (broken,))
    found = check_store(f"sqlite:///{tmp_path}/flow.db")
    assert ("One is one.", False, "one: wanted 2, got 1") in found


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(InputError):
        check_store("nonsense")


@pytest.mark.parametrize(
    ("url", "scratch"),
    [
        ("mongodb://h/db", "mongodb://h/x"),
        ("mongodb://h", "mongodb://h/x"),
        ("mongodb://u:p@h:1,i:2/db?w=1", "mongodb://u:p@h:1,i:2/x?w=1&authSource=db"),
        ("mongodb://u:p@h/db?authSource=a", "mongodb://u:p@h/x?authSource=a"),
        ("mongodb://u:p?q@h/db", "mongodb://u:p?q@h/x?authSource=db"),
    ],
)
def test_the_scratch_database_is_beside_the_users(url: str, scratch: str) -> None:
    assert checks._beside(url, "x") == scratch

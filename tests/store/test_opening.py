"""A store by its URL, and what a message may say of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.opening import redacted, sqlite_path


def test_four_slashes_name_an_absolute_path(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/x.db")
    assert (tmp_path / "x.db").is_file()
    assert store.url == f"sqlite:///{tmp_path}/x.db"
    store.close()


def test_three_slashes_name_a_path_from_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///sub/x.db").close()
    assert (tmp_path / "sub/x.db").is_file()


def test_a_tilde_is_the_home(home: Path) -> None:
    assert sqlite_path("sqlite:///~/x.db") == str(home / "x.db")


def test_without_a_url_the_environment_and_then_the_home_decide(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store().close()
    assert (home / ".cloudmesh/flow/flow.db").is_file()
    monkeypatch.setenv("CLOUDMESH_FLOW_STORE", f"sqlite:///{tmp_path}/other.db")
    open_store().close()
    assert (tmp_path / "other.db").is_file()


def test_a_file_in_a_home_of_its_own_may_be_read_by_its_user_alone(home: Path) -> None:
    open_store().close()
    folder = home / ".cloudmesh/flow"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "flow.db").stat().st_mode & 0o777 == 0o600


def test_memory_is_shared_by_name_within_a_process() -> None:
    one, same, other = map(open_store, ("memory://a", "memory://a", "memory://b"))
    assert one.id == same.id != other.id


@pytest.mark.parametrize(
    "url",
    [
        "flow.db",
        "/tmp/flow.db",
        "postgres://h/d",
        "sqlite://",
        "sqlite:///",
        "sqlite://x.db",
        "x:y",
    ],
)
def test_an_unknown_form_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="sqlite:///PATH"):
        open_store(url)


@pytest.mark.parametrize(
    "url",
    [
        "mongodb://ann:s3cret@host",
        "mongodb://ann:s3cret@host/",
        "mongodb://ann:s3/cret@host/db",
        "mongodb://ann:s3cret@ho st:x/db?",
        "mongodb://ann:s3cret@@host/db?authSource=s3cret",
        "postgres://ann:s3cret@host/db",
        "ann:s3cret@host",
    ],
)
def test_no_message_repeats_a_password(url: str) -> None:
    with pytest.raises(InputError) as caught:
        open_store(url)
    shown = "".join(map(str, (caught.value, caught.value.__cause__, redacted(url))))
    assert "s3cret" not in shown
    assert "ann" not in shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mongodb://h:27017/db", "mongodb://h:27017/db"),
        ("mongodb://u:p@h/db?x=1", "mongodb://h/db"),
        ("mongodb://u:p?q@h/db", "mongodb://…"),
        ("mongodb://h/db?key=s@x", "mongodb://…"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db"),
        ("u:p@h", "…"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    assert redacted(url) == shown

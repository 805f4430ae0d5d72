"""`infra clean` destroys what its own store's journal intended, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudmesh.flow.errors import StoreUnavailable
from cloudmesh.flow.language.load import load
from cloudmesh.flow.providers import qemu
from cloudmesh.flow.providers.sweep import clean
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.protocol import RunHead, Store


class Host:
    """Machines, as a provider lists and destroys them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tags: list[str] = []
        monkeypatch.setattr(qemu, "listed", lambda: [(t, 1, Path("/")) for t in self.tags])
        monkeypatch.setattr(qemu, "destroy", self.destroy)

    def destroy(self, tag: str) -> int:
        self.tags.remove(tag)
        return 1


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/flow.db")


def a_run(store: Store, run: str, *tags: str, ended: bool = True) -> object:
    """A run whose journal intends machines of these tags."""
    flow = load(None, ["a"], flowname="test").flow
    head = RunHead(run, "test", "a", {}, "2026-01-01 00:00:00.000000", {})
    text = ev.encode([ev.begin(1.0, {"flow": flow.to_json()})], str)
    journal = store.create(head, text)
    for tag in tags:
        journal.append(ev.encode([ev.intent(2.0, {"kind": "vm", "tag": tag})], str))
    if ended:
        journal.close()
    return journal


def test_only_what_was_intended_and_has_no_owner(host: Host, store: Store) -> None:
    me = f"cmflow/{store.id}"
    a_run(store, "aaaaaaaa", f"{me}/aaaaaaaa/a/1")
    living = a_run(store, "bbbbbbbb", f"{me}/bbbbbbbb/a/1", ended=False)
    host.tags = [
        f"{me}/aaaaaaaa/a/1",
        f"{me}/aaaaaaaa/a/2",
        f"{me}/bbbbbbbb/a/1",
        f"{me}/cccccccc/a/1",
        "cmflow/another/aaaaaaaa/a/1",
        "something else",
    ]
    gone, left = clean(store)
    assert gone == [f"{me}/aaaaaaaa/a/1"]
    assert [tag for tag, _ in left] == [
        f"{me}/{x}/a/{n}" for x, n in (("aaaaaaaa", 2), ("bbbbbbbb", 1), ("cccccccc", 1))
    ]
    assert "alive" in dict(left)[f"{me}/bbbbbbbb/a/1"]
    assert len(host.tags) == 5
    del living


def test_nothing_is_destroyed_where_the_store_cannot_be_read(
    host: Host, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = f"cmflow/{store.id}"
    a_run(store, "aaaaaaaa", f"{me}/aaaaaaaa/a/1")
    a_run(store, "zzzzzzzz", f"{me}/zzzzzzzz/a/1")
    host.tags = [f"{me}/aaaaaaaa/a/1", f"{me}/zzzzzzzz/a/1"]
    read = store.batches

    def away(run: str, after: int = 0, limit: int = 1000) -> object:
        if run == "zzzzzzzz":
            raise StoreUnavailable("away")
        return read(run, after, limit)

    monkeypatch.setattr(store, "batches", away)
    with pytest.raises(StoreUnavailable):
        clean(store)
    assert len(host.tags) == 2

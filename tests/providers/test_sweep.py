"""`infra clean` destroys what its own store's journal intended, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cloudmesh.flow.errors import InfrastructureError, StoreUnavailable
from cloudmesh.flow.language.load import load
from cloudmesh.flow.providers import sweep
from cloudmesh.flow.providers.protocol import Found, run_of
from cloudmesh.flow.providers.sweep import clean, clean_provider, finish
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.protocol import RunHead, Store


class Host:
    """A provider whose machines are a list of tags; ``late`` appear with each further listing."""

    about: ClassVar[Mapping[str, Any]] = {"provider": "host", "region": "here", "name": "host"}
    outlives = True

    def __init__(self) -> None:
        self.tags: list[str] = []
        self.late: list[str] = []
        self.away = ""
        self.stuck: set[str] = set()
        self.listings = 0

    def mark(self, tag: str) -> str:
        return tag.replace("/", "|")

    def listed(self, store: str) -> list[Found]:
        if self.away:
            raise InfrastructureError(self.away)
        self.listings += 1
        if self.listings > 1 and self.late:
            self.tags.append(self.late.pop())
        mine = [tag for tag in self.tags if tag.startswith(f"cmflow/{store}/")]
        return [Found(f"i-{n}", self.mark(tag), run_of(tag)) for n, tag in enumerate(mine)]

    def destroy(self, tag: str) -> int:
        if tag in self.stuck:
            raise InfrastructureError("it does not go away")
        count = self.tags.count(tag)
        self.tags = [other for other in self.tags if other != tag]
        return count

    def create(self, tag: str, note: Any, stop: Any) -> Any:
        raise AssertionError

    def problems(self) -> list[tuple[str, str]]:
        return []


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    """The one provider that there is."""
    made = Host()
    monkeypatch.setattr(sweep, "provider_of", lambda name, spec: made)
    monkeypatch.setattr(sweep, "PAUSE", 0.0)
    return made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/flow.db")


def a_run(
    store: Store, run: str, *tags: str, ended: bool = True, at: float = 2.0, released: bool = False
) -> object:
    """A run whose journal intends machines of these tags."""
    flow = load(None, ["a"], flowname="test").flow
    head = RunHead(run, "test", "a", {}, "2026-01-01 00:00:00.000000", {})
    text = ev.encode([ev.begin(1.0, {"flow": flow.to_json()})], str)
    journal = store.create(head, text)
    for tag in tags:
        document = {**Host.about, "kind": "vm", "tag": tag}
        journal.append(ev.encode([ev.intent(at, document)], str))
        if released:
            journal.append(ev.encode([ev.released(at, {"tag": tag})], str))
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
    swept = clean(store)
    left = [(mark.replace("|", "/"), why) for mark, why in swept.left]
    assert swept.gone == [f"{me}/aaaaaaaa/a/1"]
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


def test_a_machine_that_appears_late_is_found(host: Host, store: Store) -> None:
    """The engine died while it asked for a machine; the listing shows it only a moment later."""
    tags = [f"cmflow/{store.id}/aaaaaaaa/a/{n}" for n in (1, 2)]
    a_run(store, "aaaaaaaa", *tags, at=time.time())
    host.late = [tags[1], tags[0]]
    swept = clean(store)
    assert sorted(swept.gone) == tags
    assert host.tags == []
    assert swept.late == []


def test_what_does_not_appear_is_said(host: Host, store: Store) -> None:
    tag = f"cmflow/{store.id}/aaaaaaaa/a/1"
    a_run(store, "aaaaaaaa", tag, at=time.time())
    swept = clean(store)
    assert (swept.gone, swept.late) == ([], [tag])
    assert host.listings == sweep.LISTS


@pytest.mark.parametrize(("age", "released"), [(sweep.LATE + 60, False), (0.0, True)])
def test_what_can_no_more_appear_is_not_waited_for(
    host: Host, store: Store, age: float, released: bool
) -> None:
    tag = f"cmflow/{store.id}/aaaaaaaa/a/1"
    a_run(store, "aaaaaaaa", tag, at=time.time() - age, released=released)
    assert not any(clean(store))
    assert host.listings == 1


def test_a_released_machine_that_is_there_is_destroyed_all_the_same(
    host: Host, store: Store
) -> None:
    """A create that was repeated may have made two, of which one came late."""
    tag = f"cmflow/{store.id}/aaaaaaaa/a/1"
    a_run(store, "aaaaaaaa", tag, released=True)
    host.tags = [tag]
    assert clean(store).gone == [tag]


def test_a_provider_that_is_away_and_a_machine_that_does_not_go(host: Host, store: Store) -> None:
    tags = [f"cmflow/{store.id}/aaaaaaaa/a/{n}" for n in (1, 2)]
    a_run(store, "aaaaaaaa", *tags)
    host.tags = list(tags)
    host.away = "aws: no answer"
    assert clean(store).failed == ["aws: no answer"]
    host.away, host.stuck = "", {tags[0]}
    swept = clean(store)
    assert swept.gone == [tags[1]]
    assert swept.failed == [f"{tags[0]}: it does not go away"]
    assert host.tags == [tags[0]]


def test_the_next_run_cleans_one_provider(host: Host, store: Store) -> None:
    tag = f"cmflow/{store.id}/aaaaaaaa/a/1"
    a_run(store, "aaaaaaaa", tag)
    host.tags = [tag, "cmflow/another/aaaaaaaa/a/1"]
    assert clean_provider(store, host).gone == [tag]
    assert host.tags == ["cmflow/another/aaaaaaaa/a/1"]


def test_an_engine_that_goes_on_finishes_what_the_last_one_left(host: Host) -> None:
    tags = [f"cmflow/store/aaaaaaaa/vm/{n}" for n in (1, 2, 3)]
    host.tags = tags[:2]
    host.stuck = {tags[1]}
    notes: list[str] = []
    released: list[Mapping[str, Any]] = []
    finish([{**Host.about, "kind": "vm", "tag": t} for t in tags], notes.append, released.append)
    assert released == [{"tag": tags[0]}]  # what is not there yet may still come up
    assert len(notes) == 1
    assert "infra clean" in notes[0]

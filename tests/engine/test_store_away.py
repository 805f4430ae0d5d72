"""A store that fails while a node's value or words are kept: no error of the node's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloudmesh.flow import api, task
from cloudmesh.flow.config import Config
from cloudmesh.flow.errors import StoreRefused, StoreUnavailable
from cloudmesh.flow.handle import Run
from cloudmesh.flow.store.protocol import Store

Runner = Callable[..., Run]


class Failing:
    """A method of a store or journal that fails so often, and then does what it did."""

    def __init__(self, method: Any, times: int, error: Exception) -> None:
        self.method, self.times, self.error = method, times, error

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self.times:
            self.times -= 1
            raise self.error
        return self.method(*args, **options)


def large() -> bytes:
    return b"x" * 100_000


def size(large: bytes) -> int:
    return len(large)


@pytest.mark.parametrize("place", ["thread", "process"])
def test_a_large_value_waits_for_the_store(
    run: Runner, store: Store, watcher: Any, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    away = StoreUnavailable("the store is in another room")
    monkeypatch.setattr(store, "put_blob", Failing(store.put_blob, 2, away))
    done = run("large; size", task(on=place)(large), size)
    assert done["size"].value == 100_000
    assert len([note for note in watcher.notes if "another room" in note]) == 1
    assert watcher.notes[-1] == "the store is back"


@pytest.mark.parametrize("place", ["thread", "process"])
def test_a_store_that_refuses_a_value_ends_the_engine_not_the_node(
    run: Runner, store: Store, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(store, "put_blob", Failing(store.put_blob, 9, StoreRefused("full")))
        with pytest.raises(StoreRefused):
            run("large; size", task(on=place)(large), size)
    [head] = store.runs()
    _, state = api.replay(store, head["run"])
    assert state.error == {}
    assert store.owner(head["run"]).alive is False


def test_a_store_that_stays_away_ends_the_engine(
    run: Runner, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = StoreUnavailable("gone")
    monkeypatch.setattr(store, "put_blob", Failing(store.put_blob, 99, away))
    with pytest.raises(StoreUnavailable):
        run("large; size", large, size, config=Config(patience=0.1))


def test_a_value_that_is_read_again_waits_for_the_store(
    run: Runner, store: Store, watcher: Any, monkeypatch: pytest.MonkeyPatch, program: Any
) -> None:
    calls: list[int] = []

    def broken(large: bytes) -> int:
        calls.append(len(large))
        raise OSError("no")

    first = run("large; broken", large, broken)
    away = StoreUnavailable("the store is in another room")
    monkeypatch.setattr(store, "get_blob", Failing(store.get_blob, 1, away))
    again = api.retry(
        first.id, store, program=program("large; broken", large, broken), observer=watcher
    )
    assert (again["broken"].error or {})["type"] == "OSError"
    assert calls == [100_000, 100_000]


def test_a_log_that_is_refused_ends_the_engine(
    run: Runner, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def talk() -> int:
        print("hello")
        return 1

    create = store.create

    def refusing(*args: Any) -> Any:
        journal = create(*args)
        monkeypatch.setattr(
            journal, "write_log", Failing(journal.write_log, 9, StoreRefused("full"))
        )
        return journal

    monkeypatch.setattr(store, "create", refusing)
    with pytest.raises(StoreRefused):
        run("talk", talk)

"""What a journal says was made outside; a run whose machine may be there is not pruned."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow import api
from cloudmesh.flow.language.load import load
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.outside import intents, may_be_there
from cloudmesh.flow.store.protocol import RunHead, Store

TAG = "cmflow/store/aaaaaaaa/vm/1"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite:///{tmp_path}/flow.db")


def a_run(store: Store, *events: Any) -> None:
    """A run that has finished, with further events in its journal."""
    flow = load(None, ["a"], flowname="test").flow
    head = RunHead("aaaaaaaa", "test", "a", {}, "2026-01-01 00:00:00.000000", {})
    journal = store.create(head, ev.encode([ev.begin(1.0, {"flow": flow.to_json()})], str))
    for event in events:
        journal.append(ev.encode([event], str))
    journal.project([], {"status": "finished", "ended": "2026-01-01 00:00:01.000000"}, {})
    journal.close()


def intent(provider: str = "ec2", life: float = 3600.0, kind: str = "vm") -> Any:
    about = {"tag": TAG, "kind": kind, "provider": provider, "until": time.time() + life}
    return ev.intent(2.0, about)


def test_what_was_made(store: Store) -> None:
    a_run(store, intent(), ev.intent(3.0, {"tag": "another", "kind": "slurm"}))
    [found] = intents(store, "aaaaaaaa")
    assert (found.tag, found.at, found.released) == (TAG, 2.0, False)


@pytest.mark.parametrize(("kind", "what"), [("vm", "a machine"), ("slurm", "a job")])
def test_a_run_that_may_have_left_something_stays(store: Store, kind: str, what: str) -> None:
    a_run(store, intent(kind=kind))
    assert may_be_there(store, "aaaaaaaa") == what
    said: list[str] = []
    assert api.prune(store, 0, note=said.append) == []
    [line] = said
    assert line.startswith(f"aaaaaaaa stays: {what} of it may still be there")
    assert "cms flow infra clean" in line


@pytest.mark.parametrize(
    "events",
    [
        (intent(), ev.released(3.0, {"tag": TAG})),
        (intent(life=-1.0),),
        (intent(provider="qemu"),),
        (intent(kind="slurm"), ev.released(3.0, {"tag": TAG})),
        (),
    ],
    ids=["confirmed gone", "past its deadline", "ends with its engine", "a job gone", "nothing"],
)
def test_else_it_goes(store: Store, events: tuple[Any, ...]) -> None:
    a_run(store, *events)
    assert not may_be_there(store, "aaaaaaaa")
    assert api.prune(store, 0) == ["aaaaaaaa"]

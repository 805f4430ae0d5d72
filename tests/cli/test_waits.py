"""How long nodes waited for a machine, as `status` and `run` say it."""

from __future__ import annotations

from typing import Any

from cloudmesh.flow.cli.waits import add_waits
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.store.protocol import Batch

FIRST, SECOND, LOCAL = range(3)
NAMES = ('"first"', '"second"', '"here"')
HISTORY = [
    [ev.begin(1.0, {}), ev.started(FIRST, 1.0, 1, "first", "lab")],
    [ev.finished(FIRST, 3.0, "1", {"waited": 1.5}), ev.started(SECOND, 3.0, 1, "first", "lab")],
    [ev.failed(SECOND, 6.0, {"type": "OSError"}, {"waited": 2.5, "retry_at": 7.0})],
    [ev.started(SECOND, 7.0, 2, "retry", "lab")],
    [ev.finished(SECOND, 9.0, "1", {"waited": 0.5}), ev.finished(LOCAL, 9.0, "1")],
]


class Store:
    """A journal of five batches, two at a time."""

    def batches(self, run: str, after: int = 0) -> list[Batch]:
        texts = [ev.encode(events, NAMES.__getitem__) for events in HISTORY]
        return [Batch(n, text) for n, text in enumerate(texts, 1) if n > after][:2]


def waited(at: int | None, *statuses: str) -> list[Any]:
    places = ("lab", "lab", "local")
    nodes: list[dict[str, Any]] = [
        {"name": name[1:-1], "status": status, "cloud": cloud}
        for name, status, cloud in zip(NAMES, statuses, places, strict=True)
    ]
    store: Any = Store()
    add_waits(store, "aaaaaaaa", nodes, at)
    return [node.get("waited", "not said") for node in nodes]


def test_of_the_last_attempt() -> None:
    assert waited(None, "finished", "finished", "finished") == [1.5, 0.5, "not said"]


def test_of_what_runs_again_nothing_is_said_of_the_attempt_before() -> None:
    assert waited(None, "finished", "running", "pending") == [1.5, None, "not said"]


def test_nothing_is_said_of_what_came_later() -> None:
    assert waited(3, "finished", "error", "pending") == [1.5, 2.5, "not said"]
    assert waited(1, "finished", "pending", "pending") == [None, None, "not said"]

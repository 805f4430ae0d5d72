"""What of Dask needs no Dask: nothing hangs and nothing is left where its client fails."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import executor_kit as kit
import pytest

from cloudmesh.flow.errors import InfrastructureError
from cloudmesh.flow.executors import carrier, dask
from cloudmesh.flow.executors.command import cancelled
from cloudmesh.flow.executors.dask import DaskExecutor, _Ride
from cloudmesh.flow.executors.daskcluster import Cluster
from cloudmesh.flow.executors.far import Job
from cloudmesh.flow.executors.table import Context


class Gone:
    """A client, and a future of it, when the scheduler is gone: whatever is asked of it fails."""

    status = "closed"

    def __getattr__(self, name: str) -> Any:
        raise OSError("the client is closed")


def test_an_attempt_is_ended_also_where_the_scheduler_is_gone() -> None:
    made = DaskExecutor("cluster", {"kind": "dask", "scheduler": "tcp://x:1"}, Context())
    told = kit.Told(kit.make_attempt(lambda: 1))
    ride = _Ride(Job(told.attempt, lambda _, outcome: told.outcomes.put(outcome)), "cmflow/x/1")
    ride.worker = "tcp://127.0.0.1:2"
    ride.future = type("Future", (), {"release": lambda self: None, "cancel": Gone().__getattr__})()
    made._client = Gone()
    made._rides[told.attempt] = made._named[ride.name] = ride
    made._end([(told.attempt, cancelled())])
    assert told.result().kinds == ("Cancelled",)
    assert not made._rides
    made._close()


class Client:
    """A client in memory, whose futures have their results; ``asked`` is what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.beside = {"tcp://w:2": ["unheard-topic"], "tcp://w:3": ["somebody's"]}

    def gather(self, futures: list[Any]) -> list[Any]:
        return [future.given for future in futures]

    def processing(self) -> dict[str, list[str]]:
        return self.beside

    def cancel(self, futures: list[Any]) -> None:
        self.asked.append(("cancel", len(futures)))

    def run(self, function: Any, names: list[str], workers: list[str], on_error: str) -> None:
        self.asked.append((function.__name__, names, workers))

    def close(self, timeout: float) -> None:
        pass


def ride_of(made: DaskExecutor, name: str, given: Any = None, worker: str = "") -> Any:
    told = kit.Told(kit.make_attempt(lambda: 1))
    ride = _Ride(Job(told.attempt, lambda _, outcome: told.outcomes.put(outcome)), name)
    ride.worker = worker
    ride.future = SimpleNamespace(given=given, key=f"{name}-topic", release=lambda: None)
    made._rides[told.attempt] = made._named[name] = ride
    return told, ride


FIVE = {"kind": "result", "outcome": ["finished", None, None, 0, False, ()], "packed": "json"}


def test_output_that_is_late_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    made = DaskExecutor("cluster", {"kind": "dask", "scheduler": "tcp://x:1"}, Context())
    made._client = Client()
    late, ride = ride_of(made, "late", ({**FIVE, "raw": False}, b"5", 1, []))
    other, _ = ride_of(made, "other", ({**FIVE, "raw": False}, b"6", 0, []))
    made._arrived = [ride, made._named["other"]]
    try:
        made._fetch()
        assert other.outcomes.get_nowait().value == 6
        assert late.outcomes.empty()
        said = {"header": {"kind": "log", "stream": "out"}, "payload": b"said\n", "worker": "w"}
        made._heard((0.0, {"name": "late", **said}))
        assert late.result().value == 5
        assert late.text("out") == "said\n"

        monkeypatch.setattr(dask, "LAG", 0.0)
        lost, ride = ride_of(made, "lost", ({**FIVE, "raw": False}, b"7", 1, []))
        with made._lock:
            made._arrived = [ride]
            made._ask(made._fetch)
        assert lost.result().value == 7, "without what never came"
    finally:
        made.close()


def test_workers_are_asked_once_for_all_that_shall_end() -> None:
    made = DaskExecutor("cluster", {"kind": "dask", "scheduler": "tcp://x:1"}, Context())
    made._client = client = Client()
    told = [ride_of(made, name, worker="tcp://w:1")[0] for name in ("a", "b")]
    told.append(ride_of(made, "unheard")[0])
    made._end([(one.attempt, cancelled()) for one in told])
    assert [one.result().kinds for one in told] == [("Cancelled",)] * 3
    assert client.asked == [
        ("cancel", 3),
        ("end", ["a", "b", "unheard"], ["tcp://w:1", "tcp://w:2"]),
    ]
    made._close()


def test_a_client_that_has_closed_itself_costs_an_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dask", reason="NOT TESTED: Dask (needs pip install distributed)")
    made = DaskExecutor("cluster", {"kind": "dask", "scheduler": "tcp://x:1"}, Context())
    made._client = Gone()
    monkeypatch.setattr(made, "_shared", lambda client, what, data: None)
    try:
        told = kit.start(made, kit.make_attempt(lambda: 1))
        outcome = told.result()
        assert (outcome.kinds, outcome.lost) == (("SchedulerLost",), True)
        assert made._thread is not None
        assert made._thread.is_alive(), "others wait for it"
    finally:
        made.close()


def test_a_cluster_that_does_not_start_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("distributed", reason="NOT TESTED: Dask (needs pip install distributed)")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fails(self: Cluster, *words: str) -> None:
        raise InfrastructureError("no process can be started")

    monkeypatch.setattr(Cluster, "_guard", fails)
    with pytest.raises(InfrastructureError, match="no process"):
        Cluster("cluster", {"kind": "dask", "workers": 1}).connect()
    assert list(tmp_path.iterdir()) == []


def test_another_thread_takes_the_last_idle_runner(monkeypatch: pytest.MonkeyPatch) -> None:
    class Emptied(list[Any]):
        """It seems to have one, which is gone when it is taken."""

        def __bool__(self) -> bool:
            return True

    started = threading.Event()
    monkeypatch.setattr(
        carrier.subprocess, "Popen", lambda *words, **options: (started.set(), sys)[1]
    )
    _, known, text = carrier._begun({"idle": Emptied(), "running": {}}, "boot", b"runner")
    assert (known, text, started.is_set()) == (set(), b"runner", True)

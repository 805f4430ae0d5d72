"""What of Dask needs no Dask: nothing hangs and nothing is left where its client fails."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import executor_kit as kit
import pytest

from cloudmesh.flow.errors import InfrastructureError
from cloudmesh.flow.executors import carrier
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
    made._end(told.attempt, cancelled())
    assert told.outcomes.get_nowait().kinds == ("Cancelled",)
    assert not made._rides
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

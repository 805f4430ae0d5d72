"""Nodes on a real Dask: workers that die, a scheduler that is there already, or is not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import executor_kit as kit
import pytest
from executor_kit import nodes
from faulty import Proxy

from cloudmesh.flow.executors.protocol import Executor
from cloudmesh.flow.executors.table import Context, check, make
from cloudmesh.flow.model.flow import Code

pytestmark = pytest.mark.real

pytest.importorskip("distributed", reason="NOT TESTED: Dask (needs pip install distributed)")


def start(made: Executor, function: Any, arguments: Any = None, **task: Any) -> kit.Told:
    code = Code(nodes.__file__, "", function.__name__, "")
    return kit.start(made, kit.make_attempt(function, arguments, code=code, **task))


class Cluster(NamedTuple):
    """A scheduler and a worker that others have started."""

    address: str
    scheduler: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    file = tmp_path / "scheduler.json"
    common = ["--no-dashboard", f"--scheduler-file={file}", "--host=127.0.0.1"]
    commands = [
        [sys.executable, "-m", "distributed.cli.dask_scheduler", *common, "--port=0"],
        [sys.executable, "-m", "distributed.cli.dask_worker", *common, "--nthreads=2"],
    ]
    processes = []
    for command in commands:
        processes.append(
            subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)  # its log
        )
        deadline = time.monotonic() + 60
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
    yield Cluster(json.loads(file.read_text())["address"], processes[0])
    for process in reversed(processes):
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:  # a worker whose scheduler has gone may look for it
            process.kill()
            process.wait()


def test_a_cluster_that_is_there(cluster: Cluster) -> None:
    spec = {"kind": "dask", "scheduler": cluster.address}
    assert check("cluster", spec) == [("scheduler", ""), ("workers", "")]
    made = make("cluster", spec, Context("store", "run"))
    try:
        told = [start(made, nodes.add, {"a": n}) for n in range(50)]
        assert [one.result().value for one in told] == list(range(1, 51))
        assert told[0].attempt.where.startswith("cluster/127.0.0.1:")
    finally:
        made.close()
    assert check("cluster", spec) == [("scheduler", ""), ("workers", "")], "it is not ours to end"


def test_a_killed_worker_costs_an_attempt_and_comes_back() -> None:
    made = make("cluster", {"kind": "dask", "workers": 1}, Context("store", "run"))
    try:
        told = start(made, nodes.sleeps, {"seconds": 300})
        told.until(lambda t: "asleep" in t.text("out"))
        runner = int(told.text("out").split()[1])
        worker = int(Path(f"/proc/{runner}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(worker, signal.SIGKILL)
        outcome = told.result()
        assert (outcome.status, outcome.lost) == ("error", True)
        assert "the worker died" in (outcome.error or {})["message"]
        assert kit.nothing_left(told.attempt.key)
        assert start(made, nodes.add, {"a": 1}).result().value == 2
    finally:
        made.close()


def test_no_scheduler_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from cloudmesh.flow.executors import daskcluster

    monkeypatch.setattr(daskcluster, "CONNECT_TIMEOUT", 1.0)
    spec = {"kind": "dask", "scheduler": "tcp://127.0.0.1:1"}
    made = make("cluster", spec, Context("store", "run"))
    try:
        outcome = start(made, nodes.add, {"a": 1}).result()
    finally:
        made.close()
    message = (outcome.error or {})["message"]
    assert outcome.lost
    assert "no answer of the scheduler" in message
    assert "\n" not in message
    assert "no answer of the scheduler" in check("cluster", spec)[0][1]


def test_a_network_that_is_cut_loses_the_node_and_leaves_nothing(cluster: Cluster) -> None:
    with Proxy(cluster.port) as proxy:
        spec = {"kind": "dask", "scheduler": f"tcp://127.0.0.1:{proxy.port}"}
        made = make("cluster", spec, Context("store", "run"))
        try:
            told = start(made, nodes.sleeps, {"seconds": 300})
            told.until(lambda t: "asleep" in t.text("out"))
            proxy.cut()
            outcome = told.result()
            assert (outcome.lost, (outcome.error or {})["type"]) == (True, "SchedulerLost")
            assert "the scheduler is gone, or the way to it" in (outcome.error or {})["message"]
            assert kit.nothing_left(told.attempt.key)
            assert start(made, nodes.add, {"a": 1}).result().value == 2, "it is found again"
        finally:
            made.close()


def test_a_scheduler_that_dies_loses_the_node_and_leaves_nothing(cluster: Cluster) -> None:
    made = make("cluster", {"kind": "dask", "scheduler": cluster.address}, Context("store", "run"))
    try:
        told = start(made, nodes.sleeps, {"seconds": 300})
        told.until(lambda t: "asleep" in t.text("out"))
        cluster.scheduler.kill()
        outcome = told.result()
        assert (outcome.lost, (outcome.error or {})["type"]) == (True, "SchedulerLost")
        assert kit.nothing_left(told.attempt.key)
    finally:
        made.close()


def test_dask_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert check("cluster", {"kind": "dask", "workers": 1}) == [
        ("scheduler", "cluster: Dask is not installed: pip install distributed")
    ]
    for module in [name for name in sys.modules if name.split(".")[0] == "dask"]:
        monkeypatch.setitem(sys.modules, module, None)
    made = make("cluster", {"kind": "dask", "workers": 1}, Context("store", "run"))
    try:
        error = start(made, nodes.add, {"a": 1}).result(60).error
        assert (error or {})["message"] == "cluster: Dask is not installed: pip install distributed"
    finally:
        made.close()


@pytest.mark.slow
def test_ten_thousand_nodes_over_two_workers() -> None:
    made = make("cluster", {"kind": "dask", "workers": 2}, Context("store", "run"))
    try:
        assert start(made, nodes.add, {"a": 0}).result().value == 1
        begun = time.monotonic()
        told = [start(made, nodes.add, {"a": n}) for n in range(10_000)]
        assert [one.result(600).value for one in told] == list(range(1, 10_001))
        print(f"10,000 nodes over two workers: {10_000 / (time.monotonic() - begun):.0f} a second")
    finally:
        made.close()


def test_a_worker_needs_nothing_of_ours() -> None:
    """What goes to it is read by a Python that cannot import this package."""
    from distributed.protocol.pickle import dumps

    from cloudmesh.flow.executors import carrier, dask

    program = "import pickle, sys; sys.modules['cloudmesh'] = None; "
    program += "print(callable(pickle.loads(sys.stdin.buffer.read())))"
    for data in (dask._carry(), dumps(carrier.end)):
        done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True)
        assert done.stdout.strip() == b"True", done.stderr

"""What Slurm's executor does where its cluster, or an engine before it, left off half-way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

import executor_kit as kit
import pytest

from cloudmesh.flow.errors import InfrastructureError
from cloudmesh.flow.executors import slurm
from cloudmesh.flow.executors.blob import frame
from cloudmesh.flow.executors.slurm import SlurmExecutor
from cloudmesh.flow.executors.table import Context

TAG = "cmflow/store/run00001/cluster/m1"
HOME = "/there/store/run00001"
DONE = frame({"kind": "started"}) + frame({"kind": "result", "code": 0})


class Cluster:
    """A login host in memory; ``answers`` are functions by command, each gives what it says."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.commands: list[Sequence[str]] = []
        self.answers: dict[str, Callable[[Sequence[str]], tuple[int, str, str]]] = {}

    def run(self, command: Sequence[str], given: str = "") -> tuple[int, str, str]:
        self.commands.append(command)
        answer = self.answers.get(command[0], lambda command: (0, "", ""))
        return answer(command)

    def said(self, word: str) -> list[Sequence[str]]:
        return [command for command in self.commands if command[0] == word]

    def home(self) -> str:
        return "/there"

    def write(self, path: str, data: bytes) -> None:
        self.files[path] = data

    def read(self, path: str, offset: int = 0) -> bytes:
        return self.files.get(path, b"")[offset:]

    def names(self, path: str) -> list[str]:
        inside = [file[len(path) + 1 :] for file in self.files if file.startswith(f"{path}/")]
        return sorted({name.partition("/")[0] for name in inside if "/" in name})

    def remove(self, path: str) -> None:
        for file in list(self.files):
            if file == path or file.startswith(f"{path}/"):
                del self.files[file]

    def close(self) -> None:
        pass


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    made = Cluster()
    monkeypatch.setattr(slurm, "login_of", lambda spec: made)
    return made


def executor(*left: dict[str, Any]) -> tuple[SlurmExecutor, list[Any]]:
    lines: list[Any] = []
    context = Context("store", "run00001", intent=lines.append, release=lines.append, left=left)
    return SlurmExecutor("cluster", {"kind": "slurm", "folder": "/there"}, context), lines


def test_what_a_dead_engine_wrote_half_is_passed_over(cluster: Cluster) -> None:
    cluster.files[f"{HOME}/m1/about.json"] = b'{"tag": "cmf'
    cluster.answers["sbatch"] = lambda command: (1, "", "invalid partition")
    made, _ = executor()
    try:
        message = (kit.start(made, kit.make_attempt(command="true")).result().error or {})[
            "message"
        ]
    finally:
        made.close()
    assert message == "cluster: the job was refused: invalid partition"


def test_jobs_of_a_dead_engine_are_adopted_one_after_the_other(cluster: Cluster) -> None:
    keys = [["store/run00001/a", 1], ["store/run00001/b", 1]]
    about = json.dumps({"tag": TAG, "keys": keys})
    cluster.files = {
        f"{HOME}/m1/about.json": about.encode(),
        f"{HOME}/m1/job": b"7",
        f"{HOME}/m1/0.out": DONE,
        f"{HOME}/m1/1.out": DONE,
    }
    cluster.answers["squeue"] = lambda command: (0, "7_0|RUNNING|n1\n7_1|RUNNING|n1\n", "")
    made, lines = executor()
    try:
        for key, _ in keys:
            told = kit.start(made, kit.make_attempt(command="true", key=key, number=2))
            assert told.result().status == "finished"
    finally:
        made.close()
    assert not cluster.said("sbatch")
    assert [path for path in cluster.files if "/m1/" in path] == []
    assert lines == [{"tag": TAG}]


def test_what_an_engine_wrote_down_and_did_not_live_to_submit_is_let_go(cluster: Cluster) -> None:
    def sbatch(command: Sequence[str]) -> tuple[int, str, str]:
        folder = next(w for w in command if w.startswith("--output=")).split("=")[1]
        cluster.files[f"{folder.rpartition('/')[0]}/0.out"] = DONE
        return 0, "8", ""

    others = {"tag": f"{TAG}2", "kind": "slurm", "name": "another"}
    cluster.files = {f"{HOME}/m1/inputs": b"", f"{HOME}/m1/index": b""}
    cluster.answers["sbatch"] = sbatch
    asked: list[Sequence[str]] = []

    def squeue(command: Sequence[str]) -> tuple[int, str, str]:
        asked.append(command)
        return (0, "", "") if TAG in command else (0, "8_0|RUNNING|n1\n", "")

    cluster.answers["squeue"] = squeue
    made, lines = executor({"tag": TAG, "kind": "slurm", "name": "cluster"}, others)
    try:
        assert kit.start(made, kit.make_attempt(command="true")).result().status == "finished"
    finally:
        made.close()
    assert TAG in asked[0], "whether its jobs are there all the same"
    assert lines[0] == {"tag": TAG}, "released"
    assert lines[1]["until"] > 1e9
    assert not [path for path in cluster.files if "/m1/" in path]


@pytest.mark.parametrize("step", ["sbatch", "job"])
def test_a_connection_that_is_lost_as_jobs_are_submitted_makes_none_twice(
    cluster: Cluster, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "ASK_MIN", 0.01)
    there: dict[str, str] = {}  # jobs, and their names
    losses: list[int] = []

    def lose() -> None:
        if not losses:
            losses.append(1)
            raise slurm.SchedulerAway("the connection was lost")

    def sbatch(command: Sequence[str]) -> tuple[int, str, str]:
        number = str(len(cluster.said("sbatch")))
        there[number] = next(w for w in command if w.startswith("--job-name=")).partition("=")[2]
        if number == "2" and step == "sbatch":
            lose()
        return 0, number, ""

    def squeue(command: Sequence[str]) -> tuple[int, str, str]:
        if "%F" in command:
            return 0, "\n".join(n for n, name in there.items() if name in command[3]), ""
        return 0, "".join(f"{number}_0|RUNNING|n1\n" for number in there), ""

    def scancel(command: Sequence[str]) -> tuple[int, str, str]:
        for number in [n for n in there if any(n == w.split("_")[0] for w in command[1:])]:
            del there[number]
        return 0, "", ""

    write = cluster.write

    def written(path: str, data: bytes) -> None:
        write(path, data)
        if path.endswith("/job"):
            write(path.replace("/job", "/0.out"), DONE)
            if len(cluster.said("sbatch")) == 2 and step == "job":
                lose()

    monkeypatch.setattr(cluster, "write", written)
    cluster.answers.update({"sbatch": sbatch, "squeue": squeue, "scancel": scancel})
    made, _ = executor()
    try:
        assert kit.start(made, kit.make_attempt(command="true")).result().status == "finished"
        told = kit.start(made, kit.make_attempt(command="true"))
        assert told.result().status == "finished"
    finally:
        made.close()
    submitted = len(cluster.said("sbatch"))
    assert submitted == (3 if step == "sbatch" else 2)
    assert step != "sbatch" or ["scancel", "2"] in [list(c) for c in cluster.said("scancel")]
    assert [path for path in cluster.files if "/there/store" in path] == []


def test_no_job_is_left_of_what_may_have_been_submitted(cluster: Cluster) -> None:
    def sbatch(command: Sequence[str]) -> tuple[int, str, str]:
        raise InfrastructureError("sbatch: timed out")

    cluster.answers["sbatch"] = sbatch
    made, lines = executor()
    told = kit.start(made, kit.make_attempt(command="true"))
    assert told.result().status == "error"
    made.close()
    assert [list(line) for line in lines[1:]] == [["tag"]]
    assert any("--name" in command for command in cluster.said("squeue"))
    assert [path for path in cluster.files if "/there/store" in path] == []


def test_a_job_that_does_not_go_is_asked_again_and_then_killed(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slurm, "ASK_MIN", 0.01)
    monkeypatch.setattr(slurm, "INSIST", ((0.02, "TERM"), (0.04, "KILL")))
    submitted, killed = threading.Event(), threading.Event()

    def sbatch(command: Sequence[str]) -> tuple[int, str, str]:
        submitted.set()
        return 0, "1", ""

    def scancel(command: Sequence[str]) -> tuple[int, str, str]:
        if "--signal=KILL" in command:
            killed.set()
        return 0, "", ""

    def squeue(command: Sequence[str]) -> tuple[int, str, str]:
        return 0, "" if killed.is_set() else "1_0|RUNNING|n1\n", ""

    cluster.answers.update({"sbatch": sbatch, "squeue": squeue, "scancel": scancel})
    made, _ = executor()
    try:
        told = kit.start(made, kit.make_attempt(command="sleep 300"))
        assert submitted.wait(60)
        made.cancel(told.attempt)
        assert told.result().kinds == ("Cancelled",)
    finally:
        made.close()
    sent = [list(command) for command in cluster.said("scancel")]
    assert sent == [
        ["scancel", "1_0"],
        ["scancel", "--full", "--signal=TERM", "1_0"],
        ["scancel", "--full", "--signal=KILL", "1_0"],
    ]

"""Nodes on a real Slurm: arrays, refusals, a crash of the engine, from here and over SSH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import executor_kit as kit
import pytest
from executor_kit import nodes
from slurm_cluster import running_slurm
from sshd import running_sshd

from cloudmesh.flow.executors import slurm
from cloudmesh.flow.executors.protocol import Executor
from cloudmesh.flow.executors.sending import runner
from cloudmesh.flow.executors.table import Context, check, make
from cloudmesh.flow.model.flow import Code

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("slurm")
    with running_slurm(folder) as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield {"kind": "slurm", "python": sys.executable, "folder": str(folder / "jobs")}


def start(made: Executor, function: Any, arguments: Any = None, **task: Any) -> kit.Told:
    code = Code(nodes.__file__, "", function.__name__, "")
    return kit.start(made, kit.make_attempt(function, arguments, code=code, **task))


def squeue() -> str:
    asked = ["squeue", "-h", "-r", "-o", "%i %T %j"]
    return subprocess.run(asked, capture_output=True, text=True).stdout


def empty_queue() -> bool:
    deadline = time.monotonic() + 20
    while squeue():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_functions_and_commands_in_one_array(spec: dict[str, Any]) -> None:
    lines: list[Any] = []
    context = Context("store", "runarray", intent=lines.append, release=lines.append)
    made = make("hpc", {**spec, "partition": "debug", "time": "10m"}, context)
    try:
        told = [start(made, nodes.add, {"a": n}) for n in range(10)]
        told.append(start(made, nodes.prints, {"text": "größe"}))
        told.append(start(made, nodes.fails, {"text": "bad"}))
        told.append(kit.start(made, kit.make_attempt(None, {"a": 3}, command="echo {a}; exit 4")))
        outcomes = [one.result() for one in told]
    finally:
        made.close()
    assert [outcome.value for outcome in outcomes[:10]] == list(range(1, 11))
    assert "out größe" in told[10].text("out")
    assert "in fails" in (outcomes[11].error or {})["traceback"]
    assert outcomes[12].exit_code == 4
    assert told[0].attempt.where.startswith("hpc/")
    intents = [line for line in lines if "kind" in line]
    assert [line["jobs"] for line in intents] == [13], "one array, written down before"
    assert lines[-1] == {"tag": intents[0]["tag"]}
    assert not os.path.exists(f"{spec['folder']}/store/runarray")


def test_cancel_of_a_running_and_a_waiting_job(spec: dict[str, Any]) -> None:
    made = make("hpc", spec, Context("store", "runcancel"))
    try:
        told = [start(made, nodes.sleeps, {"seconds": 300}) for _ in range(40)]
        told[0].until(lambda t: "asleep" in t.text("out"))
        assert "PENDING" in squeue()
        for one in told:
            made.cancel(one.attempt)
        begun = time.monotonic()
        for one in told:
            assert (one.result(15).error or {})["type"] == "Cancelled"
        assert time.monotonic() - begun < 15
        assert empty_queue()
        for one in told:  # a scheduler may answer later: ten seconds are promised
            assert kit.nothing_left(one.attempt.key, 10.0)
    finally:
        made.close()


def test_a_cancelled_job_is_told_when_all_of_it_is_gone(
    spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long its runner takes: the job's shell waits for it, and Slurm for the shell."""

    def slow(requirements: tuple[str, ...] = ()) -> bytes:
        text = runner(requirements)[16:].replace(b"GRACE = 0.5", b"GRACE = 1.5")
        return b"%016d" % len(text) + text

    monkeypatch.setattr(slurm, "runner", slow)
    made = make("hpc", spec, Context("store", "runslow"))
    try:
        told = start(made, nodes.sleeps, {"seconds": 300})
        told.until(lambda t: "asleep" in t.text("out"))
        made.cancel(told.attempt)
        assert (told.result(15).error or {})["type"] == "Cancelled"
        assert not kit.left(told.attempt.key)
    finally:
        made.close()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"partition": "no-such"}, "the job was refused: sbatch: error: "),
        ({"options": ["--no-such-option"]}, "the job was refused: "),
        ({"python": "no-such-python"}, "there is no Python there"),
    ],
)
def test_bad_luck_is_one_clear_line(spec: dict[str, Any], wrong: dict[str, Any], says: str) -> None:
    made = make("hpc", {**spec, **wrong}, Context("store", "runrefused"))
    try:
        error = start(made, nodes.add, {"a": 1}).result().error or {}
    finally:
        made.close()
    assert says in error["message"]
    assert "\n" not in error["message"]


def test_check(spec: dict[str, Any]) -> None:
    assert check("hpc", spec) == [("sinfo", "")]
    told = check("hpc", {**spec, "partition": "no-such"})
    assert told[1] == ("partition", "there is no partition 'no-such'; known are debug")


def test_a_job_is_given_over_ssh(
    spec: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    with running_sshd(tmp_path_factory.mktemp("sshd"), accept_environment=True) as server:
        host = {key: value for key, value in server.spec.items() if key != "kind"}
        made = make("hpc", {**spec, **host}, Context("store", "runssh"))
        try:
            told = [start(made, nodes.add, {"a": n}) for n in range(3)]
            outcomes = [one.result() for one in told]
            assert [outcome.value for outcome in outcomes] == [1, 2, 3], outcomes
        finally:
            made.close()
        assert check("hpc", {**spec, **host}) == [("sinfo", "")]


FLOW = """\
import os, time
from cloudmesh.flow import BaseWorkFlow, task

class Away(BaseWorkFlow):
    flow = "a; b"

    @task(on="hpc")
    def a(self):
        with open({log!r}, "a") as log:
            log.write("begun\\n")
        while not os.path.exists({go!r}):
            time.sleep(0.05)
        return "kept"

    def b(self, a):
        return a
"""


@pytest.mark.parametrize("while_away", [False, True], ids=["still-running", "ended-meanwhile"])
def test_a_job_that_outlives_its_engine_is_adopted(
    spec: dict[str, Any], tmp_path: Path, while_away: bool
) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    (tmp_path / "away-flow.py").write_text(FLOW.format(log=str(log), go=str(go)))
    words = ", ".join(f"{key}: {value}" for key, value in spec.items())
    (tmp_path / "config.yaml").write_text(f"infrastructure:\n  hpc: {{{words}}}\n")
    env = {
        **os.environ,
        "CLOUDMESH_FLOW_STORE": f"sqlite:///{tmp_path}/flow.db",
        "CLOUDMESH_FLOW_CONFIG": str(tmp_path / "config.yaml"),
    }
    cms = [sys.executable, "-m", "cloudmesh.flow"]
    engine = subprocess.Popen([*cms, "run", "away-flow.py"], cwd=tmp_path, env=env)
    deadline = time.monotonic() + 60
    while not log.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    engine.kill()
    engine.wait()
    if while_away:
        go.touch()
        assert empty_queue()
    resumed = subprocess.Popen(
        [*cms, "resume", "--output", "json"], cwd=tmp_path, env=env, stdout=subprocess.PIPE
    )
    time.sleep(1)
    go.touch()
    out, _ = resumed.communicate(timeout=60)
    documents = {d["name"]: d for d in json.loads(out)["nodes"]}
    assert documents["b"]["result"] == "kept"
    assert log.read_text() == "begun\n", "it ran once"

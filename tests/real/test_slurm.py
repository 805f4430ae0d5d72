"""Nodes on a real Slurm: arrays, refusals, a crash of the engine, from here and over SSH."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import executor_kit as kit
import pytest
from executor_kit import nodes
from faulty import Proxy, full_disk
from slurm_cluster import Slurm, running_slurm
from sshd import running_sshd
from wheel import tiny_wheel

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.executors import slurm
from cloudmesh.flow.executors.protocol import Executor
from cloudmesh.flow.executors.sending import runner
from cloudmesh.flow.executors.table import Context, check, make
from cloudmesh.flow.model.flow import Code

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    with running_slurm(tmp_path_factory.mktemp("slurm")) as environment:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            yield environment


@pytest.fixture(scope="module")
def spec(cluster: Slurm, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("shared")
    return {"kind": "slurm", "python": sys.executable, "folder": str(folder / "jobs")}


def start(made: Executor, function: Any, arguments: Any = None, **task: Any) -> kit.Told:
    code = Code(nodes.__file__, "", function.__name__, "")
    return kit.start(made, kit.make_attempt(function, arguments, code=code, **task))


def squeue() -> str:
    asked = ["squeue", "-h", "-r", "-o", "%i %T %j"]
    return subprocess.run(asked, capture_output=True, text=True).stdout


def empty_queue() -> bool:
    until(lambda: not squeue())
    return True


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline, squeue()
        time.sleep(0.05)


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
        until(lambda: "PENDING" in squeue())  # they may be in the next array
        for one in told:
            made.cancel(one.attempt)
        for one in told:
            assert (one.result().error or {})["type"] == "Cancelled"
        assert empty_queue()
        for one in told:
            assert kit.nothing_left(one.attempt.key)
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
        assert (told.result().error or {})["type"] == "Cancelled"
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
    assert check("hpc", spec) == [("sinfo", ""), ("folder", "")]
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
        assert check("hpc", {**spec, **host}) == [("sinfo", ""), ("folder", "")]


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


def begin(spec: dict[str, Any], tmp_path: Path) -> tuple[list[str], dict[str, str]]:
    """The flow and the configuration in a folder: the command, and its environment."""
    log, go = tmp_path / "log", tmp_path / "go"
    (tmp_path / "away-flow.py").write_text(FLOW.format(log=str(log), go=str(go)))
    words = ", ".join(f"{key}: {value}" for key, value in spec.items())
    (tmp_path / "config.yaml").write_text(f"infrastructure:\n  hpc: {{{words}}}\n")
    env = {
        **os.environ,
        "CLOUDMESH_FLOW_STORE": f"sqlite:///{tmp_path}/flow.db",
        "CLOUDMESH_FLOW_CONFIG": str(tmp_path / "config.yaml"),
    }
    return [sys.executable, "-m", "cloudmesh.flow"], env


def until_there(file: Path) -> None:
    until(file.exists)


@pytest.mark.parametrize("while_away", [False, True], ids=["still-running", "ended-meanwhile"])
def test_a_job_that_outlives_its_engine_is_adopted(
    spec: dict[str, Any], tmp_path: Path, while_away: bool
) -> None:
    log, go = tmp_path / "log", tmp_path / "go"
    cms, env = begin(spec, tmp_path)
    engine = subprocess.Popen([*cms, "run", "away-flow.py"], cwd=tmp_path, env=env)
    until_there(log)
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
    out, _ = resumed.communicate(timeout=120)
    documents = {d["name"]: d for d in json.loads(out)["nodes"]}
    assert documents["b"]["result"] == "kept"
    assert log.read_text() == "begun\n", "it ran once"


def test_infra_clean_ends_the_jobs_of_a_dead_run_and_no_other(
    spec: dict[str, Any], tmp_path: Path
) -> None:
    cms, env = begin(spec, tmp_path)

    def clean(**other: str) -> str:
        words = [*cms, "infra", "clean"]
        done = subprocess.run(words, env={**env, **other}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    engine = subprocess.Popen([*cms, "run", "away-flow.py"], cwd=tmp_path, env=env)
    until_there(tmp_path / "log")
    said = clean()
    assert said.startswith("left cmflow/")
    assert "has an engine that may be alive" in said
    engine.kill()
    engine.wait()
    assert "nothing was left" in clean(CLOUDMESH_FLOW_STORE=f"sqlite:///{tmp_path}/other.db")
    assert squeue()
    said = clean()
    assert said.startswith("destroyed cmflow/")
    assert squeue() == ""
    store = said.split("/")[1]
    assert os.listdir(f"{spec['folder']}/{store}") == []
    assert "nothing was left" in clean()


# -- what stays there from run to run --------------------------------------------------------


@pytest.mark.slow
def test_what_is_required_is_there_for_jobs(
    spec: dict[str, Any], tmp_path: Path, home: Path
) -> None:
    made = make("hpc", {**spec, "requirements": [tiny_wheel(tmp_path)]}, Context("store", "rq"))
    try:
        told = [start(made, nodes.needs_tiny) for _ in range(2)]
        assert [one.result(120).value for one in told] == [42, 42]
    finally:
        made.close()
    folder = home / ".cloudmesh" / "flow" / "environments"
    assert len([path for path in folder.iterdir() if path.is_dir()]) == 1
    made = make("hpc", {**spec, "requirements": ["not a requirement"]}, Context("store", "rq"))
    try:
        error = start(made, nodes.needs_tiny).result(60).error or {}
    finally:
        made.close()
    assert error["type"] == "RequirementsFailed"
    assert "Invalid requirement" in error["message"]


def test_a_source_that_was_changed_there_is_not_run(spec: dict[str, Any]) -> None:
    made = make("hpc", spec, Context("store", "runsource"))
    try:
        assert start(made, nodes.add, {"a": 1}).result().value == 2
        sources = Path(spec["folder"]) / "sources"
        before = {path: path.stat().st_mtime_ns for path in sources.iterdir()}
        for path in sources.iterdir():
            path.write_bytes(path.read_bytes() + b"#")
        error = start(made, nodes.add, {"a": 1}).result().error or {}
        assert "what was sent there is not what it was" in error["message"]
    finally:
        made.close()
    made = make("hpc", spec, Context("store", "runsource"))
    try:
        assert start(made, nodes.add, {"a": 1}).result().value == 2
    finally:
        made.close()
    assert before.keys() == dict.fromkeys(sources.iterdir(), 0).keys()


# -- a scheduler, or the network to it, that goes away ---------------------------------------


@pytest.mark.slow
def test_a_scheduler_that_is_away_is_waited_for(
    spec: dict[str, Any], cluster: Slurm, tmp_path: Path
) -> None:
    notes: list[str] = []
    made = make("hpc", spec, Context("store", "runaway", note=notes.append))
    try:
        runs = start(made, nodes.waits, {"file": str(tmp_path / "go")})
        runs.until(lambda t: "waiting" in t.text("out"))
        cluster.end()
        new = start(made, nodes.add, {"a": 1})
        unwanted = start(made, nodes.add, {"a": 2})
        until(lambda: bool(notes))
        made.cancel(unwanted.attempt)
        assert (unwanted.result().error or {})["type"] == "Cancelled"
        (tmp_path / "go").touch()
        cluster.begin()
        assert new.result(60).value == 2
        assert runs.result(60).value == "seen"
    finally:
        made.close()
    assert len(notes) == 1
    assert "waiting for it" in notes[0]
    assert "\n" not in notes[0]
    assert empty_queue()


@pytest.mark.slow
def test_a_scheduler_that_stays_away_is_one_clear_line(
    spec: dict[str, Any], cluster: Slurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.end()
    try:
        made = make("hpc", spec, Context("store", "rungone"))
        try:
            outcome = start(made, nodes.add, {"a": 1}).result(60)
        finally:
            made.close()
        tried = check("hpc", spec)
    finally:
        cluster.begin()
    error = outcome.error or {}
    assert (error["type"], outcome.lost) == ("SchedulerLost", True)
    assert "contact slurm" in error["message"].lower()
    assert "\n" not in error["message"]
    assert "contact slurm" in tried[0][1].lower()


@pytest.mark.slow
def test_a_login_host_that_is_cut_off_is_reached_again(
    spec: dict[str, Any], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    notes: list[str] = []
    with running_sshd(tmp_path_factory.mktemp("sshd"), accept_environment=True) as server:
        with Proxy(server.port) as proxy:
            host = {**server.behind(proxy.port), "kind": "slurm"}
            made = make("hpc", {**spec, **host, "python": sys.executable},
                        Context("store", "runcut", note=notes.append))  # fmt: skip
            try:
                told = start(made, nodes.waits, {"file": str(tmp_path / "go")})
                told.until(lambda t: "waiting" in t.text("out"))
                proxy.cut()
                new = start(made, nodes.add, {"a": 1})
                (tmp_path / "go").touch()
                assert told.result(60).value == "seen"
                assert new.result(60).value == 2
            finally:
                made.close()
    assert empty_queue()


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        ({"port": 1}, "Unreachable", "cannot be reached"),
        ({"known_hosts": "/dev/null"}, "HostKeyError", "known_hosts"),
        ({"identity": "/no/such/key"}, "KeyError", "the key cannot be read"),
    ],
)
def test_bad_luck_on_the_way_to_the_login_host_is_one_clear_line(
    spec: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
    wrong: dict[str, Any],
    kind: str,
    says: str,
) -> None:
    with running_sshd(tmp_path_factory.mktemp("sshd"), accept_environment=True) as server:
        entry = {**server.spec, **spec, **wrong}
        made = make("hpc", entry, Context("store", "runbad"))
        try:
            error = start(made, nodes.add, {"a": 1}).result().error or {}
        finally:
            made.close()
        assert says in check("hpc", entry)[0][1]
    assert error["type"] == kind
    assert says in error["message"]
    assert "\n" not in error["message"]


def test_a_full_disk_there_is_one_clear_line(spec: dict[str, Any], tmp_path: Path) -> None:
    with full_disk(tmp_path) as folder:
        entry = {**spec, "folder": str(folder / "jobs")}
        made = make("hpc", entry, Context("store", "runfull"))
        try:
            error = start(made, nodes.add, {"a": 1}).result().error or {}
        finally:
            made.close()
        tried = check("hpc", entry)
    assert "cannot be written: No space left on device" in error["message"]
    assert "\n" not in error["message"]
    assert "No space left on device" in tried[-1][1]


# -- workers of Dask as jobs -----------------------------------------------------------------


def dask_entry(spec: dict[str, Any], **jobs: Any) -> dict[str, Any]:
    pytest.importorskip("dask_jobqueue", reason="NOT TESTED: Dask on Slurm (needs dask-jobqueue)")
    given = {"partition": "debug", "memory": "200M", "time": "10m", "host": "127.0.0.1", **jobs}
    return {"kind": "dask", "slurm": {**given, "folder": str(Path(spec["folder"]).parent)}}


def test_workers_of_dask_are_jobs_that_end_with_the_run(spec: dict[str, Any]) -> None:
    lines: list[Any] = []
    context = Context("store", "rundask", intent=lines.append, release=lines.append)
    made = make("cluster", dask_entry(spec, workers=2), context)
    try:
        told = [start(made, nodes.add, {"a": n}) for n in range(20)]
        outcomes = [one.result(120) for one in told]
        assert [one.value for one in outcomes] == list(range(1, 21)), outcomes
        assert told[0].attempt.where.startswith("cluster/")
        # One worker may have done all before the other's job is there.
        until(lambda: squeue().count("cmflow/store/rundask/cluster/") == 2)
    finally:
        made.close()
    assert empty_queue()
    assert [line["tag"] for line in lines] == [lines[0]["tag"]] * 2
    assert lines[0]["jobs"] == 2


def test_jobs_of_dask_that_are_refused_are_one_clear_line(spec: dict[str, Any]) -> None:
    made = make("cluster", dask_entry(spec, partition="no-such"), Context("store", "rundask"))
    try:
        message = (start(made, nodes.add, {"a": 1}).result().error or {})["message"]
    finally:
        made.close()
    assert message.startswith("cluster: the job was refused: ")
    assert "invalid partition" in message.lower()
    assert "\n" not in message
    with pytest.raises(InputError, match="slurm has no key 'partitions'"):
        make("cluster", dask_entry(spec, partitions="debug"), Context())

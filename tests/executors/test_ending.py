"""Finding and ending all processes of an attempt."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from executor_kit import left, nothing_left, some_left

from cloudmesh.flow.executors import procs
from cloudmesh.flow.executors.ending import sweep
from cloudmesh.flow.executors.procs import Process, end_all, family


@pytest.fixture
def store() -> Iterator[str]:
    name = f"store{time.time_ns()}"
    yield name
    sweep(name)


def started(key: str, text: str, **variables: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, "CLOUDMESH_FLOW_KEY": key, **variables}
    process = subprocess.Popen(
        ["sh", "-c", f"{text} & echo; wait"], env=env, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_a_sweep_ends_what_one_run_has_left_and_nothing_else(store: str) -> None:
    ours = started(f"{store}/run1/a", "setsid sleep 300")
    stubborn = started(f"{store}/run1/b", "trap '' TERM; while :; do sleep 0.1; done")
    others = started(f"{store}/run2/a", "sleep 300")
    assert sweep(f"{store}/run1/") >= 4
    assert nothing_left(f"{store}/run1/a")
    assert nothing_left(f"{store}/run1/b")
    assert len(left(f"{store}/run2/a")) == 2
    sweep(f"{store}/run2/")
    for process in (ours, stubborn, others):
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_sweep_leaves_the_jobs_of_a_scheduler(store: str) -> None:
    job = started(f"{store}/run1/a", "sleep 300", SLURM_JOB_ID="no-job-of-ours")
    assert sweep(f"{store}/run1/") == 0
    assert some_left(f"{store}/run1/a", 2)
    for pid in left(f"{store}/run1/a"):
        os.kill(pid, 9)
    job.wait()
    assert job.stdout is not None
    job.stdout.close()


def test_a_family_is_found_by_descent_group_session_and_key() -> None:
    living = {
        pid: Process(pid, parent, group, session, key)
        for pid, parent, group, session, key in (
            (10, 1, 10, 10, ""),  # the leader
            (11, 10, 10, 10, ""),  # its child
            (12, 11, 12, 12, ""),  # a grandchild that left the session
            (13, 1, 13, 13, "s/r/n"),  # one that left, and lost its parent
            (14, 13, 14, 14, ""),  # its child, which dropped the key
            (15, 1, 10, 10, ""),  # lost its parent, is still in the group
            (20, 1, 20, 20, "s/r/n2"),  # another node's
            (21, 20, 20, 20, ""),
        )
    }
    assert family(10, "s/r/n", living) == {10, 11, 12, 13, 14, 15}
    assert family(10, "", living) == {10, 11, 12, 15}
    assert family(99, "", living) == set()


def test_what_is_found_after_a_long_look_is_ended_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a busy machine one look may take longer than all of it should."""
    child = subprocess.Popen(["sleep", "300"])
    busy_clock(monkeypatch)
    looks = [{child.pid}, set[int](), set[int]()]
    try:
        assert end_all(lambda: looks.pop(0)) == 1
        assert child.wait(60) == -signal.SIGKILL
    finally:
        child.kill()
        child.wait()


def test_who_does_not_heed_the_request_is_killed_after_half_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, sent = [0.0], []
    monkeypatch.setattr(procs, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(procs, "send", lambda pids, number: pids and sent.append((*clock, number)))
    ending = procs.Ending()
    for clock[0] in (0.0, 0.25, 0.45, 0.55):
        assert not ending.step({1})
    assert sent == [(0.0, signal.SIGTERM), (0.55, signal.SIGKILL)]


def busy_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter(range(0, 100_000, 10))
    slow = SimpleNamespace(monotonic=lambda: float(next(seconds)), sleep=lambda length: None)
    monkeypatch.setattr(procs, "time", slow)


def test_what_is_born_between_the_look_and_the_kill_is_ended_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent: list[tuple[set[int], int]] = []
    monkeypatch.setattr(procs, "send", lambda pids, number: sent.append((set(pids), number)))
    busy_clock(monkeypatch)
    looks = [{1, 2}, {2, 3}, set[int](), {4}, set[int](), set[int]()]
    assert end_all(lambda: looks.pop(0)) == 4
    assert sent == [({1, 2}, 9), ({2, 3}, 9), ({4}, 9)]


def test_what_cannot_be_killed_is_left_after_many_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(procs, "send", lambda pids, number: sent.append(number))
    monkeypatch.setattr(procs, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda n: None))
    assert end_all(lambda: {1}, grace=0.0) == 1
    assert sent == [signal.SIGKILL] * procs.GIVE_UP

"""Locks on files: between processes, in a queue, with an end."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cloudmesh.flow import open_store, workflow
from cloudmesh.flow.errors import StoreUnavailable
from cloudmesh.flow.store import locks
from cloudmesh.flow.store.locks import FileLock, is_locked

HOLD = """
import sys
from cloudmesh.flow.store.locks import FileLock
lock = FileLock(sys.argv[1])
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock ``tmp_path/lock`` until its input is closed."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    path = str(tmp_path / "lock")
    assert not is_locked(path)
    first, second = FileLock(path), FileLock(path)
    first.acquire()
    assert is_locked(path)
    assert not second.try_acquire()
    first.release()
    assert second.try_acquire()
    second.close()
    assert not is_locked(path)
    first.close()


def test_who_waits_gets_the_lock_when_its_holder_dies(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    lock = FileLock(str(tmp_path / "lock"))
    threading.Timer(0.05, holder.kill).start()
    lock.acquire()
    assert is_locked(lock.path)
    lock.release()
    assert not is_locked(lock.path)
    lock.close()


def test_a_long_wait_is_told_and_has_an_end(
    tmp_path: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "NOTICE_SECONDS", 0.0)  # else both may pass in one long moment
    monkeypatch.setattr(locks, "LIMIT_SECONDS", 0.2)
    said: list[str] = []
    lock = FileLock(str(tmp_path / "lock"), said.append)
    with pytest.raises(StoreUnavailable, match="has been held for two minutes"):
        lock.acquire()
    assert len(said) == 1
    if sys.platform == "linux":
        assert f"process {holder.pid}" in said[0]
    # The place in the queue is given up: when the lock is free, nobody has it.
    holder.kill()
    holder.wait()
    lock.acquire()
    lock.close()


def test_an_abandoned_place_leaves_the_lock_free(
    tmp_path: Path, holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "NOTICE_SECONDS", 0.01)
    monkeypatch.setattr(locks, "LIMIT_SECONDS", 0.02)
    lock = FileLock(str(tmp_path / "lock"))
    with pytest.raises(StoreUnavailable):
        lock.acquire()
    waiting = [t for t in threading.enumerate() if t.name == "store-lock"]
    holder.kill()
    for thread in waiting:
        thread.join(60)
    assert not is_locked(lock.path)
    lock.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="NOT TESTED: fork (needs a system with fork)")
def test_a_forked_child_does_not_keep_the_lock(tmp_path: Path) -> None:
    lock = FileLock(str(tmp_path / "lock"))
    lock.acquire()
    told, tell = os.pipe()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover
        os.close(writing)
        os.write(tell, b"x")
        os.read(reading, 1)  # lives until its parent says so
        os._exit(0)
    os.close(reading)
    os.read(told, 1)
    assert is_locked(lock.path)
    lock.close()
    assert not is_locked(lock.path)
    os.close(writing)
    os.waitpid(child, 0)


def test_a_program_that_is_started_does_not_keep_the_lock(tmp_path: Path) -> None:
    lock = FileLock(str(tmp_path / "lock"))
    lock.acquire()
    with subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        lock.close()
        assert not is_locked(str(tmp_path / "lock"))
        child.kill()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="NOT TESTED: /proc (needs Linux)")
def test_a_store_that_is_forgotten_gives_its_files_back(tmp_path: Path) -> None:
    def files() -> int:
        for thread in threading.enumerate():  # a worker may end a moment after its run
            if thread.name.startswith("cloudmesh-flow"):
                thread.join(60)
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    before = files()
    for _ in range(5):
        workflow("a", functions={"a": lambda: 1}).run(store=f"sqlite:///{tmp_path}/flow.db")
        open_store(f"sqlite:///{tmp_path}/flow.db").documents("flow-runs")
    assert files() <= before

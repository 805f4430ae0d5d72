"""What runs within a Dask worker: it carries a node to a runner beside the worker, and back.

A worker may know nothing of this package: these functions go there by value
(`executors.dask` sees to it), so they use the standard library and Dask alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import struct
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["carry", "end"]

BEAT = 10.0  # seconds between two signs of life to a runner
HOLD = 0.02  # seconds for which what a node says is kept, so that a short one says it all at once
END_MAX = 9.0  # seconds for which a runner may take to end what it started
LOOK = 1.0  # seconds between two looks whether anybody still waits for a node


def carry(
    name: str,
    topic: str,
    boot: str,
    runner: bytes,
    number: int | None,
    program: bytes | None,
    request: bytes,
) -> tuple[dict[str, Any] | None, bytes, int, list[dict[str, Any]]]:
    """Run one request; its result's header and payload, and what was said before it.

    That is how many frames were told as events, and those that were not.  No
    header: the runner died; the number is then its exit code.
    """
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()
    ours = _ours()
    process, known, text = _begun(ours, boot, runner)
    ours["running"][name] = process
    if program is not None and (topic, number) not in known:
        known.add((topic, number))
        text += program
    unsent = memoryview(text + request)
    told = _Told(worker, topic, name)
    with contextlib.suppress(OSError):
        while unsent:
            unsent = unsent[process.stdin.write(unsent) :]
        for header, payload in _frames(process, lambda: _is_wanted(worker, key), told):
            if header["kind"] == "result":
                if "unready" not in header:
                    ours["idle"].append((process, known))
                ours["running"].pop(name)
                return header, payload, told.count, told.held
            if header["kind"] != "ready":
                told.take(header, payload)
    ours["running"].pop(name)
    code = process.wait()
    if code < 0:  # killed: another runner ends what it left, before the node may run again
        _sweep(ours, boot, runner, name.split("/", 1)[1].rpartition("/")[0])
    return None, b"", code, told.held


class _Told:
    """What a node says on its way to the engine: as events, once it has run for a moment."""

    def __init__(self, worker: Any, topic: str, name: str) -> None:
        self.count = 0  # of those that were told
        self.held: list[dict[str, Any]] = []
        self._worker, self._topic, self._name = worker, topic, name
        self._since = 0.0

    def take(self, header: dict[str, Any], payload: bytes) -> None:
        """Keep a frame, or tell it with what was kept before."""
        said = {"name": self._name, "header": header, "payload": payload}
        if not self.held:
            self._since = time.monotonic()
        self.held.append({**said, "worker": self._worker.address})
        if self.count or self.patience() == 0:
            self.flush()

    def patience(self) -> float:
        """For how many seconds nothing need be told yet."""
        if not self.held:
            return LOOK
        return max(0.0, self._since + HOLD - time.monotonic())

    def flush(self) -> None:
        """Tell all that was kept."""
        for said in self.held:
            self._worker.log_event(self._topic, said)
        self.count += len(self.held)
        self.held = []


async def end(names: list[str]) -> None:
    """End attempts that run beside this worker, with all that they started."""
    await asyncio.gather(*(_end(name) for name in names))


async def _end(name: str) -> None:
    process = _ours()["running"].get(name)
    if process is None:  # beside another worker, or over
        return
    with contextlib.suppress(OSError):
        process.stdin.write(_plain("end"))
    until = time.monotonic() + END_MAX
    while process.poll() is None and time.monotonic() < until:
        await asyncio.sleep(0.05)
    if process.poll() is None:
        process.kill()


def _ours() -> dict[str, Any]:
    """What this worker process keeps from node to node: runners that are idle, and that run."""
    module = sys.modules.setdefault("_cloudmesh_flow_far", types.ModuleType("far"))
    module.__dict__.setdefault("idle", [])
    module.__dict__.setdefault("running", {})
    return module.__dict__


def _begun(ours: dict[str, Any], boot: str, runner: bytes) -> tuple[Any, set[Any], bytes]:
    """An idle runner or a new one, the programs that it knows, and what it must read first."""
    with contextlib.suppress(IndexError):  # other threads of the worker take from it, too
        while True:
            process, known = ours["idle"].pop()
            if process.poll() is None:
                return process, known, b""
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", boot],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        bufsize=0,
    )
    return process, set(), runner


def _sweep(ours: dict[str, Any], boot: str, runner: bytes, key: str) -> None:
    process, known, text = _begun(ours, boot, runner)
    asked = json.dumps({"kind": "sweep", "key": key}).encode()
    unsent = memoryview(text + struct.pack(">IQ", len(asked), 0) + asked)
    with contextlib.suppress(OSError):
        while unsent:
            unsent = unsent[process.stdin.write(unsent) :]
        if any(header["kind"] == "swept" for header, _ in _frames(process, lambda: True)):
            ours["idle"].append((process, known))


def _is_wanted(worker: Any, key: Any) -> bool:
    """Whether the scheduler is there and has not taken a task back, its client being gone."""
    task = worker.state.tasks.get(key)
    living = worker.status.name in ("running", "paused")
    return living and task is not None and task.state != "cancelled"


def _plain(kind: str) -> bytes:
    text = json.dumps({"kind": kind}).encode()
    return struct.pack(">IQ", len(text), 0) + text


def _frames(
    process: Any, is_wanted: Callable[[], bool], told: _Told | None = None
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """What a runner says, until it ends; it is told now and then that somebody listens.

    It is asked to end when nobody does any more.
    """
    head = struct.Struct(">IQ")
    unread = b""
    fd = process.stdout.fileno()
    alive = time.monotonic()
    while True:
        if not select.select([fd], [], [], told.patience() if told else LOOK)[0]:
            if told:
                told.flush()
            if not is_wanted():
                process.stdin.write(_plain("end"))
            elif time.monotonic() - alive > BEAT:
                alive = time.monotonic()
                process.stdin.write(_plain("beat"))
            continue
        data = os.read(fd, 1 << 20)
        if not data:
            return
        unread += data
        while len(unread) >= head.size:
            length, rest = head.unpack(unread[: head.size])
            stop = head.size + length + rest
            if len(unread) < stop:
                break
            yield json.loads(unread[head.size : stop - rest]), unread[stop - rest : stop]
            unread = unread[stop:]

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
import types
from collections.abc import Iterator
from typing import Any

__all__ = ["carry", "end"]

BEAT = 10.0  # seconds between two signs of life to a runner


def carry(
    name: str,
    topic: str,
    boot: str,
    runner: bytes,
    number: int | None,
    program: bytes | None,
    request: bytes,
) -> tuple[dict[str, Any] | None, bytes, int]:
    """Run one request; its result's header and payload, and how many frames came before.

    No header: the runner died; the number is then its exit code.
    """
    from distributed import get_worker

    ours = _ours()
    process, known, text = _begun(ours, boot, runner)
    ours["running"][name] = process
    if program is not None and (topic, number) not in known:
        known.add((topic, number))
        text += program
    unsent = memoryview(text + request)
    worker = get_worker()
    count = 0
    with contextlib.suppress(OSError):
        while unsent:
            unsent = unsent[process.stdin.write(unsent) :]
        for header, payload in _frames(process):
            if header["kind"] == "result":
                ours["idle"].append((process, known))
                ours["running"].pop(name)
                return header, payload, count
            if header["kind"] != "ready":
                count += 1
                told = {"name": name, "header": header, "payload": payload}
                worker.log_event(topic, {**told, "worker": worker.address})
    ours["running"].pop(name)
    code = process.wait()
    if code < 0:  # killed: another runner ends what it left, before the node may run again
        _sweep(ours, boot, runner, name.split("/", 1)[1].rpartition("/")[0])
    return None, b"", code


async def end(name: str) -> bool:
    """End an attempt that runs beside this worker, with all that it started."""
    process = _ours()["running"].get(name)
    if process is None:
        return False
    text = b'{"kind": "end"}'
    with contextlib.suppress(OSError):
        process.stdin.write(struct.pack(">IQ", len(text), 0) + text)
    for _ in range(80):
        if process.poll() is not None:
            return True
        await asyncio.sleep(0.05)
    process.kill()
    return True


def _ours() -> dict[str, Any]:
    """What this worker process keeps from node to node: runners that are idle, and that run."""
    module = sys.modules.setdefault("_cloudmesh_flow_far", types.ModuleType("far"))
    module.__dict__.setdefault("idle", [])
    module.__dict__.setdefault("running", {})
    return module.__dict__


def _begun(ours: dict[str, Any], boot: str, runner: bytes) -> tuple[Any, set[Any], bytes]:
    """An idle runner or a new one, the programs that it knows, and what it must read first."""
    while ours["idle"]:
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
        if any(header["kind"] == "swept" for header, _ in _frames(process)):
            ours["idle"].append((process, known))


def _frames(process: Any) -> Iterator[tuple[dict[str, Any], bytes]]:
    """What a runner says, until it ends; it is told now and then that somebody listens."""
    head = struct.Struct(">IQ")
    beat = b'{"kind": "beat"}'
    unread = b""
    fd = process.stdout.fileno()
    while True:
        if not select.select([fd], [], [], BEAT)[0]:
            process.stdin.write(head.pack(len(beat), 0) + beat)
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

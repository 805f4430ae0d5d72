"""What a run holds in memory, and how fast a large one resumes."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow import api
from cloudmesh.flow.handle import Run
from cloudmesh.flow.language.program import Program
from cloudmesh.flow.model.flow import Flow, Node
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.run import Run as RunState
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.protocol import RunHead


class Large(list[Any]):
    """A list that can be watched."""


def test_a_large_value_leaves_memory_with_its_last_receiver(run: Callable[..., Run]) -> None:
    seen: list[weakref.ref[Large]] = []
    alive: list[bool] = []

    def a() -> Large:
        value = Large([b"x" * 100_000])
        seen.append(weakref.ref(value))
        return value

    def b(a: Large) -> int:
        return len(a)

    def c(a: Large, b: int) -> int:
        alive.append(seen[0]() is not None)
        return b

    def d(c: int) -> int:
        gc.collect()
        alive.append(seen[0]() is not None)
        return c

    def e(d: int) -> bytes:
        return b"y" * 100_000

    done = run("a; b; c; d; e", a, b, c, d, e)
    done.raise_for_error()
    assert alive == [True, False]
    assert 4 not in done.inputs.values  # nobody receives it
    assert done["a"].value == [b"x" * 100_000]  # and it is read again for who asks
    assert done["e"].value == b"y" * 100_000
    assert not done.inputs.held


def test_the_values_of_elements_leave_with_their_map(run: Callable[..., Run]) -> None:
    def a() -> list[int]:
        return [1, 2, 3]

    def b(a: int) -> bytes:
        return bytes([a]) * 100_000

    def c(b: list[bytes]) -> int:
        return sum(map(len, b))

    done = run("a; b*; c", a, b, c)
    assert done["c"].value == 300_000
    assert len([v for v in done.inputs.values.values() if isinstance(v, bytes)]) == 0
    assert done["b"].value == [bytes([k]) * 100_000 for k in (1, 2, 3)]


def test_a_retry_still_receives_the_value(run: Callable[..., Run], program: Any) -> None:
    def a() -> bytes:
        return b"x" * 100_000

    calls: list[bytes] = []

    def b(a: bytes) -> int:
        calls.append(a)
        if len(calls) == 1:
            raise OSError("once")
        return len(a)

    from cloudmesh.flow import task

    done = run("a; b", a, task(retries=1, retry_delay=0)(b))
    assert done["b"].value == 100_000
    assert calls[0] is calls[1]


def half_done(count: int, url: str) -> str:
    """A run of so many nodes, half of them recorded; its engine is gone."""
    flow = Flow("wide", tuple(Node(f"n{k}") for k in range(count)), ((),) * count, (), ("wide",))
    state = RunState(flow)
    names = state.name_json.__getitem__
    head = {"flow": flow.to_json(), "parameters": {}, "file": None, "engine": {}, "versions": {}}
    store = open_store(url)
    about = RunHead("halfdone", "wide", "wide", {}, "2026-01-01 00:00:00.000000", {})
    journal = store.create(about, ev.encode([ev.begin(1.0, head)], names))
    for first in range(0, count // 2, 500):
        events = []
        for k in range(first, first + 500):
            events += [ev.started(k, 2.0, 1, "first", "local"), ev.finished(k, 3.0, "1")]
        journal.append(ev.encode(events, names))
    journal.close()
    store.close()
    return "halfdone"


@pytest.mark.slow
def test_a_half_done_run_of_100000_nodes_resumes(tmp_path: Path) -> None:
    """How long it takes until the first node starts stands in the output (-s)."""
    from time import monotonic

    url = f"sqlite:///{tmp_path}/flow.db"
    run_id = half_done(100_000, url)
    store = open_store(url)
    first: list[float] = []
    began = monotonic()

    def node() -> int:
        if not first:
            first.append(monotonic() - began)
        return 1

    flow = api.replay(store, run_id)[1].flow
    began = monotonic()
    functions = {n.name: node for n in flow.nodes}
    done = api.resume(run_id, store, program=Program(flow, functions))
    assert done.status == "finished"
    assert done.state.counts_by_status()["finished"] == 100_000
    print(f"first node after {first[0]:.1f} s, all after {monotonic() - began:.1f} s")
    store.close()


LARGE = 300_000_000
HELD = f"""\
import os, resource
from cloudmesh.flow import workflow
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
def a():
    global before
    before = peak()
    return bytes({LARGE})
def b(a):
    return len(a)
def c(b):
    import numpy
    array = numpy.ones({LARGE} // 8)
    return array
def d(c):
    return [peak() - before, float(c.sum())]
def e(d):
    return d + [("ä" * ({LARGE} // 2))]
def f(e):
    return [*e[:2], peak() - before, len(e[2])]
done = workflow("a; b; c; d; e; f").run()
print(done["f"].value)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="NOT TESTED: the memory of a run (needs Linux)")
def test_a_large_value_is_held_once(tmp_path: Path) -> None:
    pytest.importorskip("numpy", reason="NOT TESTED: arrays (needs numpy)")
    (tmp_path / "held.py").write_text(HELD)
    url = f"sqlite:///{tmp_path}/flow.db"
    done = subprocess.run(
        [sys.executable, "held.py"],
        cwd=tmp_path,
        env={**os.environ, "CLOUDMESH_FLOW_STORE": url},
        capture_output=True,
        text=True,
        check=True,
    )
    grown, total, with_text, length = json.loads(done.stdout.splitlines()[-1])
    assert total == LARGE // 8
    assert grown < 1.5 * LARGE  # of two values, one after the other
    assert length == LARGE // 2
    assert with_text < 2.2 * LARGE  # text, and once more as the bytes that are stored


@pytest.mark.parametrize("dtype", ["f8", ">i4", "c16", "?", "u1"])
def test_a_large_array_comes_back(run: Callable[..., Run], dtype: str) -> None:
    numpy = pytest.importorskip("numpy", reason="NOT TESTED: arrays (needs numpy)")
    array = numpy.arange(200_000).reshape(2, 100_000).astype(dtype)

    def a() -> Any:
        return array

    def b() -> Any:
        return array.T  # not as it lies in memory

    done = run("a; b", a, b)
    for name, like in (("a", array), ("b", array.T)):
        found = done[name].value
        assert found.dtype == like.dtype
        assert (found == like).all()
        found[0, 0] = 1  # and is one's own

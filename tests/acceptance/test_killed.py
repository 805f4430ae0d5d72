"""Engines killed at any moment, and resumed by two at once: many rounds of real processes."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from scene import Forge, Scene

from cloudmesh.flow import api
from cloudmesh.flow.run.states import FINISHED
from cloudmesh.flow.store import open_store

NODES = 40

MANY = f"""\
import os, time
from pathlib import Path
from cloudmesh.flow import current, workflow

MARKS = os.open(Path(__file__).parent / "marks", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def mark(name):
    os.write(MARKS, f"{{current().key.split('/')[1]}} {{name}} {{current().attempt}}\\n".encode())
    time.sleep(0.004)

def first():
    mark("first")
    return list(range({NODES}))

def square(first):
    mark(f"square[{{first}}]")
    return first * first

def total(square):
    mark("total")
    return sum(square)

flow = workflow("first; square*; total", name="many")
"""


@pytest.fixture
def forge(anywhere: Scene) -> Iterator[Forge]:
    made = Forge(anywhere.cms)
    yield made
    made.close()


def store_of(scene: Scene) -> Any:
    url = scene.cms.environment.get("CLOUDMESH_FLOW_STORE")
    return open_store(url or f"sqlite:///{scene.cms.home}/.cloudmesh/flow/flow.db")


def starts(scene: Scene, run: str) -> list[tuple[str, str]]:
    """(node, attempt) for each start of a node's function in a run."""
    lines = (scene.cms.folder / "marks").read_text().splitlines()
    return [(line.split()[1], line.split()[2]) for line in lines if line.split()[0] == run]


def rounds(embedded: int, ferretdb: int) -> Any:
    """So many rounds on each store, and a hundred in the long form."""
    long = pytest.param(
        {"embedded": 100, "ferretdb": 100},
        marks=[pytest.mark.slow, pytest.mark.timeout(900)],
        id="long",
    )
    short = pytest.param({"embedded": embedded, "ferretdb": ferretdb}, id="short")
    return pytest.mark.parametrize("rounds", [short, long])


@rounds(6, 4)
def test_kill_9_at_any_moment(anywhere: Scene, forge: Forge, rounds: dict[str, int]) -> None:
    """Twice in each run: after a third death a node that ran at all of them is in error."""
    anywhere.cms.write("many.py", MANY)
    chance = random.Random(1)
    killed = 0
    store = store_of(anywhere)
    while killed < rounds[anywhere.store]:
        engine = forge.start("run", "many.py")
        for _ in range(2):
            time.sleep(chance.uniform(0.0, 0.3))
            engine.kill()
            if engine.wait() == 0:
                break
            killed += 1
            if not (heads := store.runs(limit=1)) or heads[0]["status"] == "finished":
                break
            run = heads[0]["run"]
            state = api.replay(store, run)[1]
            recorded = {state.names[i] for i in state.nodes() if state.status[i] == FINISHED}
            before = Counter(name for name, _ in starts(anywhere, run))
            engine = forge.start("resume", run)
        else:
            assert engine.wait() == 0, engine.said
            after = Counter(name for name, _ in starts(anywhere, run))
            assert {name for name in recorded if after[name] != before[name]} == set()
            assert max(Counter(starts(anywhere, run)).values()) == 1  # no attempt starts twice
            found = {node["name"]: node for node in store.nodes(run)}
            assert found["total"]["result"] == sum(k * k for k in range(NODES))
            assert {node["status"] for node in found.values()} == {"finished"}
    store.close()


@rounds(12, 6)
def test_two_resumes_at_once(anywhere: Scene, forge: Forge, rounds: dict[str, int]) -> None:
    anywhere.cms.write("many.py", MANY.replace("0.004", "0.001").replace(str(NODES), "4"))
    store = store_of(anywhere)
    codes: Counter[int] = Counter()
    for _ in range(rounds[anywhere.store]):
        engine = forge.start("run", "many.py")
        run = anywhere.until(lambda engine=engine: re.search(r"run (\w{8}) of", engine.said))[1]
        engine.kill()
        engine.wait()
        both = [forge.start("resume", run) for _ in range(2)]
        ended = [(process.wait(), process.said) for process in both]
        # The slower one is refused, is fenced, or finds the run ended and says so.
        assert 0 in [code for code, _ in ended], ended
        for code, said in ended:
            codes[code] += 1
            assert code in (0, 1, 2), ended
            if code:
                assert "another engine" in said or "alive" in said or "lives" in said
        assert max(Counter(starts(anywhere, run)).values()) == 1, starts(anywhere, run)
        assert (store.run(run) or {})["status"] == "finished"
    assert codes[0] >= rounds[anywhere.store]
    store.close()

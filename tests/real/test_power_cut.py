"""The power is cut, for real: what was not on the disk is gone, and no recorded node runs again.

Two proofs.  In the first a whole machine is killed (``kill -9`` of its QEMU: what
its kernel had not written is lost) and started again.  In the second the disk
loses its cache too: from the log of all writes of one run the disk is made as it
could have been after a cut at any moment, sector by sector, and the run goes on
from that, here.
"""

from __future__ import annotations

import json
import random
import sqlite3
import time
from pathlib import Path

import power_guest as guest
import pytest
from power_machine import Disk, Machine, restored

from cloudmesh.flow import api, open_store
from cloudmesh.flow.config import Config
from cloudmesh.flow.providers import image
from cloudmesh.flow.run.states import FINISHED

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def machine(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    packages = image.missing()
    if packages:
        pytest.skip(f"NOT TESTED: a power cut (needs {packages}; make test-deps installs it)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        built = image.build("debian")
    return Machine(built, tmp_path_factory.mktemp("machine"))


long = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_no_recorded_node_runs_again(machine: Machine) -> None:
    """``durability: power``: the machine is killed twice in each run, at any moment."""
    chance = random.Random(1)
    for _ in range(6):
        machine.new_disk()
        for _ in range(2):  # a third death under a node would be its error
            goal = len(machine.witness()) + chance.randint(1, guest.NODES)
            running = machine.start("power")
            while running.poll() is None and not machine.has_said(goal):
                time.sleep(0.01)
            running.kill()
            running.wait()
        machine.start("power").wait()
        said = machine.witness()
        assert said[-1] == ("ended", json.dumps(["finished", guest.TOTAL])), (
            machine.console.read_text()
        )
        recorded: set[str] = set()
        for what, node in said:
            assert not (what == "ran" and node in recorded), said
            if what == "recorded":
                recorded.add(node)
        assert len(recorded) > guest.NODES // 2  # a cut may come before it is said


def goes_on(path: Path) -> set[str]:
    """Let the run of a store go on to its end; the nodes that ran."""
    check = sqlite3.connect(path)
    assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    check.close()
    ran: list[str] = []
    made = guest.program(ran.append)
    store = open_store(f"sqlite:///{path}")
    config = Config()
    known = store.runs(limit=1)
    kept: set[str] = set()
    if known:
        state = api.replay(store, known[0]["run"])[1]
        kept = {state.names[i] for i in state.nodes() if state.status[i] == FINISHED}
        done = api.resume(known[0]["run"], store, program=made, config=config)
    else:
        done = api.run(made, store, config=config)
    assert (done.status, done["total"].value) == ("finished", guest.TOTAL)
    store.close()
    assert kept & set(ran) == set()
    return set(ran)


@pytest.mark.parametrize(
    ("durability", "times"),
    [
        ("power", 12),
        pytest.param("power", 400, marks=long),
        pytest.param("process", 400, marks=long),
    ],
)
def test_a_disk_that_loses_its_cache(
    machine: Machine, tmp_path: Path, durability: str, times: int
) -> None:
    """With ``power`` all that was recorded is there; by default the last of it may not be, and
    runs again.  The file opens and is whole either way."""
    machine.new_disk()
    assert machine.start(durability, logged=True).wait(120) == 0
    disk, chance = Disk(machine), random.Random(times)
    lost = 0
    for k, until in enumerate(sorted(chance.choices(range(disk.length + 1), k=times))):
        recorded = {node for what, node in disk.said(until) if what == "recorded"}
        path = restored(disk.after(until, chance), tmp_path / str(k))
        again = recorded & goes_on(path)
        assert durability == "process" or not again, (until, again)
        lost += len(again)
    assert (lost > 0) == (durability == "process")  # else the cut cuts nothing

"""Several processes on one store: one wins, nobody loses what was acknowledged."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from servers import ferretdb_url, mongodb_url

from cloudmesh.flow.errors import Fenced, OwnedError
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.contract_tools import Setting
from cloudmesh.flow.store.protocol import Batch, Journal, Store

__all__ = ["ferretdb_url", "mongodb_url"]  # fixtures

#: Takes the run over at each number that it reads, and says whether it won.
COMPETE = """
import sys
from cloudmesh.flow.errors import Fenced
from cloudmesh.flow.store import open_store
store, run = open_store(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
for line in sys.stdin:
    try:
        store.take_by_force(run, int(line), f'["{sys.argv[3]}"]')
        print("won", flush=True)
    except Fenced:
        print("lost", flush=True)
"""

#: Makes a run, and appends and projects until it has written so many batches, or is killed.
WRITE = """
import sys
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.contract_tools import Setting, row
setting = Setting(lambda: open_store(sys.argv[1]))
journal = setting.begin(setting.flow("test"), sys.argv[2])
for k in range(int(sys.argv[3])):
    journal.append(f'["{k}"]')
    if k % 10 == 0:
        journal.project([row(0, "a", "running", attempt=k)], {}, {})
        journal.write_log("a", 1, "out", f"{k}\\n")
    print(journal.seq, flush=True)
"""


@pytest.fixture(params=["sqlite", "ferretdb", "mongodb"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('store') / 'flow.db'}"
    else:
        yield f"{request.getfixturevalue(f'{request.param}_url')}/p_{os.urandom(4).hex()}"


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def test_one_of_two_processes_wins_every_number(url: str) -> None:
    rounds = 40
    setting = Setting(lambda: open_store(url))
    first = setting.begin()
    first.close()
    with ExitStack() as stack:
        workers = [
            stack.enter_context(start(COMPETE, url, first.run, name)) for name in ("one", "two")
        ]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for seq in range(1, rounds + 1):
            for worker in workers:
                assert worker.stdin is not None
                worker.stdin.write(f"{seq}\n")
            said = [worker.stdout.readline() for worker in workers if worker.stdout]
            assert sorted(said) == ["lost\n", "won\n"], seq
        for worker in workers:
            worker.kill()
    batches = setting.store.batches(first.run)
    assert [batch.seq for batch in batches] == list(range(1, rounds + 2))
    setting.store.close()


def taken(store: Store, run: str) -> tuple[Journal, list[Batch]]:
    """The journal of a run whose writer was killed, and the batches it had written.

    A server may still write what it had in its queue from the dead one, as `resume` knows too.
    """
    assert store.owner(run).alive is False
    for _ in range(3):
        found = store.batches(run, limit=1_000_000)
        with suppress(Fenced):
            return store.take(run, len(found), '["taken"]'), list(found)
    raise AssertionError("somebody writes on")


def test_a_kill_loses_nothing_that_was_acknowledged(url: str) -> None:
    store = open_store(url)
    for k in range(4):
        run = f"killed{k}a"
        with start(WRITE, url, run, "100000") as worker:
            assert worker.stdout is not None
            seen = 0
            while seen < 30 + 17 * k:
                seen = int(worker.stdout.readline())
            assert store.owner(run).alive is True
            with pytest.raises(OwnedError):
                store.take(run, seen, "[]")
            worker.send_signal(signal.SIGKILL)
            told = [int(line) for line in worker.stdout if line.endswith("\n")]
            worker.wait()
        acknowledged = max([seen, *told])
        journal, found = taken(store, run)
        assert [batch.seq for batch in found] == list(range(1, len(found) + 1))
        assert len(found) >= acknowledged
        assert [batch.events for batch in found[1:]] == [f'["{n}"]' for n in range(len(found) - 1)]
        assert [document["name"] for document in store.nodes(run)] == ["a", "b", "c"]
        journal.close()
    store.close()


def test_eight_processes_write_one_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'flow.db'}"
    runs = [f"worker{k}a" for k in range(8)]
    with ExitStack() as stack:
        workers = [stack.enter_context(start(WRITE, url, run, "150")) for run in runs]
        for worker in workers:
            assert worker.stdout is not None
            assert [int(line) for line in worker.stdout] == list(range(2, 152))
            assert worker.wait() == 0
    store = open_store(url)
    for run in runs:
        assert len(store.batches(run)) == 151
        assert store.nodes(run, ["a"])[0]["attempt"] == 140
    assert len(store.runs("test")) == 8
    store.close()

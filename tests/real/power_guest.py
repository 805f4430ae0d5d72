"""The flow of the power cut, and the program that runs it inside the machine.

On the machine: one disk with a file system, and behind it, on the same disk,
room for a witness, written past every cache: what has run, and what the engine
has been told is recorded.  Started again, it goes on with the run that it finds.
"""

from __future__ import annotations

import json
import mmap
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

FILES = 32 << 20  # bytes of the disk that are the file system's
ROOM = 8 << 20  # bytes behind it that are the witness's
PAGE = 4096
NODES = 60
LARGE = 100_000  # of every tenth value: kept in a file of its own


class Witness:
    """Lines on the raw disk, one a page, each there when `say` returns."""

    def __init__(self, disk: str, direct: int = getattr(os, "O_DIRECT", 0)) -> None:
        self._disk = os.open(disk, os.O_RDWR | direct)
        self._page = mmap.mmap(-1, PAGE)
        self._mutex = threading.Lock()
        self._next = FILES
        while os.preadv(self._disk, [self._page], self._next) and self._page[0]:
            self._next += PAGE

    def say(self, what: str, node: str) -> None:
        line = f"{what} {node}".encode()
        with self._mutex:
            self._page[:] = line + bytes(PAGE - len(line))
            os.pwrite(self._disk, self._page, self._next)
            self._next += PAGE


def program(ran: Callable[[str], None]) -> Any:
    """The flow, as the API takes it; ``ran`` is told of each start of a function."""
    from cloudmesh.flow import task
    from cloudmesh.flow.language.load import load_functions

    thread = task(on="thread")  # always: a worker process would need more than is on the disk

    @thread
    def first() -> list[int]:
        ran("first")
        return list(range(NODES))

    @thread
    def work(first: int) -> str:
        ran(f"work[{first}]")
        return "x" * (LARGE if first % 10 == 0 else first)

    @thread
    def total(work: list[str]) -> int:
        ran("total")
        return sum(map(len, work))

    named = {"first": first, "work": work, "total": total}
    return load_functions("first; work*; total", named, flowname="power")


TOTAL = sum(LARGE if k % 10 == 0 else k for k in range(NODES))


def main(disk: str, path: str, durability: str) -> None:
    """Run the flow, or go on with it."""
    from cloudmesh.flow import api, open_store
    from cloudmesh.flow.config import Config

    witness = Witness(disk)

    class Watch(api.Quiet):
        def begun(self, run: str, state: Any) -> None:
            self.names = state.names

        def batch(self, seq: int, events: list[Any]) -> None:
            for event in events:
                if event[0] == "finished":
                    witness.say("recorded", self.names[event[1]])

    made = program(lambda node: witness.say("ran", node))
    store = open_store(f"sqlite:///{path}")
    config = Config(durability=durability)
    known = store.runs(limit=1)
    options: dict[str, Any] = {"observer": Watch(), "config": config, "parallel": 2}
    if known:
        done = api.resume(known[0]["run"], store, program=made, **options)
    else:
        done = api.run(made, store, **options)
    witness.say("ended", json.dumps([done.status, done["total"].value]))
    store.close()


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    with open("/proc/cmdline") as line:
        durability = line.read().rpartition("durability=")[2].split()[0]
    main("/dev/vdb", "/mnt/store/flow.db", durability)

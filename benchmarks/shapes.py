"""The graphs that are measured, said once and neutrally.

Most are layers: every node of a layer depends on every node of the layer
before, and a chain is a thousand layers of one.  One is a random graph.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import count
from random import Random
from time import sleep
from typing import Any

#: How many nodes have been called in this process, where a shape counts them.
calls = 0


@dataclass(frozen=True)
class Shape:
    """``layers``: how many nodes each layer has; ``random``: so many nodes instead.

    ``seconds``: how long each node sleeps.  ``size``: bytes of the value that
    each node makes of the one before; 0: a number.  ``processes``: in two worker
    processes, not in threads.  ``half``: the process is killed (SIGKILL) in the
    call of that number.  ``again``: that run is gone on with.
    """

    title: str
    layers: tuple[int, ...] = ()
    random: int = 0
    seconds: float = 0.0
    threads: int = 8
    size: int = 0
    processes: bool = False
    half: int = 0
    again: bool = False

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return self.random or sum(self.layers)

    def needs(self) -> dict[str, list[str]]:
        """What each node depends on, in an order in which they could run."""
        if self.random:
            return dict(random_graph(self.random))
        found: dict[str, list[str]] = {}
        before: list[str] = []
        for names in self.names():
            found |= dict.fromkeys(names, before)
            before = names
        return found

    def names(self) -> list[list[str]]:
        """A name for each node, layer by layer; a random graph is cut into such layers."""
        if self.random:
            return levels(random_graph(self.random))
        return [[f"n{i}_{k}" for k in range(size)] for i, size in enumerate(self.layers)]

    def check(self, values: Sequence[Any]) -> None:
        """Fail unless these are the values of all nodes, the last node's last."""
        assert len(values) == self.nodes, f"{len(values)} results of {self.nodes}"
        last = turned(self.size, self.nodes - 1) if self.size else 1
        assert values[-1] == last, f"the last result is {values[-1]!r:.40}"


@lru_cache
def random_graph(size: int) -> dict[str, list[str]]:
    """Each node needs one to three of the fifty before it: the same graph each time."""
    random = Random(1)
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for i in range(size):
        near = names[-50:]
        found[f"r{i}"] = sorted(random.sample(near, min(len(near), random.randint(1, 3))))
        names.append(f"r{i}")
    return found


def levels(needs: dict[str, list[str]]) -> list[list[str]]:
    """The nodes by the length of the longest way that leads to them."""
    level: dict[str, int] = {}
    found: list[list[str]] = []
    for name, before in needs.items():
        level[name] = 1 + max((level[one] for one in before), default=-1)
        if level[name] == len(found):
            found.append([])
        found[level[name]].append(name)
    return found


FOUR = Shape("four nodes", (1, 2, 1))
RESUME = Shape("resume of a fan-out of 10,000, killed half-way", (1, 10_000, 1), half=5_000)
SHAPES = {
    "chain": Shape("chain of 1,000", (1,) * 1000),
    "fan": Shape("fan-out of 1,000", (1, 1000, 1)),
    "fan10k": Shape("fan-out of 10,000", (1, 10_000, 1)),
    "layers": Shape("20 layers of 50", (50,) * 20),
    "random": Shape("random graph of 1,000", random=1000),
    "sleep": Shape("100 × sleep 0.1 s, 50 at once", (100,), seconds=0.1, threads=50),
    "megabyte": Shape("1 MB values along a chain of 100", (1,) * 100, size=1_000_000),
    "cold": Shape("three nodes, a cold start", (1, 2)),
    "resume": RESUME,
    "process": Shape("fan-out of 10,000 in worker processes", (1, 10_000, 1), processes=True),
    "fan100k": Shape("fan-out of 100,000", (1, 100_000, 1)),
    # What is measured instead where the whole takes too long, and in the short form.
    "chain100": Shape("chain of 100", (1,) * 100),
    "fan100": Shape("fan-out of 100", (1, 100, 1)),
    "layers5": Shape("5 layers of 20", (20,) * 5),
    "random100": Shape("random graph of 100", random=100),
    "sleep20": Shape("20 × sleep 0.1 s, 10 at once", (20,), seconds=0.1, threads=10),
    "megabyte10": Shape("1 MB values along a chain of 10", (1,) * 10, size=1_000_000),
    "resume1k": replace(
        RESUME, title="resume of a fan-out of 1,000, killed half-way", layers=(1, 1000, 1), half=500
    ),
}
SMALLER = {
    "chain": "chain100",
    "fan": "fan100",
    "fan10k": "fan",
    "layers": "layers5",
    "random": "random100",
    "sleep": "sleep20",
    "megabyte": "megabyte10",
    "resume": "resume1k",
}


def function(shape: Shape) -> Callable[..., Any]:
    """The function of all nodes, called with the values before: it does nothing, or sleeps.

    It gives a number, or of the value before one as large.
    """
    if shape.half or shape.again:
        return counting(shape)
    if shape.size:
        return lambda *before: turn(before[-1]) if before else turned(shape.size, 0)

    def node(*_: Any) -> int:
        if shape.seconds:
            sleep(shape.seconds)
        return 1

    return node


def counting(shape: Shape) -> Callable[..., Any]:
    """A function that counts its calls, and kills this process in the one where a run is to end."""
    number = count(1)

    def node(*_: Any) -> int:
        global calls
        calls = next(number)
        if calls == shape.half and not shape.again:
            os.kill(os.getpid(), signal.SIGKILL)
        return 1

    return node


def turned(size: int, times: int) -> bytes:
    """The value of a node that has so many before it."""
    first = Random(1).randbytes(size)
    return first[times:] + first[:times]


def turn(value: bytes) -> bytes:
    """As large a value, and another one."""
    return value[1:] + value[:1]


def nothing() -> int:
    """A node for worker processes, which have to find it by its name."""
    return 1

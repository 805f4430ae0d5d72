"""The graphs that are measured, said once and neutrally: layers that wait for one another.

Every node of a layer depends on every node of the layer before.  A chain is a
thousand layers of one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import sleep
from typing import Any


@dataclass(frozen=True)
class Shape:
    """``layers``: how many nodes each layer has; ``seconds``: how long each node sleeps.

    ``processes``: in two worker processes, not in threads.
    """

    title: str
    layers: tuple[int, ...]
    seconds: float = 0.0
    threads: int = 8
    processes: bool = False

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return sum(self.layers)

    def names(self) -> list[list[str]]:
        """A name for each node, layer by layer."""
        return [[f"n{i}_{k}" for k in range(size)] for i, size in enumerate(self.layers)]


SHAPES = {
    "chain": Shape("chain of 1,000", (1,) * 1000),
    "fan": Shape("fan-out of 1,000", (1, 1000, 1)),
    "fan10k": Shape("fan-out of 10,000", (1, 10_000, 1)),
    "layers": Shape("20 layers of 50", (50,) * 20),
    "sleep": Shape("100 × sleep 0.1 s, 50 at once", (100,), seconds=0.1, threads=50),
    "process": Shape("fan-out of 10,000 in worker processes", (1, 10_000, 1), processes=True),
    "fan100k": Shape("fan-out of 100,000", (1, 100_000, 1)),
}


def function(seconds: float) -> Callable[..., Any]:
    """The function of all nodes: it does nothing, or sleeps, and gives a number."""

    def node(*_: Any) -> int:
        if seconds:
            sleep(seconds)
        return 1

    return node


def nothing() -> int:
    """A node for worker processes, which have to find it by its name."""
    return 1

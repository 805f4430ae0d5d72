"""`graphlib.TopologicalSorter` with a ThreadPoolExecutor: what is ready is submitted.

The loop of Python's own documentation.  Nothing is recorded.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from graphlib import TopologicalSorter
from pathlib import Path
from queue import SimpleQueue
from time import perf_counter
from typing import Any

from benchmarks.shapes import Shape, function


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the graph to the results in hand."""
    call = function(shape)
    needs = shape.needs()
    done: SimpleQueue[str] = SimpleQueue()
    values: dict[str, Any] = {}

    def work(name: str) -> None:
        values[name] = call(*(values[one] for one in needs[name]))
        done.put(name)

    start = perf_counter()
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    futures: list[Future[None]] = []
    with ThreadPoolExecutor(shape.threads) as pool:
        while sorter.is_active():
            futures += [pool.submit(work, name) for name in sorter.get_ready()]
            sorter.done(done.get())
    seconds = perf_counter() - start
    shape.check([values[name] for name in needs])
    return seconds

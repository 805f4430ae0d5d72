"""Dask distributed, its workers threads of this process. Nothing is recorded.

The cluster stands before the clock starts; only a cold start counts it.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from distributed import Client

from benchmarks.shapes import Shape, function


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the graph to the results in hand; short nodes on its own number of threads."""
    needs = shape.needs()
    call = function(shape)
    threads = {"n_workers": 1, "threads_per_worker": shape.threads} if shape.seconds else {}
    with Client(
        processes=False, dashboard_address=None, local_directory=str(folder), **threads
    ) as client:
        start = perf_counter()
        graph = {name: (call, *before) for name, before in needs.items()}
        values = client.get(graph, list(graph))
        seconds = perf_counter() - start
    shape.check(values)
    return seconds

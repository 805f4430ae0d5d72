"""dask.threaded: the graph as a dict. Nothing is recorded."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import dask.threaded

from benchmarks.shapes import Shape, function


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the graph to the results; short nodes on dask's own number of threads."""
    layers = shape.names()
    call = function(shape.seconds)
    threads = {"num_workers": shape.threads} if shape.seconds else {}
    start = perf_counter()
    graph = {}
    before: list[str] = []
    for names in layers:
        for name in names:
            graph[name] = (call, *before)
        before = names
    dask.threaded.get(graph, list(graph), **threads)
    return perf_counter() - start

"""dask.threaded: the graph as a dict. Nothing is recorded."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import dask.threaded

from benchmarks.shapes import Shape, function


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the graph to the results; short nodes on dask's own number of threads."""
    layers = [[(name, function(shape.seconds)) for name in names] for names in shape.names()]
    threads = {"num_workers": shape.threads} if shape.seconds else {}
    start = perf_counter()
    graph = {}
    before: list[str] = []
    for layer in layers:
        for name, call in layer:
            graph[name] = (call, *before)
        before = [name for name, _ in layer]
    dask.threaded.get(graph, list(graph), **threads)
    return perf_counter() - start

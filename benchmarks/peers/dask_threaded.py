"""dask.threaded: the graph as a dict. Nothing is recorded."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import dask.threaded

from benchmarks.shapes import Shape, function


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the graph to the results; short nodes on dask's own number of threads."""
    needs = shape.needs()
    call = function(shape)
    threads = {"num_workers": shape.threads} if shape.seconds else {}
    start = perf_counter()
    graph = {name: (call, *before) for name, before in needs.items()}
    values = dask.threaded.get(graph, list(graph), **threads)
    seconds = perf_counter() - start
    shape.check(values)
    return seconds

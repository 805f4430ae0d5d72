"""A bare ThreadPoolExecutor: submit a layer, wait for it. Nothing is recorded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from benchmarks.shapes import Shape, function


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the first node to the results in hand."""
    call = function(shape.seconds)
    start = perf_counter()
    values = []
    with ThreadPoolExecutor(shape.threads) as pool:
        for size in shape.layers:
            futures = [pool.submit(call) for _ in range(size)]
            values += [future.result() for future in futures]
    return perf_counter() - start

"""A bare ThreadPoolExecutor: submit a layer, wait for it. Nothing is recorded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

from benchmarks.shapes import Shape, function


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the functions to the results in hand."""
    layers = [[function(shape.seconds) for _ in range(size)] for size in shape.layers]
    start = perf_counter()
    values = []
    with ThreadPoolExecutor(shape.threads) as pool:
        for layer in layers:
            futures = [pool.submit(call) for call in layer]
            values += [future.result() for future in futures]
    return perf_counter() - start

"""multiprocessing.Pool(2), one node at a time. Nothing is recorded."""

from __future__ import annotations

from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from benchmarks.shapes import Shape, nothing


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the first node to the results in hand, the start of the workers included."""
    start = perf_counter()
    with get_context("spawn").Pool(2) as pool:
        for size in shape.layers:
            results = [pool.apply_async(nothing) for _ in range(size)]
            for result in results:
                result.get()
    return perf_counter() - start

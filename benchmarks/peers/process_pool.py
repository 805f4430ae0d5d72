"""A ProcessPoolExecutor of two. Nothing is recorded."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

from benchmarks.shapes import Shape, nothing


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the first node to the results in hand, the start of the workers included."""
    start = perf_counter()
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for size in shape.layers:
            futures = [pool.submit(nothing) for _ in range(size)]
            for future in futures:
                future.result()
    return perf_counter() - start

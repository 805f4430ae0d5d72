"""A bare ThreadPoolExecutor: submit a layer, wait for it. Nothing is recorded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.shapes import Shape, function


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the first node to the results in hand."""
    call = function(shape)
    layers = shape.names()
    start = perf_counter()
    values: list[Any] = []
    with ThreadPoolExecutor(shape.threads) as pool:
        for names in layers:
            futures = [pool.submit(call, *values[-1:]) for _ in names]
            values += [future.result() for future in futures]
    seconds = perf_counter() - start
    shape.check(values)
    return seconds

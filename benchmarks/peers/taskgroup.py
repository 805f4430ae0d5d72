"""An asyncio TaskGroup for each layer, on one thread. Nothing is recorded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter

from benchmarks.shapes import Shape, function


async def node(call, seconds: float, slots: asyncio.Semaphore) -> int:
    """One node: a sleep does not hold the thread, and at most so many sleep at once."""
    if not seconds:
        return call()
    async with slots:
        await asyncio.sleep(seconds)
        return 1


async def layered(layers, shape: Shape) -> list[int]:
    """Layer after layer."""
    values = []
    slots = asyncio.Semaphore(shape.threads)
    for layer in layers:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(node(call, shape.seconds, slots)) for call in layer]
        values += [task.result() for task in tasks]
    return values


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the functions to the results in hand."""
    layers = [[function(0) for _ in range(size)] for size in shape.layers]
    start = perf_counter()
    asyncio.run(layered(layers, shape))
    return perf_counter() - start

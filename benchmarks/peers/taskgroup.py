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


async def layered(shape: Shape) -> list[int]:
    """Layer after layer."""
    values = []
    call = function(0)
    slots = asyncio.Semaphore(shape.threads)
    for size in shape.layers:
        async with asyncio.TaskGroup() as group:
            nodes = [node(call, shape.seconds, slots) for _ in range(size)]
            tasks = [group.create_task(one) for one in nodes]
        values += [task.result() for task in tasks]
    return values


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the first node to the results in hand."""
    start = perf_counter()
    asyncio.run(layered(shape))
    return perf_counter() - start

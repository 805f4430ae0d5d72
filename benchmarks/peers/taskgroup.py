"""An asyncio TaskGroup for each layer, on one thread. Nothing is recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.shapes import Shape, function


async def node(
    call: Callable[..., Any], before: list[Any], seconds: float, slots: asyncio.Semaphore
) -> Any:
    """One node: a sleep does not hold the thread, and at most so many sleep at once."""
    if not seconds:
        return call(*before)
    async with slots:
        await asyncio.sleep(seconds)
        return 1


async def layered(shape: Shape, layers: list[list[str]]) -> list[Any]:
    """Layer after layer."""
    values: list[Any] = []
    call = function(shape)
    slots = asyncio.Semaphore(shape.threads)
    for names in layers:
        async with asyncio.TaskGroup() as group:
            nodes = [node(call, values[-1:], shape.seconds, slots) for _ in names]
            tasks = [group.create_task(one) for one in nodes]
        values += [task.result() for task in tasks]
    return values


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the first node to the results in hand."""
    layers = shape.names()
    start = perf_counter()
    values = asyncio.run(layered(shape, layers))
    seconds = perf_counter() - start
    shape.check(values)
    return seconds

"""DBOS on SQLite: one workflow, each node a step whose result is a row before the next begins.

Steps are called one after another, which is the fastest for nodes that do
nothing; those that sleep are asynchronous and gathered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID

from benchmarks.shapes import Shape, function

#: What the workflow of this process is about: (shape, its layers, the function of its nodes).
about: tuple[Shape, list[list[str]], Callable[..., Any]]


@DBOS.step()
def node(*before: Any) -> Any:
    """One node."""
    return about[2](*before)


@DBOS.step()
async def sleeping(seconds: float) -> int:
    """One node that waits and holds no thread."""
    await asyncio.sleep(seconds)
    return 1


@DBOS.workflow()
def graph() -> list[Any]:
    """Layer after layer, node after node."""
    shape, layers, _ = about
    values: list[Any] = []
    for names in layers:
        before = values[-1:] if shape.size else []
        values += [node(*before) for _ in names]
    return values if not shape.size else [len(values), values[-1]]


@DBOS.workflow()
async def side_by_side() -> list[int]:
    """Nodes that sleep, so many at once."""
    shape = about[0]
    slots = asyncio.Semaphore(shape.threads)

    async def one() -> int:
        async with slots:
            return await sleeping(shape.seconds)

    return await asyncio.gather(*(one() for _ in range(shape.nodes)))


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the start of the workflow to its results.

    To go on counts the launch, in which DBOS finds the workflow and recovers it.
    """
    global about
    about = (shape, shape.names(), function(shape))
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": f"sqlite:///{folder / 'dbos.sqlite'}",
        "application_version": "1",
        "log_level": "ERROR",
    }
    DBOS(config=config)
    opening = perf_counter()
    DBOS.launch()
    start = opening if shape.again else perf_counter()
    values = results(shape)
    seconds = perf_counter() - start
    if shape.size:
        values = [None] * (values[0] - 1) + values[1:]
    shape.check(values)
    DBOS.destroy()
    return seconds


def results(shape: Shape) -> list[Any]:
    """Start the workflow, or find that which was recovered, and wait for what it returns."""
    if shape.again:
        found: list[Any] = DBOS.retrieve_workflow("run").get_result(polling_interval_sec=0.01)
        return found
    with SetWorkflowID("run"):
        return asyncio.run(side_by_side()) if shape.seconds else graph()

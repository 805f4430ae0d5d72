"""Prefect with the server that it starts itself; tasks on its ThreadPoolTaskRunner.

States are recorded in the server's SQLite file, results not, which is its
default; to be resumed they are (`persist_result`, keyed by the inputs).
"""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.shapes import Shape, function


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the call of the flow to its results; the server has started before."""
    os.environ.setdefault("PREFECT_HOME", str(folder.parent / "prefect"))
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "60")
    from prefect import flow, task
    from prefect.cache_policies import INPUTS, NO_CACHE
    from prefect.task_runners import ThreadPoolTaskRunner

    needs = shape.needs()
    call = function(shape)
    kept = bool(shape.half or shape.again)

    @task(persist_result=kept, cache_policy=INPUTS if kept else NO_CACHE)
    def node(name: str, before: list[Any]) -> Any:
        return call(*before)

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=shape.threads))
    def graph() -> list[Any]:
        futures: dict[str, Any] = {}
        for name, before in needs.items():
            inputs = [futures[one] for one in before]
            if shape.size:
                futures[name] = node.submit(name, inputs)
            else:
                futures[name] = node.submit(name, [], wait_for=inputs)
        return [future.result() for future in futures.values()]

    start = perf_counter()
    values = graph()
    seconds = perf_counter() - start
    shape.check(values)
    return seconds

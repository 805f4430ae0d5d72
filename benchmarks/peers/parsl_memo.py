"""Parsl with a memo that is checkpointed at each task's end: durable, as we are."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import parsl
from parsl.config import Config
from parsl.dataflow.memoization import BasicMemoizer
from parsl.executors.threads import ThreadPoolExecutor

from benchmarks.shapes import Shape


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the first app to the results in hand."""
    config = Config(
        executors=[ThreadPoolExecutor(max_threads=shape.threads)],
        memoizer=BasicMemoizer(checkpoint_mode="task_exit"),
        run_dir=str(folder),
        strategy="none",
        usage_tracking=0,
        initialize_logging=False,
    )
    with parsl.load(config):
        # Equal arguments are answered from the memo, so that each node gets its name.
        app = parsl.python_app(node, cache=True)
        start = perf_counter()
        futures = []
        before: list[object] = []
        for names in shape.names():
            layer = [app(name, shape.seconds, inputs=before) for name in names]
            futures += layer
            before = list(layer)
        for future in futures:
            future.result()
        return perf_counter() - start


def node(name, seconds, inputs=()):
    """What each app calls; its name is what the memo tells it by."""
    from time import sleep

    if seconds:
        sleep(seconds)
    return 1

"""Parsl with a memo that is checkpointed at each task's end: durable, as we are.

The graph is given as Parsl has it: futures are the inputs of later apps.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter
from typing import Any

import parsl
from parsl.config import Config
from parsl.dataflow.memoization import BasicMemoizer, id_for_memo
from parsl.executors.threads import ThreadPoolExecutor

from benchmarks.shapes import Shape, function


@id_for_memo.register(bytes)
def id_of_bytes(value: bytes, output_ref: bool = False) -> bytes:
    """Parsl does not know how to tell bytes apart, and is told so."""
    return value


def measure(shape: Shape, folder: Path, memo: bool = True, waits: bool = False) -> float:
    """Seconds from the first app to the results in hand.

    To go on counts the loading of the checkpoint.  ``waits``: the program waits
    for a layer before it calls the next, and the apps get no futures.
    """
    settings: dict[str, Any] = {"memoizer": BasicMemoizer(checkpoint_mode="task_exit")}
    config = Config(
        executors=[ThreadPoolExecutor(max_threads=shape.threads)],
        run_dir=str(folder),
        strategy="none",
        usage_tracking=0,
        initialize_logging=False,
        **(settings if memo else {}),
    )
    opening = perf_counter()
    with parsl.load(config):
        # Equal arguments are answered from the memo, so that each node gets its name.
        app = parsl.python_app(node_of(shape), cache=memo)
        start = opening if shape.again else perf_counter()
        values = by_layers(app, shape) if waits else by_futures(app, shape)
        seconds = perf_counter() - start
    shape.check(values)
    return seconds


def by_futures(app: Any, shape: Shape) -> list[Any]:
    """Every app is called at once, with the futures that it needs."""
    futures: dict[str, Any] = {}
    for name, before in shape.needs().items():
        futures[name] = app(name, inputs=[futures[one] for one in before])
    return [future.result() for future in futures.values()]


def by_layers(app: Any, shape: Shape) -> list[Any]:
    """Layer after layer; where values are handed on, they are arguments."""
    values: list[Any] = []
    for names in shape.names():
        before = values[-1:] if shape.size else []
        futures = [app(name, inputs=before) for name in names]
        values += [future.result() for future in futures]
    return values


def node_of(shape: Shape) -> Any:
    """What each app calls; its name is what the memo tells it by."""
    call = function(shape)

    def node(name: str, inputs: Any = ()) -> Any:
        return call(*inputs)

    return node

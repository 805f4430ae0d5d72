"""cloudmesh-flow on its embedded store, all of a real run included.

Text parsed and checked, definition and run recorded, every result committed
before a successor starts, the documents written at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.shapes import Shape, function, nothing
from cloudmesh.flow import open_store, task, workflow


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the flow string to the results in hand.

    To go on counts the opening of the store.
    """
    functions = functions_of(shape)
    text = text_of(shape)
    url = f"sqlite:///{folder / 'flow.db'}"
    # Short nodes as it comes, with 32 at once; as dask runs them on its own number of threads.
    parallel = 2 if shape.processes else shape.threads if shape.seconds else None
    opening = perf_counter()
    store = open_store(url)
    start = opening if shape.again else perf_counter()
    flow = workflow(text, functions=functions)
    if shape.again:
        run = flow.resume(store.runs(limit=1)[0]["run"], store=store, parallel=parallel)
    else:
        run = flow.run(store=store, parallel=parallel)
    values = run.values
    seconds = perf_counter() - start
    assert run.status == "finished"
    shape.check(list(values.values()))
    return seconds


def functions_of(shape: Shape) -> Mapping[str, Callable[..., Any]]:
    """A function for each node; a parameter is filled by name, with the value before."""
    call = function(shape)

    def node() -> Any:
        return call()

    if shape.size:
        return {name: receiving(call, before) for name, before in shape.needs().items()}
    called = task(on="process")(nothing) if shape.processes else node
    return dict.fromkeys(shape.needs(), called)


def receiving(call: Callable[..., Any], before: list[str]) -> Callable[..., Any]:
    """A function with parameters of these names."""
    names = ", ".join(before)
    found: Callable[..., Any] = eval(f"lambda {names}: call({names})", {"call": call})
    return found


def text_of(shape: Shape) -> str | list[str]:
    """The graph as a flow string; a random one as a list, one string for each node."""
    if not shape.random:
        return "; ".join("(" + " || ".join(names) + ")" for names in shape.names())
    needs = shape.needs().items()
    return [f"({' || '.join(before)}); {name}" if before else name for name, before in needs]

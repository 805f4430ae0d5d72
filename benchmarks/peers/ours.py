"""cloudmesh-flow on its embedded store, all of a real run included.

Text parsed and checked, definition and run recorded, every result committed
before a successor starts, the documents written at the end.
"""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

from benchmarks.shapes import Shape, function, nothing
from cloudmesh.flow import task, workflow


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the flow string to the results in hand."""
    call = function(shape.seconds)

    def node() -> int:  # a parameter would be filled by name
        return call()

    layers = shape.names()
    called = task(on="process")(nothing) if shape.processes else node
    functions = {name: called for names in layers for name in names}
    text = "; ".join("(" + " || ".join(names) + ")" for names in layers)
    store = f"sqlite:///{folder / 'flow.db'}"
    start = perf_counter()
    run = workflow(text, functions=functions).run(
        store=store, parallel=2 if shape.processes else shape.threads
    )
    values = run.values
    seconds = perf_counter() - start
    assert len(values) == shape.nodes
    assert run.status == "finished"
    return seconds

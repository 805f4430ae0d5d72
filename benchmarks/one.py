"""One measurement in a process of its own: `python -m benchmarks.one PEER SHAPE FOLDER`.

Prints ``{"seconds", "peak_mb", "calls"}``.  Imports are not measured: a graph
of four nodes has been run before, by each alike, but for a cold start.  A
``--half`` run kills its process; ``--again`` in the same folder goes on with it.
"""

from __future__ import annotations

import json
import resource
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from benchmarks import shapes


def main() -> None:
    """Measure what the command line names."""
    peer, name, folder, *phase = sys.argv[1:]
    measure = import_module(f"benchmarks.peers.{peer}").measure
    shape = replace(shapes.SHAPES[name], again="--again" in phase)
    if name != "cold":
        measure(shapes.FOUR, place(folder, "before" + "".join(phase)))
    seconds = measure(shape, place(folder, "measured"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = peak / (1024 if sys.platform == "linux" else 1024**2)
    found = {"seconds": seconds, "peak_mb": round(peak_mb, 1), "calls": shapes.calls}
    print(json.dumps(found), file=sys.__stdout__, flush=True)  # some leave another stdout behind


def place(folder: str, name: str) -> Path:
    """A folder for one graph."""
    path = Path(folder) / name
    path.mkdir(exist_ok=True)
    return path


if __name__ == "__main__":
    main()

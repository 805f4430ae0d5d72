"""One measurement in a process of its own: `python -m benchmarks.one PEER SHAPE FOLDER`.

Prints ``{"seconds", "peak_mb"}``.  Imports are not measured: a graph of four
nodes has been run before, by each alike.
"""

from __future__ import annotations

import json
import resource
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.shapes import SHAPES, Shape


def main() -> None:
    """Measure what the command line names."""
    peer, shape, folder = sys.argv[1:]
    measure = import_module(f"benchmarks.peers.{peer}").measure
    for name, graph in (("before", Shape("four nodes", (1, 2, 1))), ("measured", SHAPES[shape])):
        place = Path(folder) / name
        place.mkdir()
        seconds = measure(graph, place)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = peak / (1024 if sys.platform == "linux" else 1024**2)
    print(json.dumps({"seconds": seconds, "peak_mb": round(peak_mb, 1)}))


if __name__ == "__main__":
    main()

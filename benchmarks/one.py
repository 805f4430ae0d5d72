"""One measurement in a process of its own: `python -m benchmarks.one PEER SHAPE FOLDER`.

Prints ``{"seconds", "peak_mb"}``. Imports are not measured.
"""

from __future__ import annotations

import json
import resource
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.shapes import SHAPES


def main() -> None:
    """Measure what the command line names."""
    peer, shape, folder = sys.argv[1:]
    seconds = import_module(f"benchmarks.peers.{peer}").measure(SHAPES[shape], Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak_mb = peak / (1024 if sys.platform == "linux" else 1024**2)
    print(json.dumps({"seconds": seconds, "peak_mb": round(peak_mb, 1)}))


if __name__ == "__main__":
    main()

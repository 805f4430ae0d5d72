"""Parsl with a checkpointing memo, where the program waits for each layer: it has no graph."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers import parsl_memo
from benchmarks.shapes import Shape


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the first app to the results in hand."""
    return parsl_memo.measure(shape, folder, waits=True)

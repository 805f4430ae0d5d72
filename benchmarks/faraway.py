"""What the nodes of `benchmarks.anywhere` do: nothing, wherever they run."""

from __future__ import annotations


def nothing() -> int:
    """A trivial node."""
    return 1

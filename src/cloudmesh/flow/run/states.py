"""The states of a node, and the one table of what leads from one to another.

Everything that changes the status of a node goes through `TRANSITIONS`; the
picture in the docs is drawn from it.  A pair that is not in the table is a
mistake in our program, never a user's: it raises `InvalidTransition`, which
carries the story of that node.

Not in the table, because they follow from it: a node is *blocked* (pending,
and something that it depends on is in error), *waiting to retry* (pending, with
a time), *skipped* (finished without running).
"""

from __future__ import annotations

from typing import Final

__all__ = ["ERROR", "FINISHED", "NAMES", "PENDING", "RUNNING", "TRANSITIONS", "InvalidTransition"]

PENDING: Final = 0
RUNNING: Final = 1
FINISHED: Final = 2
ERROR: Final = 3

#: The four words of the seed, by number.
NAMES: Final = ("pending", "running", "finished", "error")

#: (status, what happens) -> status.  "retry" is a failed attempt that will be tried again;
#: "died" is an attempt whose engine is gone; "lost" one whose third engine is.
TRANSITIONS: Final[dict[tuple[int, str], int]] = {
    (PENDING, "started"): RUNNING,
    (PENDING, "skipped"): FINISHED,
    (PENDING, "kept"): FINISHED,  # in an earlier run, whose result is reused
    (PENDING, "failed"): ERROR,  # its inputs or its condition cannot be had
    (RUNNING, "finished"): FINISHED,
    (RUNNING, "failed"): ERROR,
    (RUNNING, "retry"): PENDING,
    (RUNNING, "reset"): PENDING,
    (RUNNING, "died"): PENDING,
    (RUNNING, "lost"): ERROR,
    (RUNNING, "progress"): RUNNING,
    # A map's own node follows its elements; an empty list finishes it at once.
    (PENDING, "finished"): FINISHED,
}


class InvalidTransition(RuntimeError):
    """A node was told something that cannot happen to it in its state."""

    def __init__(self, name: str, status: int, word: str) -> None:
        super().__init__(f"node {name} is {NAMES[status]} and cannot be {word}")

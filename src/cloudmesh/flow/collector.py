"""Python's garbage collector, kept out of the way where much is made that stays."""

from __future__ import annotations

import gc
from _thread import allocate_lock
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["uncollected"]

_mine = allocate_lock()


@contextmanager
def uncollected() -> Iterator[None]:
    """Without garbage collection, while much is made that stays.

    The collector would look all of it through again and again: a third of the time
    to build a page's picture, and more than a flow of 10,000 nodes takes to read.
    """
    mine = gc.isenabled() and _mine.acquire(blocking=False)
    if mine:
        gc.disable()
    try:
        yield
    finally:
        if mine:
            gc.enable()
            _mine.release()

"""Where answers go: with ``--output json`` stdout holds that JSON alone.

What a flow's file, its nodes, and the programs that they start write to stdout
goes to stderr then, to the end of the process.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

__all__ = ["answer", "claim", "release"]

_before: TextIO | None = None  # Python's stdout, while another is in its place
_own: TextIO | None = None  # the way to what was descriptor 1


def answer() -> TextIO:
    """The stream for the command's own words."""
    return _own or _before or sys.stdout


def claim() -> None:
    """From now on stdout is for `answer` alone; once is enough."""
    global _before, _own
    if _before is not None:
        return
    _before = sys.stdout
    _before.flush()
    if _is_descriptor_1(_before):
        _own = os.fdopen(os.dup(1), "w", encoding=_before.encoding, errors=_before.errors)
        _point_1_to_stderr()
    sys.stdout = sys.stderr


def release() -> None:
    """Everything is as before `claim`: this process goes on with something else."""
    global _before, _own
    if _before is None:
        return
    sys.stdout = _before
    if _own is not None:
        _own.flush()
        os.dup2(_own.fileno(), 1)
        _own.close()
    _before = _own = None


def _is_descriptor_1(stream: TextIO) -> bool:
    try:
        return stream.fileno() == 1
    except (OSError, ValueError):  # somebody has put something else there
        return False


def _point_1_to_stderr() -> None:
    try:
        os.dup2(2, 1)
    except OSError:  # who started us has closed it
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.close(nothing)

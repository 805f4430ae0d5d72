"""Every error that cloudmesh-flow raises on purpose.

The tree says who is wrong; the exit code of the command line follows from it:

    FlowError
    ├── InputError            the text, a name, an option               exit 2
    │   ├── NotFound          no such flow, run, node, file
    │   └── OwnedError        the run has a living owner
    ├── RunFailed             a run ended in error or was cancelled     exit 1
    ├── Fenced                another engine owns the run now           exit 1
    ├── StoreError            the store                                 exit 3
    │   ├── StoreUnavailable  it may come back: worth waiting
    │   └── StoreRefused      full, read-only, not allowed: it will not
    ├── InfrastructureError   a machine, a scheduler, a network         exit 3
    └── Interrupted           Ctrl-C or SIGTERM                         exit 130

A message is one line: what, where, and what to do.  ``InputError`` may carry
several `Problem`s, each with its place in a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "Fenced",
    "FlowError",
    "InfrastructureError",
    "InputError",
    "Interrupted",
    "NotFound",
    "OwnedError",
    "Problem",
    "RunFailed",
    "StoreError",
    "StoreRefused",
    "StoreUnavailable",
]


class Problem(NamedTuple):
    """One thing that is wrong in a text, with its place.

    ``line`` and ``column`` count from 1 (0: no place in the text); ``text`` is
    the whole line, ``length`` how many characters of it are meant.
    """

    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    text: str = ""
    length: int = 1

    def document(self) -> dict[str, object]:
        """The problem as `check --output json` shows it."""
        return {
            "message": self.message,
            "text": self.text,
            "line": self.line,
            "column": self.column,
            "file": self.file,
        }

    def __str__(self) -> str:
        if not self.line:
            return f"{self.file}: {self.message}" if self.file else self.message
        text, at = _window(self.text, self.column - 1)
        # A tab before the caret is kept, so that both lines are indented alike.
        before = "".join("\t" if c == "\t" else " " for c in text[:at])
        caret = before + "^" * max(1, min(self.length, len(text) - at))
        place = f"{self.line}:{self.column}"
        where = f"{self.file}:{place}" if self.file else place
        return f"{where}: {self.message}\n  {text}\n  {caret}"


def _window(text: str, at: int) -> tuple[str, int]:
    """What is shown of a line around a place in it, and the place in that."""
    if len(text) <= 160:
        return text, at
    start = max(0, at - 60)
    head = "…" if start else ""
    tail = "…" if start + 140 < len(text) else ""
    return head + text[start : start + 140] + tail, at - start + len(head)


class FlowError(Exception):
    """Something that cloudmesh-flow noticed and can say in one line."""

    exit_code = 1


class InputError(FlowError):
    """The input is wrong; nothing was written and nothing was run."""

    exit_code = 2

    def __init__(self, message: str = "", problems: Sequence[Problem] = ()) -> None:
        self.problems = list(problems) or [Problem(message)]
        super().__init__(message or "\n".join(map(str, self.problems)))


class NotFound(InputError):
    """A flow, a run, a node or a file of that name does not exist."""


class OwnedError(InputError):
    """A living engine owns the run; only it may go on with it."""


class RunFailed(FlowError):
    """The run ended with an error or was cancelled."""


class Fenced(FlowError):
    """Another engine has taken the run over; this one writes nothing more."""


class StoreError(FlowError):
    """The store did not do what was asked."""

    exit_code = 3


class StoreUnavailable(StoreError):
    """The store cannot be reached at the moment."""


class StoreRefused(StoreError):
    """The store refuses, and waiting will not help: full, read-only, not allowed."""


class InfrastructureError(FlowError):
    """A machine, a scheduler or a network did not do what was asked."""

    exit_code = 3


class Interrupted(FlowError):
    """The run was interrupted and can be resumed."""

    exit_code = 130

"""The seam between the engine and whatever runs a node.

An executor starts an attempt somewhere and tells its outcome once, from any
thread.  It knows nothing of flows, runs or stores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from cloudmesh.flow.model.flow import Task

__all__ = ["Attempt", "Done", "Executor", "Outcome"]


class Outcome(NamedTuple):
    """How an attempt ended.

    ``status`` is ``finished`` or ``error``.  ``value`` is what the function
    returned, or a command's stdout, stripped.  ``error`` is
    ``{"type", "message", "traceback"}``.  ``exit_code`` as in the contract: 0
    for finished, a command's or ``SystemExit``'s own, 128 + N for signal N, None
    otherwise.  ``lost``: the machine or worker died under it, so that another
    attempt may well succeed.  ``kinds`` are the names of the exception's class
    and its bases (what ``retry_on`` is compared with).  `call.call` gives the
    fields as a plain tuple: ``Outcome(*call(…))``.
    """

    status: str
    value: Any = None
    error: dict[str, str] | None = None
    exit_code: int | None = None
    lost: bool = False
    kinds: tuple[str, ...] = ()


class Attempt:
    """One start of one node.

    ``function`` is the callable on this machine (None for a command);
    ``arguments`` its keyword arguments, or the values of the names that a
    command uses.  ``log(stream, text)`` takes output as it comes (``out`` or
    ``err``), ``progress(percent, text)`` what the node says of itself;
    ``intent(document)`` returns when the record of something that is about to
    be made outside is on disk.  ``where`` may be set by the executor to say
    where it runs, ``began`` to when it began there (``time.monotonic()``).
    ``cancelled`` is set by `Executor.cancel`.
    """

    def __init__(
        self,
        run: str,
        node: str,
        number: int,
        key: str,
        task: Task,
        function: Callable[..., Any] | None,
        arguments: Mapping[str, Any],
        log: Callable[[str, str], None],
        progress: Callable[[float, str], None],
        intent: Callable[[dict[str, Any]], None],
        where: str = "local",
    ) -> None:
        self.run = run
        self.node = node
        self.number = number
        self.key = key
        self.task = task
        self.function = function
        self.arguments = arguments
        self.log = log
        self.progress = progress
        self.intent = intent
        self.where = where
        self.cancelled = False
        self.began: float | None = None
        self.extra: dict[str, Any] = {}  # the executor's own


Done = Callable[[Attempt, Outcome], None]


class Executor(Protocol):
    """Somewhere that nodes run."""

    slots: int | None  # how many attempts at once; None: the engine's --parallel

    def start(self, attempt: Attempt, done: Done) -> None:
        """Start an attempt and return at once; ``done`` is called exactly once, from any thread."""
        ...

    def cancel(self, attempt: Attempt) -> None:
        """End an attempt with all its children; its ``done`` is still called."""
        ...

    def close(self) -> None:
        """End everything that still runs and give back what was made."""
        ...

"""The one way in: run, resume, retry, cancel, define.

The command line, the server, the notebook and ``BaseWorkFlow.run()`` all come
through here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from cloudmesh.flow.language.program import Program
    from cloudmesh.flow.run.run import Run as RunState
    from cloudmesh.flow.store.protocol import Store


class Observer(Protocol):
    """Told what happens while an engine runs; every method is called from engine threads, under its lock.

    Must return quickly and must not raise.
    """

    def begun(self, run: str, state: RunState) -> None:
        """The run is recorded."""

    def batch(self, seq: int, events: list[tuple[Any, ...]]) -> None:
        """A batch has been committed (nodes by number, see `run.events`)."""

    def output(self, node: str, stream: str, text: str) -> None:
        """A node printed something (whole lines)."""

    def note(self, text: str) -> None:
        """Something that the user should know, one line."""

    def ended(self, status: str) -> None:
        """The run has ended with that status."""


class RunNode:
    """A node of a `Run`: ``value``, ``status``, ``result``, ``error``, ``attempt``."""


class Run:
    """A run, as its user sees it: ``id``, ``status``, ``run["b"].value``, ``values``, ``raise_for_error()``."""


def define(program: Program, store: Store, *, redefine: bool = False) -> None:
    """Store the definition of a program's flow."""


def run(
    program: Program,
    store: Store,
    *,
    parameters: Mapping[str, Any] | None = None,
    on: Mapping[str, str] | None = None,
    parallel: int | None = None,
    observer: Observer | None = None,
    run_id: str | None = None,
    signals: bool = False,
) -> Run:
    """Run a program to its end.

    ``parameters`` are run parameters (already converted); ``on`` maps nodes to
    infrastructure; ``signals``: handle SIGINT and SIGTERM (the command line).
    """


def resume(
    run_id: str,
    store: Store,
    *,
    program: Program | None = None,
    force: bool = False,
    parallel: int | None = None,
    observer: Observer | None = None,
    signals: bool = False,
) -> Run:
    """Go on with a run whose engine is gone."""


def cancel(run_id: str, store: Store, *, by: str = "", wait: float = 10.0) -> str:
    """Cancel a run; returns its status.  Waits up to ``wait`` seconds for its end."""


def find_run(store: Store, text: str) -> dict[str, Any]:
    """The ``flow-runs`` document that ``text`` names: an id, a prefix, ``latest``, a flow's name.

    Adds ``engine: lost`` as readers show it.  Raises `NotFound` (exit 2), also where it is ambiguous.
    """


def new_run_id() -> str:
    """Eight lower-case letters and digits."""

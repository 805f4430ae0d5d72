"""With what the contract of stores is tried: comparisons, and a store with names of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from cloudmesh.flow.model.documents import (
    run_specs,
    run_upstream,
    utc_text,
)
from cloudmesh.flow.model.flow import Flow, Node, Task
from cloudmesh.flow.store.protocol import Journal, NodeRow, RunHead, Store

__all__ = [
    "NOW",
    "Broken",
    "Setting",
    "field",
    "holds",
    "pending",
    "refused",
    "row",
    "same",
]

NOW = 1_556_757_131.034870  # 2019-05-02 00:32:11.034870


class Broken(AssertionError):
    """A store does not keep its contract."""


def same(got: Any, wanted: Any, what: str) -> None:
    """Raises `Broken` where two values differ."""
    if got != wanted or type(got) is not type(wanted):
        raise Broken(f"{what}: wanted {_short(wanted)}, got {_short(got)}")


def holds(condition: bool, what: str) -> None:
    """Raises `Broken` where that is false."""
    if not condition:
        raise Broken(what)


def refused(kind: type[Exception], action: Callable[[], object], what: str) -> None:
    """Raises `Broken` where an action does not raise that kind of error."""
    try:
        action()
    except kind:
        return
    raise Broken(f"{what}: wanted {kind.__name__}, but it was done")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 300 else text[:300] + "…"


def row(n: int, name: str, status: str = "pending", **fields: Any) -> NodeRow:
    """A node's row; what is not said is empty."""
    said = {"attempt": 0, **fields}
    values: list[Any] = [said.get(field) for field in NodeRow._fields[3:]]
    return NodeRow(n, name, status, *values)


def pending(flow: Flow) -> list[tuple[int, str]]:
    """The nodes with which a run of a flow begins."""
    return [(n, node.name) for n, node in enumerate(flow.nodes)]


class Setting:
    """A store to try, and names that nothing else uses."""

    def __init__(self, open_it: Callable[[], Store]) -> None:
        self.open = open_it
        self.store = open_it()

    def name(self) -> str:
        """A new name for a flow."""
        return f"check-{os.urandom(4).hex()}"

    def run_id(self) -> str:
        """A new name for a run."""
        return os.urandom(4).hex()

    def flow(self, name: str = "") -> Flow:
        """The seed's flow: a, then b and c."""
        nodes = (Node("a"), Node("b", Task(retries=2, on="lab")), Node("c"))
        return Flow(name or self.name(), nodes, ((), (0,), (0,)), text=("a; b || c",))

    def head(self, flow: Flow, run: str = "", started: float = NOW) -> RunHead:
        """The head of a new run of a flow."""
        return RunHead(
            run or self.run_id(),
            flow.name,
            flow.text[0],
            {"x": 1, "text": "ä"},
            utc_text(started),
            {"python": "3.11"},
            {"pending": len(flow.nodes), "finished": 0},
        )

    def begin(self, flow: Flow | None = None, run: str = "", started: float = NOW) -> Journal:
        """A run of the seed's flow, its nodes pending."""
        flow = flow or self.flow()
        journal = self.store.create(self.head(flow, run, started), '[["run",1.5,{}]]')
        journal.add_nodes(pending(flow), run_upstream(flow), run_specs(flow, NOW))
        return journal


def field(documents: Any, field: str) -> list[Any]:
    """One field of each document."""
    return [document[field] for document in documents]

"""Flows for pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from cloudmesh.flow.model.flow import Flow, Node, Task


def make_flow(
    needs: Mapping[str, list[str]],
    maps: Mapping[str, str] | None = None,
    tasks: Mapping[str, Task] | None = None,
) -> Flow:
    """A flow from the names that each node needs."""
    order = {name: i for i, name in enumerate(needs)}
    nodes = tuple(
        Node(n, (tasks or {}).get(n, Task()), n in (maps or {}), (maps or {}).get(n)) for n in needs
    )
    return Flow("test", nodes, tuple(tuple(order[m] for m in wanted) for wanted in needs.values()))


@pytest.fixture(scope="session")
def flow_of() -> Callable[..., Flow]:
    return make_flow

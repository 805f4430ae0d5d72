"""Small flows, made without the language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from cloudmesh.flow.model.flow import Flow, Node, Task


def make_flow(
    needs: Mapping[str, Sequence[str]],
    *,
    maps: Mapping[str, str] | None = None,
    tasks: Mapping[str, Task] | None = None,
) -> Flow:
    """A flow from ``{node: what it needs}``; ``maps`` gives the source of each mapped node."""
    names = list(needs)
    maps, tasks = maps or {}, tasks or {}
    return Flow(
        name="t",
        nodes=tuple(
            Node(name, tasks.get(name, Task()), name in maps, maps.get(name)) for name in names
        ),
        needs=tuple(tuple(names.index(n) for n in needs[name]) for name in names),
        text=("t",),
    )


@pytest.fixture
def flow() -> Callable[..., Flow]:
    return make_flow

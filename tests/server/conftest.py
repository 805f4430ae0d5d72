"""A store in memory, and runs in it that are driven by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from hand import BEGUN, Hand, make_flow

from cloudmesh.flow.model.flow import Flow
from cloudmesh.flow.store.memory import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def flow_of() -> Callable[..., Flow]:
    return make_flow


@pytest.fixture
def hand(store: MemoryStore) -> Callable[..., Hand]:
    """Begin a run that is driven by hand."""

    def begin(needs: Mapping[str, list[str]], run: str = "k7q2m9xd", **more: Any) -> Hand:
        begun = more.pop("begun", BEGUN)
        parameters = more.pop("parameters", None)
        return Hand(more.pop("store", store), make_flow(needs, **more), run, parameters, begun)

    return begin

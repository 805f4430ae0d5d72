"""Pools as they are written."""

from __future__ import annotations

from typing import Any

import pytest

from cloudmesh.flow.model.pools import Pool, read_pool


@pytest.mark.parametrize(
    ("spec", "pool"),
    [
        (2, Pool(2)),
        ({"slots": 2}, Pool(2)),
        ({"rate": "10/s"}, Pool(None, (10, 1.0))),
        ({"slots": 2, "rate": " 100 / 5m"}, Pool(2, (100, 300.0))),
        ({"rate": "7/min"}, Pool(None, (7, 60.0))),
    ],
)
def test_a_pool(spec: Any, pool: Pool) -> None:
    assert read_pool(spec) == pool


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (0, "whole number"),
        (True, "whole number"),
        ("2", "whole number"),
        (None, "whole number"),
        ({}, "says nothing"),
        ({"size": 1}, "no key 'size'"),
        ({"slots": 0}, "whole number"),
        ({"rate": 10}, "10/s"),
        ({"rate": "0/s"}, "10/s"),
        ({"rate": "10/0s"}, "10/s"),
        ({"rate": "10/week"}, "10/s"),
    ],
)
def test_no_pool(spec: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_pool(spec)

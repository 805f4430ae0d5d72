"""Long strings and lists, written piece by piece: the same JSON as in one go."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.codecs import long
from cloudmesh.flow.model.value import exact_json

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=3), inner, max_size=7)
    ),
    max_leaves=40,
)


@given(values)
def test_piece_by_piece_it_is_the_same(value: Any) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(long, "PIECE", 4)
        patch.setattr(long, "ITEMS", 3)
        written = long.write(value)
    text = exact_json(value)
    assert (written is None) == (text is None)
    if text is not None and written is not None:
        assert exact_json(long.read([written])) == text
        assert "\\ud" in text or written == text.encode()  # escapes are written where they must be


def test_what_json_does_not_give_back_is_refused() -> None:
    itself: list[Any] = [0] * 20_000
    itself.append(itself)
    around: dict[str, Any] = {"value": ["x"] * 20_000}
    around["more"] = around
    for value in (
        itself,
        around,
        [(1, 2)] * 20_000,
        {"value": ["x"] * 20_000, "$type": 1},
        {"value": ["x"] * 20_000, 1: 2},
        [1.5] * 20_000 + [float("nan")],
    ):
        assert long.write(value) is None

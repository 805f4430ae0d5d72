"""What is recorded of a value: the short way gives what the long one does."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from cloudmesh.flow.engine.results import SHORT, Results
from cloudmesh.flow.engine.veil import Veil
from cloudmesh.flow.model.value import read


def kept(secrets: list[str] | None = None) -> Results:
    blobs: dict[str, bytes] = {}

    def put(data: bytes) -> str:
        name = str(len(blobs))
        blobs[name] = data
        return name

    return Results(put, blobs.__getitem__, Veil(secrets or []))


anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=())),
    st.binary(),
    st.lists(st.integers()),
    st.dictionaries(st.sampled_from(["status", "value", "color", "x"]), st.text()),
)


@given(anything)
@example(10**5000)
@example("\ud800")
@example("x" * SHORT)
@example("x" * 70_000)
@example({"status": "done"})
def test_the_simple_way_records_what_the_general_one_does(value: Any) -> None:
    simple = kept().simple(value)
    if value is None or type(value) is bool or (type(value) is int and value < 1000):
        assert simple is not None
    if simple is not None:
        assert kept().write(read(value)) == (simple, None)


def test_where_there_are_secrets_nothing_is_simple() -> None:
    assert kept(["12345678"]).simple(12345678) is None


def test_a_class_of_a_simple_one_is_not_simple() -> None:
    class Own(int):
        pass

    assert kept().simple(Own(3)) is None

"""The report rule, and what is JSON and what is not."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.model.value import Value, exact_json, read, shown


@pytest.mark.parametrize(
    "returned",
    [
        {"status": "done", "color": "green", "shape": "circle", "label": "a"},
        {"status": "done", "value": 3},
        {"status": "finished"},
        {"value": 3, "color": "red"},
        {"value": 3, "label": "x"},
    ],
)
def test_reports(returned: dict[str, Any]) -> None:
    report = read(returned)
    assert report.result == returned
    assert report.value == returned.get("value")
    assert not report.failed


@pytest.mark.parametrize(
    "returned",
    [
        {},
        {"value": 3},
        {"color": "red"},
        {"status": "ok"},
        {"status": 3, "color": "red"},
        {"status": "done", "rows": 3},
        {"value": 3, "color": "red", "more": 1},
        [1],
        "done",
        None,
    ],
)
def test_everything_else_is_the_value_itself(returned: Any) -> None:
    assert read(returned) == (returned, returned, None, False, False)


def test_value_wraps_what_looks_like_a_report() -> None:
    report = read(Value({"status": "done", "value": 3}))
    assert report.value == {"status": "done", "value": 3}
    assert report.raw


@pytest.mark.parametrize("status", ["error", "failed"])
def test_a_report_of_error(status: str) -> None:
    assert read({"status": status, "value": 1, "color": "red"}).failed


def test_the_look_is_text() -> None:
    assert read({"value": 1, "color": 3, "label": "é"}).look == {"color": "3", "label": "é"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_what_is_json_comes_back_equal_and_of_the_same_types(value: Any) -> None:
    text = exact_json(value)
    if text is None:
        assert any(f'"{mark}"' in json.dumps(value) for mark in ("$type", "$ref", "$json", "$"))
        return
    text.encode()  # every store takes it
    back = json.loads(text)
    assert repr(back) == repr(value)  # -0.0, and True beside 1


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        [(1,)],
        {1: 2},
        {"a": {2}},
        math.nan,
        [math.inf],
        b"x",
        {"$ref": "x"},
        10**5000,
        object(),
        type("S", (str,), {})("x"),
        type("D", (dict,), {})(a=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_would_change_is_no_json(value: Any) -> None:
    assert exact_json(value) is None


def test_a_list_that_holds_itself_is_no_json() -> None:
    value: list[Any] = []
    value.append(value)
    assert exact_json(value) is None


def test_a_very_deep_list_is_no_json_or_comes_back() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    assert exact_json(value) is None


def test_a_lone_surrogate_is_stored_as_its_escape() -> None:
    assert exact_json("\ud800") == '"\\ud800"'
    assert exact_json(["\ud800", "é"]) == '["\\ud800","\\u00e9"]'


def test_what_is_shown_of_a_value() -> None:
    assert shown((1, 2)) == {"$type": "tuple", "text": "(1, 2)"}
    assert len(shown("x" * 10_000)["text"]) == 2001

    class Bad:
        def __repr__(self) -> str:
            raise ZeroDivisionError

    assert "ZeroDivisionError" in shown(Bad())["text"]

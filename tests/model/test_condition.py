from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.model.condition import parse

VALUES: dict[str, Any] = {
    "a": 4,
    "b": {"ok": True, "items": [1, {"x": "y"}], "n-1": 0},
    "t": "text",
    "none": None,
    "nothing": [],
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a > 3", True),
        ("a > 3 and b.ok", True),
        ("a > 4 or not b.ok", False),
        ("1 < a <= 4", True),
        ("1 < a < 4", False),
        ("a in [1, 4]", True),
        ("a not in (1, 4)", False),
        ("'ok' in b", True),
        ("'ex' in t", True),
        ("b.items[1].x == 'y'", True),
        ("b['items'][-1]['x'] == 'y'", True),
        ("b['n-1'] == 0", True),
        ("none is None", True),
        ("none == null", True),
        ("b.ok == true", True),
        ("nothing", False),
        ("not nothing", True),
        ("a == -4", False),
        ("a and 'x'", True),
        ("t[0] == 't'", True),
        ("b.items == [1, {'x': 'y'}] and b != {}", True),
        ("a > 3\n  and not nothing\n", True),
        ("a\n> 3 # a comment ends it", None),
        ("a > 3 # a comment", True),
    ],
)
def test_what_holds(text: str, holds: bool | None) -> None:
    if holds is None:
        with pytest.raises(ValueError, match="no condition"):
            parse(text)
        return
    assert parse(text).evaluate(VALUES) is holds


def test_its_names() -> None:
    assert parse("a > 3 and b.ok or c[0] in a").names == ("a", "b", "c")


def test_and_or_stop_where_they_can() -> None:
    assert parse("none is None or none.x").evaluate(VALUES)
    assert not parse("nothing and nothing[3]").evaluate(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a +",
        "a = 3",
        "a + 1 > 2",
        "-a > 2",
        "a == {**b}",
        "f(a)",
        "__import__('os')",
        "a.__class__",
        "a[b]",
        "a[1:2]",
        "[x for x in a]",
        "lambda: 1",
        "a if b else c",
        "f'{a}'",
        "(a := 3)",
        "b'x'",
        "1j",
        "...",
        "*a",
        "await a",
        "a; b",
        "not " * 3000 + "a",
        "x" * 20_000,
        "a\0",
    ],
)
def test_nothing_else_is_possible(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("b.no", KeyError, "b.no: there is no 'no', only ok, items, n-1"),
        ("b['items'][7]", IndexError, "there are only 2"),
        ("a.x", TypeError, "a int has no 'x'"),
        ("t.upper", TypeError, "a str has no 'upper'"),
        ("a > t", TypeError, ""),
    ],
)
def test_a_value_without_what_is_asked_for(text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        parse(text).evaluate(VALUES)
    assert said in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        condition = parse(text)
    except ValueError:
        return
    with contextlib.suppress(KeyError, IndexError, TypeError):
        condition.evaluate(dict.fromkeys(condition.names, 1))


def test_what_can_be_read_can_be_evaluated() -> None:
    deep = "(" * 50 + "not " * 50 + "a" + ")" * 50
    assert parse(deep).evaluate({"a": 1}) is True
    with pytest.raises(ValueError, match="nested too deeply"):
        parse("not " * 101 + "a")

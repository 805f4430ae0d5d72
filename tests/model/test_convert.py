from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.model.convert import convert


@pytest.mark.parametrize(
    ("text", "type_name", "value"),
    [
        ("3", "int", 3),
        (" -3 ", "int", -3),
        ("3", "float", 3.0),
        ("1e3", "float", 1000.0),
        ("true", "bool", True),
        ("No", "bool", False),
        ("0", "bool", False),
        ("3", "str", "3"),
        ("null", "str", "null"),
        ("[1, 2]", "list", [1, 2]),
        ("[1, 2]", "list[int]", [1, 2]),
        ("[1, 2]", "typing.List[int]", [1, 2]),
        ('{"a": 1}', "dict[str, int]", {"a": 1}),
        ("[1]", "tuple", (1,)),
        ("3", "int | None", 3),
        ("null", "int | None", None),
        ("3", "", 3),
        ("3.5", "", 3.5),
        ("[1]", "", [1]),
        ("hello", "", "hello"),
        ("NaN", "", "NaN"),
        ("true", "", True),
        ("3", "SomethingElse", 3),
        ("x", "any", "x"),
    ],
)
def test_text_by_annotation(text: str, type_name: str, value: Any) -> None:
    found = convert(text, type_name)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "type_name", "said"),
    [
        ("x", "int", "is no whole number"),
        ("3.0", "int", "is no whole number"),
        ("", "int", "is no whole number"),
        ("x", "float", "is no number"),
        ("maybe", "bool", "is no true or false"),
        ("1, 2", "list", "like [1, 2]"),
        ('{"a": 1}', "list", "like [1, 2]"),
        ("[1]", "dict", "is no dict"),
        ("[NaN]", "list", "is no list"),
        ("9" * 5000, "int", "is no whole number"),
        ("[" * 100_000, "list", "is no list"),
    ],
)
def test_a_text_of_another_type_is_refused(text: str, type_name: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        convert(text, type_name)
    assert said in str(error.value)


@given(st.text(max_size=30), st.sampled_from(["int", "float", "bool", "str", "list", "dict", ""]))
def test_any_text_is_converted_or_refused(text: str, type_name: str) -> None:
    with contextlib.suppress(InputError):
        convert(text, type_name)

"""JSON values on a server of MongoDB's protocol, and what its errors mean."""

from __future__ import annotations

import json
from typing import Any

import bson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymongo import errors

from cloudmesh.flow.errors import StoreRefused, StoreUnavailable
from cloudmesh.flow.store.mongo_values import from_bson, mapped, to_bson

KEYS = st.one_of(
    st.sampled_from(["$ref", "$json", "json", "a.b", "", "\0", "_id", "a"]), st.text(max_size=5)
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=10,
)


@given(VALUES, st.booleans())
def test_every_value_comes_back_through_bson(value: Any, strict: bool) -> None:
    stored = bson.decode(bson.encode({"v": to_bson(value, strict)}))["v"]
    assert json.dumps(from_bson(stored)) == json.dumps(value)


@given(VALUES)
def test_what_is_stored_strictly_has_nothing_that_ferretdb_refuses(value: Any) -> None:
    stack = [(to_bson(value), False)]
    while stack:
        item, in_list = stack.pop()
        assert not (in_list and isinstance(item, list))
        if isinstance(item, dict):
            assert not any("." in key or "\0" in key or key.startswith("$") for key in item)
            stack.extend((part, False) for part in item.values())
        elif isinstance(item, list):
            stack.extend((part, True) for part in item)


def test_plain_values_are_stored_as_they_are_so_that_users_can_query_them() -> None:
    for value in (1, "x", [1, 2], {"a": {"b": [1, {"c": None}]}}, None, 1.5):
        assert to_bson(value) is value
    assert to_bson([[1]], strict=False) == [[1]]
    assert to_bson([[1]]) == {"json": "[[1]]"}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.ServerSelectionTimeoutError("gone"), StoreUnavailable),
        (errors.AutoReconnect("gone"), StoreUnavailable),
        (errors.NetworkTimeout("slow"), StoreUnavailable),
        (errors.NotPrimaryError("stepped down"), StoreUnavailable),
        (errors.OperationFailure("shutdown", 91), StoreUnavailable),
        (errors.OperationFailure("auth", 18), StoreRefused),
        (errors.OperationFailure("not authorized", 13), StoreRefused),
        (errors.WriteError("full", 14031), StoreRefused),
        (errors.BulkWriteError({"writeErrors": [{"code": 13, "errmsg": "no"}]}), StoreRefused),
        (errors.DocumentTooLarge("16 MB"), StoreRefused),
        (errors.DuplicateKeyError("there"), errors.DuplicateKeyError),
    ],
)
def test_an_error_says_whether_it_will_pass(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught, mapped("mongodb://h/d"):
        raise error
    if kind is not errors.DuplicateKeyError:
        assert "mongodb://h/d" in str(caught.value)
        assert "\n" not in str(caught.value)

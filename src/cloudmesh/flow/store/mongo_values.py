"""JSON values and errors, between us and a server that speaks MongoDB's protocol.

What the server takes as it is, is stored as it is, so that users can query it.
Everything else stands as ``{"json": TEXT}``: integers of more than 64 bits, keys
with ``.``, ``$`` or NUL, a dict whose only key is ``json``; on FerretDB also a list
within a list, and negative zero.  (A key with ``$``, as in ``{"$json": …}``, is
itself refused by FerretDB, and by MongoDB before 5.0.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cloudmesh.flow.errors import StoreError, StoreRefused, StoreUnavailable
from cloudmesh.flow.store.names import dumps

__all__ = ["from_bson", "mapped", "only_duplicates", "to_bson"]

DEPTH = 50
WRAPPED = "json"

#: Out of disk, unauthorized, authentication failed, quota of a hosted server.
_LASTING = frozenset((13, 18, 14031, 8000))
#: Interrupted, shut down, stepped down, timed out, no primary, write concern failed.
_PASSING = frozenset(
    (6, 7, 50, 64, 89, 91, 112, 133, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436)
)


def to_bson(value: Any, strict: bool = True) -> Any:
    """A JSON value as the server takes it; ``strict``: as every server takes it."""
    return value if _is_plain(value, strict) else {WRAPPED: dumps(value)}


def from_bson(value: Any) -> Any:
    """The JSON value that `to_bson` wrote."""
    if type(value) is dict and len(value) == 1 and isinstance(value.get(WRAPPED), str):
        return json.loads(value[WRAPPED])
    return value


def _is_plain(value: Any, strict: bool) -> bool:
    if type(value) is dict and value.keys() == {WRAPPED}:
        return False
    stack = [(value, 0, False)]
    while stack:
        item, depth, in_list = stack.pop()
        kind = type(item)
        if kind is str:
            if not _is_text(item):
                return False
        elif kind is int:
            if not -(2**63) <= item < 2**63:
                return False
        elif kind is float:
            if item != item or item in (float("inf"), float("-inf")):
                return False
            if strict and str(item) == "-0.0":
                return False
        elif kind is list:
            if (in_list and strict) or depth > DEPTH:
                return False
            stack.extend((part, depth + 1, True) for part in item)
        elif kind is dict:
            if depth > DEPTH or not all(map(_is_key, item)):
                return False
            stack.extend((part, depth + 1, False) for part in item.values())
    return True


def _is_key(key: str) -> bool:
    return not ("." in key or "\0" in key or key.startswith("$")) and _is_text(key)


def _is_text(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def mapped(url: str) -> Iterator[None]:
    """Errors of the driver as what they mean to a run.  A duplicate key passes as it is."""
    from bson.errors import BSONError
    from pymongo.errors import DuplicateKeyError, PyMongoError

    try:
        yield
    except DuplicateKeyError:
        raise
    except (PyMongoError, BSONError) as error:
        raise _store_error(error, url) from error


def _store_error(error: Exception, url: str) -> StoreError:
    from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure

    text = str(error)
    for noise in (", full error", ", Timeout:", " (configured timeouts"):
        text = text.partition(noise)[0]
    if isinstance(error, ConnectionFailure):
        return StoreUnavailable(
            f"the store {url} cannot be reached: {text}; is the server running there?"
        )
    code = error.code if isinstance(error, OperationFailure) else None
    if isinstance(error, BulkWriteError):
        first = ((error.details or {}).get("writeErrors") or [{}])[0]
        code, text = first.get("code", code), first.get("errmsg", text)
    passing = isinstance(error, OperationFailure) and (
        code in _PASSING or error.has_error_label("RetryableWriteError")
    )
    if passing and code not in _LASTING:
        return StoreUnavailable(f"the store {url} does not answer: {text}")
    return StoreRefused(f"the store {url} refuses: {text}")


def only_duplicates(error: Any) -> None:
    """Pass over documents that are there already; raise the error where it says anything else."""
    details = error.details or {}
    if any(each.get("code") != 11000 for each in details.get("writeErrors", [])):
        raise error

"""What a node returns: the report rule, and what is JSON and what is not.  Pure."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

__all__ = ["MARKS", "SCALARS", "Report", "Value", "exact_json", "read", "shown"]

REPORT_KEYS = frozenset(("status", "color", "shape", "label", "value"))
REPORT_STATUSES = frozenset(("done", "finished", "error", "failed"))
LOOK_KEYS = ("color", "label", "shape")
#: Keys that mean something in a stored ``result``; a user's dict with one of them is no plain JSON.
MARKS = frozenset(("$type", "$ref", "$json", "$"))
#: How much of a value that is no JSON is shown as text.
TEXT_MAX = 2_000

#: What is JSON as it is, but for a number of very many digits.
SCALARS = frozenset((type(None), bool, int, str))
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Value:
    """``return Value(x)``: x is the node's value itself, even where it looks like a report."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"Value({self.value!r})"


class Report(NamedTuple):
    """What a node returned, taken apart.

    ``result`` is what is stored, ``value`` what successors receive; ``raw`` is
    true where the value is the result itself although it looks like a report.
    """

    result: Any
    value: Any
    look: dict[str, str] | None = None
    failed: bool = False
    raw: bool = False


def read(returned: Any) -> Report:
    """Take apart what a node returned, by the report rule of the contract."""
    kind = type(returned)
    if kind is Value:
        inner = returned.value
        return Report(inner, inner, raw=isinstance(inner, dict))
    if kind is not dict or not is_report(returned):
        return Report(returned, returned)
    look = {k: str(returned[k]) for k in LOOK_KEYS if returned.get(k) is not None}
    failed = returned.get("status") in ("error", "failed")
    return Report(returned, returned.get("value"), look or None, failed)


def is_report(returned: dict[Any, Any]) -> bool:
    """Whether a dict is a report: only its keys, and a known status or a value beside a look."""
    if not returned or not returned.keys() <= REPORT_KEYS:
        return False
    status = returned.get("status")
    if isinstance(status, str) and status in REPORT_STATUSES:
        return True
    return "value" in returned and any(k in returned for k in LOOK_KEYS)


def exact_json(value: Any) -> str | None:
    """The JSON text of a value that JSON gives back equal and of the same types, else None."""
    kind = type(value)
    if kind is str:
        return _string(value)
    if value is None or kind is bool:
        return "null" if value is None else "true" if value else "false"
    if kind is int:
        # A number of very many digits is refused on reading by the interpreter itself.
        return repr(value) if value.bit_length() < 14_000 else None
    try:
        text = _encoder.encode(value)  # first, because it notices a list that holds itself
    except (TypeError, ValueError, RecursionError):
        return None
    if not _is_exact(value):
        return None
    return text if text.isascii() or _is_utf8(text) else json.dumps(value, separators=(",", ":"))


def _string(value: str) -> str:
    text = _encoder.encode(value)
    return text if text.isascii() or _is_utf8(text) else json.dumps(value)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate: only its escape can be stored
        return False
    return True


def _is_exact(value: Any) -> bool:
    """Whether everything in a value is of a type that JSON gives back."""
    stack = [value]
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind in SCALARS:
            if kind is int and item.bit_length() >= 14_000:
                return False
        elif kind is float:
            if item != item or item in (float("inf"), float("-inf")):
                return False
        elif kind is list:
            stack.extend(item)
        elif kind is dict:
            for key in item:
                if type(key) is not str or key in MARKS:
                    return False
            stack.extend(item.values())
        else:
            return False
    return True


def shown(value: Any) -> dict[str, str]:
    """``{"$type", "text"}``: what is stored and shown of a value that is no JSON."""
    kind = type(value)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        module = kind.__module__.removesuffix("._local")  # pathlib._local of Python 3.13
        name = f"{module}.{name}"
    if kind in (bytes, bytearray):
        value = value[: TEXT_MAX + 1]  # what is cut off below need not be written out
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{name}; its repr() raised {type(error).__name__}>"
    if len(text) > TEXT_MAX:
        text = text[:TEXT_MAX] + "…"
    return {"$type": name, "text": text.encode("utf-8", "backslashreplace").decode()}

"""Values that are no JSON, written so that their types come back.

Two codecs.  ``tagged`` is JSON in which an object of a known type stands as
``{"$": WORD, "v": …}``; it may be loaded by anyone.  ``pickle`` is cloudpickle,
signed with this user's key and loaded only with that signature.

The known types are a table, one row each: word, test, write, read.  A library
is imported only when a value of it is met, or when its word is read.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from typing import Any

from cloudmesh.flow.model.value import MARKS

__all__ = ["decode", "encode"]


class Unknown(Exception):
    """A value holds something that the tagged form has no word for."""


def encode(value: Any, *, trust_module: str = "") -> tuple[str, bytes]:
    """Write a value; returns the codec's name and its bytes.

    ``trust_module`` is the flow's own module: its dataclasses have a word.
    Raises `ValueError` where the value cannot be stored at all; the message
    says what and why.
    """
    try:
        tree = _write(value, trust_module)
        return "tagged", json.dumps(tree, ensure_ascii=True, separators=(",", ":")).encode()
    except (Unknown, RecursionError, ValueError):
        from cloudmesh.flow.codecs import signed

        return "pickle", signed.dumps(value)


def decode(codec: str, data: bytes) -> Any:
    """Read a value that `encode` wrote.  Raises `ValueError` where that cannot be."""
    if codec == "tagged":
        return _read(json.loads(data))
    if codec == "json":
        return json.loads(data)
    if codec == "pickle":
        from cloudmesh.flow.codecs import signed

        return signed.loads(data)
    raise ValueError(f"a value was written with codec {codec!r}, which this version does not know")


def _write(value: Any, module: str) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is int or kind is str:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$": "float", "v": repr(value)}
    if kind is list:
        return [_write(item, module) for item in value]
    if kind is dict:
        if all(type(key) is str and key not in MARKS for key in value):
            return {key: _write(item, module) for key, item in value.items()}
        return {
            "$": "dict",
            "v": [[_write(k, module), _write(v, module)] for k, v in value.items()],
        }
    writer = _BUILTIN.get(f"{kind.__module__}.{kind.__qualname__}")
    if writer is not None:
        return {"$": writer[0], "v": writer[1](value, module)}
    return _write_library(value, kind, module)


def _write_library(value: Any, kind: type, module: str) -> Any:
    """A value of a library, found by the module of its type; or an object of the flow's own."""
    from cloudmesh.flow.codecs import models

    top = kind.__module__.partition(".")[0]
    if top == "numpy":
        from cloudmesh.flow.codecs import numpy as library
    elif top == "pandas":
        from cloudmesh.flow.codecs import pandas as library  # type: ignore[no-redef]
    else:
        return models.write(value, kind, module, lambda item: _write(item, module))
    written = library.write(value)
    if written is None:
        raise Unknown(kind.__name__)
    return {"$": f"{top}.{written[0]}", "v": _write(written[1], module)}


def _read(tree: Any) -> Any:
    if isinstance(tree, list):
        return [_read(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    word = tree.get("$")
    if word is None:
        return {key: _read(item) for key, item in tree.items()}
    body = tree["v"]
    if word in _READERS:
        return _READERS[word](body)
    top, _, name = word.partition(".")
    if top == "numpy":
        from cloudmesh.flow.codecs import numpy as library
    elif top == "pandas":
        from cloudmesh.flow.codecs import pandas as library  # type: ignore[no-redef]
    elif word in ("dataclass", "pydantic", "enum"):
        from cloudmesh.flow.codecs import models

        return models.read(word, body, _read)
    else:
        raise ValueError(
            f"a value was written with the word {word!r}, which this version does not know"
        )
    return library.read(name, _read(body))


def _sequence(value: Any, module: str) -> list[Any]:
    return [_write(item, module) for item in value]


def _temporal(value: Any, _module: str) -> str:
    if getattr(value, "tzinfo", None) is not None and type(value.tzinfo).__name__ != "timezone":
        raise Unknown("a time zone by name")
    if getattr(value, "fold", 0):
        raise Unknown("a folded time")
    return str(value.isoformat())


def _text(value: Any, _module: str) -> str:
    return str(value)


def _b64(value: Any, _module: str) -> str:
    return base64.b64encode(value).decode()


_BUILTIN: dict[str, tuple[str, Callable[[Any, str], Any]]] = {
    "builtins.tuple": ("tuple", _sequence),
    "builtins.set": ("set", _sequence),
    "builtins.frozenset": ("frozenset", _sequence),
    "builtins.bytes": ("bytes", _b64),
    "builtins.bytearray": ("bytearray", _b64),
    "builtins.complex": ("complex", lambda v, _m: [repr(v.real), repr(v.imag)]),
    "builtins.range": ("range", lambda v, _m: [v.start, v.stop, v.step]),
    "datetime.datetime": ("datetime", _temporal),
    "datetime.date": ("date", _temporal),
    "datetime.time": ("time", _temporal),
    "datetime.timedelta": ("timedelta", lambda v, _m: [v.days, v.seconds, v.microseconds]),
    "decimal.Decimal": ("decimal", _text),
    "fractions.Fraction": ("fraction", _text),
    "uuid.UUID": ("uuid", _text),
    **{
        f"{module}.{kind}": (word, _text)
        for module in ("pathlib", "pathlib._local")  # the latter in Python 3.13
        for kind, word in (
            ("PosixPath", "path"),
            ("WindowsPath", "path"),
            ("PurePosixPath", "posixpath"),
            ("PureWindowsPath", "windowspath"),
        )
    },
}


def _make(module: str, name: str) -> Callable[[Any], Any]:
    """A reader that hands the text to a class, imported when it is needed."""

    def read(body: Any) -> Any:
        cls = getattr(__import__(module), name)
        return cls(body)

    return read


def _iso(name: str) -> Callable[[Any], Any]:
    def read(body: Any) -> Any:
        import datetime

        return getattr(datetime, name).fromisoformat(body)

    return read


def _timedelta(body: Any) -> Any:
    import datetime

    return datetime.timedelta(*body)


_READERS: dict[str, Callable[[Any], Any]] = {
    "tuple": lambda body: tuple(map(_read, body)),
    "set": lambda body: set(map(_read, body)),
    "frozenset": lambda body: frozenset(map(_read, body)),
    "dict": lambda body: {_read(k): _read(v) for k, v in body},
    "float": float,
    "bytes": base64.b64decode,
    "bytearray": lambda body: bytearray(base64.b64decode(body)),
    "complex": lambda body: complex(float(body[0]), float(body[1])),
    "range": lambda body: range(*body),
    "datetime": _iso("datetime"),
    "date": _iso("date"),
    "time": _iso("time"),
    "timedelta": _timedelta,
    "decimal": _make("decimal", "Decimal"),
    "fraction": _make("fractions", "Fraction"),
    "uuid": _make("uuid", "UUID"),
    "path": _make("pathlib", "Path"),
    "posixpath": _make("pathlib", "PurePosixPath"),
    "windowspath": _make("pathlib", "PureWindowsPath"),
}

"""``--param`` text to a value, by the annotation of the parameter that takes it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cloudmesh.flow.errors import InputError

__all__ = ["complaint", "convert", "model_of"]

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def convert(text: str, type: str, annotation_object: Any = None) -> Any:
    """The value that a text stands for.

    ``type`` is the annotation as text; ``annotation_object``, where it is
    given, the annotation itself (a pydantic model).  Without a known one, the
    text is JSON if it parses, else itself.  Raises `InputError` for a text that
    the annotation does not take.
    """
    model = model_of(annotation_object)
    kind = type.strip()
    if kind.endswith("]") and kind.partition("[")[0].rpartition(".")[2] == "Optional":
        kind = f"{kind.partition('[')[2][:-1]} | None"
    options = [part.strip() for part in kind.split("|")] if "|" in kind else [kind]
    if "None" in options:
        options.remove("None")
        if text in ("null", "None", ""):
            return None
    if model is not None:
        return _validated(text, model)
    if len(options) > 1:
        return _loose(text)
    base = options[0].partition("[")[0].rpartition(".")[2].lower()
    reader = _READERS.get(base)
    if reader is None:
        return _loose(text)
    try:
        return reader(text)
    except (ValueError, RecursionError):
        raise InputError(f"{text!r} is no {_WORDS.get(base, base)}") from None


def _int(text: str) -> int:
    return int(text.strip(), 10)


def _bool(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(text)


def _list(text: str) -> list[Any]:
    value = json.loads(text, parse_constant=_no_constant)
    if not isinstance(value, list):
        raise ValueError(text)
    return value


def _tuple(text: str) -> tuple[Any, ...]:
    return tuple(_list(text))


def _dict(text: str) -> dict[str, Any]:
    value = json.loads(text, parse_constant=_no_constant)
    if not isinstance(value, dict):
        raise ValueError(text)
    return value


_READERS: dict[str, Callable[[str], Any]] = {
    "int": _int,
    "float": float,
    "bool": _bool,
    "str": str,
    "list": _list,
    "sequence": _list,
    "tuple": _tuple,
    "dict": _dict,
    "mapping": _dict,
}
_WORDS = {
    "int": "whole number",
    "float": "number",
    "bool": "true or false",
    "list": "list: write it as JSON, like [1, 2]",
    "sequence": "list: write it as JSON, like [1, 2]",
    "tuple": "list: write it as JSON, like [1, 2]",
    "dict": 'dict: write it as JSON, like {"a": 1}',
    "mapping": 'dict: write it as JSON, like {"a": 1}',
}


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _loose(text: str) -> Any:
    """JSON if it parses, else the text itself."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def model_of(annotation: Any) -> Any:
    """The pydantic model that an annotation is, or is beside None; without importing pydantic."""
    if hasattr(annotation, "__metadata__"):  # Annotated[Model, …]
        return model_of(annotation.__origin__)
    if isinstance(annotation, type):
        return annotation if hasattr(annotation, "model_validate_json") else None
    parts = [part for part in getattr(annotation, "__args__", ()) if part is not type(None)]
    is_optional = len(parts) == 1 and len(annotation.__args__) == 2
    return model_of(parts[0]) if is_optional else None


def _validated(text: str, model: Any) -> Any:
    try:
        return model.model_validate_json(text)
    except ValueError as error:  # pydantic's ValidationError is one
        raise InputError(f"{text!r} is no {model.__name__}: {complaint(error)}") from None


def complaint(error: ValueError) -> str:
    """What pydantic says is wrong, on a line: ``tags.0: Input should be a valid string``."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error).replace("\n", " ")
    said = []
    for one in errors():
        where = ".".join(str(part) for part in one["loc"])
        said.append(f"{where}: {one['msg']}" if where else one["msg"])
    return "; ".join(said)

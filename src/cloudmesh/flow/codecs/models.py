"""Dataclasses, enums and pydantic models of the flow's own module (or an installed one)."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from cloudmesh.flow.codecs.table import Unknown

__all__ = ["class_named", "class_of", "program_name", "read", "write"]


def write(value: Any, kind: type, module: str, inner: Callable[[Any], Any]) -> dict[str, Any]:
    """The tagged form of an object whose class can be found again by its module and name.

    Raises `Unknown` for any other object, and for one with state that its fields do not hold.
    """
    name = kind.__qualname__
    home = program_name() if kind.__module__ == "__main__" else kind.__module__
    if "<" in name or not home or class_named(home, name) is not kind:
        raise Unknown(name)
    where = [home, name]
    if hasattr(kind, "__dataclass_fields__") and not _has_own_state(kind):
        names = list(kind.__dataclass_fields__)
        if set(getattr(value, "__dict__", {})) - set(names):
            raise Unknown(name)
        return {"$": "dataclass", "v": [*where, {n: inner(getattr(value, n)) for n in names}]}
    enum = sys.modules.get("enum")
    if enum is not None and isinstance(value, enum.Enum) and not isinstance(value, enum.Flag):
        return {"$": "enum", "v": [*where, value.name]}
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        text = value.model_dump_json(round_trip=True)
        if kind.model_validate_json(text) != value:
            raise Unknown(name)
        return {"$": "pydantic", "v": [*where, text]}
    raise Unknown(name)


def _has_own_state(kind: type) -> bool:
    """Whether a class says itself how it is pickled (a slotted dataclass gets that for free)."""
    state = getattr(kind, "__setstate__", None)
    own = state is not None and state.__module__ != "dataclasses"
    return own or getattr(kind, "__reduce__", None) is not object.__reduce__


def read(word: str, body: list[Any], inner: Callable[[Any], Any]) -> Any:
    """The object that `write` wrote.  Raises `ValueError` where its class is gone."""
    module, name, state = body
    cls = class_of(module, name)
    if word == "enum":
        return cls[state]
    if word == "pydantic":
        return cls.model_validate_json(state)
    # Not through __init__: what it computes was stored with the rest.
    thing = object.__new__(cls)
    for field, value in state.items():
        object.__setattr__(thing, field, inner(value))
    return thing


def class_of(module: str, name: str) -> Any:
    """The class of a stored value; pickles refer to this function.

    Raises `ValueError` where it is gone.
    """
    found = class_named(module, name)
    if found is None:
        raise ValueError(f"the class {module}.{name} of a stored value is not there any more")
    return found


def class_named(module: str, name: str) -> Any:
    """What has that name in that module; None where there is nothing."""
    try:
        found: Any = _module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return None
    return found


def _module(name: str) -> Any:
    """The module of that name; the program itself, where that is its file's name.

    So what ``python FILE.py`` wrote is found by ``cms flow resume``, which loads
    the file as a module, and the other way round.
    """
    known = sys.modules.get(name)
    if known is None and name == program_name():
        return sys.modules["__main__"]
    return known or import_module(name)


def program_name() -> str:
    """The name under which the program's file is loaded as a flow; "" where it has no file."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    if not file:
        return ""
    name = re.sub(r"\W", "_", os.path.splitext(os.path.basename(file))[0])
    name = f"_{name}" if name[:1].isdigit() else name
    return f"flow_{name}" if name in sys.stdlib_module_names else name

"""What ``python:`` in a YAML file names: a file or a module, or a class in one."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.language.origin import FunctionsOrigin
from cloudmesh.flow.language.pythonfile import load_module
from cloudmesh.flow.language.pythonorigin import flows_of, python_origin

__all__ = ["beside", "import_module", "open_functions"]


def beside(yaml: str) -> str:
    """The Python file of the same name beside a YAML file, or ``""``."""
    path = os.path.splitext(yaml)[0] + ".py"
    return os.path.basename(path) if os.path.exists(path) else ""


def open_functions(said: str, yaml: str, cls: str = "") -> list[Any]:
    """The origins of functions, in the order in which a name is looked up in them.

    Raises `InputError`.
    """
    target, colon, named = said.rpartition(":")
    if not colon or not named.isidentifier():
        target, named = said, ""
    wanted = cls or named
    folder = os.path.dirname(yaml)
    if target.endswith(".py") or "/" in target:
        path = os.path.join(folder, os.path.expanduser(target))
        module, file = load_module(path), os.path.abspath(path)
    else:
        module, file = import_module(target, folder), target
    if wanted:
        return [python_origin(module, file, wanted)]
    functions = FunctionsOrigin(vars(module), file=file, what=target)
    only = [python_origin(module, file, name) for name in flows_of(module)]
    return [functions, *only] if len(only) == 1 else [functions]


def import_module(name: str, folder: str) -> ModuleType:
    """Import a module by name; those in ``folder`` can be, too.  Raises `InputError`."""
    import importlib

    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        hint = f"; install it for {sys.executable}, or put it beside the file"
        if error.name == name and os.path.exists(os.path.join(folder, f"{name}.py")):
            hint = f"; write {name}.py for the file"
        raise InputError(f"python: {error}{hint}") from None
    except InputError:
        raise
    except Exception as error:  # a module may do anything
        raise InputError(
            f"python: {name} cannot be loaded: {type(error).__name__}: {error}"
        ) from None

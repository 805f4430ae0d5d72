"""Run parameters: as they are given, as a run keeps them, and secrets, which it does not keep.

A run keeps its parameters as JSON.  A pydantic model is kept as its JSON
(`as_json`), and made anew from that when the run is resumed (`for_nodes`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.errors import InputError

if TYPE_CHECKING:
    from cloudmesh.flow.language.program import Program
    from cloudmesh.flow.language.pythonclass import Secret
    from cloudmesh.flow.model.flow import Flow

__all__ = ["as_json", "for_nodes", "pairs", "read_secrets", "secret_names"]


def pairs(texts: Iterable[str], option: str) -> dict[str, str]:
    """``K=V`` texts as a dict.  Raises `InputError` for what is none, and a name given twice."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        name = name.strip()
        if not sign or not name:
            raise InputError(f"{option} {text}: expected NAME=VALUE")
        if name in found:
            raise InputError(f"{option} {name} is given twice")
        found[name] = value
    return found


# -- as a run keeps them -----------------------------------------------------


def as_json(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters as JSON data.  Raises `InputError` for what is none and no pydantic model."""
    from cloudmesh.flow.model.value import exact_json

    kept: dict[str, Any] = {}
    for name, value in parameters.items():
        if hasattr(value, "model_dump"):
            value = value.model_dump(mode="json")
        if isinstance(value, tuple):
            value = list(value)
        if exact_json(value) is None:
            raise InputError(
                f"the run parameter {name} is no JSON (a {type(value).__name__}), so a run cannot "
                "keep it; give it as JSON data, or let a node return it"
            )
        kept[name] = value
    return kept


def for_nodes(program: Program, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Kept parameters as nodes receive them: a pydantic model is made anew from its JSON.

    Raises `InputError` where the model refuses the data.
    """
    made = dict(parameters)
    for name, (kind, node) in takers(program.flow).items():
        function = program.functions.get(node)
        if name not in made or function is None or kind in ("", "int", "float", "bool", "str"):
            continue
        from cloudmesh.flow.language.functions import annotation_of
        from cloudmesh.flow.model.convert import model_of

        model = model_of(annotation_of(function, name))
        if model is not None and made[name] is not None:
            made[name] = _validated(model, name, made[name])
    return made


def _validated(model: Any, name: str, data: Any) -> Any:
    try:
        return model.model_validate(data)
    except ValueError as error:  # pydantic's ValidationError is one
        from cloudmesh.flow.model.convert import complaint

        raise InputError(
            f"the run parameter {name} is no {model.__name__}: {complaint(error)}"
        ) from None


def takers(flow: Flow) -> dict[str, tuple[str, str]]:
    """For each parameter of a node: its annotation as text ("" for none), and that node."""
    found: dict[str, tuple[str, str]] = {}
    if not any(task.parameters for task in flow.tasks):
        return found
    first_of_each_task = {id(node.task): node for node in reversed(flow.nodes)}
    for node in reversed(first_of_each_task.values()):
        for parameter in node.task.parameters:
            if not found.get(parameter.name, ("",))[0]:
                found[parameter.name] = (parameter.type, node.name)
    return found


# -- secrets -----------------------------------------------------------------


def secret_names(flow: Flow) -> list[str]:
    """The names of the secrets that nodes take from outside."""
    return [n for n, (kind, _) in takers(flow).items() if kind == "secret" and n not in flow.index]


def read_secrets(flow: Flow, given: Collection[str] = ()) -> dict[str, Secret]:
    """The secrets that are not ``given``: from the environment, under their name or that in
    capitals, else from a prompt.

    Raises `InputError` where one that has no default is nowhere.
    """
    from cloudmesh.flow.language.pythonclass import Secret

    found: dict[str, Secret] = {}
    names = [name for name in secret_names(flow) if name not in given]
    required = {p.name for task in flow.tasks for p in task.parameters if p.required}
    for name in names:
        value = os.environ.get(name, os.environ.get(name.upper()))
        if value is None and name not in required:
            continue
        if value is None and sys.stdin is not None and sys.stdin.isatty():
            from getpass import getpass

            with suppress(EOFError):  # who ends the prompt gives none
                value = getpass(f"{name}: ")
        if value is None:
            raise InputError(f"{name} is a secret: set {name.upper()} in the environment")
        found[name] = Secret(value)
    return found

"""A Python file as the origin of a flow: its class, its `workflow`, or its functions."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from cloudmesh.flow.errors import InputError, NotFound, Problem
from cloudmesh.flow.language.functions import bind, code_of, facts_of
from cloudmesh.flow.language.origin import ClassOrigin, FunctionsOrigin, Origin
from cloudmesh.flow.language.pythonclass import BaseWorkFlow, Workflow
from cloudmesh.flow.language.pythonfile import code_hash, load_module, python_text, shown
from cloudmesh.flow.language.source import did_you_mean
from cloudmesh.flow.model.flow import Code, Flow, Node

__all__ = ["open_python", "python_origin", "rebound"]


def open_python(path: str, wanted: str = "") -> Origin:
    """Load a file and find its flow; ``wanted`` is the name of a class or `workflow` in it."""
    return python_origin(load_module(path), os.path.abspath(path), wanted)


def python_origin(module: ModuleType, path: str, wanted: str) -> Origin:
    """The flow of a loaded module."""
    found = _flows(module)
    if wanted:
        return _origin(module, path, _wanted(module, path, wanted))
    if len(found) > 1:
        names = ", ".join(f"{shown(path)}:{name}" for name in found)
        raise InputError(f"{shown(path)} has several flows: say which one: {names}")
    thing = next(iter(found.values()), None)
    if thing is not None:
        return _origin(module, path, thing)
    return FunctionsOrigin(module.__dict__, file=path, what=shown(path))


def _flows(module: ModuleType) -> dict[str, Any]:
    """The classes and workflows of a module, those made in it before those imported."""
    classes = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, BaseWorkFlow) and value is not BaseWorkFlow
    }
    own = {n: c for n, c in classes.items() if c.__module__ == module.__name__}
    chosen = own or classes
    # A class that another one refines is its base, not a flow of its own.
    leaves = {
        name: c
        for name, c in chosen.items()
        if not any(other is not c and issubclass(other, c) for other in chosen.values())
    }
    distinct = {id(c): name for name, c in reversed(leaves.items())}
    found: dict[str, Any] = {name: leaves[name] for name in reversed(distinct.values())}
    found.update((n, v) for n, v in vars(module).items() if isinstance(v, Workflow))
    return found


def _wanted(module: ModuleType, path: str, name: str) -> Any:
    thing = getattr(module, name, None)
    is_class = isinstance(thing, type) and issubclass(thing, BaseWorkFlow)
    if is_class or isinstance(thing, Workflow):
        return thing
    what = (
        f"{name} in {shown(path)} is no BaseWorkFlow"
        if thing is not None
        else (f"there is no {name} in {shown(path)}")
    )
    raise NotFound(what + did_you_mean(name, _flows(module)))


def _origin(module: ModuleType, path: str, thing: Any) -> Origin:
    if isinstance(thing, Workflow):
        functions = thing.functions
        return FunctionsOrigin(
            functions,
            file=path,
            name=thing.name,
            text=thing.text,
            line=thing.line,
            what=shown(path),
        )
    return ClassOrigin(_instance(thing, path), path)


def _instance(cls: type[BaseWorkFlow], path: str) -> BaseWorkFlow:
    try:
        return cls()
    except Exception as error:  # the user's own __init__ may do anything
        message = (
            f"{cls.__name__}() cannot be made: {type(error).__name__}: {error}; "
            "a flow is made without arguments"
        )
        code = code_of(cls.__init__)
        text = python_text(code.co_filename) if code is not None else None
        if text is None or code is None:
            raise InputError(problems=[Problem(message, shown(path))]) from None
        raise InputError(problems=[text.parameter_problem(message, code, "")]) from None


def rebound(
    flow: Flow, path: str, cls: str, there: Any = None
) -> tuple[tuple[Node, ...], dict[str, Callable[..., Any]]]:
    """The nodes of a flow with the facts of their new code, and their functions.

    ``there`` has the functions where they are in memory; else their files are read.
    """
    holders: dict[tuple[str, str], Any] = {}
    nodes: list[Node] = []
    functions: dict[str, Callable[..., Any]] = {}
    for node in flow.nodes:
        task = node.task
        code = task.code
        if task.command is not None or not code.function:
            nodes.append(node)
            continue
        key = (code.file or path, code.cls or ("" if code.file else cls))
        if key not in holders:
            holders[key] = _holder(*key) if there is None else there
        function, attribute, bound = _function(holders[key], code.function, node.name, *key)
        functions[node.name] = function
        nodes.append(_renewed(node, attribute, bound))
    return tuple(nodes), functions


def _holder(file: str, cls: str) -> Any:
    """What has the functions: an instance of the class, or the module's names."""
    module = load_module(file) if file.endswith(".py") else importlib.import_module(file)
    if not cls:
        return vars(module)
    thing = getattr(module, cls, None)
    if not isinstance(thing, type):
        raise NotFound(f"{shown(file)} has no class {cls} any more; the run stays resumable")
    return _instance(thing, file)


def _function(
    holder: Any, name: str, node: str, file: str, cls: str
) -> tuple[Callable[..., Any], Any, bool]:
    """The callable of a node, the function itself, and whether self is its first parameter."""
    if not isinstance(holder, BaseWorkFlow):
        found = holder.get(name)
        if callable(found):
            return found, found, False
    else:
        origin = ClassOrigin(holder, file)
        attribute = origin.function(name)
        if attribute is not None:
            own = name in holder.__dict__
            call = attribute if own else bind(holder, attribute, name)
            return call, attribute, origin.bound(name)
    where = f"{shown(file)}:{cls}" if cls else shown(file)
    raise NotFound(
        f"the node {node} calls {name}, which is gone from {where}; "
        "put it back, and the run can be resumed"
    )


def _renewed(node: Node, attribute: Any, bound: bool) -> Node:
    from dataclasses import replace

    old = node.task
    code = code_of(attribute)
    facts = facts_of(attribute, bound=bound)
    task = replace(
        old,
        code=Code(old.code.file, old.code.cls, old.code.function, code_hash(code) if code else ""),
        is_async=facts.is_async,
        parameters=old.parameters if old.calculation else facts.parameters,
    )
    return Node(node.name, task, node.mapped, node.source)

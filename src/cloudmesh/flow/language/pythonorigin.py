"""A Python file as the origin of a flow: its class, its `workflow`, or its functions."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from cloudmesh.flow.errors import InputError, NotFound, Problem
from cloudmesh.flow.language.functions import code_of
from cloudmesh.flow.language.origin import ClassOrigin, FunctionsOrigin, Origin, Spec
from cloudmesh.flow.language.pythonclass import BaseWorkFlow, Workflow
from cloudmesh.flow.language.pythonfile import load_module, python_text, shown
from cloudmesh.flow.language.source import did_you_mean
from cloudmesh.flow.model.flow import Code, Flow, Node, Task

__all__ = ["flows_of", "open_python", "python_origin", "rebound"]


def open_python(path: str, wanted: str = "") -> Origin:
    """Load a file and find its flow; ``wanted`` is the name of a class or `workflow` in it."""
    return python_origin(load_module(path), os.path.abspath(path), wanted)


def python_origin(module: ModuleType, path: str, wanted: str) -> Origin:
    """The flow of a loaded module."""
    found = flows_of(module)
    if wanted:
        return _origin(module, path, _wanted(module, path, wanted))
    if len(found) > 1:
        names = ", ".join(f"{shown(path)}:{name}" for name in found)
        raise InputError(f"{shown(path)} has several flows: say which one: {names}")
    thing = next(iter(found.values()), None)
    if thing is not None:
        return _origin(module, path, thing)
    return FunctionsOrigin(module.__dict__, file=path)


def flows_of(module: ModuleType) -> dict[str, Any]:
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
    raise NotFound(what + did_you_mean(name, flows_of(module)))


def _origin(module: ModuleType, path: str, thing: Any) -> Origin:
    if isinstance(thing, Workflow):
        functions = thing.functions
        return FunctionsOrigin(
            functions,
            file=path,
            name=thing.name,
            text=thing.text,
            line=thing.line,
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
        # A class without an __init__ of its own (an abstract one) has no line that is wrong.
        code = code_of(cls.__init__) if cls.__init__ is not BaseWorkFlow.__init__ else None
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
    holders: dict[tuple[str, str], ClassOrigin | FunctionsOrigin] = {}
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
            holders[key] = _holder(*key, path) if there is None else _in_memory(there, key[0])
        # A node is called as its function is, unless a calculation says which one.
        names = (code.function,) if task.calculation else (node.name, code.function)
        spec = _found(holders[key], names, node.name)
        functions[node.name] = spec.function  # type: ignore[assignment]
        nodes.append(_renewed(node, spec.task))
    return tuple(nodes), functions


def _holder(file: str, cls: str, flow: str) -> ClassOrigin | FunctionsOrigin:
    """What has the functions of a file, or of a module beside the flow's: a class, or its names."""
    if file.endswith(".py"):
        module = load_module(file)
    else:
        from cloudmesh.flow.language.yamlpython import import_module

        module = import_module(file, os.path.dirname(os.path.abspath(flow)))
    if not cls:
        return FunctionsOrigin(vars(module), file=file)
    thing = getattr(module, cls, None)
    if not (isinstance(thing, type) and issubclass(thing, BaseWorkFlow)):
        gone = f"{shown(file)} has no class {cls} of a flow any more"
        raise NotFound(f"{gone}; put it back, and the run can be resumed")
    return ClassOrigin(_instance(thing, file), file)


def _in_memory(there: Any, file: str) -> ClassOrigin | FunctionsOrigin:
    """What has the functions of a `BaseWorkFlow`, or of a mapping."""
    if isinstance(there, BaseWorkFlow):
        return ClassOrigin(there, file)
    return FunctionsOrigin(there, file=file)


def _found(origin: ClassOrigin | FunctionsOrigin, names: tuple[str, ...], node: str) -> Spec:
    """What is known of a node's function.  Raises `NotFound` where it is gone."""
    for name in names:
        spec = origin.spec(name)
        if spec is not None and spec.function is not None:
            return spec
    where = f"{shown(origin.file)}:{origin.cls}" if origin.cls else shown(origin.file)
    raise NotFound(
        f"the node {node} calls {names[-1]}, which is gone from {where}; "
        "put it back, and the run can be resumed"
    )


def _renewed(node: Node, new: Task) -> Node:
    """A node with what its new code says of itself; its words stay as the run has them."""
    old = node.task
    parameters = old.parameters if old.calculation else new.parameters
    code = Code(old.code.file, old.code.cls, old.code.function, new.code.sha256)
    task = old._replace(code=code, is_async=new.is_async, parameters=parameters)
    return Node(node.name, task, node.mapped, node.source)

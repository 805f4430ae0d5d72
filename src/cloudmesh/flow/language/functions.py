"""What a function says of itself: its parameters, whether it is async, where its code is.

Read from the code object, since importing `inspect` takes longer than a small
flow runs; `inspect` is asked only for callables that are no plain functions.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from cloudmesh.flow.model.flow import Parameter

__all__ = [
    "Facts",
    "annotation_of",
    "bind",
    "code_of",
    "facts_of",
    "local_names",
    "unwrap",
    "with_defaults",
]

_VARARGS, _VARKEYWORDS = 0x04, 0x08
_COROUTINE = 0x80 | 0x100  # a coroutine, or marked with types.coroutine


class Facts(NamedTuple):
    """A function as its callers see it; ``refused`` are pairs of a parameter and why."""

    parameters: tuple[Parameter, ...]
    positional: int  # how many of them may be given by position
    any_keyword: bool
    is_async: bool
    refused: tuple[tuple[str, str], ...]


def unwrap(function: Any) -> Any:
    """The function under decorators that say what they wrap, and under a bound method."""
    for _ in range(100):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "__func__", None)
        if inner is None:
            return function
        function = inner
    return function


def code_of(function: Any) -> Any:
    """The code object of a callable, or None where it has none in Python."""
    inner = unwrap(function)
    code = getattr(inner, "__code__", None)
    if code is None and hasattr(inner, "func"):  # functools.partial
        return code_of(inner.func)
    if code is None and not isinstance(inner, type):
        return getattr(unwrap(_call_of(inner)), "__code__", None)
    return code


def _call_of(thing: Any) -> Any:
    """What is called when an object is."""
    return vars(type(thing)).get("__call__")


def facts_of(function: Any, *, bound: bool = False) -> Facts:
    """The facts of a callable; ``bound``: its first parameter is self (or cls)."""
    # A bound method that is given as it is: ``functions={"a": thing.method}``.
    bound = bound or (hasattr(function, "__self__") and hasattr(function, "__func__"))
    inner = unwrap(function)
    code = getattr(inner, "__code__", None)
    if code is None:
        return _facts_by_inspect(function, bound)
    flags = code.co_flags
    names = code.co_varnames
    count = code.co_argcount
    skip = 1 if bound and count else 0
    defaults = len(inner.__defaults__ or ())
    keyword_defaults = inner.__kwdefaults__ or {}
    annotations = _annotations(inner)
    parameters = [
        Parameter(name, annotation_text(annotations.get(name)), i < count - defaults)
        for i, name in enumerate(names[:count])
        if i >= skip
    ]
    positional = len(parameters)
    last = count + code.co_kwonlyargcount
    parameters += [
        Parameter(name, annotation_text(annotations.get(name)), name not in keyword_defaults)
        for name in names[count:last]
    ]
    refused = []
    for name in names[skip : code.co_posonlyargcount]:
        why = "values are given to a node by name; leave out the '/'"
        refused.append((name, f"a node cannot take {name} as positional-only: {why}"))
    if flags & _VARARGS:
        name = names[last]
        why = f"a node cannot take *{name}: values are given to it by name; name what it takes"
        refused.append((name, why))
    elif bound and not count:
        refused.append(("", f"a method takes self first: def {code.co_name}(self)"))
    outer = getattr(function, "__func__", function)
    outer_code = getattr(outer, "__code__", code)
    return Facts(
        tuple(parameters),
        positional,
        bool(flags & _VARKEYWORDS),
        bool(outer_code.co_flags & _COROUTINE),
        tuple(refused),
    )


def _facts_by_inspect(function: Any, bound: bool) -> Facts:
    import inspect

    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a built-in that does not say
        return Facts((), 0, True, False, ())
    parameters, refused, any_keyword, positional = [], [], False, 0
    for i, (name, p) in enumerate(signature.parameters.items()):
        if bound and i == 0:
            continue
        if p.kind is p.VAR_KEYWORD:
            any_keyword = True
        elif p.kind is p.VAR_POSITIONAL or p.kind is p.POSITIONAL_ONLY:
            refused.append((name, f"a node cannot take {name}: values are given to it by name"))
        else:
            given = None if p.annotation is p.empty else p.annotation
            parameters.append(Parameter(name, annotation_text(given), p.default is p.empty))
            positional += p.kind is p.POSITIONAL_OR_KEYWORD
    called = getattr(function, "func", None) or _call_of(function)
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)
    return Facts(tuple(parameters), positional, any_keyword, is_async, tuple(refused))


def _annotations(function: Any) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = function.__annotations__
    except Exception:  # from Python 3.14 on they are evaluated here, and may fail in any way
        return {}
    return found


def annotation_text(annotation: Any) -> str:
    """An annotation as text: ``"int"``, ``"secret"``, ``""`` for none."""
    if annotation is None:
        return ""
    if hasattr(annotation, "__metadata__"):  # Annotated[int, …] is an int
        return annotation_text(annotation.__origin__)
    if isinstance(annotation, str):
        return _bare(annotation.strip().strip("\"'"))
    if isinstance(annotation, type) and not hasattr(annotation, "__origin__"):
        if annotation.__module__ == "builtins":
            return annotation.__name__
        if annotation.__name__ == "Secret" and annotation.__module__.startswith("cloudmesh.flow"):
            return "secret"
        return f"{annotation.__module__}.{annotation.__qualname__}"
    return _bare(str(annotation).replace("typing.", ""))


def _bare(text: str) -> str:
    """An annotation without its ``Annotated``; ``secret`` also for one that may be left out."""
    head, bracket, rest = text.partition("[")
    word = head.rpartition(".")[2]
    if bracket and word == "Annotated":
        return _bare(_first(rest.removesuffix("]")))
    inner = rest.removesuffix("]").replace(",", "|") if word in ("Optional", "Union") else text
    options = [option.strip().rpartition(".")[2] for option in inner.split("|")]
    return "secret" if "Secret" in options else text


def _first(arguments: str) -> str:
    """The first of the arguments of an annotation: ``dict[str, int], 3``."""
    depth = 0
    for i, character in enumerate(arguments):
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "," and not depth:
            return arguments[:i].strip()
    return arguments.strip()


def annotation_of(function: Any, name: str) -> Any:
    """The annotation of a parameter as an object, or None where it has none or cannot be read."""
    inner = unwrap(function)
    annotation = _annotations(inner).get(name)
    if not isinstance(annotation, str):
        return annotation
    import typing

    try:
        return typing.get_type_hints(inner).get(name)
    except Exception:  # an annotation may be any expression
        return None


def with_defaults(
    parameters: tuple[Parameter, ...], function: Any, names: Collection[str]
) -> tuple[Parameter, ...]:
    """The parameters, those of these names with their defaults where they are JSON."""
    wanted = [p.name for p in parameters if p.name in names and not p.required]
    if not wanted:
        return parameters
    import inspect

    known = inspect.signature(unwrap(function)).parameters
    out = []
    for p in parameters:
        if p.name in wanted and p.name in known:
            p = Parameter(p.name, p.type, False, _as_json(known[p.name].default))
        out.append(p)
    return tuple(out)


def _as_json(value: Any) -> str | None:
    import json

    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return None


def local_names(function: Any) -> tuple[str, ...]:
    """The local variables of a function."""
    code = code_of(function)
    return (*code.co_varnames, *code.co_cellvars) if code is not None else ()


def codes(code: Any) -> Iterator[Any]:
    """A code object and all that are in it."""
    stack = [code]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(c for c in top.co_consts if hasattr(c, "co_consts"))


def bind(instance: Any, attribute: Any, name: str, is_async: bool = False) -> Callable[..., Any]:
    """A method as the engine calls it: each call on a copy of the instance of its own.

    So nodes that run side by side do not meet, and what one assigns on ``self``
    is the same in every executor: not carried, and warned of.
    """
    if isinstance(attribute, (staticmethod, classmethod)):
        bound: Callable[..., Any] = attribute.__get__(instance, type(instance))
        return bound
    cls = type(instance)
    state = instance.__dict__
    new = object.__new__
    slots = any(getattr(c, "__slots__", ()) for c in cls.__mro__)

    def copy() -> Any:
        if slots:
            import copy as copying

            return copying.copy(instance)
        own = new(cls)
        own.__dict__.update(state)
        return own

    # By position only a calculation gives anything: f(1, x).
    def call(*positional: Any, **arguments: Any) -> Any:
        own = copy()
        try:
            return attribute(own, *positional, **arguments)
        finally:
            if own.__dict__:
                _warn_of_state(own.__dict__, state, cls.__name__, attribute)

    async def acall(*positional: Any, **arguments: Any) -> Any:
        own = copy()
        try:
            return await attribute(own, *positional, **arguments)
        finally:
            if own.__dict__:
                _warn_of_state(own.__dict__, state, cls.__name__, attribute)

    wrapper: Any = acall if is_async else call
    wrapper.__name__ = name
    wrapper.__qualname__ = f"{cls.__qualname__}.{name}"
    wrapper.__module__ = cls.__module__
    wrapper.__doc__ = attribute.__doc__
    wrapper.__wrapped__ = attribute  # as functools.wraps does
    wrapped: Callable[..., Any] = wrapper
    return wrapped


_warned: dict[
    str | tuple[str, type[Warning], int], int
] = {}  # so that a node that runs a thousand times is warned of once


def _warn_of_state(own: dict[str, Any], state: dict[str, Any], cls: str, function: Any) -> None:
    missing = object()
    changed = [k for k, v in own.items() if state.get(k, missing) is not v]
    if not changed:
        return
    what = ", ".join(f"self.{k}" for k in changed)
    name = getattr(function, "__name__", "a node")
    code = code_of(function)
    warnings.warn_explicit(
        f"{cls}.{name} assigns {what}: what a node assigns on self is not carried to other "
        f"nodes; return it, and take it as the parameter {name!r} where it is needed",
        RuntimeWarning,
        code.co_filename if code is not None else cls,
        code.co_firstlineno if code is not None else 1,
        registry=_warned,
    )

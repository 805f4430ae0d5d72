"""A call of a function as text: ``f(x, y, 3, scale=y)``.  Parsed, never evaluated."""

from __future__ import annotations

import ast

from cloudmesh.flow.model.flow import Argument, Calculation

__all__ = ["parse"]

_MOST = 10_000  # characters
#: As in YAML and JSON, and in conditions; Python's own are literals already.
_WORDS = {"true": "True", "false": "False", "null": "None"}


def parse(text: str) -> Calculation:
    """Read a call.  Raises ValueError, with a sentence for the user."""
    if len(text) > _MOST:
        raise ValueError(f"a calculation has at most {_MOST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(f"{text!r} is no call of a function: {error.msg}") from None
    except (RecursionError, MemoryError, ValueError):
        raise ValueError("the calculation cannot be read") from None
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise ValueError(f"expected a call of a function, like f(x, 3, scale=y), not {text!r}")
    arguments = [_argument(item, None) for item in tree.args]
    seen = set()
    for keyword in tree.keywords:
        if keyword.arg is None:
            raise ValueError("** is not possible in a calculation: name each argument")
        if keyword.arg in seen:
            raise ValueError(f"{keyword.arg}= stands twice")
        seen.add(keyword.arg)
        arguments.append(_argument(keyword.value, keyword.arg))
    return Calculation(tree.func.id, tuple(arguments))


def _argument(tree: ast.expr, keyword: str | None) -> Argument:
    if isinstance(tree, ast.Name) and tree.id in _WORDS:
        return Argument(literal=_WORDS[tree.id], keyword=keyword)
    if isinstance(tree, ast.Name):
        return Argument(name=tree.id, keyword=keyword)
    try:
        ast.literal_eval(tree)
        return Argument(literal=ast.unparse(tree), keyword=keyword)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        pass
    try:
        shown = ast.unparse(tree)
    except RecursionError:
        shown = "this argument"
    raise ValueError(f"{shown} is neither a name nor a literal")

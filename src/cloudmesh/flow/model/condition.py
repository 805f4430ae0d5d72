"""The condition of a node: ``when: "a > 3 and b.ok"``.

Parsed with Python's own parser, never evaluated by it.  Names, literals,
``.key`` and ``[i]`` of JSON values, comparison, ``in``, ``not and or``: what is
none of these is refused.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Condition", "parse"]

_MOST = 10_000  # characters of a condition
_MOST_LEVELS = 100  # so that it can be evaluated wherever it could be read

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}


class Condition:
    """A parsed condition.  ``names`` are the parameters and predecessors that it reads."""

    __slots__ = ("_tree", "names", "text")

    def __init__(self, text: str, tree: ast.expr, names: tuple[str, ...]) -> None:
        self.text = text
        self._tree = tree
        self.names = names

    def evaluate(self, values: Mapping[str, Any]) -> bool:
        """Whether it holds for these values.

        Raises KeyError, IndexError or TypeError where a value has not what the
        condition asks for; the message says what was looked for in what.
        """
        return bool(_value(self._tree, values))


def parse(text: str) -> Condition:
    """Read a condition.  Raises ValueError, with a sentence for the user."""
    if len(text) > _MOST:
        raise ValueError(f"a condition has at most {_MOST} characters")
    try:
        tree = ast.parse(_on_one_line(text), mode="eval").body
        names: dict[str, None] = {}
        _check(tree, names, 0)
    except SyntaxError as error:
        raise ValueError(f"{text!r} is no condition: {_why(text, error)}") from None
    except (RecursionError, MemoryError):
        raise ValueError("the condition is nested too deeply") from None
    return Condition(text, tree, tuple(names))


def _why(text: str, error: SyntaxError) -> str:
    """What Python says of it; of one of its own words that stands where a name does, that."""
    import keyword
    import re

    own = {*keyword.kwlist} - {"and", "or", "not", "in", "is", "True", "False", "None"}
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "''", text)
    for word in re.findall(r"\w+", bare):
        if word in own:
            return f"{word!r} is a word of Python, no name; a key of that name is [{word!r}]"
    return str(error.msg)


def _on_one_line(text: str) -> str:
    """Line ends are white space, as in a flow string; not where a comment ends there."""
    return text.strip() if "#" in text else " ".join(text.split("\n")).strip()


def _check(tree: ast.expr, names: dict[str, None], depth: int) -> None:
    if depth > _MOST_LEVELS:
        raise RecursionError
    match tree:
        case ast.Constant(value=value) if value is None or isinstance(
            value, (bool, int, float, str)
        ):
            return
        case ast.Name():
            # As in YAML and JSON; Python's own True, False and None are literals already.
            if tree.id not in _WORDS:
                names[tree.id] = None
            return
        case ast.Attribute():
            if tree.attr.startswith("__"):
                raise ValueError(f".{tree.attr} is no key of a value")
            _check(tree.value, names, depth + 1)
        case ast.Subscript():
            _check(tree.value, names, depth + 1)
            if not isinstance(_literal(tree.slice), (int, str)):
                raise ValueError(f"expected a number or a text in {_shown(tree)}")
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant(value=int() | float())):
            return
        case ast.UnaryOp(op=ast.Not()):
            _check(tree.operand, names, depth + 1)
        case ast.BoolOp():
            for item in tree.values:
                _check(item, names, depth + 1)
        case ast.Compare():
            for item in (tree.left, *tree.comparators):
                _check(item, names, depth + 1)
        case ast.List() | ast.Tuple() | ast.Set():
            for item in tree.elts:
                _check(item, names, depth + 1)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            for item in (*filter(None, keys), *values):
                _check(item, names, depth + 1)
        case _:
            raise ValueError(
                f"{_shown(tree)} is not possible in a condition: it has names, .key, [i], "
                "comparison, in, not, and, or, and literals"
            )


_WORDS = {"true": True, "false": False, "null": None}


def _shown(tree: ast.expr) -> str:
    text = ast.unparse(tree)
    return text if len(text) <= 60 else text[:57] + "…"


def _literal(tree: ast.expr) -> object:
    match tree:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)):
            return -value
    return None


def _value(tree: ast.expr, values: Mapping[str, Any]) -> Any:
    match tree:
        case ast.Constant():
            return tree.value
        case ast.Name():
            return _WORDS[tree.id] if tree.id in _WORDS else values[tree.id]
        case ast.Attribute():
            return _key(_value(tree.value, values), tree.attr, tree)
        case ast.Subscript():
            return _key(_value(tree.value, values), _literal(tree.slice), tree)
        case ast.UnaryOp():
            inner = _value(tree.operand, values)
            if isinstance(tree.op, ast.Not):
                return not inner
            return -inner if isinstance(tree.op, ast.USub) else +inner
        case ast.BoolOp():
            return _bool(tree, values)
        case ast.Compare():
            return _compare(tree, values)
        case ast.List() | ast.Tuple() | ast.Set():
            return [_value(item, values) for item in tree.elts]
        case ast.Dict():
            # What a YAML or JSON value cannot have as a key raises TypeError here.
            return {
                _value(key, values): _value(item, values)
                for key, item in zip(tree.keys, tree.values, strict=True)
                if key is not None
            }
    raise AssertionError(ast.dump(tree))


def _bool(tree: ast.BoolOp, values: Mapping[str, Any]) -> Any:
    stop = isinstance(tree.op, ast.Or)
    result: Any = None
    for item in tree.values:
        result = _value(item, values)
        if bool(result) is stop:
            break
    return result


def _compare(tree: ast.Compare, values: Mapping[str, Any]) -> bool:
    left = _value(tree.left, values)
    for op, item in zip(tree.ops, tree.comparators, strict=True):
        right = _value(item, values)
        if not _COMPARE[type(op)](left, right):
            return False
        left = right
    return True


def _key(value: Any, key: Any, tree: ast.expr) -> Any:
    """A key of a dict, an item of a list; never an attribute of an object."""
    if isinstance(value, Mapping):
        if key in value:
            return value[key]
        raise KeyError(f"{_shown(tree)}: there is no {key!r}, only {', '.join(map(str, value))}")
    if isinstance(value, (list, tuple, str)) and isinstance(key, int):
        if -len(value) <= key < len(value):
            return value[key]
        raise IndexError(f"{_shown(tree)}: there are only {len(value)}")
    raise TypeError(f"{_shown(tree)}: a {type(value).__name__} has no {key!r}")

"""The words that say the rest of a node: those of ``@task(…)``, which are keys in YAML too.

One table, checked here for both, so that Python and YAML mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cloudmesh.flow.language.source import did_you_mean
from cloudmesh.flow.model.flow import Look
from cloudmesh.flow.times import seconds

__all__ = ["TASK_WORDS", "read_word", "task_fields"]


def _word(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected a word, not {value!r}")
    return value.strip()


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, not {value!r}")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"expected a whole number, 0 or more, not {value!r}")
    return value


def _time(value: object) -> float:
    return seconds(value)


def _timeout(value: object) -> float | None:
    if value is None:
        return None
    length = seconds(value)
    if length <= 0:
        raise ValueError("a timeout of 0 leaves no time; leave it out for no limit")
    return length


def _errors(value: object) -> tuple[str, ...]:
    """Names of exceptions, from classes, names, or a list of these."""
    items = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
    names = []
    for item in items:
        if isinstance(item, type) and issubclass(item, BaseException):
            names.append(item.__name__)
        elif isinstance(item, str) and item.replace(".", "_").isidentifier():
            names.append(item)
        else:
            raise ValueError(f"expected an exception or its name, not {item!r}")
    return tuple(names)


def _condition(value: object) -> str:
    if isinstance(value, bool):  # in YAML a literal needs no quotes
        return "true" if value else "false"
    if not isinstance(value, str):
        raise ValueError(f"expected a condition as text, not {value!r}")
    from cloudmesh.flow.model.condition import parse

    return parse(value).text


def _edges(value: object) -> dict[str, str]:
    """Labels of the edges into a node, by what it needs."""
    if not isinstance(value, Mapping):
        raise ValueError(f'expected labels of edges, like {{"a": "rows"}}, not {value!r}')
    labels = {}
    for source, label in value.items():
        if isinstance(label, Mapping) and set(label) == {"label"}:
            label = label["label"]
        if not isinstance(source, str) or not isinstance(label, str):
            raise ValueError(f'expected labels of edges, like {{"a": "rows"}}, not {value!r}')
        labels[source.strip()] = label
    return labels


TASK_WORDS: dict[str, Callable[[object], Any]] = {
    "on": _word,
    "retries": _count,
    "retry_delay": _time,
    "retry_on": _errors,
    "timeout": _timeout,
    "when": _condition,
    "over": _word,
    "pool": _word,
    "color": _text,
    "label": _text,
    "shape": _text,
    "edges": _edges,
}


def read_word(word: str, value: object) -> Any:
    """The value of one word, checked.  Raises ValueError, with a sentence for the user."""
    reader = TASK_WORDS.get(word)
    if reader is None:
        raise ValueError(f"{word!r} is no word of a task{did_you_mean(word, TASK_WORDS)}")
    try:
        return reader(value)
    except ValueError as error:
        raise ValueError(f"{word}: {error}") from None


def task_fields(words: Mapping[str, Any]) -> dict[str, Any]:
    """Checked words as fields of a `model.flow.Task` (``edges`` belongs to the flow)."""
    if not words:
        return {}
    fields = {w: v for w, v in words.items() if w not in ("color", "label", "shape", "edges")}
    look = Look(words.get("color"), words.get("label"), words.get("shape"))
    if look != Look():
        fields["look"] = look
        fields["entry"] = look
    return fields

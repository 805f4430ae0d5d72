"""The documents of the contract, made in one place.  Pure.

A definition has one document a node (`definition_documents`); a run has the
same document with what changes while it runs (`run_document`).  No store knows
these fields: it keeps what never changes of a node as one JSON text, its *spec*
(`run_specs`), and what changes as columns.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from cloudmesh.flow.model.flow import Argument, Calculation, Flow, Look, Node, Task

__all__ = [
    "Definition",
    "definition",
    "definition_document",
    "definition_documents",
    "flow_of",
    "run_document",
    "run_head",
    "run_specs",
    "run_upstream",
    "task_document",
    "time_text",
    "utc_text",
    "whole_result",
]

#: The fields of a run's own document.
HEAD_FIELDS = (
    "run",
    "workflow",
    "flow",
    "status",
    "parameters",
    "started",
    "ended",
    "counts",
    "engine",
    "versions",
)

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_second: tuple[int, str] = (0, "1970-01-01 00:00:00")


def utc_text(seconds: float) -> str:
    """Seconds since 1970 as UTC text: ``2019-05-02 00:32:11.034870``."""
    global _second
    # Half up, as SQL does it: see `store.statements`.
    whole, micro = divmod(int(seconds * 1e6 + 0.5), 1_000_000)
    known, text = _second  # read once: other threads write it
    if whole != known:
        text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(whole))
        _second = (whole, text)
    return f"{text}.{micro:06d}"


def time_text(seconds: float | str | None) -> str | None:
    """`utc_text`, of a time that a document may lack, or that stands there as text already."""
    return seconds if seconds is None or isinstance(seconds, str) else utc_text(seconds)


# -- of a flow ---------------------------------------------------------------
class Definition(NamedTuple):
    """The documents of a flow's nodes, what they have in common written once.

    ``names``; what each node depends on, ``upstream``; and ``specs``: the JSON
    text of a document without its name and dependencies.  Nodes that wait for
    the same share a list, nodes that share a task a text.
    """

    names: Sequence[str]
    upstream: Sequence[list[str]]
    specs: Sequence[str]

    def documents(self) -> list[dict[str, Any]]:
        """The documents of collection ``NAME-flow``, with exactly the contract's fields."""
        return [
            definition_document(name, names, spec)
            for name, names, spec in zip(self.names, self.upstream, self.specs, strict=True)
        ]


def definition(flow: Flow, now: float, *, created: str | None = None) -> Definition:
    """The definition of a flow.

    ``now`` is seconds since 1970; ``created`` (UTC text) is kept where the flow
    was defined before.
    """
    modified = utc_text(now)

    def spec(node: Node) -> str:
        cm = {
            "kind": "flow",
            "cloud": node.task.on,
            "name": "",
            "collection": f"{flow.name}-flow",
            "created": created or modified,
            "modified": modified,
        }
        fixed = {"name": "", "dependencies": [], "workflow": flow.name, "cm": cm, "kind": "flow"}
        said = {"cloud": node.task.on, "status": "defined", "task": task_document(node)}
        return _text({**fixed, **said})

    names = [node.name for node in flow.nodes]
    return Definition(names, run_upstream(flow), _once(spec, flow.nodes))


def definition_document(name: str, upstream: Sequence[str], spec: str) -> dict[str, Any]:
    """The document of a node in a definition."""
    document: dict[str, Any] = json.loads(spec)
    document["name"] = document["cm"]["name"] = name
    document["dependencies"] = list(upstream)
    return document


def definition_documents(
    flow: Flow, now: float, *, created: str | None = None
) -> list[dict[str, Any]]:
    """The documents of `definition`."""
    return definition(flow, now, created=created).documents()


def run_specs(flow: Flow, begun: float, defined: Sequence[str] | None = None) -> list[str]:
    """For each node of a flow the JSON text of what never changes of its document in a run.

    Nodes that share a task share the very same text; the node's own name is
    filled in by `run_document`.  ``defined``: when its definition was created and
    modified, as UTC text; where that is not known, when the run has ``begun``.
    """
    created, modified = defined or (utc_text(begun), utc_text(begun))

    def spec(node: Node) -> str:
        cm = {
            "kind": "flow",
            "cloud": node.task.on,
            "name": "",
            "collection": f"{flow.name}-flow-active",
            "created": created,
            "modified": modified,
        }
        fixed = {"workflow": flow.name, "kind": "flow", "cloud": node.task.on, "cm": cm}
        return _text({**fixed, "task": task_document(node)})

    return _once(spec, flow.nodes)


def _text(document: Mapping[str, Any]) -> str:
    text = _dumps(document)
    # A file's name may hold bytes that are no text; JSON has an escape for them.
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def run_upstream(flow: Flow) -> list[list[str]]:
    """For each node of a flow the names it depends on; equal lists are one object."""
    lists = flow.__dict__.get("_upstream")  # asked when it is defined, and when it runs
    if lists is None:
        lists = flow.__dict__["_upstream"] = _upstream(flow)
    return cast("list[list[str]]", lists)


def _upstream(flow: Flow) -> list[list[str]]:
    known: dict[tuple[int, ...], list[str]] = {}
    lists = []
    every = [node.name for node in flow.nodes]
    n = len(every)
    for i, needs in enumerate(flow.needs):
        names = known.get(needs)
        if names is None:  # without a junction each of them is one name
            plain = not needs or max(needs) < n
            names = [every[k] for k in needs] if plain else flow.dependencies(i)
            known[needs] = names
        lists.append(names)
    return lists


def _once(make: Callable[[Node], Any], nodes: Sequence[Node]) -> list[Any]:
    """``make`` of each node, called once for nodes of the same task, map and source."""
    known: dict[tuple[int, bool, str | None], Any] = {}
    made = []
    for node in nodes:
        key = (id(node.task), node.mapped, node.source)
        if key not in known:
            known[key] = make(node)
        made.append(known[key])
    return made


def task_document(node: Node) -> dict[str, Any]:
    """What else is said of a node, in the words of the YAML form; only what is said."""
    task, plain = node.task, Task()
    said: dict[str, Any] = {}
    if task.parameters:
        said["parameter"] = {p.name: p.type for p in task.parameters}
    if task.calculation is not None:
        said["calculation"] = calculation_text(task.calculation)
    if task.command is not None:
        said["command"] = task.command if isinstance(task.command, str) else list(task.command)
    for word in ("retries", "retry_delay", "timeout", "when", "pool", "host", "user"):
        value = getattr(task, word)
        if value != getattr(plain, word):
            said[word] = value
    if task.retry_on:
        said["retry_on"] = list(task.retry_on)
    if node.mapped:
        said["over"] = node.source
    said.update(_look(task.look))
    for word, look in (("entry", task.entry), ("return", task.done), ("error", task.failed)):
        if look != plain.entry:
            said[word] = _look(look)
    if task.value_of is not None:
        said.setdefault("return", {})["value"] = task.value_of
    code = task.code
    if code.file or code.function:
        said["source"] = {
            "file": code.file or None,
            "class": code.cls or None,
            "function": code.function or None,
            "sha256": code.sha256 or None,
        }
    return said


def calculation_text(calculation: Calculation) -> str:
    """``f(x, 3, scale=y)``."""

    def one(argument: Argument) -> str:
        value = argument.literal if argument.name is None else argument.name
        return f"{argument.keyword}={value}" if argument.keyword else value

    return f"{calculation.function}({', '.join(map(one, calculation.arguments))})"


def _look(look: Look) -> dict[str, str]:
    fields = {"color": look.color, "label": look.label, "shape": look.shape}
    return {word: value for word, value in fields.items() if value is not None}


# -- of a run ----------------------------------------------------------------
def run_document(
    run: str,
    collection: str,
    row: Sequence[Any],
    upstream: Sequence[str],
    dependencies: Sequence[str],
    spec: Mapping[str, Any],
) -> dict[str, Any]:
    """A node's document in a run.  ``row`` has the fields of `store.protocol.NodeRow`.

    ``error`` and ``result`` are JSON text, as the engine wrote them; ``spec`` is
    what `run_specs` made, read again.  All fields are there, null where nothing is.
    """
    (_, name, status, attempt, started, ended, exit_code, error, reason) = row[:9]
    (skipped, progress, color, label, shape, where, result) = row[9:16]
    return {
        "_id": f"{run}/{name}",
        "run": run,
        "name": name,
        "status": status,
        "dependencies": list(dependencies),
        "upstream": list(upstream),
        "attempt": attempt,
        "started": time_text(started),
        "ended": time_text(ended),
        "exit_code": exit_code,
        "error": None if error is None else json.loads(error),
        "reason": reason,
        "skipped": None if skipped is None else bool(skipped),
        "progress": progress,
        "color": color,
        "label": label,
        "shape": shape,
        "where": where,
        "result": None if result is None else json.loads(result),
        "workflow": spec.get("workflow"),
        "kind": spec.get("kind", "flow"),
        "cloud": spec.get("cloud", "local"),
        "cm": {**spec.get("cm", {}), "name": name, "collection": collection},
        "task": dict(spec.get("task", {})),
    }


def run_head(document: Mapping[str, Any]) -> dict[str, Any]:
    """The ``flow-runs`` document of a run with exactly its fields, null where nothing is."""
    head = {field: document.get(field) for field in HEAD_FIELDS}
    return {**head, "flow": flow_of(head["flow"])}


def flow_of(stored: Any) -> Any:
    """A run's flow string, or the list of several, which may be stored as JSON."""
    # No flow string begins so.
    is_list = isinstance(stored, str) and stored.startswith('["')
    return json.loads(stored) if is_list else stored


def whole_result(result: Any, blob: Callable[[str], bytes]) -> Any:
    """A result with its references followed: its own, and those of the elements of a map.

    As it is where it is no reference to JSON.  (What a node itself returns holds
    no such keys, see `value.MARKS`.)
    """
    whole = _followed(result, blob)
    if isinstance(whole, list) and any(map(_is_reference, whole)):
        return [_followed(item, blob) for item in whole]
    return whole


def _is_reference(result: Any) -> bool:
    return isinstance(result, dict) and isinstance(result.get("$ref"), str)


def _followed(result: Any, blob: Callable[[str], bytes]) -> Any:
    if not _is_reference(result):
        return result
    try:
        return json.loads(blob(result["$ref"]))
    except ValueError:
        return result

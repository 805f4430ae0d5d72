"""How a run is shown: its documents, and the table of its nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.cli.render import escape, span, styled, table, took

if TYPE_CHECKING:
    from cloudmesh.flow.store.protocol import Store

__all__ = ["run_document", "run_table", "shown_status", "store_option", "tracebacks", "why"]

#: A table of more rows than this leaves out elements and nodes that need nobody's eye.
ROWS_MAX = 100
#: A result or an error is shown on a line of a table up to so many characters.
RESULT_SHOWN = 100
#: Seconds for a machine from which a table says how long nodes waited.
WAITED = 0.1
#: So many tracebacks are shown in full.
TRACEBACKS_MAX = 5


def run_document(run: dict[str, Any], nodes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`run` and `status` as JSON: ``{run, workflow, status, …, nodes: […]}``."""
    first = {key: run.get(key) for key in ("run", "workflow", "status")}
    rest = {key: value for key, value in run.items() if key not in first and key != "_id"}
    return {**first, **rest, "nodes": list(nodes)}


def count(number: int, noun: str) -> str:
    """``1 node``, ``3 nodes``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def shown_status(run: dict[str, Any]) -> str:
    """The status of a run as people should read it."""
    return "lost" if run.get("engine") == "lost" else str(run.get("status", ""))


def why(node: dict[str, Any]) -> str:
    """What a node's row says at its end: the error, else the reason where it tells something."""
    error = node.get("error")
    if error and node.get("status") == "error":
        lines = str(error.get("message") or "").splitlines()
        text = f"{error.get('type')}: {lines[0] if lines else ''}"
        return text if len(text) <= RESULT_SHOWN else text[: RESULT_SHOWN - 1] + "…"
    reason = node.get("reason")
    if reason and reason != "first":
        return str(reason)
    if node.get("status") == "running" and node.get("progress") is not None:
        return f"{node['progress']:.3g} %"
    return ""


def run_table(nodes: Sequence[dict[str, Any]], every: bool = False, now: str | None = None) -> str:
    """The table of a run's nodes; of many (unless ``every``) those that need an eye, and of a
    map its own row.  ``now`` is the stored time that it shows, where that has gone by."""
    shown, left_out = with_elements(nodes), 0
    if not every and len(nodes) > ROWS_MAX:
        own = [n for n in shown if "[" not in n["name"]]
        urgent = ("error", "running")
        few = own if len(own) <= ROWS_MAX else []
        names = {n["name"] for n in few}
        shown = [n for n in shown if n["name"] in names or n.get("status") in urgent]
        shown = shown[: ROWS_MAX + len(few)]
        left_out = len(nodes) - len(shown)
    waits = any((node.get("waited") or 0) >= WAITED for node in shown)
    rows = [
        (
            node["name"],
            node.get("status") or "",
            str(node.get("attempt") or ""),
            took(node, now),
            *((span(node["waited"]) if node.get("waited") else "",) if waits else ()),
            node.get("where") or "",
            why(node),
        )
        for node in shown
    ]
    head = ("node", "status", "attempt", "took", *(("waited",) if waits else ()), "where", "why")
    text = table(head, rows, styled)
    if left_out:
        text += f"… and {left_out:,} more nodes: {by_status(nodes, shown)}\n"
    return text


def with_elements(nodes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The nodes in order, the elements of a map behind it (they are stored at the end)."""
    elements: dict[str, list[dict[str, Any]]] = {}
    own = []
    for node in nodes:
        name, bracket, _ = node["name"].partition("[")
        if bracket:
            elements.setdefault(name, []).append(node)
        else:
            own.append(node)
    return [n for node in own for n in (node, *elements.get(node["name"], ()))]


def by_status(nodes: Sequence[dict[str, Any]], shown: Sequence[dict[str, Any]]) -> str:
    """How many nodes there are of each status, without those shown."""
    counts: dict[str, int] = {}
    for node in nodes:
        counts[node["status"]] = counts.get(node["status"], 0) + 1
    for node in shown:
        counts[node["status"]] -= 1
    return ", ".join(f"{n:,} {word}" for word, n in counts.items() if n)


def tracebacks(nodes: Sequence[dict[str, Any]]) -> str:
    """The tracebacks of the nodes in error, cut to the user's frames when they were recorded."""
    failed = [
        n for n in nodes if n.get("status") == "error" and (n.get("error") or {}).get("traceback")
    ]
    parts = []
    for node in failed[:TRACEBACKS_MAX]:
        text = escape(node["error"]["traceback"].rstrip("\n"), keep="\n")
        parts.append(f"\n{escape(node['name'])}:\n{text}\n")
    if len(failed) > TRACEBACKS_MAX:
        parts.append(f"\n… and {len(failed) - TRACEBACKS_MAX:,} more tracebacks in the documents\n")
    return "".join(parts)


def store_option(args: Any, store: Store) -> str:
    """The ``--store …`` that a command to type next needs, where this one was given one."""
    if not getattr(args, "store", None):
        return ""
    from shlex import quote

    return f" --store {quote(store.url)}"


def next_step(run: dict[str, Any], option: str) -> str:
    """What to do about a run, with the command that does it; "" where nothing is to be done."""
    name, status = run["run"], shown_status(run)
    if status == "interrupted":
        return f"go on with it: cms flow resume {name}{option}"
    if status == "lost":
        return f"its engine is gone; go on with it: cms flow resume {name}{option}"
    if status == "error":
        return f"run again what failed: cms flow retry {name}{option}"
    return ""


def last_line(run: dict[str, Any], option: str) -> str:
    """How a run has ended, and what to do next."""
    took_text = f" after {took(run)}" if took(run) else ""
    step = next_step(run, option)
    return f"run {run['run']} {shown_status(run)}{took_text}{'; ' + step if step else ''}\n"

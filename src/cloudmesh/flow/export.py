"""A flow as YAML, DOT or Mermaid; a run in the colours of its statuses.  Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cloudmesh.flow.model.flow import Flow

__all__ = ["to_dot", "to_mermaid", "to_yaml"]

#: Fill and border of a status, as on the page (light).
COLORS = {
    "pending": ("#FFFFFF", "#848D9A"),
    "running": ("#E8F0FE", "#2A5FE0"),
    "finished": ("#DFF1EC", "#00604E"),
    "error": ("#FCE8EA", "#B5102B"),
}

Statuses = Mapping[str, str]


def drawn_edges(flow: Flow) -> Iterator[tuple[int, int]]:
    """The edges to draw, as vertices: a large barrier goes through its junction, a point."""
    for b, needs in enumerate((*flow.needs, *flow.junctions)):
        for a in needs:
            yield a, b


def points(flow: Flow) -> range:
    """The vertices that are points."""
    return range(len(flow.nodes), len(flow.nodes) + len(flow.junctions))


def edge_label(flow: Flow, a: int, b: int) -> str:
    """The label of an edge; without one the parameter that it carries; "" at a point."""
    n = len(flow.nodes)
    if a >= n or b >= n:
        return ""
    source, target = flow.nodes[a], flow.nodes[b]
    label = flow.labels.get((source.name, target.name))
    if label is not None:
        return label
    takes = any(p.name == source.name for p in target.task.parameters)
    return source.name if takes else ""


# -- DOT -----------------------------------------------------------------------


def to_dot(flow: Flow, statuses: Statuses | None = None) -> str:
    """The flow for Graphviz."""
    lines = [
        f"digraph {quoted(flow.name)} {{",
        "  rankdir=LR;",
        '  node [shape=box, style="rounded,filled", fillcolor="#FFFFFF", fontname="sans-serif"];',
    ]
    for node in flow.nodes:
        says = [f"label={quoted(node.name + '*' * node.mapped)}"]
        if statuses and node.name in statuses:
            fill, border = COLORS.get(statuses[node.name], COLORS["pending"])
            says += [f'fillcolor="{fill}"', f'color="{border}"']
            says.append(f"tooltip={quoted(statuses[node.name])}")
        lines.append(f"  {quoted(node.name)} [{', '.join(says)}];")
    lines += [f"  {dot_name(flow, k)} [shape=point];" for k in points(flow)]
    for a, b in drawn_edges(flow):
        label = edge_label(flow, a, b)
        says_label = f" [label={quoted(label)}]" if label else ""
        lines.append(f"  {dot_name(flow, a)} -> {dot_name(flow, b)}{says_label};")
    return "\n".join([*lines, "}"]) + "\n"


def dot_name(flow: Flow, vertex: int) -> str:
    n = len(flow.nodes)
    return quoted(flow.nodes[vertex].name) if vertex < n else quoted(f"|{vertex - n + 1}")


def quoted(text: str) -> str:
    """A string of DOT."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


# -- Mermaid -------------------------------------------------------------------


def to_mermaid(flow: Flow, statuses: Statuses | None = None) -> str:
    """The flow for Mermaid, with numbers as ids: words such as ``end`` mean something there."""
    lines = ["flowchart LR"]
    for i, node in enumerate(flow.nodes):
        lines.append(f'  n{i}["{node.name}{"*" * node.mapped}"]')
    lines += [f"  n{k}(( ))" for k in points(flow)]
    for a, b in drawn_edges(flow):
        label = edge_label(flow, a, b)
        arrow = f'-->|"{entities(label)}"|' if label else "-->"
        lines.append(f"  n{a} {arrow} n{b}")
    used: dict[str, list[str]] = {}
    for i, node in enumerate(flow.nodes):
        if statuses and node.name in statuses:
            used.setdefault(statuses[node.name], []).append(f"n{i}")
    for status, nodes in used.items():
        fill, border = COLORS.get(status, COLORS["pending"])
        lines.append(f"  classDef {status} fill:{fill},stroke:{border}")
        lines.append(f"  class {','.join(nodes)} {status}")
    return "\n".join(lines) + "\n"


def entities(text: str) -> str:
    """Text as Mermaid takes it between quotes."""
    return "".join(c if c.isalnum() or c in " _-." else f"#{ord(c)};" for c in text)


# -- YAML ----------------------------------------------------------------------


def to_yaml(flow: Flow, documents: list[dict[str, Any]]) -> str:
    """The flow in the YAML form that `cms flow run` reads; ``documents`` are those of its nodes."""
    whole: dict[str, Any] = {"name": flow.name}
    whole["flow"] = flow.text[0] if len(flow.text) == 1 else list(flow.text)
    python = python_of(documents)
    if python:
        whole["python"] = python
    if flow.parameters:
        whole["parameters"] = dict(flow.parameters)
    if flow.labels:
        whole["edges"] = {f"{a} -> {b}": {"label": label} for (a, b), label in flow.labels.items()}
    if flow.infrastructure:
        whole["infrastructure"] = dict(flow.infrastructure)
    tasks = {d["name"]: said_of(d) for d in documents}
    tasks = {name: said for name, said in tasks.items() if said}
    if tasks:
        whole["tasks"] = tasks
    return "\n".join(yaml_lines(whole)) + "\n"


def python_of(documents: list[dict[str, Any]]) -> str:
    """FILE or FILE:CLASS that holds the functions of most nodes; "" where none has any."""
    count: dict[str, int] = {}
    for document in documents:
        source = (document.get("task") or {}).get("source") or {}
        if source.get("file"):
            cls = f":{source['class']}" if source.get("class") else ""
            place = source["file"] + cls
            count[place] = count.get(place, 0) + 1
    return max(count, key=count.__getitem__, default="")


def said_of(document: dict[str, Any]) -> dict[str, Any]:
    """What the YAML form says of a node: what its function does not say itself."""
    task = dict(document.get("task") or {})
    task.pop("source", None)
    if not ("command" in task or "calculation" in task):
        task.pop("parameter", None)
    if document.get("cloud", "local") != "local":
        task["on"] = document["cloud"]
    return task


PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
#: Words that some reader of YAML takes for something else than text.
WORDS = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
#: … and those that YAML 1.2 does.
WORDS_12 = frozenset(("true", "false", "null"))


def yaml_lines(data: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """A mapping in block style, down to mappings that fit on a line."""
    for key, value in data.items():
        flat = yaml_flat(value)
        name = yaml_scalar(str(key), key=True)
        if isinstance(value, Mapping) and value and (not indent or len(flat) > 70):
            yield f"{indent}{name}:"
            yield from yaml_lines(value, indent + "  ")
        else:
            yield f"{indent}{name}: {flat}"


def yaml_flat(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, str):
        return yaml_scalar(value)
    if isinstance(value, Mapping):
        items = (f"{yaml_scalar(str(k), key=True)}: {yaml_flat(v)}" for k, v in value.items())
        return "{" + ", ".join(items) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(yaml_flat, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def yaml_scalar(text: str, key: bool = False) -> str:
    """A text plain where that is safe, else in quotes.  ``on`` is an ordinary key."""
    if PLAIN.fullmatch(text) and text.lower() not in (WORDS_12 if key else WORDS):
        return text
    return json.dumps(text, ensure_ascii=False)

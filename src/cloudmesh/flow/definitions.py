"""Edits of a definition: a node or an edge more or less.  Pure.

An edit takes the documents of a definition to the graph that they draw, changes
that, and writes it as a list of flow strings.  Whoever stores it reads those
strings again with the flow's own functions, so an edit goes through every check
that a flow written by hand goes through.

``edge add c a`` makes c depend on a, as in the original.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from cloudmesh.flow.errors import InputError, NotFound
from cloudmesh.flow.language.source import did_you_mean

__all__ = [
    "Graph",
    "add_edge",
    "add_node",
    "delete_edge",
    "delete_node",
    "graph_of",
    "invert_edge",
    "strings_of",
]

#: Each node, as the flow string writes it (a mapped one with its ``*``), with what it depends on.
Graph = dict[str, tuple[str, ...]]


def graph_of(documents: Iterable[Mapping[str, Any]]) -> Graph:
    """The graph that the documents of a definition draw; a mapped node keeps its ``*``."""
    listed = list(documents)
    written = {d["name"]: d["name"] + "*" * ("over" in d.get("task", {})) for d in listed}
    return {written[d["name"]]: tuple(written[name] for name in d["dependencies"]) for d in listed}


def find(graph: Graph, name: str) -> str:
    """A node of the graph, asked for with its ``*`` or without.  Raises `NotFound`."""
    bare = name.removesuffix("*")
    for node in (bare, f"{bare}*"):
        if node in graph:
            return node
    hint = did_you_mean(bare, [node.removesuffix("*") for node in graph])
    raise NotFound(f"the flow has no node {bare!r}{hint}")


def add_node(graph: Graph, name: str) -> Graph:
    """The graph with one node more, which nothing depends on yet."""
    if {name.removesuffix("*"), name.removesuffix("*") + "*"} & graph.keys():
        raise InputError(f"the flow has a node {name.removesuffix('*')!r} already")
    return {**graph, name: ()}


def delete_node(graph: Graph, name: str) -> Graph:
    """The graph without a node and its edges."""
    gone = find(graph, name)
    if len(graph) == 1:
        raise InputError(f"{name} is the only node; `cms flow delete` forgets the whole flow")
    return {
        node: tuple(need for need in needs if need != gone)
        for node, needs in graph.items()
        if node != gone
    }


def add_edge(graph: Graph, waits: str, needed: str) -> Graph:
    """The graph in which ``waits`` depends on ``needed``."""
    waits, needed = find(graph, waits), find(graph, needed)
    if waits == needed:
        raise InputError(f"{waits} cannot depend on itself")
    if needed in graph[waits]:
        raise InputError(f"{waits} depends on {needed} already")
    return {**graph, waits: (*graph[waits], needed)}


def delete_edge(graph: Graph, waits: str, needed: str) -> Graph:
    """The graph in which ``waits`` does not depend on ``needed``."""
    waits, needed = find(graph, waits), find(graph, needed)
    if needed not in graph[waits]:
        turned = f"; but {needed} depends on {waits}" if waits in graph[needed] else ""
        raise NotFound(f"{waits} does not depend on {needed}{turned}")
    return {**graph, waits: tuple(need for need in graph[waits] if need != needed)}


def invert_edge(graph: Graph, waits: str, needed: str) -> Graph:
    """The graph in which ``needed`` depends on ``waits`` instead."""
    return add_edge(delete_edge(graph, waits, needed), needed, waits)


def strings_of(graph: Graph) -> list[str]:
    """The graph as a list of flow strings, one for each node that waits or stands alone.

    Where the graph has no cycle, what is needed is mentioned first.
    """
    needed = {need for needs in graph.values() for need in needs}
    strings = []
    for node in in_order(graph):
        needs = graph[node]
        if len(needs) == 1:
            strings.append(f"{needs[0]}; {node}")
        elif needs:
            strings.append(f"({' || '.join(needs)}); {node}")
        elif node not in needed:
            strings.append(node)
    return strings


def in_order(graph: Graph) -> list[str]:
    """The nodes, each after what it needs as far as that is possible, else in their own order."""
    done: dict[str, None] = {}
    for start in graph:
        stack = [(start, iter(graph[start]))]
        entered = {start}
        while stack:
            node, needs = stack[-1]
            need = next((n for n in needs if n not in done and n not in entered), None)
            if need is not None:
                entered.add(need)
                stack.append((need, iter(graph[need])))
            else:
                done.setdefault(node)
                stack.pop()
    return list(done)

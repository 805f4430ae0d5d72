"""What can be found wrong with a graph before the run: wiring, maps, words, parameters.

A finding says what it is about; whoever knows the text gives it its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypedDict

from cloudmesh.flow.model.flow import Flow, Node, Task
from cloudmesh.flow.model.wiring import Wires, reachable, wire

__all__ = ["ALWAYS_THERE", "Asked", "Finding", "check", "map_source", "no_pool"]

#: What a node can be mapped to without any configuration.
ALWAYS_THERE = ("local", "thread", "process")


class Finding(NamedTuple):
    """Something wrong.

    ``kind`` is what must be changed: ``parameter`` (``name``) of ``node``, the
    ``word`` (``name``) of ``node``, the ``node`` itself in the flow string, the
    ``run`` parameter ``name`` or its ``default``, or the ``edge`` from ``name``
    to ``node``.
    ``near`` are names that may have been meant by ``wanted`` (or else ``name``).
    """

    message: str
    kind: str
    node: str = ""
    name: str = ""
    near: tuple[str, ...] = ()
    wanted: str = ""


class Asked(TypedDict, total=False):
    """What a flow is checked against, in the words of `check`; ``parameters`` with their values."""

    parameters: Mapping[str, Any] | None
    infrastructure: Collection[str]
    later: bool
    moved: Collection[str]
    pools: Collection[str] | None
    pending: Collection[str]


def check(
    flow: Flow,
    parameters: Collection[str] | None = None,
    infrastructure: Collection[str] = (),
    *,
    later: bool = False,
    moved: Collection[str] = (),
    pools: Collection[str] | None = None,
    pending: Collection[str] = (),
) -> list[Finding]:
    """All findings in a flow whose graph is sound.

    ``parameters`` are the run parameters that the user gives (the flow's own
    defaults are added here), ``infrastructure`` the words that the user's
    configuration adds for ``on``.  ``later``: run parameters may still come, so
    that one which nothing fills is no mistake yet.  ``moved``: nodes that run
    elsewhere than they say.  ``pools`` are those of the configuration, where it is known.
    ``pending``: nodes whose edges are still to come, and with them what they take.
    """
    parameters = parameters or ()
    known = {*parameters, *flow.parameters}
    wires = wire(flow, known)
    words = [*ALWAYS_THERE, *infrastructure, *flow.infrastructure]
    conditions = _Conditions(flow)
    findings: list[Finding] = []
    silent = _silent(flow.tasks, words)
    for i, node in enumerate(flow.nodes):
        task = node.task
        if id(task) in silent:
            continue
        if task.on not in words and node.name not in moved:
            message = f"on: {task.on!r} is no infrastructure that is known here"
            findings.append(Finding(message, "word", node.name, "on", tuple(words), task.on))
        if task.pool and pools is not None and task.pool not in (*pools, *flow.pools):
            near = (*pools, *flow.pools)
            message = no_pool(task.pool)
            findings.append(Finding(message, "word", node.name, "pool", near, task.pool))
        if task.parameters:
            found = _unfilled(flow, i, wires, later)
            findings += (f for f in found if node.name not in pending or f.name == node.name)
        if task.when is not None:
            reads = conditions.check(i, known, later)
            findings += (f for f in reads if node.name not in pending)
        if task.over is not None and not node.mapped:
            message = f"over: {node.name} is not mapped; write {node.name}* in the flow"
            findings.append(Finding(message, "word", node.name, "over"))
    findings += _labels(flow)
    read = {name for names in conditions.names.values() for name in names}
    findings += _run_parameters(flow, parameters, wires, read)
    return findings


def _silent(tasks: Iterable[Task], words: Collection[str]) -> set[int]:
    """Those tasks, by identity, of whose nodes there is nothing to check, whichever they are."""
    return {
        id(task)
        for task in tasks
        if not (task.parameters or task.pool or task.when is not None or task.over is not None)
        and task.on in words
    }


def no_pool(name: str) -> str:
    """What to say of a pool that nobody has said the size of."""
    return (
        f"there is no pool {name!r}: say how many of it run at once, like `pools: {{{name}: 1}}`, "
        "in the configuration or the flow's YAML"
    )


def _unfilled(flow: Flow, i: int, wires: Wires, later: bool) -> Iterator[Finding]:
    """Parameters of a node that nothing fills, or that a node could not fill."""
    node = flow.nodes[i]
    filled = {name for name, _ in wires[i]}
    from_node = {name for name, source in wires[i] if isinstance(source, int)}
    for p in node.task.parameters:
        if p.name in from_node:
            continue
        if p.name == node.name:
            yield Finding(
                f"{node.name} takes a parameter of its own name, and no node comes before itself",
                "parameter",
                node.name,
                p.name,
            )
        elif p.name in flow.index:
            yield Finding(
                f"{node.name} takes the value of {p.name}, which does not come before it: "
                f"write {p.name}; {node.name}",
                "parameter",
                node.name,
                p.name,
            )
        elif p.required and p.name not in filled and not later:
            yield Finding(
                f"nothing fills the parameter {p.name!r} of {node.name}: it is no node before it, "
                f"has no default, and is not given (--param {p.name}=…)"
                + ("; for a brace write {{" if node.task.command is not None else ""),
                "parameter",
                node.name,
                p.name,
                tuple(flow.index),
            )


class _Conditions:
    """The names of all conditions, with one question to the graph."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.names: dict[int, tuple[str, ...]] = {}
        conditional = any(task.when is not None for task in flow.tasks)
        for i, node in enumerate(flow.nodes if conditional else ()):
            if node.task.when is not None:
                from cloudmesh.flow.model.condition import parse

                self.names[i] = parse(node.task.when).names
        pairs = [
            (i, flow.index[name])
            for i, names in self.names.items()
            for name in names
            if name in flow.index
        ]
        self.before = reachable(flow, pairs) if pairs else set()

    def check(self, i: int, known: Collection[str], later: bool) -> Iterator[Finding]:
        flow, node = self.flow, self.flow.nodes[i]
        own = {
            p.name for p in node.task.parameters if p.required or p.default is not None
        }  # any other default is no JSON, and stays with the function
        for name in self.names[i]:
            j = flow.index.get(name)
            if j is not None and (i, j) not in self.before:
                message = f"when: {name} does not come before {node.name}"
                yield Finding(message, "word", node.name, "when")
            elif j is None and name not in own and name not in known and not later:
                message = f"when: {name!r} is neither a parameter nor a node before {node.name}"
                near = (*flow.index, *own, *known)
                yield Finding(message, "word", node.name, "when", near, name)


def _labels(flow: Flow) -> Iterator[Finding]:
    """Labels of edges that are not there."""
    for source, target in flow.labels:
        missing = [name for name in (source, target) if name not in flow.index]
        if missing:
            message = f"edges: {missing[0]!r} is no node of this flow"
            yield Finding(message, "edge", target, source, tuple(flow.index))
        elif source not in flow.dependencies(flow.index[target]):
            message = f"edges: {target} does not depend on {source} directly"
            yield Finding(message, "edge", target, source)


def _run_parameters(
    flow: Flow, given: Collection[str], wires: Wires, read: Collection[str]
) -> Iterator[Finding]:
    """Run parameters that no node takes, and no condition reads, or that must not be given."""
    if not given and not flow.parameters:
        return
    taken = {source for sources in wires for _, source in sources if isinstance(source, str)}
    taken.update(read)
    types = {p.name: (p.type, n.name) for n in flow.nodes for p in n.task.parameters if p.type}
    for name in {**dict.fromkeys(given), **dict.fromkeys(flow.parameters)}:
        if name in flow.index:
            message = f"the run parameter {name!r} has the name of a node, whose value it cannot be"
            yield Finding(message, "run", "", name)
        elif name in flow.parameters and name not in given and name in types:
            kind, taker = types[name]
            value = flow.parameters[name]
            if not _fits(value, kind):
                message = f"{taker} takes {name} as {kind}, and this is none: {value!r}"
                yield Finding(message, "default", "", name)
        elif name in given and name not in taken:
            takes = sorted({p.name for n in flow.nodes for p in n.task.parameters} - {*flow.index})
            message = f"no node takes the run parameter {name!r}"
            yield Finding(message, "run", "", name, tuple(takes))
    for node in flow.nodes:
        for p in node.task.parameters:
            if p.type == "secret" and (p.name in given or p.name in flow.parameters):
                message = (
                    f"{p.name!r} is a secret: it is read from the environment or a prompt, "
                    "never given as a parameter"
                )
                yield Finding(message, "run", "", p.name)


_KINDS: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": (int, float),
    "bool": bool,
    "str": str,
    "list": list,
    "dict": dict,
}


def _fits(value: object, kind: str) -> bool:
    """Whether a default is of a type that its taker names; of other types nothing is known."""
    wanted = _KINDS.get(kind)
    if wanted is None:
        return True
    if isinstance(value, bool) and kind != "bool":
        return False
    return isinstance(value, wanted)


def map_source(flow: Flow, i: int, sure: bool) -> tuple[str | None, Finding | None]:
    """The source of a mapped node, or what is wrong with it.

    It is what ``over`` names; else the only direct predecessor; else the only
    one among the node's parameters.  Where the functions are not known
    (``sure`` is False) an open choice is no mistake.
    """
    node: Node = flow.nodes[i]
    name, over = node.name, node.task.over
    if over is not None:
        j = flow.index.get(over)
        if j is not None and reachable(flow, [(i, j)]):
            return over, None
        what = "does not come before it" if j is not None else "is no node of this flow"
        near = tuple(flow.index) if j is None else ()
        return None, Finding(
            f"over: {name}* maps over {over}, which {what}", "word", name, "over", near, over
        )
    direct = flow.dependencies(i)
    if not direct:
        message = (
            f"{name}* has nothing to map over: write what gives the list before it: a; {name}*"
        )
        return None, Finding(message, "node", name)
    if len(direct) == 1:
        return direct[0], None
    taken = {p.name for p in node.task.parameters}
    among = [d for d in direct if d in taken]
    if len(among) == 1:
        return among[0], None
    if not sure:
        return None, None
    shown = ", ".join(direct[:5]) + (" …" if len(direct) > 5 else "")
    message = (
        f'{name}* could map over any of {shown}: name one with over="{direct[0]}", '
        "or take just one of them as a parameter"
    )
    return None, Finding(message, "node", name)

"""What was written, as an immutable graph: the one form that every text becomes.

A `Flow` has *nodes*, in order of first mention, and *junctions*.  A junction is
an invisible vertex that stands for a barrier between two groups: where
``(a || b); (c || d)`` would be n × m edges, there are n into the junction and m
out of it.  A vertex is a node (``0 … n-1``) or a junction (``n …``):

    needs[i]       the vertices that node i waits for, in order of first mention
    junctions[k]   the vertices that junction k (vertex n + k) waits for

Everything here is immutable, and can be written as JSON and read again
(`Flow.to_json`, `Flow.from_json`): a run keeps its own flow in its journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

__all__ = [
    "Argument",
    "Calculation",
    "Code",
    "Flow",
    "Look",
    "Node",
    "Parameter",
    "Task",
    "map_of",
    "topological",
]


#: nothing is said; read-only, since it is shared
_NOTHING: Mapping[Any, Any] = MappingProxyType({})


class Parameter(NamedTuple):
    """A parameter of a node's function, or a name that its command uses.

    ``type`` is the annotation as text (``"int"``, ``"secret"``, ``""``: none);
    a parameter that is not ``required`` has a default, which stays with the
    function; only where the node's ``when`` reads it, ``default`` is it, as JSON text.
    """

    name: str
    type: str = ""
    required: bool = True
    default: str | None = None


class Argument(NamedTuple):
    """An argument of a calculation: the value of ``name``, or a Python ``literal``, as text."""

    name: str | None = None
    literal: str = ""
    keyword: str | None = None


class Calculation(NamedTuple):
    """A parsed ``calculation: f(x, 3, scale=y)``."""

    function: str
    arguments: tuple[Argument, ...] = ()


class Code(NamedTuple):
    """Where a node's code is, never the code: file, class ("" for none), function, hash."""

    file: str = ""
    cls: str = ""
    function: str = ""
    sha256: str = ""


class Look(NamedTuple):
    """How a node is shown; None where nothing is said."""

    color: str | None = None
    label: str | None = None
    shape: str | None = None


class Task(NamedTuple):
    """All that is said of a node but its name and its place.  Nodes may share one.

    Times are in seconds.  ``command`` is a string for a shell or a tuple of
    arguments; where it is None, ``calculation`` or else the function of the
    node's own name is called.  ``value_of`` is the local variable of the
    function that is the node's value (YAML ``return: {value: x}``).
    ``look`` is how it is shown from the start of the run, before it has begun;
    ``entry``, ``done`` and ``failed`` are the looks while it runs, when done
    and in error.
    """

    parameters: tuple[Parameter, ...] = ()
    code: Code = Code()
    calculation: Calculation | None = None
    value_of: str | None = None
    command: str | tuple[str, ...] | None = None
    is_async: bool = False
    on: str = "local"
    retries: int = 0
    retry_delay: float = 1.0
    retry_on: tuple[str, ...] = ()
    timeout: float | None = None
    when: str | None = None
    over: str | None = None
    pool: str | None = None
    look: Look = Look()
    entry: Look = Look()
    done: Look = Look()
    failed: Look = Look()
    host: str = ""  # the cloudmesh-cc form names host and user at the node
    user: str = ""


class Node(NamedTuple):
    """A node of a flow.  ``source`` is the node whose list a mapped node maps over."""

    name: str
    task: Task = Task()
    mapped: bool = False
    source: str | None = None


class Flow:
    """An immutable, checked graph.

    ``text`` is the normalised flow string (one, or several of a list);
    ``labels`` maps ``(from, to)`` to the label of that edge; ``parameters``
    are defaults of run parameters; ``infrastructure`` and ``pools`` are what
    the flow's own YAML says of them.  ``elements`` maps single elements of maps,
    like ``work[3]``, to where each of them runs, if not with its map.
    """

    def __init__(
        self,
        name: str,
        nodes: tuple[Node, ...],
        needs: tuple[tuple[int, ...], ...],
        junctions: tuple[tuple[int, ...], ...] = (),
        text: tuple[str, ...] = (),
        labels: Mapping[tuple[str, str], str] = _NOTHING,
        parameters: Mapping[str, Any] = _NOTHING,
        infrastructure: Mapping[str, Any] = _NOTHING,
        pools: Mapping[str, Any] = _NOTHING,
        elements: Mapping[str, str] = _NOTHING,
    ) -> None:
        self.name = name
        self.nodes = nodes
        self.needs = needs
        self.junctions = junctions
        self.text = text
        self.labels = labels
        self.parameters = parameters
        self.infrastructure = infrastructure
        self.pools = pools
        self.elements = elements

    def _said(self) -> tuple[Any, ...]:
        """All that the flow is made of, in the order in which it is given."""
        return (
            *(self.name, self.nodes, self.needs, self.junctions, self.text),
            *(self.labels, self.parameters, self.infrastructure, self.pools, self.elements),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flow) and self._said() == other._said()

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<flow {self.name}: {' | '.join(self.text) or len(self.nodes)}>"

    def with_nodes(self, nodes: tuple[Node, ...]) -> Flow:
        """The same flow with other nodes in the same places."""
        name, _, *rest = self._said()
        return Flow(name, nodes, *rest)

    def with_labels(self, labels: Mapping[tuple[str, str], str]) -> Flow:
        """The same flow with these labels of its edges."""
        said = list(self._said())
        said[5] = labels
        return Flow(*said)

    def with_elements(self, elements: Mapping[str, str]) -> Flow:
        """The same flow with single elements of its maps elsewhere."""
        *rest, _ = self._said()
        return Flow(*[*rest, elements])

    def __len__(self) -> int:
        return len(self.nodes)

    @cached_property
    def index(self) -> dict[str, int]:
        """Name to index of a node."""
        return {node.name: i for i, node in enumerate(self.nodes)}

    @cached_property
    def tasks(self) -> list[Task]:
        """The tasks of all nodes, each once, by identity: nodes that are alike share one."""
        return list({id(node.task): node.task for node in self.nodes}.values())

    @cached_property
    def successors(self) -> list[list[int]]:
        """For each vertex (nodes, then junctions) the vertices that wait for it."""
        out: list[list[int]] = [[] for _ in range(len(self.nodes) + len(self.junctions))]
        for i, needs in enumerate(self.needs):
            for vertex in needs:
                out[vertex].append(i)
        for k, needs in enumerate(self.junctions, len(self.nodes)):
            for vertex in needs:
                out[vertex].append(k)
        return out

    @cached_property
    def order(self) -> list[int]:
        """All vertices (nodes and junctions), each after everything that it needs."""
        return topological([*self.needs, *self.junctions])[0]

    def members(self, vertex: int) -> Iterator[int]:
        """The nodes that a vertex stands for: itself, or all that a junction waits for."""
        n = len(self.nodes)
        stack = [vertex]
        while stack:
            top = stack.pop()
            if top < n:
                yield top
            else:
                stack.extend(reversed(self.junctions[top - n]))

    def dependencies(self, i: int) -> list[str]:
        """The names that node i depends on, each once, in order of first mention."""
        seen = {m: None for vertex in self.needs[i] for m in self.members(vertex)}
        return [self.nodes[m].name for m in seen]

    def edges(self) -> Iterator[tuple[str, str]]:
        """Every edge as (what is needed, what needs it), barriers written out."""
        for i, node in enumerate(self.nodes):
            for name in self.dependencies(i):
                yield name, node.name

    def edge_label(self, source: str, target: str) -> str:
        """The label of an edge: its own, else the parameter that it carries, else ``""``."""
        label = self.labels.get((source, target))
        if label is not None:
            return label
        carried = any(p.name == source for p in self.nodes[self.index[target]].task.parameters)
        return source if carried else ""

    def to_json(self) -> dict[str, Any]:
        """The flow as JSON data; equal tasks are written once.  Not to be changed."""
        return self._json

    @cached_property
    def _json(self) -> dict[str, Any]:
        tasks: dict[Task, int] = {}
        numbers: dict[int, int] = {}  # by identity, because the hash of a task costs a microsecond
        nodes = []
        for node, needs in zip(self.nodes, self.needs, strict=True):
            number = numbers.get(id(node.task))
            if number is None:
                number = numbers[id(node.task)] = tasks.setdefault(node.task, len(tasks))
            row: list[Any] = [node.name, number, list(needs)]
            if node.mapped:
                row.append(node.source)
            nodes.append(row)
        elements = {"elements": dict(self.elements)} if self.elements else {}
        return {
            "name": self.name,
            "text": list(self.text),
            "tasks": [_plain(task) for task in tasks],
            "nodes": nodes,
            "junctions": [list(j) for j in self.junctions],
            "labels": [[a, b, label] for (a, b), label in self.labels.items()],
            "parameters": dict(self.parameters),
            "infrastructure": dict(self.infrastructure),
            "pools": dict(self.pools),
            **elements,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Flow:
        """The flow that `to_json` wrote."""
        tasks = [_task(spec) for spec in data["tasks"]]
        return Flow(
            name=data["name"],
            nodes=tuple(
                Node(row[0], tasks[row[1]], len(row) > 3, row[3] if len(row) > 3 else None)
                for row in data["nodes"]
            ),
            needs=tuple(tuple(row[2]) for row in data["nodes"]),
            junctions=tuple(tuple(j) for j in data["junctions"]),
            text=tuple(data["text"]),
            labels={(a, b): label for a, b, label in data["labels"]},
            parameters=data["parameters"],
            infrastructure=data["infrastructure"],
            pools=data.get("pools", {}),
            elements=data.get("elements", {}),
        )


def map_of(name: str) -> str:
    """The map that ``work[3]`` is an element of; ``""`` for what is the name of no element."""
    work, _, number = name.removesuffix("]").partition("[")
    # Not by `int`, which refuses very many digits.
    is_number = number.isascii() and number.isdecimal() and (number[0] != "0" or number == "0")
    return work if is_number and name == f"{work}[{number}]" else ""


def topological(needs: Sequence[Sequence[int]]) -> tuple[list[int], set[int]]:
    """All vertices, each after what it needs; and those on a cycle or behind one."""
    waiting = [len(n) for n in needs]
    after: list[list[int]] = [[] for _ in needs]
    for vertex, required in enumerate(needs):
        for u in required:
            after[u].append(vertex)
    order = [vertex for vertex, count in enumerate(waiting) if count == 0]
    for vertex in order:  # grows while it is read
        for later in after[vertex]:
            waiting[later] -= 1
            if waiting[later] == 0:
                order.append(later)
    if len(order) == len(needs):
        return order, set()
    return order, {vertex for vertex, count in enumerate(waiting) if count > 0}


def _plain(thing: Any) -> Any:
    """One of the tuples above as a dict of what differs from its defaults."""
    if not isinstance(thing, tuple):
        return thing
    if not hasattr(thing, "_fields"):
        return [_plain(item) for item in thing]
    return {
        name: _plain(value)
        for (name, default), value in zip(_defaults(type(thing)), thing, strict=True)
        if value is not default and value != default  # most are the very default
    }


@cache
def _defaults(kind: Any) -> tuple[tuple[str, Any], ...]:
    """The fields of one of the tuples above with their defaults; what equals nothing for none."""
    return tuple((name, kind._field_defaults.get(name, object())) for name in kind._fields)


def _task(spec: Mapping[str, Any]) -> Task:
    known = dict(spec)
    for name in ("look", "entry", "done", "failed"):
        if name in known:
            known[name] = Look(**known[name])
    if "code" in known:
        known["code"] = Code(**known["code"])
    if "parameters" in known:
        known["parameters"] = tuple(Parameter(**p) for p in known["parameters"])
    if known.get("calculation"):
        arguments = tuple(Argument(**a) for a in known["calculation"].get("arguments", ()))
        known["calculation"] = Calculation(known["calculation"]["function"], arguments)
    if isinstance(known.get("command"), list):
        known["command"] = tuple(known["command"])
    if "retry_on" in known:
        known["retry_on"] = tuple(known["retry_on"])
    return Task(**known)

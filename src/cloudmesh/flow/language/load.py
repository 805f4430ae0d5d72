"""From text and Python to a checked `Program`: everything that can be found wrong without running.

load            FILE.py, FILE.py:CLASS, FILE.yaml, or strings alone
load_object     a BaseWorkFlow that exists already
load_functions  functions by name
rebind          the functions of a flow that a journal has kept
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.collector import uncollected
from cloudmesh.flow.errors import InputError, Problem
from cloudmesh.flow.language import flowstring, graph
from cloudmesh.flow.language.origin import (
    ClassOrigin,
    FunctionsOrigin,
    Origin,
    Spec,
    TextOrigin,
    flow_sources,
)
from cloudmesh.flow.language.printer import as_text
from cloudmesh.flow.language.program import Program
from cloudmesh.flow.language.pythonclass import BaseWorkFlow
from cloudmesh.flow.language.source import WHERE_THEY_ARE, Findings, Source, did_you_mean
from cloudmesh.flow.model.check import Asked, Finding, check, map_source
from cloudmesh.flow.model.flow import Flow, Node, Task

if TYPE_CHECKING:
    from typing import Unpack

__all__ = [
    "check_name",
    "convert_parameters",
    "load",
    "load_functions",
    "load_object",
    "rebind",
    "rebind_object",
]


def load(
    target: str | None,
    strings: Sequence[str] = (),
    *,
    flowname: str | None = None,
    **asked: Unpack[Asked],
) -> Program:
    """Read and check a flow.  Raises `InputError` with all findings.

    ``target`` is ``FILE.py``, ``FILE.py:CLASS``, ``FILE.yaml`` or None (the
    graph of ``strings`` alone); ``strings`` replace the flow's own.  ``asked``
    is as `check` has it; its ``parameters`` are the texts of ``--param``.
    """
    given = [
        Source(text, "flow string" if len(strings) == 1 else f"flow string {number}")
        for number, text in enumerate(strings, 1)
    ]
    origin: Origin = TextOrigin() if target is None else _open(target)
    return _assemble(origin, given, flowname, asked, texts=True)


def load_object(
    thing: type[BaseWorkFlow] | BaseWorkFlow,
    text: str | Sequence[str] | None = None,
    *,
    flowname: str | None = None,
    **asked: Unpack[Asked],
) -> Program:
    """The program of a `BaseWorkFlow` class or instance; ``text`` replaces its ``flow``."""
    from cloudmesh.flow.language.pythonfile import file_of

    instance = thing() if isinstance(thing, type) else thing
    origin = ClassOrigin(instance, file_of(type(instance)))
    # What is given replaces the class's own flow also where it is empty, which is refused.
    given = [] if text is None else flow_sources(text or [""], origin.file, "flow string")
    return _assemble(origin, given, flowname, asked)


def load_functions(
    text: str | Sequence[str],
    functions: Mapping[str, Callable[..., Any]],
    *,
    flowname: str | None = None,
    file: str = "",
    line: int = 0,
    **asked: Unpack[Asked],
) -> Program:
    """The program of functions by name; ``file`` and ``line`` say where the text stands."""
    origin = FunctionsOrigin(functions, file=file, text=text, line=line, what="workflow()")
    return _assemble(origin, [], flowname, asked)


def _open(target: str) -> Origin:
    """The origin that a FILE or FILE:CLASS names."""
    path, cls = split_target(target)
    if path.endswith((".yaml", ".yml")):
        from cloudmesh.flow.language.yamlforms import open_yaml

        return open_yaml(path, cls)
    from cloudmesh.flow.language.pythonorigin import open_python

    return open_python(path, cls)


def split_target(target: str) -> tuple[str, str]:
    """``FILE:CLASS`` as its two parts; CLASS is ``""`` where there is none."""
    head, colon, tail = target.rpartition(":")
    if colon and tail.isidentifier() and head.endswith((".py", ".yaml", ".yml")):
        return head, tail
    return target, ""


@uncollected()
def _assemble(
    origin: Origin,
    given: Sequence[Source],
    flowname: str | None,
    asked: Asked,
    *,
    texts: bool = False,
) -> Program:
    """``texts``: the parameters are those of ``--param``, which annotations are to take."""
    parameters = asked.get("parameters")
    findings = Findings()
    sources = list(given) or origin.strings()
    if not sources:
        findings.extend(origin.early)
        if not findings:
            findings.add(Problem(origin.missing(), _shown(origin.file)))
        findings.raise_if_any()
    parsed = [flowstring.parse(source, findings) for source in sources]
    drawn = graph.build(parsed, findings)
    sound = not findings
    findings.extend(origin.early)
    name = _flow_name(origin, flowname, findings)
    # What does not read well has no graph to speak of; what needs none is checked all the same.
    specs = _specs(origin, drawn, findings)
    flow = _flow(origin, name, drawn, specs, parsed)
    if given and flow.labels:
        flow = _without_old_labels(flow, origin)
    places = _Places(origin, drawn, findings)
    if sound:
        flow = _with_sources(flow, origin.sure, places)
    found = check(flow, **asked)
    if not sound or len(specs) < len(drawn.index):
        found = [f for f in found if _is_certain(f, origin, drawn, specs, sound)]
    places.add(found)
    functions = {n: s.function for n, s in specs.items() if s.function is not None}
    program = Program(flow, functions, origin.file or None, origin.cls)
    if texts and parameters:
        try:
            convert_parameters(program, parameters)
        except InputError as error:
            findings.extend(error.problems)
    findings.raise_if_any()
    return program


def _is_certain(
    finding: Finding,
    origin: Origin,
    drawn: graph.Graph,
    specs: Mapping[str, Spec],
    sound: bool,
) -> bool:
    """Whether a finding stands however the wrong names, and a string that is not ``sound``, are
    mended: a misspelt name is no second mistake of whoever needs it."""
    about = finding.wanted or finding.name
    if finding.kind == "run":  # a node that is not known may be the one that takes it
        return finding.name in drawn.index or len(specs) == len(drawn.index)
    if finding.kind == "default" or (finding.kind == "word" and finding.name in ("on", "pool")):
        return True
    if finding.kind == "edge":
        missing = {finding.name, finding.node} - drawn.index.keys()
        return all(origin.spec(name) is None for name in missing) if missing else sound
    if finding.kind == "parameter" and about in drawn.index:
        return sound or about == finding.node
    if finding.kind == "word" and not finding.wanted:
        return sound
    return origin.spec(about) is None


def _flow_name(origin: Origin, flowname: str | None, findings: Findings) -> str:
    if flowname:
        return check_name(flowname)
    if origin.name:
        wrong = _name_fault(origin.name)
        if wrong:
            message = f"the flow's name {origin.name!r} {wrong}"
            place = origin.place(Finding(message, "name"), message)
            findings.add(place or Problem(message, _shown(origin.file)))
        return str(origin.name)
    if not os.path.exists(origin.file):  # none, or what is no file: <stdin>, a cell of a notebook
        return "workflow"
    stem = os.path.splitext(os.path.basename(origin.file))[0].removesuffix("-flow")
    wrong = _name_fault(stem)
    if wrong:
        message = (
            f"the file's name gives the flow the name {stem!r}, which {wrong}; "
            "give one with --flowname"
        )
        findings.add(Problem(message, _shown(origin.file)))
    return stem


def check_name(name: str) -> str:
    """A flow's name, if it is one.  Raises `InputError`."""
    wrong = _name_fault(name)
    if wrong:
        raise InputError(f"the flow's name {name!r} {wrong}")
    return name


def _name_fault(name: object) -> str:
    if not isinstance(name, str):
        return "is no text"
    if not flowstring.NAME.match(name):
        return "is no name: a name has letters, digits, _ and -, and no digit or - first"
    if len(name) > 100:
        return "is longer than 100 characters"
    if name.lower().startswith(("sqlite_", "system")):
        return "begins with a word that databases keep for themselves"
    return ""


def _specs(origin: Origin, drawn: graph.Graph, findings: Findings) -> dict[str, Spec]:
    """What is known of each node; names that are none are findings."""
    specs: dict[str, Spec] = {}
    for name in drawn.index:
        spec = origin.spec(name)
        if spec is None:
            findings.extend(origin.problems(name))
            parsed, offset = drawn.places(name)[0]
            if findings.full:
                findings.count += 1
            else:
                message = origin.unknown(name)
                findings.add(parsed.source.problem(message, offset, offset + len(name)))
            continue
        if spec.problems:
            findings.extend(spec.problems)
        specs[name] = spec
    return specs


def _flow(
    origin: Origin,
    name: str,
    drawn: graph.Graph,
    specs: Mapping[str, Spec],
    parsed: Sequence[flowstring.Parsed],
) -> Flow:
    mapped = drawn.mapped
    labels = dict(origin.labels)
    for node, spec in specs.items():
        for source, label in spec.labels.items():
            labels[_edge(source, node)] = label
    return Flow(
        name=name,
        nodes=tuple(Node(n, specs.get(n, _NOTHING).task, n in mapped) for n in drawn.index),
        needs=tuple(drawn.needs),
        junctions=tuple(drawn.junctions),
        text=tuple(filter(None, (as_text(p, mapped) for p in parsed))),
        labels=labels,
        parameters=dict(origin.parameters),
        infrastructure=dict(origin.infrastructure),
        pools=dict(origin.pools),
    )


_NOTHING = Spec(Task())


def _without_old_labels(flow: Flow, origin: Origin) -> Flow:
    """The flow without the labels of edges that the flow's own strings have, and those given
    in their place have not; a label of what is no node in either stays, and is a mistake."""
    kept = {}
    for (source, target), label in flow.labels.items():
        i = flow.index.get(target)
        known = all(end in flow.index or origin.spec(end) for end in (source, target))
        if not known or (i is not None and source in flow.dependencies(i)):
            kept[source, target] = label
    return flow.with_labels(kept)


def _edge(source: str, node: str) -> tuple[str, str]:
    """The edge that a key of a node's ``edges`` means: ``a``, or ``a -> b`` in full."""
    for arrow in ("->", "→"):
        if arrow in source:
            left, _, right = source.partition(arrow)
            return left.strip(), right.strip()
    return source, node


def _with_sources(flow: Flow, sure: bool, places: _Places) -> Flow:
    """The flow with the source of each mapped node."""
    sources: dict[int, str | None] = {}
    for i, node in enumerate(flow.nodes):
        if node.mapped:
            sources[i], wrong = map_source(flow, i, sure)
            if wrong is not None:
                places.add([wrong])
    if not sources:
        return flow
    nodes = list(flow.nodes)
    for i, source in sources.items():
        nodes[i] = Node(nodes[i].name, nodes[i].task, True, source)
    return flow.with_nodes(tuple(nodes))


class _Places:
    """Gives findings of the graph their places."""

    def __init__(self, origin: Origin, drawn: graph.Graph, findings: Findings) -> None:
        self.origin = origin
        self.drawn = drawn
        self.findings = findings

    def add(self, found: Sequence[Finding]) -> None:
        for finding in found:
            if self.findings.full:
                self.findings.count += 1
            else:
                self.findings.add(self.problem(finding))

    def problem(self, finding: Finding) -> Problem:
        message = finding.message
        if finding.near:
            hint = did_you_mean(finding.wanted or finding.name, finding.near)
            where = (finding.kind, finding.name) == ("word", "on")
            message += hint or (WHERE_THEY_ARE if where else "")
        placed = self.origin.place(finding, message)
        if placed is not None:
            return placed
        if finding.node in self.drawn.index:
            parsed, offset = self.drawn.places(finding.node)[0]
            return parsed.source.problem(message, offset, offset + len(finding.node))
        return Problem(message)


def convert_parameters(program: Program, texts: Mapping[str, Any]) -> dict[str, Any]:
    """The values of run parameters, by the annotations of the parameters that take them.

    What is no text is taken as it is.  Raises `InputError` for a text that an
    annotation does not take, and where two nodes would read it differently.
    """
    takers: dict[str, list[tuple[str, str]]] = {}
    for node in program.flow.nodes:
        for p in node.task.parameters:
            if p.name in texts:
                takers.setdefault(p.name, []).append((node.name, p.type))
    values: dict[str, Any] = {}
    findings = Findings()
    for name, text in texts.items():
        if not isinstance(text, str):
            values[name] = text
            continue
        try:
            values[name] = _converted(program, name, text, takers.get(name, []))
        except InputError as error:
            findings.extend(error.problems)
    findings.raise_if_any()
    return values


def _converted(program: Program, name: str, text: str, takers: list[tuple[str, str]]) -> Any:
    from cloudmesh.flow.language.functions import annotation_of
    from cloudmesh.flow.model.convert import convert

    # One node of each type is asked; those that do not say are asked only if none does.
    by_type = {kind: node for node, kind in reversed(takers)}
    if len(by_type) > 1:
        by_type.pop("", None)
    read: list[tuple[str, str, Any]] = []
    for kind, node in reversed((by_type or {"": ""}).items()):
        function = program.functions.get(node)
        annotation = annotation_of(function, name) if function is not None else None
        try:
            read.append((node, kind, convert(text, kind, annotation)))
        except InputError as error:
            raise InputError(f"--param {name}: {error}") from None
    first = read[0]
    for other in read[1:]:
        if type(other[2]) is not type(first[2]) or other[2] != first[2]:
            raise InputError(
                f"--param {name}: {first[0]} takes it as {first[1]}, {other[0]} as {other[1]}; "
                "give the two parameters different names"
            )
    return first[2]


def rebind(flow: Flow, file: str | os.PathLike[str] | None, cls: str = "") -> Program:
    """The program of a flow that a journal kept, its functions read anew.

    The graph stays; of a node that calls a function, the code's hash and
    whether it is async are those of the new code.  Raises `InputError` for a
    file or a function that is gone.
    """
    from cloudmesh.flow.language.pythonorigin import rebound

    path = str(file) if file else ""
    nodes, functions = rebound(flow, path, cls)
    return Program(flow.with_nodes(nodes), functions, path or None, cls)


def rebind_object(flow: Flow, thing: BaseWorkFlow | Mapping[str, Any], file: str = "") -> Program:
    """`rebind` with functions that are in memory: those of a `BaseWorkFlow`, or by name."""
    from cloudmesh.flow.language.pythonfile import file_of
    from cloudmesh.flow.language.pythonorigin import rebound

    mapping = isinstance(thing, Mapping)
    path = file if mapping else file_of(type(thing))
    nodes, functions = rebound(flow, path, "", thing)
    return Program(flow.with_nodes(nodes), functions, path or None, "")


def _shown(file: str) -> str:
    from cloudmesh.flow.language.pythonfile import shown

    return shown(file) if file else ""

"""The YAML forms of a flow: ours, the list of tasks, and that of cloudmesh-cc.

Our form and the list of tasks are read here; `ccform` reads the third.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from cloudmesh.flow.errors import InputError, Problem
from cloudmesh.flow.language.flowstring import NAME
from cloudmesh.flow.language.origin import Origin, Spec
from cloudmesh.flow.language.source import Source, did_you_mean
from cloudmesh.flow.language.yamlfile import Path, Yaml, YamlNode, read_yaml_file
from cloudmesh.flow.language.yamltask import TASK_KEYS, TaskReader
from cloudmesh.flow.model.check import ALWAYS_THERE, Finding
from cloudmesh.flow.model.flow import Task
from cloudmesh.flow.model.pools import read_pool

__all__ = ["YamlOrigin", "open_yaml"]

TOP_KEYS = (
    "name",
    "flow",
    "python",
    "parameters",
    "edges",
    "tasks",
    "infrastructure",
    "pools",
)


def open_yaml(path: str, cls: str = "") -> Origin:
    """Read a YAML file as the origin of a flow; ``cls`` names a class in its ``python`` file."""
    document = read_yaml_file(path)
    root = document.root
    if root.is_map and "workflow" in root.value:
        from cloudmesh.flow.language.ccform import CcOrigin

        return CcOrigin(document, os.path.abspath(path))
    if not root.is_map and not root.is_list:
        message = "expected keys, like  flow: a; b || c"
        document.findings.add(document.at(message, root))
        document.findings.raise_if_any()
    return YamlOrigin(document, os.path.abspath(path), cls)


class _Entry(NamedTuple):
    """A task in the file: its map, and the path to it."""

    node: YamlNode
    path: Path


class YamlOrigin(Origin):
    """Our form, with ``tasks`` as a map or as a list."""

    sure = True

    def __init__(self, document: Yaml, file: str, cls: str = "") -> None:
        self.document = document
        self.file = file
        self.findings = document.findings
        self.tasks: dict[str, _Entry] = {}
        top = document.root
        keys = {key: value for key, _, value in top.items()} if top.is_map else {}
        self.top: Mapping[str, YamlNode] = keys
        for key in keys:
            if key not in TOP_KEYS:
                hint = did_you_mean(key, TOP_KEYS)
                self.wrong(f"{key!r} is no key of a flow{hint}", (key,), key=True)
        self._read_tasks(keys.get("tasks") or (top if top.is_list else None))
        self.name = self._text("name")
        self._lost = False  # the python file could not be read: of its functions nothing is known
        self.python = self._open_python(cls)
        self.parameters = self._parameters()
        self.infrastructure = self._infrastructure()
        self.pools = self._pools()
        self.labels = dict(self._labels())
        self.reader = TaskReader(document, self.python, lost=self._lost)
        self._specs: dict[str, Spec | None] = {}

    @property
    def early(self) -> list[Problem]:
        """What is wrong with the file itself."""
        return self.findings.problems

    def wrong(self, message: str, path: Path, *, key: bool = False) -> None:
        self.findings.add(self.document.problem(message, path, key=key))

    # -- the top ---------------------------------------------------------------

    def _text(self, key: str) -> str:
        node = self.top.get(key)
        if node is None or node.value is None:
            return ""
        if not isinstance(node.value, str):
            self.wrong(f"{key}: expected text", (key,))
            return ""
        return node.value

    def _map(self, key: str) -> dict[str, Any]:
        node = self.top.get(key)
        if node is None or node.value is None:
            return {}
        if not node.is_map:
            self.wrong(f"{key}: expected keys with values", (key,))
            return {}
        data: dict[str, Any] = node.data()
        return data

    def _parameters(self) -> dict[str, Any]:
        from cloudmesh.flow.model.value import exact_json

        found = self._map("parameters")
        for name, value in found.items():
            if exact_json(value) is None:  # a run would refuse it, without a place
                self.wrong(
                    f"the run parameter {name} is no JSON, so a run cannot keep it: "
                    "NaN, infinities and keys that begin with $ are none",
                    ("parameters", name),
                )
        return found

    def _infrastructure(self) -> dict[str, Any]:
        found = self._map("infrastructure")
        if found:
            from cloudmesh.flow.executors.table import faults

            for name, spec in found.items():
                path: Path = ("infrastructure", name)
                if name in ALWAYS_THERE:
                    self.wrong(f"{name} is a word that is always there", path, key=True)
                    continue
                for message, key in faults(name, spec):
                    self.wrong(message, (*path, key) if key else path, key=True)
        return found

    def _pools(self) -> dict[str, Any]:
        found = self._map("pools")
        for name, spec in found.items():
            try:
                read_pool(spec)
            except ValueError as error:
                self.wrong(f"pools: {name}: {error}", ("pools", name))
        return found

    def _labels(self) -> Iterator[tuple[tuple[str, str], str]]:
        for edge, said in self._map("edges").items():
            path: Path = ("edges", edge)
            ends = re.fullmatch(r"\s*(\S+?)\s*(?:->|→)\s*(\S+)\s*", edge)
            label = said.get("label") if isinstance(said, dict) else said
            if ends is None:
                self.wrong('edges: expected an edge, like "a -> b"', path, key=True)
            elif isinstance(said, dict) and set(said) - {"label"}:
                self.wrong(
                    f"edges: an edge has a label, no {next(iter(set(said) - {'label'}))!r}", path
                )
            elif not isinstance(label, str):
                self.wrong("edges: expected the text of a label", path)
            else:
                yield (ends[1], ends[2]), label

    def _read_tasks(self, node: YamlNode | None) -> None:
        if node is None or node.value is None:
            return
        base: Path = ("tasks",) if self.document.root.is_map else ()
        if node.is_map:
            for name, _, entry in node.items():
                self._add_task(name, entry, (*base, name))
        elif node.is_list:
            for i, item in enumerate(node.value):
                self._add_listed(item, (*base, i))
        else:
            self.wrong("tasks: expected a name and keys for each task", base)

    def _add_listed(self, item: YamlNode, path: Path) -> None:
        """An item of the list form: ``{name: a, …}``, or ``a: {…}``."""
        if not item.is_map:
            self.wrong("tasks: expected {name: …, …}", path)
            return
        named = item.value.get("name")
        if named is None and len(item.value) == 1:
            name, _, entry = next(item.items())
            if name not in TASK_KEYS:
                self._add_task(name, entry, (*path, name))
                return
        if named is None or not isinstance(named[1].value, str):
            self.wrong("tasks: a task in a list needs a name", path)
            return
        self._add_task(named[1].value, item, path, listed=True)

    def _add_task(self, name: str, node: YamlNode, path: Path, *, listed: bool = False) -> None:
        if not NAME.match(name):
            message = (
                f"{name!r} is no name: a name has letters, digits, _ and -, and no digit first"
            )
            self.wrong(message, (*path, "name") if listed else path, key=not listed)
        elif name in self.tasks:
            self.wrong(f"the task {name!r} stands twice", (*path, "name") if listed else path)
        elif not node.is_map and node.value is not None:
            self.wrong(f"tasks: {name}: expected keys, like  command: …", path)
        else:
            named = node.value.get("name") if node.is_map else None
            if named is not None and named[1].value != name:
                self.wrong(f"the task {name!r} has another name here", (*path, "name"))
            for key in node.value if node.is_map else ():
                if key not in TASK_KEYS:
                    hint = did_you_mean(key, TASK_KEYS)
                    self.wrong(f"{key!r} is no key of a task{hint}", (*path, key), key=True)
            empty = YamlNode({}, node.start, node.end)
            self.tasks[name] = _Entry(node if node.is_map else empty, path)

    # -- python ----------------------------------------------------------------

    def _open_python(self, cls: str) -> list[Any]:
        """The class and the functions that ``python`` names; both where one file has both."""
        said = self._text("python")
        from cloudmesh.flow.language.yamlpython import beside, open_functions

        said = said or beside(self.file)
        if not said:
            if cls:
                self.wrong(f"the file names no python file that has {cls}", ())
            return []
        try:
            return open_functions(said, self.file, cls)
        except InputError as error:
            self._lost = True
            for problem in error.problems:
                placed = problem.line > 0
                self.findings.add(
                    problem if placed else self.document.problem(problem.message, ("python",))
                )
            return []

    # -- Origin ----------------------------------------------------------------

    def strings(self) -> list[Source]:
        node = self.top.get("flow")
        if node is None or node.value is None:
            return [s for origin in self.python for s in origin.strings()]
        items = node.value if node.is_list else [node]
        out = []
        for i, item in enumerate(items):
            if not isinstance(item.value, str):
                path: Path = ("flow", i) if node.is_list else ("flow",)
                self.wrong("flow: expected a string or a list of strings", path)
            else:
                out.append(self.document.text(item))
        return out

    def missing(self) -> str:
        return "the file has no flow: add  flow: a; b || c"

    def spec(self, name: str) -> Spec | None:
        if name not in self._specs:
            entry = self.tasks.get(name)
            if entry is not None:
                self._specs[name] = self.reader.read(name, entry.node, entry.path)
            else:
                found = self._from_python(lambda origin: origin.spec(name))
                self._specs[name] = found or (Spec(Task()) if self._lost else None)
        return self._specs[name]

    def _from_python(self, ask: Callable[[Any], Any]) -> Any:
        for origin in self.python:
            answer = ask(origin)
            if answer is not None:
                return answer
        return None

    def unknown(self, name: str) -> str:
        names = [*self.tasks, *(n for origin in self.python for n in origin.names())]
        hint = did_you_mean(name, names)
        if name in self.tasks:
            what = (
                "has neither calculation nor command, and there is no python function of its name"
            )
            return f"{name} {what}{hint}"
        where = " or function" if self.python else ""
        return f"there is no task{where} {name!r}{hint}"

    def problems(self, name: str) -> list[Problem]:
        return self.reader.problems.get(name, [])

    def place(self, finding: Finding, message: str) -> Problem | None:
        document = self.document
        if finding.kind == "name":
            return document.problem(message, ("name",))
        if finding.kind == "run":
            return self._run_place(finding, message)
        if finding.kind == "default":
            return document.problem(message, ("parameters", finding.name))
        if finding.kind == "edge":
            for edge in self._map("edges"):
                if edge.replace(" ", "") in (
                    f"{finding.name}->{finding.node}",
                    f"{finding.name}→{finding.node}",
                ):
                    return document.problem(message, ("edges", edge), key=True)
        entry = self.tasks.get(finding.node)
        if entry is not None and finding.kind == "word" and finding.name in entry.node.value:
            return document.problem(message, (*entry.path, finding.name))
        if entry is not None and finding.kind == "edge" and "edges" in entry.node.value:
            return document.problem(message, (*entry.path, "edges"))
        if finding.node in self.reader.own and entry is not None:
            return self.reader.place(finding.node, finding.name, entry.path, message)
        for origin in self.python:
            if finding.node and origin.function(finding.node) is not None:
                placed: Problem | None = origin.place(finding, message)
                return placed
        return None

    def _run_place(self, finding: Finding, message: str) -> Problem | None:
        if self.document.find(("parameters", finding.name)) is None:
            return None
        return self.document.problem(message, ("parameters", finding.name), key=True)

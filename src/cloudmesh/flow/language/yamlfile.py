"""Reads YAML by the rules of version 1.2, and remembers where everything stands.

The library gives the events; what they mean is decided here: only ``true`` and
``false`` are booleans, keys are texts and never repeated, tags are refused, and
so is what is deeper, larger or (by aliases) more than anybody writes by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cloudmesh.flow.errors import InputError, NotFound, Problem
from cloudmesh.flow.language.source import Findings, Source, did_you_mean, files_beside

__all__ = ["Path", "Yaml", "YamlNode", "read_on", "read_yaml", "read_yaml_file"]

MOST_BYTES = 10_000_000
MOST_LEVELS = 100
MOST_VALUES = 1_000_000  # aliases written out

#: The keys and numbers that lead to a value.
Path = tuple["str | int", ...]

_NULL = re.compile(r"(?:null|Null|NULL|~)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_INFINITY = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)\Z")


class YamlNode:
    """A value with its place.

    ``value`` is the scalar's value, a list of nodes, or a dict from key to
    ``(key node, value node)``; ``text`` is a scalar as it was written.
    """

    __slots__ = ("end", "height", "size", "start", "text", "value")

    def __init__(self, value: Any, start: int, end: int, text: str = "") -> None:
        self.value = value
        self.start = start
        self.end = end
        self.text = text
        self.size = 1
        self.height = 1

    @property
    def is_map(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    def items(self) -> Iterator[tuple[str, YamlNode, YamlNode]]:
        """Key, key node and value node of a map."""
        for key, (key_node, node) in self.value.items():
            yield key, key_node, node

    def data(self) -> Any:
        """The value as plain Python data."""
        if isinstance(self.value, dict):
            return {key: node.data() for key, (_, node) in self.value.items()}
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        return self.value


class Yaml:
    """A document: ``root`` and ``data``, and problems with their places."""

    def __init__(self, source: Source, root: YamlNode, findings: Findings) -> None:
        self.source = source
        self.root = root
        self.findings = findings  # what is wrong with it as YAML

    @property
    def data(self) -> Any:
        """The whole document as plain Python data."""
        return self.root.data()

    def find(self, path: Path) -> YamlNode | None:
        """The node that a path leads to."""
        found = self._find(path)
        return found[1] if found else None

    def problem(self, message: str, path: Path = (), *, key: bool = False) -> Problem:
        """A problem with the value at a path (with its key); else with the nearest above it."""
        for length in range(len(path), -1, -1):
            found = self._find(path[:length])
            if found is not None:
                key_node, node = found
                at_key = key_node if key_node and (key or length < len(path)) else node
                return self.at(message, at_key)
        return self.at(message, self.root)

    def at(self, message: str, node: YamlNode) -> Problem:
        """A problem with a node; of a map or list its first line is shown."""
        end = node.start + 1 if node.is_map or node.is_list else node.end
        return self.source.problem(message, node.start, end)

    def text(self, node: YamlNode) -> Source:
        """A scalar's text as a source of its own, for what is wrong inside it."""
        return Source.inside(self.source, node.start, node.end, node.text)

    def _find(self, path: Path) -> tuple[YamlNode | None, YamlNode] | None:
        key, node = None, self.root
        for step in path:
            value = node.value
            if isinstance(value, dict) and step in value:
                key, node = value[step]
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                key, node = None, value[step]
            else:
                return None
        return key, node


def read_yaml_file(path: str) -> Yaml:
    """Read a YAML file as `read_on` does.  Raises `InputError`, `NotFound`."""
    from cloudmesh.flow.language.pythonfile import shown

    name = shown(path)
    try:
        with open(path, "rb") as file:
            raw = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        hint = did_you_mean(name, map(shown, files_beside(path)))
        raise NotFound(f"{name}: there is no such file{hint}") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from None
    if len(raw) > MOST_BYTES:
        raise InputError(f"{name}: larger than 10 MB, which is more than a flow is")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        good = raw[: error.start].decode()
        source = Source(raw.decode("utf-8", errors="replace"), name)
        raise InputError(problems=[source.problem("the file is not in UTF-8", len(good))]) from None
    return read_on(text, name)


def read_yaml(text: str, filename: str) -> Yaml:
    """Read one YAML document.  Raises `InputError` with all that is wrong, each with its place."""
    document = read_on(text, filename)
    document.findings.raise_if_any()
    return document


def read_on(text: str, filename: str) -> Yaml:
    """Read one YAML document; repeated keys and the like are kept in its ``findings``.

    Raises `InputError` where the text is no YAML at all.
    """
    if len(text) > MOST_BYTES:
        raise InputError(f"{filename}: larger than 10 MB, which is more than a flow is")
    source = Source(text.removeprefix("\ufeff"), filename)
    findings = Findings()
    reader = _Reader(source, findings)
    try:
        root = reader.read()
    except InputError:
        raise
    except Exception as error:  # whatever the library raises, the text is wrong
        findings.add(_library_problem(error, source))
        root = None
    if root is None:
        findings.raise_if_any()
        raise InputError(problems=[source.problem("the file is empty")])
    return Yaml(source, root, findings)


def _library_problem(error: Exception, source: Source) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None)
    hint = ""
    if said == "mapping values are not allowed here":
        hint = ": a key under a value, or a ':' too many; check the indentation"
    if mark is not None:
        return source.problem(f"this is no YAML: {said or error}{hint}", mark.index)
    position = getattr(error, "position", None)
    if isinstance(position, int):
        return source.problem("a character that YAML does not allow", position)
    first = str(error).split("\n")[0]
    return source.problem(f"this is no YAML: {first or type(error).__name__}")


class _Stop(Exception):
    """Reading on makes no sense."""


class _Open:
    """A map or list that is being read."""

    __slots__ = ("anchor", "key", "node")

    def __init__(self, node: YamlNode, anchor: str | None) -> None:
        self.node = node
        self.anchor = anchor
        self.key: YamlNode | None = None  # of a map, that still has no value


class _Reader:
    def __init__(self, source: Source, findings: Findings) -> None:
        self.source = source
        self.findings = findings
        self.stack: list[_Open] = []
        self.anchors: dict[str, YamlNode | None] = {}  # None: not closed yet
        self.root: YamlNode | None = None
        self.documents = 0

    def read(self) -> YamlNode | None:
        from ruamel.yaml import YAML

        actions = {
            "ScalarEvent": self.scalar,
            "AliasEvent": self.alias,
            "MappingStartEvent": self.start,
            "SequenceStartEvent": self.start,
            "MappingEndEvent": self.end,
            "SequenceEndEvent": self.end,
            "DocumentStartEvent": self.document,
        }
        try:
            for event in YAML(typ="base", pure=True).parse(self.source.text):
                action = actions.get(type(event).__name__)
                if action is not None:
                    action(event)
        except _Stop:
            pass
        return self.root

    def wrong(self, message: str, start: int, end: int | None = None) -> None:
        self.findings.add(self.source.problem(message, start, end))

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.wrong("a second document: one file is one document", event.start_mark.index)
            raise _Stop

    def tag(self, event: Any) -> None:
        if event.tag is not None and event.tag != "":
            self.wrong(f"tags like {event.tag} are not read", event.start_mark.index)

    def scalar(self, event: Any) -> None:
        self.tag(event)
        start, end = event.start_mark.index, event.end_mark.index
        text = event.value
        plain = event.style in (None, "")
        try:
            value = _resolve(text) if plain else text
        except ValueError:
            self.wrong("a number with so many digits is not read; put it in quotes", start, end)
            value = 0
        node = YamlNode(value, start, max(end, start + 1), text)
        if event.anchor:
            self.anchors[event.anchor] = node
        self.put(node)

    def start(self, event: Any) -> None:
        self.tag(event)
        value: Any = {} if type(event).__name__ == "MappingStartEvent" else []
        node = YamlNode(value, event.start_mark.index, event.end_mark.index)
        if len(self.stack) >= MOST_LEVELS:
            self.wrong(f"more than {MOST_LEVELS} levels", node.start)
            raise _Stop
        if event.anchor:
            self.anchors[event.anchor] = None
        self.stack.append(_Open(node, event.anchor))

    def end(self, event: Any) -> None:
        done = self.stack.pop()
        done.node.end = event.end_mark.index
        if done.anchor:
            self.anchors[done.anchor] = done.node
        self.put(done.node)

    def alias(self, event: Any) -> None:
        name = event.anchor
        if name not in self.anchors:
            self.wrong(
                f"*{name} stands for nothing: there is no &{name} before it",
                event.start_mark.index,
                event.end_mark.index,
            )
            self.put(YamlNode(None, event.start_mark.index, event.end_mark.index))
            return
        node = self.anchors[name]
        if node is None:
            self.wrong(f"*{name} stands inside of &{name} itself", event.start_mark.index)
            raise _Stop
        self.put(node)

    def put(self, node: YamlNode) -> None:
        """Hand a finished value to what it stands in."""
        if not self.stack:
            self.root = node
            return
        top = self.stack[-1]
        parent = top.node
        parent.size += node.size
        parent.height = max(parent.height, node.height + 1)
        if parent.size > MOST_VALUES or parent.height > MOST_LEVELS:
            self.wrong("aliases make this larger than it can be", node.start)
            raise _Stop
        if parent.is_list:
            parent.value.append(node)
        elif top.key is None:
            top.key = self.checked_key(node)
        else:
            if top.key.text not in parent.value:
                parent.value[top.key.text] = (top.key, node)
            top.key = None

    def checked_key(self, node: YamlNode) -> YamlNode:
        known = self.stack[-1].node.value
        if node.is_map or node.is_list:
            self.wrong("a key is a word, not a list or a map", node.start)
            return YamlNode("", node.start, node.end, f"\0{node.start}")
        if not isinstance(node.value, str):
            shown = node.text or "nothing"
            self.wrong(f"a key is text; put {shown} in quotes", node.start, node.end)
        elif node.text in known:
            line, _ = self.source.place(known[node.text][0].start)
            self.wrong(
                f"the key {node.text!r} stands twice, first in line {line}", node.start, node.end
            )
        return node


def _resolve(text: str) -> Any:
    """A plain scalar by the core schema of YAML 1.2."""
    first = text[:1]
    if not first:
        return None
    if first in "0123456789+-.":
        return _number(text)
    if first in "tTfF" and _BOOL.match(text):
        return text in ("true", "True", "TRUE")
    return None if _NULL.match(text) else text


def _number(text: str) -> Any:
    if _INT.match(text):
        return int(text)
    if _OCTAL.match(text):
        return int(text[2:], 8)
    if _HEX.match(text):
        return int(text, 16)
    if _FLOAT.match(text):
        return float(text)
    if _INFINITY.match(text):
        return float("-inf") if text[0] == "-" else float("inf")
    return float("nan") if _NAN.match(text) else text

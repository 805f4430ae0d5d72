"""One task of a YAML file: what it calls or commands, its parameters, looks and words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cloudmesh.flow.errors import Problem
from cloudmesh.flow.language import calculation
from cloudmesh.flow.language.functions import facts_of, local_names, with_defaults
from cloudmesh.flow.language.origin import Spec
from cloudmesh.flow.language.source import did_you_mean
from cloudmesh.flow.language.taskwords import TASK_WORDS, read_word, task_fields
from cloudmesh.flow.language.yamlfile import Path, Yaml, YamlNode
from cloudmesh.flow.model import commandtext
from cloudmesh.flow.model.condition import parse as parse_condition
from cloudmesh.flow.model.flow import Calculation, Look, Parameter, Task

__all__ = ["TASK_KEYS", "TaskReader"]

TASK_KEYS = (
    "name",
    "parameter",
    "calculation",
    "command",
    "entry",
    "return",
    "error",
    *TASK_WORDS,
)
_LOOKS = {"entry": "entry", "return": "done", "error": "failed"}
_TYPES = ("int", "float", "bool", "str", "list", "dict", "tuple", "bytes", "any", "secret")


class TaskReader:
    """Reads the tasks that a flow names; ``python`` are the origins of functions.

    ``lost``: there are some, but they could not be read.
    ``own`` are the tasks that have a calculation or a command; ``problems``
    what is wrong with each.
    """

    def __init__(self, document: Yaml, python: Sequence[Any], *, lost: bool) -> None:
        self.document = document
        self.python = python
        self.lost = lost
        self.own: set[str] = set()
        self.problems: dict[str, list[Problem]] = {}
        self._name = ""

    def wrong(self, message: str, path: Path, *, key: bool = False) -> None:
        self.add(self.document.problem(message, path, key=key))

    def add(self, problem: Problem) -> None:
        self.problems.setdefault(self._name, []).append(problem)

    def read(self, name: str, node: YamlNode, path: Path) -> Spec | None:
        """A task; None where nothing says what it runs."""
        self._name = name
        keys = {key: value for key, _, value in node.items()}
        words = self._words(keys, path)
        types = self._types(keys.get("parameter"), path)
        if "calculation" in keys and "command" in keys:
            self.wrong("a task has a calculation or a command, not both", (*path, "command"))
        spec: Spec | None
        if "command" in keys:
            self.own.add(name)
            spec = self._command(keys["command"], path, types)
        elif "calculation" in keys:
            self.own.add(name)
            spec = self._calculation(keys["calculation"], path, types)
        else:
            spec = self._function(name, types)
        if spec is None:
            return None
        fields = task_fields(words)
        if "when" in words and spec.function is not None and spec.task.calculation is None:
            names = parse_condition(words["when"]).names
            fields["parameters"] = with_defaults(spec.task.parameters, spec.function, names)
        for key, field in _LOOKS.items():
            if key in keys:
                look = self._look(keys[key], (*path, key), key)
                fields[field] = _over(look, fields.get("look", Look())) if key == "entry" else look
        if "return" in keys:
            fields["value_of"] = self._value_of(keys["return"], path, spec)
        labels = {**spec.labels, **words.get("edges", {})}
        problems = (*spec.problems, *self.problems.get(name, ()))
        return Spec(spec.task._replace(**fields), spec.function, labels, problems)

    def _words(self, keys: dict[str, YamlNode], path: Path) -> dict[str, Any]:
        words = {}
        for key, node in keys.items():
            if key not in TASK_WORDS:
                continue
            value = node.data()
            if key in ("color", "label", "shape") and isinstance(value, (int, float)):
                value = node.text
            try:
                words[key] = read_word(key, value)
            except ValueError as error:
                self.wrong(str(error), (*path, key))
        return words

    def _types(self, node: YamlNode | None, path: Path) -> dict[str, str]:
        """``{x: int}``, or a list of names or of such maps."""
        if node is None or node.value is None:
            return {}
        where: Path = (*path, "parameter")
        types: dict[str, str] = {}
        for item in node.value if node.is_list else [node]:
            if item.is_map:
                for name, _, kind in item.items():
                    types[name] = self._type(kind, name, where)
            elif isinstance(item.value, str) and node.is_list:
                types[item.value] = ""
            else:
                self.wrong("parameter: expected names with their types, like {x: int}", where)
        for name in types:
            if not name.isidentifier():
                self.wrong(
                    f"parameter: {name!r} is no name of a parameter", (*where, name), key=True
                )
        return types

    def _type(self, node: YamlNode, name: str, where: Path) -> str:
        if node.is_map:  # {x: {type: int}} says the same as {x: int}
            said = {key: kind for key, _, kind in node.items()}
            if list(said) == ["type"]:
                node = said["type"]
        if node.value is None:
            return ""
        if not isinstance(node.value, str):
            self.wrong(f"parameter: expected a type for {name}, like int", (*where, name))
            return ""
        kind = node.value.strip()
        hint = did_you_mean(kind, _TYPES) if kind.lower() not in _TYPES else ""
        if kind.isidentifier() and hint:
            self.wrong(f"parameter: {kind!r} is no type{hint}", (*where, name))
        return kind.lower() if kind.lower() in _TYPES else kind

    # -- what it runs ------------------------------------------------------------

    def _command(self, node: YamlNode, path: Path, types: dict[str, str]) -> Spec:
        where: Path = (*path, "command")
        command: str | tuple[str, ...]
        if node.is_list and node.value and all(not (n.is_map or n.is_list) for n in node.value):
            command = tuple(item.text for item in node.value)
        elif isinstance(node.value, str) and node.value.strip():
            command = node.value
            self._quoted(node)
        else:
            self.wrong("command: expected text for a shell, or a list of arguments", where)
            command = ""
        if any("\0" in part for part in ([command] if isinstance(command, str) else command)):
            self.wrong("command: a NUL character is not possible", where)
        parameters = tuple(
            Parameter(name, types.get(name, "")) for name in commandtext.names(command)
        )
        return Spec(Task(parameters=parameters, command=command))

    def _quoted(self, node: YamlNode) -> None:
        source = None
        for reference in commandtext.references(node.value, shell=True):
            if reference.quoted:
                source = source or self.document.text(node)
                message = commandtext.quoted_message(reference)
                self.add(source.problem(message, reference.start, reference.end))

    def _calculation(self, node: YamlNode, path: Path, types: dict[str, str]) -> Spec:
        where: Path = (*path, "calculation")
        if not isinstance(node.value, str):
            self.wrong("calculation: expected a call of a function, like f(x, y)", where)
            return Spec(Task())
        try:
            call = calculation.parse(node.value)
        except ValueError as error:
            self.wrong(f"calculation: {error}", where)
            return Spec(Task())
        names = dict.fromkeys(a.name for a in call.arguments if a.name is not None)
        parameters = tuple(Parameter(name, types.get(name, "")) for name in names)
        for origin in self.python:
            function = origin.function(call.function)
            if function is not None:
                known = origin.spec(call.function)
                self._arguments(call, function, origin.bound(call.function), where)
                task = known.task._replace(parameters=parameters, calculation=call)
                return Spec(task, known.function, known.labels)
        if self.lost:
            return Spec(Task(parameters=parameters, calculation=call))
        if not self.python:
            message = (
                f"calculation: the file that holds {call.function} is not named; "
                "add  python: FILE.py"
            )
        else:
            near = [n for origin in self.python for n in origin.names()]
            what = self.python[0].what if hasattr(self.python[0], "what") else "the class"
            message = f"calculation: {what} has no function {call.function!r}"
            message += did_you_mean(call.function, near)
        start = node.value.find(call.function)
        self.add(self.document.text(node).problem(message, start, start + len(call.function)))
        return Spec(Task(parameters=parameters, calculation=call))

    def _arguments(self, call: Calculation, function: Any, bound: bool, where: Path) -> None:
        """Whether the function takes these arguments."""
        facts = facts_of(function, bound=bound)
        if facts.refused:  # it takes what is given by position in some way of its own
            return
        given = [a for a in call.arguments if a.keyword is None]
        names = [p.name for p in facts.parameters]
        taken = set(names[: len(given)])
        if len(given) > facts.positional:
            message = f"calculation: {call.function} takes at most {facts.positional} by position"
            self.wrong(message, where)
        for argument in call.arguments:
            keyword = argument.keyword
            if keyword is None:
                continue
            if keyword in taken:
                self.wrong(f"calculation: {keyword} is given twice", where)
            elif keyword not in names and not facts.any_keyword:
                hint = did_you_mean(keyword, names)
                message = f"calculation: {call.function} has no parameter {keyword!r}{hint}"
                self.wrong(message, where)
            taken.add(keyword)
        lacking = [p.name for p in facts.parameters if p.required and p.name not in taken]
        if lacking:
            message = f"calculation: {call.function} also needs {', '.join(lacking)}"
            self.wrong(message, where)

    def _function(self, name: str, types: dict[str, str]) -> Spec | None:
        """The function of the task's own name, with the types that the file says."""
        for origin in self.python:
            spec: Spec | None = origin.spec(name)
            if spec is not None:
                parameters = tuple(
                    p._replace(type=types.get(p.name) or p.type) for p in spec.task.parameters
                )
                return spec._replace(task=spec.task._replace(parameters=parameters))
        return Spec(Task()) if self.lost else None

    # -- how it looks ------------------------------------------------------------

    def _parts(self, node: YamlNode, path: Path) -> dict[str, YamlNode]:
        """The keys of a look; a list of maps is read as one."""
        if node.value is None:
            return {}
        found: dict[str, YamlNode] = {}
        for item in node.value if node.is_list else [node]:
            if not item.is_map:
                self.wrong("expected color, label or shape", path)
                continue
            for key, _, value in item.items():
                if key not in found or found[key].value is not None:  # else it is wrong
                    found[key] = value
        return found

    def _look(self, node: YamlNode, path: Path, which: str) -> Look:
        allowed = ("color", "label", "shape") + (() if which == "error" else ("value",))
        said: dict[str, str] = {}
        for key, value in self._parts(node, path).items():
            if key not in allowed:
                hint = did_you_mean(key, allowed)
                self.wrong(f"{key!r} is no key of {which}{hint}", (*path, key), key=True)
            elif key != "value":
                if value.is_map or value.is_list or value.value is None:
                    self.wrong(f"{which}: expected text for {key}", (*path, key))
                else:
                    said[key] = value.text
        return Look(said.get("color"), said.get("label"), said.get("shape"))

    def _value_of(self, node: YamlNode, path: Path, spec: Spec) -> str | None:
        """``return: {value: x}``: x is a local variable of the function."""
        value = self._parts(node, (*path, "return")).get("value")
        if value is None:
            return None
        where: Path = (*path, "return", "value")
        name = value.value
        if not isinstance(name, str) or not name.isidentifier():
            self.wrong("return: value is the name of a local variable of the function", where)
            return None
        if spec.task.command is not None:
            self.wrong("return: a command has no variables; its value is what it prints", where)
            return None
        names = local_names(spec.function) if spec.function is not None else ()
        if spec.function is not None and name not in names:
            hint = did_you_mean(name, names)
            called = spec.task.code.function
            self.wrong(f"return: {called} has no local variable {name!r}{hint}", where)
        return name

    def place(self, name: str, parameter: str, path: Path, message: str) -> Problem:
        """Where a parameter of a task stands in its calculation or command."""
        for key in ("calculation", "command"):
            node = self.document.find((*path, key))
            if node is None:
                continue
            for item in node.value if node.is_list else [node]:
                pattern = rf"\{{{parameter}\}}" if key == "command" else rf"\b{parameter}\b"
                found = re.search(pattern, item.text)
                if found:
                    return self.document.text(item).problem(message, found.start(), found.end())
        return self.document.problem(message, path, key=True)


def _over(look: Look, base: Look) -> Look:
    """A look, with that of ``base`` where it says nothing."""
    return Look(
        look.color if look.color is not None else base.color,
        look.label if look.label is not None else base.label,
        look.shape if look.shape is not None else base.shape,
    )

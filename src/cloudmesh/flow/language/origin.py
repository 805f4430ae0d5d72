"""Where a flow comes from: a class, functions, a YAML file, or nothing but a string.

An `Origin` answers what `load` asks of each of them: the flow's strings, what
is said of a node, and where to point when something of it is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from cloudmesh.flow.errors import InputError, Problem
from cloudmesh.flow.language.functions import bind, code_of, facts_of, with_defaults
from cloudmesh.flow.language.pythonclass import PUBLIC, BaseWorkFlow
from cloudmesh.flow.language.pythonfile import code_hash, python_text
from cloudmesh.flow.language.source import Source, did_you_mean
from cloudmesh.flow.language.taskwords import task_fields
from cloudmesh.flow.model.check import Finding
from cloudmesh.flow.model.flow import Code, Task

__all__ = ["ClassOrigin", "FunctionsOrigin", "Origin", "Spec", "TextOrigin", "flow_sources"]


class Spec(NamedTuple):
    """What is known of a node; ``labels`` are those of the edges into it."""

    task: Task
    function: Callable[..., Any] | None = None
    labels: Mapping[str, str] = {}
    problems: tuple[Problem, ...] = ()


class Origin:
    """The answers of a bare flow string: any name is a node, of which nothing is known."""

    file: str = ""
    cls: str = ""
    name: str = ""
    sure = False  # whether the parameters of its nodes are known
    parameters: Mapping[str, Any] = {}
    infrastructure: Mapping[str, Any] = {}
    pools: Mapping[str, Any] = {}
    labels: Mapping[tuple[str, str], str] = {}

    @property
    def early(self) -> Iterable[Problem]:
        """What is wrong with the file as a whole; asked last, when all of it has been read."""
        return ()

    def strings(self) -> list[Source]:
        """The flow's own strings."""
        return []

    def missing(self) -> str:
        """What to say where neither the origin nor the user gives a flow string."""
        return "there is no flow string"

    def spec(self, name: str) -> Spec | None:
        """What is known of a node; None where there is no such."""
        return Spec(_PLAIN)

    def unknown(self, name: str) -> str:
        """What to say of a name that is no node."""
        raise AssertionError(name)

    def problems(self, name: str) -> Iterable[Problem]:
        """What is wrong with what is said of a node, where that makes no `Spec`."""
        return ()

    def place(self, finding: Finding, message: str) -> Problem | None:
        """A finding of `model.check` with its place; None: the place is in the flow string."""
        return None

    def annotation(self, node: str, parameter: str, program: Mapping[str, Any]) -> Any:
        """The annotation of a node's parameter, as an object."""
        from cloudmesh.flow.language.functions import annotation_of

        return annotation_of(program.get(node), parameter)


_PLAIN = Task()


class TextOrigin(Origin):
    """A bare flow string: its graph alone."""


class _PythonOrigin(Origin):
    """What classes and modules of functions have in common."""

    sure = True

    def __init__(self) -> None:
        self._described: dict[int, Spec] = {}

    def function(self, name: str) -> Any:
        """What a node's name stands for; None: nothing that can be called."""
        raise AssertionError(name)

    def names(self) -> list[str]:
        """All names that could be nodes."""
        raise AssertionError

    def bound(self, name: str) -> bool:
        """Whether the first parameter is self."""
        return False

    def place(self, finding: Finding, message: str) -> Problem | None:
        function = self.function(finding.node) if finding.node else None
        code = code_of(function) if function is not None else None
        text = python_text(code.co_filename) if code is not None else None
        if text is None:
            return None
        if finding.kind == "parameter":
            return text.parameter_problem(message, code, finding.name)
        if finding.kind == "word":
            return text.word_problem(message, code, finding.name)
        if finding.kind == "edge":
            return text.word_problem(message, code, "edges")
        return None

    def described(self, function: Any, bound: bool) -> Spec:
        """What a function says of itself and of its ``@task``; nodes that share it share that."""
        known = self._described.get(id(function))
        if known is not None:
            return known
        facts = facts_of(function, bound=bound)
        target = getattr(function, "__func__", function)
        words = getattr(target, "__task__", {})
        code = code_of(function)
        parameters = facts.parameters
        if "when" in words:
            from cloudmesh.flow.model.condition import parse

            names = parse(words["when"]).names
            parameters = with_defaults(parameters, function, names)
        task = Task(
            parameters=parameters,
            code=Code(
                self.file,
                self.cls,
                code.co_name if code is not None else getattr(function, "__name__", "?"),
                code_hash(code) if code is not None else "",
            ),
            is_async=facts.is_async,
            **task_fields(words),
        )
        problems = [*getattr(target, "__task_problems__", ())]
        problems += [self._refused(code, name, why) for name, why in facts.refused]
        spec = Spec(task, function, words.get("edges", {}), tuple(problems))
        self._described[id(function)] = spec
        return spec

    def _refused(self, code: Any, parameter: str, message: str) -> Problem:
        text = python_text(code.co_filename) if code is not None else None
        if text is None:
            return Problem(message, self.file)
        return text.parameter_problem(message, code, parameter)


class ClassOrigin(_PythonOrigin):
    """A subclass of `BaseWorkFlow`."""

    def __init__(self, instance: BaseWorkFlow, file: str) -> None:
        super().__init__()
        self.instance = instance
        self.file = file
        self.cls = type(instance).__name__
        self.name = instance.name or ""

    def strings(self) -> list[Source]:
        try:
            return flow_sources(self.instance.flow, self.file, f"{self.cls}.flow", cls=self.cls)
        except InputError as error:
            placed = self._attribute_problem("flow", str(error))
            raise InputError(problems=[placed]) if placed else error from None

    def _attribute_problem(self, name: str, message: str) -> Problem | None:
        text = python_text(self.file)
        return text.attribute_problem(message, self.cls, name) if text is not None else None

    def place(self, finding: Finding, message: str) -> Problem | None:
        if finding.kind == "name":
            return self._attribute_problem("name", message)
        return super().place(finding, message)

    def missing(self) -> str:
        return (
            f'{self.cls} has no flow: give one, like flow = "(a; b || c)", '
            "or a string on the command line"
        )

    def function(self, name: str) -> Any:
        private = name.startswith("__") and not name.endswith("__")
        for cls in type(self.instance).__mro__:
            # Python keeps the method __a of a class A as _A__a.
            kept = f"_{cls.__name__.lstrip('_')}{name}" if private else name
            if cls in BaseWorkFlow.__mro__ or kept not in cls.__dict__:
                continue  # what is ours, like __init__, is no node
            found = cls.__dict__[kept]
            usable = callable(found) or isinstance(found, (staticmethod, classmethod))
            return found if usable and not isinstance(found, type) else None
        found = self.instance.__dict__.get(name)  # set in __init__
        return found if callable(found) else None

    def bound(self, name: str) -> bool:
        function = self.function(name)
        return name not in self.instance.__dict__ and not isinstance(function, staticmethod)

    def spec(self, name: str) -> Spec | None:
        if name in PUBLIC:
            return None
        function = self.function(name)
        if function is None:
            return None
        known = self.described(function, self.bound(name))
        own = name in self.instance.__dict__
        call = function if own else bind(self.instance, function, name, known.task.is_async)
        return Spec(known.task, call, known.labels, known.problems)

    def names(self) -> list[str]:
        found = {
            name: None
            for cls in type(self.instance).__mro__
            if cls not in (object, *BaseWorkFlow.__mro__)
            for name in cls.__dict__
        }
        return [n for n in found if not n.startswith("__") and self.function(n) is not None]

    def unknown(self, name: str) -> str:
        if name in PUBLIC:
            return f"{name!r} is what BaseWorkFlow itself has; a node needs another name"
        what = "is no method" if hasattr(self.instance, name) else "has no method"
        message = (
            f"{self.cls}.{name} {what}"
            if what == "is no method"
            else (f"{self.cls} {what} {name!r}")
        )
        return message + did_you_mean(name, self.names())


class FunctionsOrigin(_PythonOrigin):
    """Functions by name: a module's, or those that ``workflow(…)`` was given."""

    def __init__(
        self,
        functions: Mapping[str, Any],
        *,
        file: str = "",
        name: str = "",
        text: Any = None,
        line: int = 0,
        what: str = "the file",
    ) -> None:
        super().__init__()
        self.functions = functions
        self.file = file
        self.name = name
        self.text = text
        self.line = line
        self.what = what

    def strings(self) -> list[Source]:
        return flow_sources(self.text, self.file, "flow string", line=self.line)

    def missing(self) -> str:
        return f'{self.what} has no flow: add w = workflow("a; b || c"), or give a string'

    def function(self, name: str) -> Any:
        found = self.functions.get(name)
        return found if callable(found) and not isinstance(found, type) else None

    def spec(self, name: str) -> Spec | None:
        # What is described already is a function: in a large flow many nodes have the same one.
        known = self._described.get(id(self.functions.get(name)))
        if known is not None:
            return known
        function = self.function(name)
        return None if function is None else self.described(function, False)

    def names(self) -> list[str]:
        return [n for n in self.functions if self.function(n) is not None and n[:2] != "__"]

    def unknown(self, name: str) -> str:
        found = self.functions.get(name)
        what = f"{name!r} is no function" if found is not None else f"there is no function {name!r}"
        return what + did_you_mean(name, self.names())


def flow_sources(flow: Any, file: str, what: str, *, cls: str = "", line: int = 0) -> list[Source]:
    """The strings of a flow that Python code gives, with their places where they are literals.

    Raises `InputError` where it is neither a string nor a list of strings.
    """
    if flow is None or flow == "":
        return []
    texts = [flow] if isinstance(flow, str) else flow
    if not isinstance(texts, (list, tuple)) or not all(isinstance(t, str) for t in texts):
        raise InputError(f"{what} is to be a string or a list of strings, not {flow!r}")
    out = []
    for number, text in enumerate(texts, 1):
        shown = what if len(texts) == 1 else f"{what} {number}"
        out.append(Source.sought(text, shown, partial(_literal, file, text, cls, line)))
    return out


def _literal(file: str, text: str, cls: str, line: int) -> Source | None:
    python = python_text(file) if file else None
    return python.literal(text, cls, line) if python is not None else None

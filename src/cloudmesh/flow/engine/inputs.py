"""What a node receives: values of predecessors, run parameters; and whether it runs at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudmesh.flow.errors import Interrupted, StoreError
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.events import Event
from cloudmesh.flow.run.run import Run
from cloudmesh.flow.run.states import ERROR, FINISHED

__all__ = ["Inputs"]

#: (parameter, where it comes from): a node's number, or the name of a run parameter.
Wire = tuple[str, int | str]


class Inputs:
    """The values of a run, and the arguments made of them.

    In the process that made it a value is the very object; after a resume it
    is read from the journal when it is first needed (``load``).  A large one
    leaves memory when the last node that receives it has ended, and is read from
    the store again for whoever still asks (``Run[…].value``): else a run would
    hold all that it ever made.
    """

    def __init__(
        self,
        run: Run,
        wires: Sequence[Sequence[Wire]],
        parameters: Mapping[str, Any],
        load: Callable[[str, Mapping[str, Any]], Any],
    ) -> None:
        self.run = run
        self.wires = wires
        self.parameters = parameters
        self.values: dict[int, Any] = {}
        self._load = load
        self._conditions: dict[int, Any] = {}
        self.held: set[int] = set()  # values that are to be let go
        self._receivers: dict[int, list[int]] | None = None

    def value(self, i: int) -> Any:
        """The value of a finished node.  Raises `ValueError` where it cannot be read."""
        try:
            return self.values[i]
        except KeyError:
            pass
        value = self._stored(i)
        if self.run.over:  # for who asks afterwards: kept by none but him
            return value
        self.values[i] = value
        self.hold(i, self.run.extra.get(i, {}))
        return value

    def _stored(self, i: int) -> Any:
        run = self.run
        if i in run.skipped:
            return None
        if i in run.elements:
            return [self.value(k) for k in run.elements[i]]
        return self._load(run.result[i] or "null", run.extra.get(i, {}))

    # -- letting go --------------------------------------------------------

    def hold(self, i: int, extra: Mapping[str, Any]) -> None:
        """Keep a value, if it is large, until its last receiver has ended."""
        if "ref" in extra or extra.get("codec") == "json":
            self.held.add(self.run.parent.get(i, i))

    def let_go(self, record: Sequence[Event]) -> None:
        """Drop what is held and, after these events, no longer needed."""
        for event in record:
            kind = event[0]
            if kind == "failed":  # and with it all that it blocks
                for held in list(self.held):
                    self._let_go(held)
            elif kind in ("finished", "skipped"):
                i: int = event[1]
                ended = self.run.parent.get(i, i)
                self._let_go(ended)
                for source in self._sources(ended):
                    self._let_go(source)

    def _let_go(self, i: int) -> None:
        run = self.run
        if i not in self.held or (i in run.maps and run.status[i] != FINISHED):
            return  # the elements' values make the map's own
        if all(self._has_ended(k) for k in self._receivers_of(i)):
            self.held.discard(i)
            self.values.pop(i, None)
            for k in run.elements.get(i, ()):
                self.values.pop(k, None)

    def _sources(self, i: int) -> set[int]:
        """The nodes whose value a node receives, or asks for in its condition."""
        named = {source for _, source in self.wires[i] if type(source) is int}
        when = self.run.tasks[i].when
        if when is not None:
            names = self._condition(i, when).names
            named |= {self.run.index[name] for name in names if name in self.run.index}
        return named

    def _has_ended(self, i: int) -> bool:
        run = self.run
        return run.status[i] in (FINISHED, ERROR) or i in run.blocked

    def _receivers_of(self, i: int) -> list[int]:
        """The nodes that receive the value of a node, or ask for it in their condition."""
        if self._receivers is None:
            self._receivers = {}
            for k in range(len(self.wires)):
                for source in self._sources(k):
                    self._receivers.setdefault(source, []).append(k)
        return self._receivers.get(i, [])

    # -- what a node receives ----------------------------------------------

    def arguments(self, i: int) -> dict[str, Any]:
        """The keyword arguments of a node; what is left to its default is absent."""
        parent = self.run.parent.get(i)
        if parent is not None:
            return self._element(parent, i)
        values = self.values
        out: dict[str, Any] = {}
        for name, source in self.wires[i]:
            if type(source) is str:
                out[name] = self.parameters[source]
            elif source in values:
                out[name] = values[source]
            elif source not in self.run.skipped:
                out[name] = self.value(source)  # type: ignore[arg-type]
        return out

    def _element(self, parent: int, i: int) -> dict[str, Any]:
        run = self.run
        node = run.flow.nodes[parent]
        out: dict[str, Any] = {}
        for name, source in self.wires[parent]:
            if type(source) is str:
                out[name] = self.parameters[source]
            elif name == node.source:
                out[name] = self.value(source)[i - run.elements[parent].start]  # type: ignore[arg-type]
            elif source not in run.skipped:
                out[name] = self.value(source)  # type: ignore[arg-type]
        return out

    def decide(self, i: int, now: float) -> Event | None:
        """The event to record in place of a node's start: skipped or failed; None: it runs."""
        run = self.run
        parent = run.parent.get(i, i)
        task = run.task(i)
        required = {p.name for p in task.parameters if p.required}
        for name, source in self.wires[parent]:
            if source in run.skipped and name in required:
                return ev.skipped(i, now, f"skipped: {name} was skipped")
        if task.when is None:
            return None
        try:
            passed = self._condition(parent, task.when).evaluate(self._known(parent, i))
        except (Interrupted, StoreError):
            raise
        except Exception as error:  # a condition over any values may fail in any way
            said = error.args[0] if isinstance(error, KeyError) and error.args else error
            message = f"when: {task.when}: {said}"
            described = {"type": type(error).__name__, "message": message, "traceback": ""}
            return ev.failed(i, now, described)
        return None if passed else ev.skipped(i, now, f"skipped: when {task.when}")

    def _condition(self, i: int, text: str) -> Any:
        if i not in self._conditions:
            from cloudmesh.flow.language.condition import parse

            self._conditions[i] = parse(text)
        return self._conditions[i]

    def _known(self, parent: int, i: int) -> dict[str, Any]:
        """The names that a condition may use: parameters, run parameters, predecessors."""
        run = self.run
        known = dict(self.parameters)
        for name in self._condition(parent, run.task(i).when or "").names:
            source = run.index.get(name)
            if source is not None and run.status[source] == FINISHED:
                known[name] = self.value(source)
        for parameter in run.task(i).parameters:
            if parameter.default is not None:
                known.setdefault(parameter.name, json.loads(parameter.default))
        known.update(self.arguments(i))
        return known

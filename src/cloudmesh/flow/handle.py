"""A run, as its user sees it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.errors import RunFailed
from cloudmesh.flow.run.states import FINISHED, NAMES

if TYPE_CHECKING:
    from cloudmesh.flow.engine.inputs import Inputs
    from cloudmesh.flow.run.run import Run as RunState
    from cloudmesh.flow.store.protocol import Store

__all__ = ["Run", "RunNode"]


class RunNode:
    """A node of a `Run`."""

    def __init__(self, run: Run, i: int) -> None:
        self._run = run
        self._i = i

    @property
    def name(self) -> str:
        """Its name."""
        return self._run.state.names[self._i]

    @property
    def status(self) -> str:
        """``pending``, ``running``, ``finished`` or ``error``."""
        return NAMES[self._run.state.status[self._i]]

    @property
    def value(self) -> Any:
        """What its successors received; None where it has not finished."""
        return self._run.inputs.value(self._i) if self.status == "finished" else None

    @property
    def result(self) -> Any:
        """The JSON of what it returned, as it is stored."""
        return self._run.result(self._i)

    @property
    def error(self) -> dict[str, Any] | None:
        """``{"type", "message", "traceback"}``, or None."""
        found = self._run.state.error.get(self._i)
        return None if found is None else dict(found)

    @property
    def attempt(self) -> int:
        """How often it was started."""
        return self._run.state.attempt[self._i]

    @property
    def reason(self) -> str | None:
        """Why it ran as it did, or why it did not."""
        return self._run.state.reason_of(self._i)

    def __repr__(self) -> str:
        return f"<node {self.name}: {self.status}>"


class Run:
    """A run, as its user sees it: ``run["b"].value``, ``run.status``, ``run.values``."""

    def __init__(self, identity: str, state: RunState, inputs: Inputs, store: Store) -> None:
        self.id = identity
        self.state = state
        self.inputs = inputs
        self.store = store

    @property
    def status(self) -> str:
        """``running``, ``interrupted``, ``finished``, ``error`` or ``cancelled``."""
        return self.state.status_word

    @property
    def workflow(self) -> str:
        """The name of its flow."""
        return self.state.flow.name

    def __getitem__(self, name: str) -> RunNode:
        i = self.state.index.get(name)
        if i is None:
            raise KeyError(name)
        return RunNode(self, i)

    def __iter__(self) -> Iterator[str]:
        return iter(self.state.index)

    @property
    def values(self) -> dict[str, Any]:
        """The values of the flow's finished nodes by name."""
        status, value = self.state.status, self.inputs.value
        names = enumerate(self.state.names[: len(self.state.flow.nodes)])
        return {name: value(i) for i, name in names if status[i] == FINISHED}

    def result(self, i: int) -> Any:
        """The JSON of what a node returned, large ones whole."""
        import json

        from cloudmesh.flow.model.documents import whole_result

        text = self.state.result[i]
        if (
            text is None
            and i in self.state.elements
            and self[self.state.names[i]].value is not None
        ):
            return [self.result(k) for k in self.state.elements[i]]
        if text is None:
            return None
        return whole_result(json.loads(text), self.store.get_blob)

    def raise_for_error(self) -> None:
        """Raise `RunFailed`, with the first error, unless the run finished."""
        if self.status == "finished":
            return
        errors = [(self.state.ended[i], i) for i in self.state.error if i < len(self.state.names)]
        for _, i in sorted(errors):
            error = self.state.error[i]
            raise RunFailed(
                f"run {self.id} of {self.workflow} ended as {self.status}: "
                f"{self.state.names[i]}: {error['type']}: {error['message']}"
            )
        raise RunFailed(f"run {self.id} of {self.workflow} ended as {self.status}")

    def documents(self) -> list[dict[str, Any]]:
        """The stored documents of its nodes."""
        return self.store.nodes(self.id)

    def _repr_svg_(self) -> str | None:
        """The picture of the run, for a notebook."""
        from cloudmesh.flow.notebook import run_svg

        return run_svg(self)

    def _repr_html_(self) -> str | None:
        """The same, where a notebook prefers HTML."""
        from cloudmesh.flow.notebook import in_html

        return in_html(self._repr_svg_())

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {word}" for word, n in self.state.counts_by_status().items() if n)
        return f"<run {self.id} of {self.workflow}: {self.status}; {counts}>"

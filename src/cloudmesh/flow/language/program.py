"""A flow together with the Python functions that its nodes call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from cloudmesh.flow.model.flow import Flow

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Program"]


class Program(NamedTuple):
    """What every source of text becomes: a checked `Flow` and its functions.

    ``functions`` maps a node's name to the callable that it calls, plain or
    async, taking keyword arguments (for a class: bound to an instance of its
    own at each call).  A node with a ``command``, and every node of a bare
    flow string, has none.  ``path`` is that of the file the flow came from, where it
    came from one; ``cls`` the name of the class in it.
    """

    flow: Flow
    functions: Mapping[str, Callable[..., Any]] = MappingProxyType({})
    path: str | None = None
    cls: str = ""

    @property
    def file(self) -> Path | None:
        """``path`` as a `pathlib.Path`."""
        from pathlib import Path

        return None if self.path is None else Path(self.path)

    def _repr_svg_(self) -> str | None:
        """The picture of the flow, for a notebook."""
        from cloudmesh.flow.notebook import flow_svg

        return flow_svg(lambda: self.flow)

    def _repr_html_(self) -> str | None:
        """The same, where a notebook prefers HTML."""
        from cloudmesh.flow.notebook import in_html

        return in_html(self._repr_svg_())

"""An attempt that is under way, as the engine sees it.

One is made for every start, so it holds little and computes the rest when it
is asked: a node that never looks at `current()` pays nothing for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudmesh.flow.engine.loop import Engine
    from cloudmesh.flow.executors.protocol import Attempt

__all__ = ["Going"]


class Going:
    """What runs for one vertex.  ``cancelled``, ``extra``, ``key``, ``number``, ``log`` and
    ``progress`` are what `executors.call.current` needs of an attempt.

    ``over``: its end has been recorded, or decided; what still comes of it is dropped.
    ``ending``: the word ("cancelled", "interrupted", "timeout") for why it was asked to end.
    """

    # As it begins; of the class, for most of it never changes.
    cancelled = False
    over = False
    ending = ""
    began = 0.0
    value: Any = None  # what successors will receive, once its end is accepted
    attempt: Attempt | None = None

    def __init__(self, engine: Engine, vertex: int) -> None:
        self.engine = engine
        self.vertex = vertex
        self.extra: dict[str, Any] = {}

    @property
    def key(self) -> str:
        """``STORE/RUN/NODE``: the same at each attempt."""
        return f"{self.engine.key_prefix}/{self.node}"

    @property
    def node(self) -> str:
        """The node's name."""
        return self.engine.run.names[self.vertex]

    @property
    def number(self) -> int:
        """The number of this attempt, from 1."""
        return self.engine.run.attempt[self.vertex]

    @property
    def reason(self) -> str:
        """Why this attempt runs."""
        return self.engine.run.reason_of(self.vertex) or ""

    def log(self, stream: str, text: str) -> None:
        """Take what the node prints; dropped once its end is decided."""
        if not self.over:
            self.engine.output(self, stream, text)

    def progress(self, percent: float, text: str = "") -> None:
        """Take what the node says of itself; recorded a little later."""
        if not self.over:
            self.engine.progressed(self.vertex, percent, text)

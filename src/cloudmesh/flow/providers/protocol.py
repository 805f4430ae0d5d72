"""The seam between who needs a machine and who makes it.

A provider makes, finds and destroys machines; it knows nothing of nodes, runs
or stores but the text of a *tag*, ``cmflow/STORE/RUN/…``, which every machine
carries.  Whether a machine can be reached is not the provider's business: it
says the way there, and whoever needs the machine tries it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from cloudmesh.flow.errors import InfrastructureError

__all__ = ["Found", "Machine", "Note", "Provider", "Reach", "Stop", "Unwanted", "Way", "run_of"]

Note = Callable[[str], None]  # tells the user one line
Stop = Callable[[], bool]  # whether the machine is no longer wanted


class Way(NamedTuple):
    """The way into a machine: SSH with these keys; only this host key is accepted.

    ``client_key`` is private and in OpenSSH's format, ``host_key`` public and a
    line.  ``port`` is 0 where a configuration file of SSH may say it.
    """

    host: str
    port: int
    user: str
    client_key: str
    host_key: str
    identity: str = ""
    jump: str = ""
    config: str = ""
    python: str = "python3"


Reach = Callable[[Way], str]  # tries the way: what is wrong with it, "" when it leads there


class Found(NamedTuple):
    """A machine that is there: its provider's number, and what it carries of its tag."""

    identity: str
    mark: str
    run: str


class Unwanted(InfrastructureError):
    """Nobody wants the machine any more.

    ``unsure``: a request for it that failed may have been done all the same.
    """

    def __init__(self, message: str, unsure: bool = False) -> None:
        super().__init__(message)
        self.unsure = unsure


class Machine(Protocol):
    """A machine that was made."""

    tag: str

    def wait(self, reach: Reach, stop: Stop) -> None:
        """Wait until it can be reached.

        Raises `InfrastructureError` with the last lines of its console when it
        ended, or took too long; `Unwanted` once ``stop`` says so.
        """
        ...

    def way(self) -> Way:
        """The way in; known once `wait` has returned."""
        ...

    def alive(self) -> bool:
        """Whether it is there."""
        ...

    def console(self) -> str:
        """The last lines of its console, as one; "" where nobody can tell."""
        ...

    def destroy(self) -> None:
        """End it.  Returns when the provider confirms; else raises `InfrastructureError`."""
        ...


class Provider(Protocol):
    """Makes machines.  All methods may be called from any thread.

    ``about`` is what another process needs to find the same machines again, as
    JSON data without any secret: it stands in the journal beside the tag.
    ``outlives``: its machines stay when the engine dies.
    """

    about: Mapping[str, Any]
    outlives: bool

    def create(self, tag: str, note: Note, stop: Stop) -> Machine:
        """Make a machine that carries the tag, and that ends itself at its deadline.

        Raises `InfrastructureError`.  Then nothing is left, or `destroy` of the
        tag destroys it.
        """
        ...

    def mark(self, tag: str) -> str:
        """What a machine carries of a tag; another tag has another."""
        ...

    def listed(self, store: str) -> list[Found]:
        """The machines of a store that are there.  Raises `InfrastructureError`."""
        ...

    def destroy(self, tag: str) -> int:
        """Destroy all machines of a tag; how many there were, 0 being no error.

        Returns when the provider confirms.  Raises `InfrastructureError`.
        """
        ...

    def problems(self) -> list[tuple[str, str]]:
        """What a look without a machine can say: what was looked at, what is wrong ("")."""
        ...


def run_of(tag: str) -> str:
    """The run that a tag is of."""
    return tag.split("/")[2]

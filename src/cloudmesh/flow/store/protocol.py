"""The seam between the engine and a store.  Three stores stand behind it.

A store keeps, for many flows and runs:

* definitions: the documents of collection ``NAME-flow``;
* for each run a *journal*, the truth: batches of events, numbered 1, 2, 3 …
  A batch is one text (a JSON list, which no store looks into), one row or
  document, so it is there whole or not at all.  Its number is unique: a second
  engine that writes the same number is refused (`Fenced`).  That is the fence;
* the documents of a run (``NAME-flow-active``, ``flow-runs``): derived from the
  journal, written behind it, repaired from it;
* blobs (large values), logs, and requests to a run (cancel).

Nobody but the engine that owns a run writes its journal, documents and logs.
All methods may be called from any thread.  They raise `StoreUnavailable` for
what may pass, `StoreRefused` for what will not, `Fenced` for a lost run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from cloudmesh.flow.model.documents import Definition
from cloudmesh.flow.store.found import Documents

__all__ = [
    "COLUMNS",
    "NOTHING_KNOWN",
    "Batch",
    "Journal",
    "NodeRow",
    "Owner",
    "RunHead",
    "Store",
    "every_batch",
    "pending_row",
]


class Batch(NamedTuple):
    """One entry of a journal."""

    seq: int
    events: str


class NodeRow(NamedTuple):
    """All that changes of a node in a run, whole each time (so that writing it twice does no harm).

    ``n`` is the node's number in its run (map elements follow the flow's own
    nodes); ``started`` and ``ended`` are seconds since 1970, UTC text in the
    document; ``error`` and ``result`` are JSON text.
    """

    n: int
    name: str
    status: str
    attempt: int
    started: float | None
    ended: float | None
    exit_code: int | None
    error: str | None
    reason: str | None
    skipped: bool | None
    progress: float | None
    color: str | None
    label: str | None
    shape: str | None
    where: str | None
    result: str | None


COLUMNS = NodeRow._fields


def pending_row(n: int, name: str) -> NodeRow:
    """The row of a node of which nothing has happened yet."""
    return NodeRow(n, name, "pending", 0, *[None] * 12)


NOTHING_KNOWN: Mapping[int, NodeRow] = {}


class RunHead(NamedTuple):
    """What is known of a run when it is made; the first part of its ``flow-runs`` document.

    ``flow`` is its string; of several the JSON of the list, which `run_head` gives as a list.
    """

    run: str
    workflow: str
    flow: str
    parameters: Mapping[str, Any]
    started: str
    versions: Mapping[str, str]
    counts: Mapping[str, int] | None = None


class Owner(NamedTuple):
    """Who owns a run, and whether it still lives.

    ``alive`` is None where that cannot be told yet (a server store whose owner
    is on another host and whose beat was seen only once).  ``beat`` is a number
    that moves while the owner lives.  ``text`` is for people: host and process.
    """

    alive: bool | None
    text: str
    beat: int = 0


class Journal(Protocol):
    """The journal of one run, in the hands of the engine that owns it.

    ``computes_dependencies``: what is left of a node's ``dependencies`` is
    computed on reading, so that `project` needs no ``finished``.
    """

    run: str
    computes_dependencies: bool

    @property
    def seq(self) -> int:
        """The number of the last batch."""
        ...

    def append(self, events: str, *, durable: bool = False) -> int:
        """Commit one batch and return its number.

        It is there when this returns, and survives the death of the process;
        with ``durable`` also a power cut.  Raises `Fenced` when another engine
        has written that number.
        """
        ...

    def project(
        self,
        rows: Sequence[NodeRow],
        changes: Mapping[str, Any],
        finished: Mapping[int, Sequence[str]],
    ) -> None:
        """Bring the documents up to the last batch appended.

        ``rows`` replace those nodes' state; ``changes`` are fields of the
        run's ``flow-runs`` document (``status``, ``ended``, ``counts``);
        ``finished`` maps a node's number to names that newly leave its
        ``dependencies``; a journal whose ``computes_dependencies`` is true
        computes those on reading, and ignores it.
        Calls come one after another, each with a later state than the last.
        Idempotent and monotone: an older state never overwrites a newer.
        Refused with `Fenced` once another engine owns the run.
        """
        ...

    def add_nodes(
        self,
        nodes: Sequence[tuple[int, str]],
        upstream: Sequence[Sequence[str]],
        specs: Sequence[str],
        known: Mapping[int, NodeRow] = NOTHING_KNOWN,
    ) -> None:
        """Make the documents of nodes: the flow's own, and those of a map's elements.

        ``nodes`` are their numbers and names, ``known`` what has happened already, by
        number, to some of them, the others being pending, and to those that they depend
        on, as far as it was not yet written.  ``upstream`` is what each
        depends on; ``specs`` are JSON texts of the fixed fields (``cm``, ``kind``,
        ``cloud``, ``workflow``, ``task``); nodes may share the very same text or list.
        A node that is there already is left as it is.
        """
        ...

    def write_log(self, node: str, attempt: int, stream: str, text: str, reason: str = "") -> None:
        """Append to the log of a node.  ``stream`` is ``out`` or ``err``.

        What another attempt than the first writes stands under a head with its
        number and, where given, the reason why it runs.
        """
        ...

    def beat(self) -> None:
        """Say that the owner lives.  Called about once a second."""
        ...

    def requests(self) -> list[dict[str, Any]]:
        """Requests that were not taken yet, oldest first: ``{"id", "kind", "by", "at"}``."""
        ...

    def take_request(self, identity: str) -> None:
        """Mark a request as taken."""
        ...

    def close(self) -> None:
        """Give the run up: the owner's lock is free afterwards."""
        ...


class Store(Protocol):
    """A place where flows and runs are kept."""

    url: str  # without user and password
    id: str  # random, made with the store; not its place
    notice: Callable[[str], None]  # told, in one line, what the user should know; to be replaced

    # -- definitions -------------------------------------------------------
    def define(self, workflow: str, definition: Definition, extra: Mapping[str, Any]) -> None:
        """Replace the definition of a flow, whole or not at all.

        ``extra`` is JSON data kept beside the documents (the flow itself, the
        file and class it came from, who defined it).
        """
        ...

    def definition(self, workflow: str) -> tuple[list[dict[str, Any]], dict[str, Any]] | None:
        """The documents and ``extra`` of a flow, or None."""
        ...

    def definition_extra(self, workflow: str) -> dict[str, Any] | None:
        """The ``extra`` of a flow alone, or None."""
        ...

    def definitions(self) -> list[str]:
        """The names of all defined flows, sorted."""
        ...

    def delete(self, workflow: str) -> bool:
        """Forget a definition (its runs stay).  False where there was none."""
        ...

    # -- runs --------------------------------------------------------------
    def create(self, head: RunHead, events: str) -> Journal:
        """Make a run and own it; ``events`` is batch 1.

        Raises `InputError` where the run's id is taken.  A run without batch 1
        does not exist.
        """
        ...

    def take(self, run: str, seq: int, events: str) -> Journal:
        """Own a run: append ``events`` as batch ``seq + 1``.

        Whether the owner is gone was judged before, with `owner`; that number
        decides who wins: `Fenced` where another engine was faster.
        Raises `OwnedError` where the lock of a local owner is still held,
        unless ``seq`` is given by ``--force`` through `take_by_force`.
        """
        ...

    def take_by_force(self, run: str, seq: int, events: str) -> Journal:
        """As `take`, without regard to the owner's lock."""
        ...

    def owner(self, run: str) -> Owner:
        """Who owns the run."""
        ...

    def batches(self, run: str, after: int = 0, limit: int = 1000) -> list[Batch]:
        """Batches of the journal with a number above ``after``, in order."""
        ...

    def wait(self, run: str, after: int, seconds: float) -> bool:
        """Wait until the journal has a batch above ``after``; False when none came in time."""
        ...

    def run(self, run: str) -> dict[str, Any] | None:
        """The ``flow-runs`` document of a run."""
        ...

    def runs(
        self,
        workflow: str | None = None,
        *,
        prefix: str = "",
        limit: int | None = None,
        before: str = "",
    ) -> list[dict[str, Any]]:
        """The ``flow-runs`` documents, newest first; ``before`` is a run: only older ones."""
        ...

    def documents(self, collection: str, **where: Any) -> Documents:
        """Stored documents of a collection, as dicts with the fields of the contract.

        ``NAME-flow``, ``NAME-flow-active``, ``NAME-flow-history``, ``flow-runs``,
        ``flow-requests``, ``NAME-flow-journal``; ``where`` filters by equality
        (``run=``, ``name=``, ``status=``).  Large results are given whole.  A list.
        """
        ...

    def nodes(self, run: str, names: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """The documents of a run's nodes, in order, wherever they are kept.

        Large results stay references.
        """
        ...

    def request(self, run: str, kind: str, by: str) -> str:
        """Ask the owner of a run for something; returns the request's id."""
        ...

    def put_blob(self, data: bytes) -> str:
        """Keep bytes; returns their reference.  There, durably, when this returns."""
        ...

    def get_blob(self, reference: str) -> bytes:
        """The bytes of a reference.  Raises `NotFound`."""
        ...

    def read_log(
        self, run: str, node: str, after: int = 0, limit: int = 1_000_000
    ) -> tuple[str, int]:
        """Text of a node's log from offset ``after``, and the offset to go on from.

        An offset is 0 or what an earlier call returned.  Of a very long log the
        middle is left out; a line in the text says so.
        """
        ...

    def prune(self, run: str) -> None:
        """Remove an ended run with everything of it."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


def every_batch(store: Store, run: str) -> Iterator[Batch]:
    """All batches of a run's journal in order, read piece by piece."""
    after = 0
    while batches := store.batches(run, after):
        yield from batches
        after = batches[-1].seq

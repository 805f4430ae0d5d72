"""What the endpoints share: the store, the feeds, the engines; and small questions to them."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from fastapi import Request

from cloudmesh.flow.collector import uncollected
from cloudmesh.flow.errors import NotFound
from cloudmesh.flow.server.projection import Projection
from cloudmesh.flow.server.stream import Feed, Feeds
from cloudmesh.flow.server.tally import Tally
from cloudmesh.flow.store.protocol import Store, every_batch
from cloudmesh.flow.view.layout import layout

if TYPE_CHECKING:
    from cloudmesh.flow.model.flow import Flow
    from cloudmesh.flow.server.access import Tickets
    from cloudmesh.flow.server.engines import Engines

__all__ = ["State", "compact", "flow_text", "state_of"]

LAYOUTS_MAX = 32
SIZE_SECONDS = 10.0


class State:
    """All that a running server knows."""

    def __init__(self, store: Store, engines: Engines, tickets: Tickets) -> None:
        self.store = store
        self.engines = engines
        self.tickets = tickets
        self.feeds = Feeds(store)
        self.tally = Tally(store)
        self._layouts: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._sizes: dict[str, tuple[float, dict[str, Any]]] = {}

    def definition(self, name: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """The documents of a flow and what is kept beside them.  Raises `NotFound`."""
        found = self.store.definition(name)
        if found is None:
            raise NotFound(f"no flow {name!r}")
        return found

    def size(self, name: str) -> dict[str, Any] | None:
        """What a list says of a flow: its string and size.  Remembered for a while: it is asked
        for every other second by each list that is open, and a definition may be large."""
        known = self._sizes.get(name)
        if known is not None and time.monotonic() - known[0] < SIZE_SECONDS:
            return known[1]
        found = self.store.definition(name)
        if found is None:
            return None
        documents, extra = found
        mapped = sum(1 for d in documents if "over" in (d.get("task") or {}))
        size = {"flow": flow_text(extra), "nodes": len(documents), "mapped": mapped}
        self._sizes[name] = (time.monotonic(), size)
        return size

    def run(self, run: str) -> dict[str, Any]:
        """The document of a run.  Raises `NotFound`."""
        found = self.store.run(run)
        if found is None:
            raise NotFound(f"no run {run!r}")
        return found

    def node(self, run: str, node: str) -> dict[str, Any]:
        """The document of a node of a run.  Raises `NotFound`."""
        self.run(run)
        found = list(self.store.nodes(run, [node]))
        if not found:
            raise NotFound(f"run {run} has no node {node!r}")
        return found[0]

    def with_engine(self, run: dict[str, Any]) -> dict[str, Any]:
        """A run's document as readers show it: ``engine`` is ``lost`` where that is gone."""
        if run.get("status") == "running" and self.store.owner(run["run"]).alive is False:
            fresh = self.store.run(run["run"])  # it may have ended in between
            if fresh is not None and fresh.get("status") != "running":
                return fresh
            return {**run, "engine": "lost"}
        return run

    def past(self, run: str, seq: int) -> Projection:
        """A run as it was at a SEQ."""
        from cloudmesh.flow.server.projection import replay

        found = replay(every_batch(self.store, run), until=seq)
        if found is None:
            raise NotFound(f"no run {run!r}")
        return found

    def warm(self, run: str) -> None:
        """Read a run and lay it out before anybody asks: its first picture waits for that."""
        with suppress(Exception):  # who asks for the run is told; the store may be closed by now
            feed = self.feeds.get(run)
            self.graph(feed)
            self.layout(feed, "right", (), brief=True)

    def graph(self, feed: Feed) -> str:
        """`graph_of` the feed's flow as JSON, made once."""
        if feed.graph is None:
            feed.graph = compact(graph_of(feed.projection.flow))
        return feed.graph

    def layout(
        self, feed: Feed, direction: str, opened: tuple[str, ...], brief: bool = False
    ) -> bytes:
        """The layout of a run as JSON; the same question is answered from memory."""
        with feed.lock:
            lengths = feed.projection.lengths
            flow = feed.projection.flow
            if feed.labels is None or (feed.over and not feed.labels_final):
                # Kept while the run lasts: a plate never changes its size under the reader.
                feed.labels, feed.labels_final = feed.projection.labels(), feed.over
            labels = feed.labels
            keys = {name for name in opened if name in feed.projection.run.index}
        opened = tuple(sorted(keys))
        known_labels = hash(tuple(sorted(labels.items())))
        key = (feed.run, direction, brief, opened, tuple(sorted(lengths.items())), known_labels)
        with feed.drawing:  # many ask the same at the same time: it is done once
            known = self._layouts.get(key)
            if known is None:
                with uncollected():
                    known = compact(
                        layout(flow, direction, lengths, opened, labels, brief)
                    ).encode()
                with self._lock:
                    self._layouts[key] = known
                    while len(self._layouts) > LAYOUTS_MAX:
                        self._layouts.popitem(last=False)
        return known


def graph_of(flow: Flow) -> dict[str, Any]:
    """What never changes of a run's nodes, and who needs whom (vertices by number)."""
    nodes = []
    for i, node in enumerate(flow.nodes):
        entry: dict[str, Any] = {"n": i, "name": node.name, "needs": list(flow.needs[i])}
        if node.mapped:
            entry["map"] = node.source
        if node.task.on != "local":
            entry["on"] = node.task.on
        if node.task.retries:
            entry["retries"] = node.task.retries
        nodes.append(entry)
    return {
        "workflow": flow.name,
        "text": list(flow.text),
        "nodes": nodes,
        "junctions": [list(j) for j in flow.junctions],
    }


def compact(data: Any) -> str:
    """JSON without a space too many."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def flow_text(extra: dict[str, Any]) -> str:
    """The flow string that is kept beside a definition."""
    flow = extra.get("flow")
    text = flow.get("text") if isinstance(flow, dict) else extra.get("text") or flow
    return ", ".join(text) if isinstance(text, (list, tuple)) else str(text or "")


def state_of(request: Request) -> State:
    """The state of the app that a request came to."""
    return cast(State, request.app.state.flow)

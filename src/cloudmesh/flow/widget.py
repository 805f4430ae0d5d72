"""A picture in a notebook that goes on while its run does: ``live()``.

A thread reads the store, as every reader does, so that it does not matter where the
run's engine is; it holds up no node.  What draws is anywidget, the extra
``notebook``: it is imported by `live`, and by nothing else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cloudmesh.flow.errors import FlowError, InputError

if TYPE_CHECKING:
    from cloudmesh.flow.model.flow import Flow
    from cloudmesh.flow.store.protocol import Store

__all__ = ["Follower", "Shown", "live"]

PAUSE = 0.3  # seconds between two pictures, at least
SHARE = 5  # times as long as a picture took is waited for the next
LOOK = 0.2  # seconds between two looks for a run that is to begin
AWAY = 2.0  # … for a store that is away
KNOWN = 50  # runs that are no new ones
ENDED = ("finished", "error", "cancelled")

# The picture is that of `view.svg`, which escapes all that a node says; a script in it is not run.
ESM = """
function render({ model, el }) {
  const words = document.createElement("div");
  const box = document.createElement("div");
  box.style.overflow = "auto";
  box.style.maxHeight = "40em";
  el.append(words, box);
  const write = () => { words.textContent = model.get("words"); };
  const draw = () => {
    const text = model.get("picture");
    if (!text) return;
    const picture = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
    if (picture.localName === "svg") box.replaceChildren(document.importNode(picture, true));
  };
  model.on("change:words", write);
  model.on("change:picture", draw);
  write();
  draw();
  return () => {
    model.off("change:words", write);
    model.off("change:picture", draw);
  };
}
export default { render };
"""


class Shown(NamedTuple):
    """What is seen of a run: its id and status, a sentence, and the picture as SVG."""

    run: str
    status: str
    words: str
    picture: str


class Follower:
    """Reads a run from a store and tells what is to be shown of it, until it has ended.

    ``run`` is its id, or "" for the next one that begins.  ``tell`` is called
    from a thread of the follower's own.
    """

    def __init__(self, store: Store, run: str, tell: Callable[[Shown], None]) -> None:
        self._store, self._run, self._tell = store, run, tell
        self._known = set() if run else {d["run"] for d in store.runs(None, limit=KNOWN)}
        self._flow: Flow | None = None
        self._seq = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="live picture", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """Follow no more; nothing is told after this has returned."""
        self._stopped.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the run has ended, or ``seconds`` have passed; whether it has."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _follow(self) -> None:
        while not self._stopped.is_set():
            try:
                if self._run or self._found():
                    if self._look() in ENDED:
                        return
                else:
                    self._stopped.wait(LOOK)
            except FlowError as error:  # it may come back
                self._tell(Shown(self._run, "", str(error), ""))
                self._stopped.wait(AWAY)

    def _found(self) -> bool:
        """Whether a run has begun that is new."""
        for document in self._store.runs(None, limit=5):
            if document["run"] not in self._known:
                self._run = str(document["run"])
                return True
        return False

    def _look(self) -> str:
        """Tell what the store holds now, and wait until there is more; the run's status."""
        begun = time.monotonic()
        shown = self._shown()
        if not self._stopped.is_set():
            self._tell(shown)
        if shown.status not in ENDED:
            self._stopped.wait(max(PAUSE, SHARE * (time.monotonic() - begun)))
            self._store.wait(self._run, self._seq, 1.0)
        return shown.status

    def _shown(self) -> Shown:
        from cloudmesh.flow.view.svg import svg

        store, run = self._store, self._run
        for batch in store.batches(run, self._seq):
            self._flow = self._flow or _flow_of(batch.events)
            self._seq = batch.seq
        assert self._flow is not None
        # The status first: where a run is said to have ended, its documents are all there.
        document = store.run(run) or {}
        status = str(document.get("status", "running"))
        lost = status == "running" and store.owner(run).alive is False
        nodes = store.nodes(run)
        title = f"{self._flow.name}, run {run}"
        picture = svg(self._flow, nodes, title=title, run_status=status, lost=lost)
        words = f"{title}: {'engine lost' if lost else status}, {_counted(self._flow, nodes)}"
        return Shown(run, status, words, picture)


def _flow_of(events: str) -> Flow:
    """The flow of a run, from the first batch of its journal."""
    from cloudmesh.flow.model.flow import Flow
    from cloudmesh.flow.run.events import decode

    return Flow.from_json(decode(events)[0][2]["flow"])


def _counted(flow: Flow, nodes: list[dict[str, Any]]) -> str:
    """``3 of 7 finished, 1 error``: of what runs, the elements of a map and not the map."""
    maps = {node.name for node in flow.nodes if node.mapped}
    said = [node["status"] for node in nodes if node["name"] not in maps]
    bad = said.count("error")
    errors = f", {bad} {'error' if bad == 1 else 'errors'}" if bad else ""
    return f"{said.count('finished')} of {len(said)} finished{errors}"


@lru_cache(maxsize=1)
def _widget() -> Any:
    """The class of the widget, made when it is first asked for."""
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise InputError(
            "a live picture needs anywidget: pip install 'cloudmesh-flow[notebook]'"
        ) from None

    class LiveRun(anywidget.AnyWidget):  # type: ignore[misc, unused-ignore]
        """A run, live.  ``run``, ``status``, ``words``, ``picture`` can be read and observed."""

        _esm = ESM
        run = traitlets.Unicode("").tag(sync=True)
        status = traitlets.Unicode("").tag(sync=True)
        words = traitlets.Unicode("waiting for a run").tag(sync=True)
        picture = traitlets.Unicode("").tag(sync=True)

        def __init__(self, store: Store, run: str) -> None:
            super().__init__(run=run)
            self._follower = Follower(store, run, self._show)
            self._follower.start()

        def _show(self, shown: Shown) -> None:
            with self.hold_sync():
                for name, value in shown._asdict().items():
                    if value or name == "status":
                        setattr(self, name, value)

        def wait(self, seconds: float | None = None) -> bool:
            """Wait until the run has ended, or ``seconds`` have passed; whether it has."""
            return self._follower.wait(seconds)

        def close(self) -> None:
            """Take the picture away, and follow the run no more."""
            self._follower.stop()
            super().close()

    return LiveRun


def live(run: Any = None, *, store: str | Store | None = None) -> Any:
    """A widget that shows a run while it goes on.

    ``run`` is a `Run` or what the command line takes: an id or its beginning,
    ``latest``, a flow's name; without one it is the next run that begins in the
    store.  ``store`` is a URL or an open store, by default that of the run, or
    the usual one.  Raises `InputError` where anywidget is missing, `NotFound`.
    """
    from cloudmesh.flow.api import find_run
    from cloudmesh.flow.handle import Run
    from cloudmesh.flow.store.opening import opened

    kind = _widget()
    if isinstance(run, Run):
        return kind(opened(run.store if store is None else store), run.id)
    place = opened(store)
    return kind(place, str(find_run(place, run)["run"]) if run else "")

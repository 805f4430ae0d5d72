"""The one way in: run, resume, cancel, define.

The command line, the server, the notebook and ``BaseWorkFlow.run()`` all come
through here.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any, Protocol

from cloudmesh.flow.errors import InputError, NotFound, OwnedError, RunFailed

if TYPE_CHECKING:
    from cloudmesh.flow.config import Config

    from cloudmesh.flow.engine.inputs import Inputs
    from cloudmesh.flow.engine.loop import Engine
    from cloudmesh.flow.language.program import Program
    from cloudmesh.flow.model.flow import Flow
    from cloudmesh.flow.run.run import Run as RunState
    from cloudmesh.flow.store.protocol import Journal, Store

__all__ = [
    "Observer",
    "Quiet",
    "Run",
    "RunNode",
    "cancel",
    "define",
    "find_run",
    "new_run_id",
    "replay",
    "resume",
    "run",
]

#: How many nodes run at once on this machine, and on an infrastructure that does not say.
PARALLEL, SLOTS = 32, 8
#: How long an owner on another host is watched before it counts as gone; with --force, seconds.
GONE_AFTER, FORCE_AFTER = 60.0, 5.0


class Observer(Protocol):
    """Told what happens while an engine runs, from its threads, under its lock.

    Must return quickly and must not raise.
    """

    def begun(self, run: str, state: RunState) -> None:
        """The run is recorded."""

    def batch(self, seq: int, events: list[tuple[Any, ...]]) -> None:
        """A batch has been committed (nodes by number, see `run.events`)."""

    def output(self, node: str, stream: str, text: str) -> None:
        """A node printed something (whole lines)."""

    def note(self, text: str) -> None:
        """Something that the user should know, one line."""

    def ended(self, status: str) -> None:
        """The run has ended with that status."""


class Quiet:
    """An observer that shows what nodes print, and nothing else."""

    def begun(self, run: str, state: RunState) -> None:
        """Nothing."""

    def batch(self, seq: int, events: list[tuple[Any, ...]]) -> None:
        """Nothing."""

    def output(self, node: str, stream: str, text: str) -> None:
        """Print it, each line behind the node's name."""
        import sys

        target = sys.stdout if stream == "out" else sys.stderr
        target.write("".join(f"{node} | {line}\n" for line in text.splitlines()))

    def note(self, text: str) -> None:
        """Print it."""
        import sys

        print(text, file=sys.stderr)

    def ended(self, status: str) -> None:
        """Nothing."""


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
        from cloudmesh.flow.run.states import NAMES

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
        self._store = store

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
        nodes = [RunNode(self, i) for i in range(len(self.state.flow.nodes))]
        return {node.name: node.value for node in nodes if node.status == "finished"}

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
        return whole_result(json.loads(text), self._store.get_blob)

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

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {word}" for word, n in self.state.counts_by_status().items() if n)
        return f"<run {self.id} of {self.workflow}: {self.status}; {counts}>"


# -- definitions -------------------------------------------------------------


def define(program: Program, store: Store, *, redefine: bool = False) -> None:
    """Store the definition of a program's flow.

    Raises `InputError` where it was edited by hand since it was added, unless ``redefine``.
    """
    from cloudmesh.flow.model.documents import definition_documents

    flow = program.flow
    data = flow.to_json()
    before = store.definition(flow.name)
    if before is not None:
        if before[1].get("edited") and not redefine:
            raise InputError(
                f"the definition of {flow.name} was edited since it was added: "
                f"run {flow.name} runs it as it is, --redefine replaces it by the file's"
            )
        if before[1].get("flow") == data:
            return
    created = before[0][0]["cm"]["created"] if before and before[0] else None
    extra = {
        "flow": data,
        "file": str(program.file) if program.file else None,
        "cls": program.cls,
        "user": _user(),
    }
    store.define(flow.name, definition_documents(flow, time(), created=created), extra)


def _user() -> str:
    """Who defines: the user and the machine."""
    import socket

    return f"{os.getuid() if hasattr(os, 'getuid') else os.getlogin()}@{socket.gethostname()}"


# -- runs --------------------------------------------------------------------


def new_run_id() -> str:
    """Eight lower-case letters and digits, the first a letter."""
    pick = random.SystemRandom().choice
    letters = "abcdefghijklmnopqrstuvwxyz"
    return pick(letters) + "".join(pick(letters + "0123456789") for _ in range(7))


def run(
    program: Program,
    store: Store,
    *,
    parameters: Mapping[str, Any] | None = None,
    on: Mapping[str, str] | None = None,
    parallel: int | None = None,
    observer: Observer | None = None,
    run_id: str | None = None,
    signals: bool = False,
    redefine: bool = False,
    config: Config | None = None,
) -> Run:
    """Run a program to its end.

    ``parameters`` are run parameters, already converted; ``on`` maps nodes to
    infrastructure; with ``signals`` SIGINT and SIGTERM interrupt the run (the
    command line).  Raises `InputError` before anything is written, `StoreError`
    where the store fails, `Fenced` where another engine has taken the run.
    """
    from cloudmesh.flow.model.documents import utc_text
    from cloudmesh.flow.run import events as ev
    from cloudmesh.flow.run.run import Run as RunState
    from cloudmesh.flow.store.protocol import RunHead

    flow = _placed(program.flow, on or {})
    given = {**flow.parameters, **(parameters or {})}
    hidden = _secrets(flow)
    define(program, store, redefine=redefine)
    at = time()
    identity = run_id or new_run_id()
    stored = {name: value for name, value in given.items() if name not in hidden}
    versions = _versions()
    head = {
        "flow": flow.to_json(),
        "parameters": stored,
        "parallel": parallel,
        "file": str(program.file) if program.file else None,
        "cls": program.cls,
        "engine": _engine(),
        "versions": versions,
    }
    event = ev.begin(at, head)
    state = RunState(flow)
    state.apply(event)
    text = "; ".join(flow.text) if len(flow.text) == 1 else str(list(flow.text))
    about = RunHead(identity, flow.name, text, stored, utc_text(at), versions)
    journal = store.create(about, ev.encode([event], str))
    return _drive(
        program, store, journal, state, given, parallel, observer or Quiet(), signals, config
    )


def resume(
    run_id: str,
    store: Store,
    *,
    program: Program | None = None,
    force: bool = False,
    parallel: int | None = None,
    observer: Observer | None = None,
    signals: bool = False,
    config: Config | None = None,
) -> Run:
    """Go on with a run whose engine is gone; of one that has ended, just what it came to.

    Raises `NotFound`, `OwnedError` (its engine lives), `InputError` (a function
    is gone), `Fenced` (another was faster).
    """
    from cloudmesh.flow.language.load import rebind

    from cloudmesh.flow.run import events as ev

    watch = observer or Quiet()
    seq, state = replay(store, run_id)
    if state.status_word in ("finished", "error", "cancelled"):
        return Run(run_id, state, _inputs(state, store, {}), store)
    if program is None:
        head = state.head
        program = rebind(state.flow, head.get("file"), head.get("cls") or "")
    take = _await_owner(store, run_id, seq, force, watch)
    event = ev.taken(time(), _engine())
    state.apply(event)
    journal = take(run_id, seq, ev.encode([event], str))
    given = {**state.head.get("parameters", {}), **_read_secrets(state.flow)}
    parallel = parallel or state.head.get("parallel")
    return _drive(program, store, journal, state, given, parallel, watch, signals, config)


def replay(store: Store, run_id: str, until: int | None = None) -> tuple[int, RunState]:
    """The state of a run from its journal, and the number of the last batch read.

    Raises `NotFound` where there is no such run.
    """
    from cloudmesh.flow.model.flow import Flow
    from cloudmesh.flow.run import events as ev
    from cloudmesh.flow.run.run import Run as RunState

    seq, state = 0, None
    while batches := store.batches(run_id, seq):
        for number, text in batches:
            if until is not None and number > until:
                break
            batch = ev.decode(text)
            if state is None:
                state = RunState(Flow.from_json(batch[0][2]["flow"]))
            state.replay(batch)
            seq = number
        else:
            continue
        break
    if state is None:
        raise NotFound(f"no run {run_id} in this store; `cms flow runs` lists them")
    return seq, state


def cancel(run_id: str, store: Store, *, by: str = "", wait: float = 10.0) -> str:
    """Cancel a run and wait for its end; returns its status.

    Raises `NotFound`; `InputError` where its engine is gone, or the run has ended.
    """
    document = find_run(store, run_id)
    identity = document["run"]
    if document["status"] != "running":
        raise InputError(f"run {identity} is {document['status']}: there is nothing to cancel")
    if document["engine"] == "lost":
        raise InputError(
            f"the engine of run {identity} is gone, so nobody would read this; "
            f"`cms flow resume {identity}` goes on with it"
        )
    store.request(identity, "cancel", by or _user())
    until = monotonic() + wait
    while monotonic() < until:
        store.wait(identity, 1 << 60, 0.1)
        found = store.run(identity)
        if found is not None and found["status"] != "running":
            return str(found["status"])
    return "running"


def find_run(store: Store, text: str) -> dict[str, Any]:
    """The ``flow-runs`` document that ``text`` names: an id, a prefix, ``latest``, a flow's name.

    ``engine`` is ``lost`` where the run is running and its engine is gone.
    Raises `NotFound`, also where more than one run is meant.
    """
    exact = store.run(text)
    if exact is None:
        if text == "latest":
            found = store.runs(limit=1)
        else:
            found = store.runs(prefix=text, limit=20) or store.runs(text, limit=1)
        if not found:
            hint = "`cms flow runs` lists them" if text != "latest" else "none was started yet"
            raise NotFound(f"no run {text} in this store; {hint}")
        if len(found) > 1:
            names = ", ".join(document["run"] for document in found)
            raise NotFound(f"{text} is the beginning of several runs: {names}")
        exact = found[0]
    return shown(store, exact)


def shown(store: Store, document: dict[str, Any]) -> dict[str, Any]:
    """A ``flow-runs`` document as readers show it: ``engine`` is ``lost`` where that is so."""
    if document["status"] == "running" and store.owner(document["run"]).alive is False:
        return {**document, "engine": "lost"}
    return document


# -- how a run is driven -----------------------------------------------------


def _drive(
    program: Program,
    store: Store,
    journal: Journal,
    state: RunState,
    parameters: Mapping[str, Any],
    parallel: int | None,
    observer: Observer,
    signals: bool,
    config: Config | None,
) -> Run:
    """Run the engine in this thread until the run ends."""
    from cloudmesh.flow.config import load_config

    from cloudmesh.flow.engine.launch import Launch, maker
    from cloudmesh.flow.engine.loop import Engine
    from cloudmesh.flow.engine.outcomes import Outcomes
    from cloudmesh.flow.engine.results import Results
    from cloudmesh.flow.executors.output import install, uninstall

    config = config or load_config(None)
    infrastructure = {**config.infrastructure, **state.flow.infrastructure}
    inputs = _inputs(state, store, parameters)
    functions = [program.functions.get(node.name) for node in state.flow.nodes]
    outcomes = Outcomes(state, inputs, Results(store.put_blob, store.get_blob), functions)
    here = parallel or config.parallel or PARALLEL
    limits = {name: int(spec.get("slots", SLOTS)) for name, spec in infrastructure.items()}
    limits["local"] = here

    def table(name: str, spec: Mapping[str, Any]) -> Any:
        from cloudmesh.flow.executors.table import Context, make

        context = Context(
            store_id=store.id,
            run=journal.run,
            file=program.file,
            cls=program.cls,
            note=observer.note,
            intent=engine.intend,
        )
        return make(name, spec, context)

    engine = Engine(
        state,
        journal,
        outcomes,
        lambda engine: Launch(engine, maker(table, infrastructure)),
        key_prefix=f"{store.id}/{journal.run}",
        limits=limits,
        witness=observer,
    )
    install()
    try:
        with _signals(engine, signals):
            observer.begun(journal.run, state)
            engine.begin()
            _watch(engine)
    finally:
        uninstall()
    if engine.failure is not None:
        raise engine.failure
    observer.ended(state.status_word)
    return Run(journal.run, state, inputs, store)


def _watch(engine: Engine) -> None:
    """Keep time for the engine; Ctrl-C in a program of the user's own interrupts the run."""
    try:
        engine.watch()
    except KeyboardInterrupt:
        engine.signal()
        engine.watch()
        raise


@contextmanager
def _signals(engine: Engine, wanted: bool) -> Iterator[None]:
    """While this lasts SIGINT and SIGTERM interrupt the run; a second one ends the process."""
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return
    import signal

    def handle(number: int, frame: object) -> None:
        if engine.signalled or engine.run.stopping:
            engine.launcher.close()
            os._exit(130)
        engine.signal()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _inputs(state: RunState, store: Store, parameters: Mapping[str, Any]) -> Inputs:
    from cloudmesh.flow.model.wiring import wire

    from cloudmesh.flow.engine.inputs import Inputs
    from cloudmesh.flow.engine.results import Results

    results = Results(store.put_blob, store.get_blob)
    wires: Sequence[Any] = wire(state.flow, parameters)
    return Inputs(state, wires, parameters, results.read)


def _await_owner(
    store: Store, run_id: str, seq: int, force: bool, observer: Observer
) -> Callable[[str, int, str], Journal]:
    """The way to take a run over, once its owner is seen to be gone.

    Raises `OwnedError` where it lives.  With ``force`` an owner that shows no
    sign for a while (a stopped process) counts as gone.
    """
    owner = store.owner(run_id)
    if owner.alive is False:
        return store.take
    seconds = FORCE_AFTER if force else GONE_AFTER
    if owner.alive and not force:
        raise OwnedError(f"run {run_id} is in the hands of {owner.text}, which is alive")
    observer.note(f"watching {owner.text} for {seconds:g} s")
    until = monotonic() + seconds
    while monotonic() < until:
        sleep(min(0.5, seconds))
        now = store.owner(run_id)
        if now.alive is False:
            return store.take
        if now.beat != owner.beat or store.batches(run_id, seq, 1):
            raise OwnedError(f"run {run_id} is in the hands of {owner.text}, which is alive")
    return store.take_by_force


def _placed(flow: Flow, on: Mapping[str, str]) -> Flow:
    """The flow with some of its nodes mapped elsewhere.  Raises `InputError` for unknown nodes."""
    if not on:
        return flow
    from dataclasses import replace

    unknown = [name for name in on if name not in flow.index]
    if unknown:
        raise InputError(f"--on: {flow.name} has no node {', '.join(unknown)}")
    nodes = tuple(
        replace(node, task=replace(node.task, on=on[node.name])) if node.name in on else node
        for node in flow.nodes
    )
    return replace(flow, nodes=nodes)


def _secrets(flow: Flow) -> set[str]:
    """The names of parameters that are never stored."""
    return {
        parameter.name
        for task in {id(node.task): node.task for node in flow.nodes}.values()
        for parameter in task.parameters
        if parameter.type.lower() == "secret"
    }


def _read_secrets(flow: Flow) -> dict[str, str]:
    """Secrets from the environment, for a resumed run.  Raises `InputError` where one is missing."""
    found = {name: os.environ.get(name) for name in _secrets(flow) - set(flow.index)}
    missing = [name for name, value in found.items() if value is None]
    if missing:
        raise InputError(f"the secret {missing[0]} is not in the environment")
    return {name: value for name, value in found.items() if value is not None}


def _engine() -> dict[str, Any]:
    """Who this engine is."""
    import socket

    return {"host": socket.gethostname(), "pid": os.getpid()}


def _versions() -> dict[str, str]:
    import platform

    from cloudmesh.flow import __version__

    return {"cloudmesh-flow": __version__, "python": platform.python_version()}

"""The one way in: run, resume, cancel, define.

The command line, the server, the notebook and ``BaseWorkFlow.run()`` all come
through here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.config import check_pools, load_config
from cloudmesh.flow.engine.drive import Observer, drive, inputs_of
from cloudmesh.flow.errors import Fenced, InputError, NotFound, OwnedError
from cloudmesh.flow.handle import Run, RunNode
from cloudmesh.flow.trust import host, mark, user

if TYPE_CHECKING:
    from cloudmesh.flow.again import Plan
    from cloudmesh.flow.config import Config
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
    "diff",
    "find_run",
    "new_run_id",
    "placed",
    "plan_retry",
    "prune",
    "refuse_edited",
    "replay",
    "resume",
    "retry",
    "run",
    "shown",
]

#: How long an owner on another host is watched before it counts as gone; with --force, seconds.
GONE_AFTER, FORCE_AFTER = 60.0, 5.0


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


# -- definitions -------------------------------------------------------------


def define(
    program: Program, store: Store, *, redefine: bool = False, edited: bool = False
) -> list[str] | None:
    """Store the definition of a program's flow; ``edited``: as the user has edited it by hand.

    Returns when it was created and modified, as UTC text, where that is known.
    Raises `InputError` where it was edited by hand since it was added, unless ``redefine``.
    """
    from cloudmesh.flow.model.documents import definition, utc_text

    flow = program.flow
    data = flow.to_json()
    file = program.path
    mine = mark(store.id, flow.name, file, program.cls)
    before = store.definition_extra(flow.name)
    created = None
    if before is not None:
        _refuse_edited(before, flow.name, redefine or edited)
        # Who has another key is another user, though of the same name.
        own = before.get("user") == user() and before.get("mark") == mine
        if own and before.get("flow") == data:
            return before.get("defined")
        documents = (store.definition(flow.name) or ([], {}))[0]
        created = documents[0]["cm"]["created"] if documents else None
    now = time()
    defined = [created or utc_text(now), utc_text(now)]
    extra = {
        "flow": data,
        "defined": defined,
        "file": file,
        "cls": program.cls,
        "user": user(),
        "mark": mine,
        "edited": edited,
    }
    store.define(flow.name, definition(flow, now, created=created), extra)
    return defined


def refuse_edited(store: Store, name: str, redefine: bool) -> None:
    """Raise `InputError` where `run` of a file would: its flow was edited by hand since."""
    _refuse_edited(store.definition_extra(name) or {}, name, redefine)


def _refuse_edited(extra: Mapping[str, Any], name: str, redefine: bool) -> None:
    if extra.get("edited") and not redefine:
        raise InputError(
            f"the definition of {name} was edited since it was added: "
            f"run {name} runs it as it is, --redefine replaces it by the file's"
        )


# -- runs --------------------------------------------------------------------


def new_run_id() -> str:
    """Eight lower-case letters and digits, the first a letter."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    signs = letters + "0123456789"
    # 26 × 36⁷ ids: of 256² values the modulo prefers some by less than a thousandth.
    first, *rest = (int.from_bytes(os.urandom(2)) for _ in range(8))
    return letters[first % 26] + "".join(signs[number % 36] for number in rest)


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
    stored: bool = False,
    config: Config | None = None,
) -> Run:
    """Run a program to its end, and define it, unless it is a ``stored`` definition itself.

    ``parameters`` are run parameters, already converted; ``on`` maps nodes to
    infrastructure; with ``signals`` SIGINT and SIGTERM interrupt the run (the
    command line).  Raises `InputError` before anything is written, `StoreError`
    where the store fails, `Fenced` where another engine has taken the run.
    """
    from cloudmesh.flow.parameters import as_json, for_nodes, read_secrets, secret_names
    from cloudmesh.flow.run import events as ev
    from cloudmesh.flow.run.run import Run as RunState

    _check_parallel(parallel)
    flow = placed(program.flow, on or {}, config)
    config = config or load_config(None)
    check_pools(flow, config)
    given = {**flow.parameters, **(parameters or {})}
    hidden = secret_names(flow)
    shown_parameters = as_json({k: v for k, v in given.items() if k not in hidden})
    given = {**for_nodes(program, given), **read_secrets(flow, given)}
    if stored:
        defined = (store.definition_extra(flow.name) or {}).get("defined")
    else:
        defined = define(program, store, redefine=redefine)
    at = time()
    identity = run_id or new_run_id()
    head = {
        "flow": flow.to_json(),
        "defined": defined,
        "parameters": shown_parameters,
        "parallel": parallel,
        "file": program.path,
        "cls": program.cls,
        "mark": mark(store.id, flow.name, program.path, program.cls),
        "engine": _engine(),
        "versions": _versions(),
    }
    state = RunState(flow)
    event = ev.begin(at, head)
    state.apply(event)
    journal = _create(store, identity, state, [event])
    return drive(
        program, store, journal, state, given, parallel, observer or Quiet(), signals, config
    )


def _create(store: Store, identity: str, state: RunState, events: list[Any]) -> Journal:
    """Make a run in the store, with its first batch."""
    from json import dumps

    from cloudmesh.flow.model.documents import utc_text
    from cloudmesh.flow.run import events as ev
    from cloudmesh.flow.store.protocol import RunHead

    head, flow = state.head, state.flow
    text = flow.text[0] if len(flow.text) == 1 else dumps(flow.text, ensure_ascii=False)
    about = RunHead(
        identity,
        flow.name,
        text,
        head["parameters"],
        utc_text(state.begun),
        head["versions"],
        state.counts_by_status(),
    )
    return store.create(about, ev.encode(events, state.name_json.__getitem__))


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
    _check_parallel(parallel)
    watch = observer or Quiet()
    seq, state = replay(store, run_id)
    if state.status_word in ("finished", "error", "cancelled") and _told(store, run_id, state):
        return Run(run_id, state, inputs_of(state, store, {}), store)
    program = program or _rebound(state)
    for text in _changed(state.flow, program.flow):
        watch.note(f"the code has changed since, and runs as it is now: {text}")
    config = config or load_config(None)
    check_pools(state.flow, config)
    journal, state = _take_over(store, run_id, seq, state, force, watch)
    state.recode(program.flow)
    given = _given_again(program, state.head)
    parallel = parallel or state.head.get("parallel")
    return drive(program, store, journal, state, given, parallel, watch, signals, config)


def _take_over(
    store: Store, run_id: str, seq: int, state: RunState, force: bool, observer: Observer
) -> tuple[Journal, RunState]:
    """Own a run, and its state as of then.

    A last batch of the dead engine may still arrive after its journal was
    read (a server that had it in its queue): then it is read once more.  Was
    it another engine that was faster, that one is found alive.
    """
    from cloudmesh.flow.run import events as ev

    for chance in (3, 2, 1):
        take = _await_owner(store, run_id, seq, force, observer)
        event = ev.taken(time(), _engine())
        try:
            journal = take(run_id, seq, ev.encode([event], str))
        except Fenced:
            if chance == 1:
                raise
            seq, state = replay(store, run_id)
            continue
        break
    state.apply(event)
    return journal, state


def _told(store: Store, run_id: str, state: RunState) -> bool:
    """Whether a run's document says what its journal says: its engine may have died in between."""
    document = store.run(run_id)
    return document is not None and document["status"] == state.status_word


def replay(store: Store, run_id: str, until: int | None = None) -> tuple[int, RunState]:
    """The state of a run from its journal, and the number of the last batch read.

    Raises `NotFound` where there is no such run.
    """
    from cloudmesh.flow.model.flow import Flow
    from cloudmesh.flow.run import events as ev
    from cloudmesh.flow.run.run import Run as RunState
    from cloudmesh.flow.store.protocol import every_batch

    seq, state = 0, None
    for number, text in every_batch(store, run_id):
        if until is not None and number > until:
            break
        batch = ev.decode(text)
        if state is None:
            state = RunState(Flow.from_json(batch[0][2]["flow"]))
        state.replay(batch)
        seq = number
    if state is None:
        raise NotFound(f"no run {run_id} in this store; `cms flow runs` lists them")
    return seq, state


def plan_retry(
    run_id: str, store: Store, *, from_nodes: Sequence[str] = (), program: Program | None = None
) -> Plan:
    """What `retry` would run, what it would keep, and which files have changed.

    Raises `NotFound`; `InputError` where nothing would run, where the run can
    still be resumed, or where a function is gone.
    """
    _, state = replay(store, run_id)
    return _plan(store, run_id, state, from_nodes, program or _rebound(state))


def _plan(
    store: Store, run_id: str, state: RunState, from_nodes: Sequence[str], program: Program
) -> Plan:
    from cloudmesh.flow.again import check_over, plan

    check_over(store, run_id, state.status_word)
    for name in from_nodes:
        if name not in state.index:
            from cloudmesh.flow.language.source import did_you_mean

            hint = did_you_mean(name, state.index)
            raise NotFound(f"run {run_id} has no node {name!r}{hint}")
    return plan(state, from_nodes, _changed(state.flow, program.flow))


def _rebound(state: RunState) -> Program:
    """The functions of a run's flow, read anew.  Raises `InputError` where one is gone."""
    from cloudmesh.flow.language.load import rebind

    file = state.head.get("file")
    if file is None:
        raise InputError(
            f"this run of {state.flow.name} came from functions that were in memory: "
            "go on with it in the program that made them, by .resume(run) or .retry(run)"
        )
    return rebind(state.flow, file, state.head.get("cls") or "")


def _changed(old: Flow, new: Flow) -> list[str]:
    """``file: node, node`` for each file in which the code of nodes is not as it was."""
    files: dict[str, list[str]] = {}
    for before, after in zip(old.nodes, new.nodes, strict=True):
        if before.task.code.sha256 != after.task.code.sha256:
            files.setdefault(after.task.code.file, []).append(before.name)
    return [f"{file}: {', '.join(names)}" for file, names in files.items()]


def retry(
    run_id: str,
    store: Store,
    *,
    from_nodes: Sequence[str] = (),
    program: Program | None = None,
    parallel: int | None = None,
    observer: Observer | None = None,
    new_id: str | None = None,
    signals: bool = False,
    config: Config | None = None,
) -> Run:
    """Run again what has not finished, and ``from_nodes``, and all that depends on them.

    A new run, which reuses the results that are kept.  Raises as `plan_retry`.
    """
    from cloudmesh.flow.again import keep
    from cloudmesh.flow.run import events as ev
    from cloudmesh.flow.run.run import Run as RunState

    _check_parallel(parallel)
    _, old = replay(store, run_id)
    program = program or _rebound(old)
    todo = _plan(store, run_id, old, from_nodes, program)
    config = config or load_config(None)
    check_pools(program.flow, config)
    at = time()
    head = {
        **old.head,
        "flow": program.flow.to_json(),
        "mark": mark(store.id, program.flow.name, old.head.get("file"), old.head.get("cls") or ""),
        "engine": _engine(),
        "versions": _versions(),
        "retry_of": run_id,
    }
    state = RunState(program.flow)
    event = ev.begin(at, head)
    state.apply(event)
    events = [event, *keep(old, state, todo.kept, at, run_id)]
    journal = _create(store, new_id or new_run_id(), state, events)
    given = _given_again(program, head)
    parallel = parallel or head.get("parallel")
    return drive(
        program, store, journal, state, given, parallel, observer or Quiet(), signals, config
    )


def diff(first: str, second: str, store: Store) -> list[dict[str, Any]]:
    """What differs between two runs, see `compare.compare`.  Raises `NotFound`."""
    from cloudmesh.flow.compare import compare

    return compare(replay(store, first)[1], replay(store, second)[1])


def prune(
    store: Store,
    keep: int,
    workflow: str | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> list[str]:
    """Remove ended runs but the newest ``keep`` of each flow; returns their ids.

    A run that is running or interrupted is never removed, nor one that may have left a
    machine or a job: `infra clean` finds that by the run's journal alone.  ``note`` is
    told of those.
    """
    from cloudmesh.flow.store.outside import may_be_there

    if keep < 0:
        raise InputError(f"--keep {keep}: a number of runs, 0 or more")
    seen: dict[str, int] = {}
    gone = []
    for document in store.runs(workflow):
        if document["status"] not in ("finished", "error", "cancelled"):
            continue
        name = document["workflow"]
        seen[name] = seen.get(name, 0) + 1
        if seen[name] <= keep:
            continue
        run = document["run"]
        left = may_be_there(store, run)
        if left:
            note(f"{run} stays: {left} of it may still be there; see to it: cms flow infra clean")
            continue
        store.prune(run)
        gone.append(run)
    return gone


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
    store.request(identity, "cancel", by or user())
    until = monotonic() + wait
    while monotonic() < until:
        store.wait(identity, 1 << 60, 0.1)
        alive = store.owner(identity).alive  # asked first: who has ended the run lets go of it
        found = store.run(identity)
        if found is not None and found["status"] != "running":
            return str(found["status"])
        if alive is False:
            raise InputError(
                f"the engine of run {identity} was gone before the run had ended; "
                f"`cms flow resume {identity}` takes it over, and cancels it"
            )
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
            # A whole name says more than a beginning: a flow called "a" is found by it.
            found = store.runs(text, limit=1)
            if text and not found:
                found = store.runs(prefix=text, limit=9)
        if not found:
            hint = "`cms flow runs` lists them" if text != "latest" else "none was started yet"
            raise NotFound(f"no run {text or repr(text)} in this store; {hint}")
        if len(found) > 1:
            names = ", ".join(document["run"] for document in found[:8])
            more = ", …" if len(found) > 8 else ""
            raise NotFound(f"{text} is the beginning of several runs: {names}{more}")
        exact = found[0]
    return shown(store, exact)


def shown(store: Store, document: dict[str, Any]) -> dict[str, Any]:
    """A ``flow-runs`` document as readers show it: ``engine`` is ``lost`` where that is so."""
    if document["status"] == "running" and store.owner(document["run"]).alive is False:
        return {**document, "engine": "lost"}
    return document


# -- what both need ---------------------------------------------------------


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


def placed(flow: Flow, on: Mapping[str, str], config: Config | None = None) -> Flow:
    """The flow with some of its nodes mapped elsewhere.

    Raises `NotFound` for a node or an infrastructure that does not exist.
    """
    if not on:
        return flow
    from cloudmesh.flow.config import load_config
    from cloudmesh.flow.language.source import WHERE_THEY_ARE, did_you_mean
    from cloudmesh.flow.model.check import ALWAYS_THERE
    from cloudmesh.flow.model.flow import map_of

    config = config or load_config(None)
    places = [*ALWAYS_THERE, *config.infrastructure, *flow.infrastructure]
    maps = [node.name for node in flow.nodes if node.mapped]
    elements = {name: place for name, place in on.items() if map_of(name) in maps}
    for name, place in on.items():
        if name not in flow.index and name not in elements:
            hint = did_you_mean(name, flow.index)
            raise NotFound(f"no node {name!r} in flow {flow.name}{hint}")
        if place not in places:
            hint = did_you_mean(place, places) or WHERE_THEY_ARE
            raise NotFound(f"no infrastructure {place!r}{hint}")
    nodes = tuple(
        node._replace(task=node.task._replace(on=on[node.name])) if node.name in on else node
        for node in flow.nodes
    )
    flow = flow.with_nodes(nodes)
    return flow.with_elements({**flow.elements, **elements}) if elements else flow


def _check_parallel(parallel: object) -> None:
    """Raise `InputError` for what is no number of nodes."""
    if parallel is not None and (type(parallel) is not int or parallel < 1):
        raise InputError(f"parallel={parallel!r}: expected how many nodes at once, 1 or more")


def _given_again(program: Program, head: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that a run has kept, as its nodes receive them, and its secrets anew."""
    from cloudmesh.flow.parameters import for_nodes, read_secrets

    return {**for_nodes(program, head.get("parameters", {})), **read_secrets(program.flow)}


def _engine() -> dict[str, Any]:
    """Who this engine is."""
    return {"host": host(), "pid": os.getpid()}


def _versions() -> dict[str, str]:
    import sys

    from cloudmesh.flow import __version__

    return {"cloudmesh-flow": __version__, "python": sys.version.partition(" ")[0]}

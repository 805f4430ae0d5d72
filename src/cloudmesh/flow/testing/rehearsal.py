"""A flow run in a test: the real engine on a store in memory, its nodes ending as the test says."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cloudmesh.flow import api
from cloudmesh.flow.engine.inputs import Inputs
from cloudmesh.flow.engine.launch import Launch
from cloudmesh.flow.engine.loop import Engine
from cloudmesh.flow.engine.outcomes import Outcomes
from cloudmesh.flow.engine.results import Results
from cloudmesh.flow.engine.veil import Veil
from cloudmesh.flow.errors import InputError, NotFound
from cloudmesh.flow.executors.output import install, uninstall
from cloudmesh.flow.handle import Run
from cloudmesh.flow.model.pools import read_pool
from cloudmesh.flow.model.wiring import wire
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.run import Run as RunState
from cloudmesh.flow.store.memory import MemoryStore
from cloudmesh.flow.store.protocol import RunHead
from cloudmesh.flow.testing.fake import FakeClock, FakeExecutor

if TYPE_CHECKING:
    from cloudmesh.flow.language.program import Program
    from cloudmesh.flow.store.protocol import Store

__all__ = ["Rehearsal", "memory_store", "rehearse"]

NO_LIMIT = 1 << 30


def memory_store() -> Store:
    """A new, empty store in this process's memory, which keeps the contract of the others."""
    return MemoryStore(f"memory://{api.new_run_id()}")


class Rehearsal(Run):
    """A `Run` of `rehearse`, with what a test asks besides.

    ``took`` is how long it took on the fake clock, in seconds; ``starts`` has
    ``(seconds since the beginning, node, attempt)`` for each start, in order.
    """

    def __init__(self, state: RunState, inputs: Inputs, store: Store, cast: FakeExecutor) -> None:
        super().__init__("rehearse", state, inputs, store)
        self.starts = cast.started
        self.took = cast.clock.passed

    def log(self, node: str) -> str:
        """What a node printed."""
        return self.store.read_log(self.id, node)[0]


def rehearse(
    flow: Any,
    outcomes: Mapping[str, Any] | None = None,
    *,
    strings: str | Sequence[str] = (),
    params: Mapping[str, Any] | None = None,
    slots: Mapping[str, int] | None = None,
    pools: Mapping[str, Any] | None = None,
    parallel: int = 32,
) -> Rehearsal:
    """Run a flow to its end without running what a test would rather not run.

    ``flow`` is a class, an object of one, a ``workflow(…)``, a file, or a flow
    string; ``strings`` replace its own.  ``outcomes`` maps names of nodes to
    how they end: see `FakeExecutor`.  A node without an outcome calls its
    function, in this thread; a command needs one, for none is run.  Time is
    that of a fake clock, and passes at once.

    ``params`` are run parameters; secrets come from the environment.  ``slots``
    names the infrastructure that ``on`` may name, with how many nodes run there
    at once; ``pools`` are as in the configuration, which is not read.  A pause
    before a retry has its full length, without jitter.

    Raises `InputError` for all that is wrong before the run, `NotFound` for an
    outcome of a node that does not exist.
    """
    from cloudmesh.flow.parameters import for_nodes, read_secrets

    given = dict(params or {})
    program = _program(flow, strings, given, list(slots or {}))
    _check(program, outcomes or {})
    given = {**program.flow.parameters, **given}
    given = {**for_nodes(program, given), **read_secrets(program.flow, given)}
    clock = FakeClock()
    cast = FakeExecutor(outcomes, clock)
    store = memory_store()
    limits: dict[str, int] = {**(slots or {}), "local": parallel}
    rates = {}
    for name, spec in {**(pools or {}), **program.flow.pools}.items():
        pool = read_pool(spec)
        limits[f"pool:{name}"] = NO_LIMIT if pool.slots is None else pool.slots
        if pool.rate is not None:
            rates[f"pool:{name}"] = pool.rate
    engine = _engine(program, store, cast, given, limits, rates)
    install()
    try:
        _play(engine, clock)
    finally:
        uninstall()
    return Rehearsal(engine.run, engine.outcomes.inputs, store, cast)


def _program(
    flow: Any, strings: str | Sequence[str], params: dict[str, Any], known: Sequence[str]
) -> Program:
    """What was given as a flow, read and checked."""
    from cloudmesh.flow.language import load
    from cloudmesh.flow.language.pythonclass import BaseWorkFlow, Workflow

    texts = [strings] if isinstance(strings, str) else list(strings)
    if isinstance(flow, Workflow):
        where = {"file": flow.file, "line": 0 if texts else flow.line}
        return load.load_functions(
            texts or flow.text,
            flow.functions,
            flowname=flow.name,
            infrastructure=known,
            parameters=params,
            **where,  # type: ignore[arg-type]
        )
    if isinstance(flow, BaseWorkFlow) or (
        isinstance(flow, type) and issubclass(flow, BaseWorkFlow)
    ):
        return load.load_object(flow, texts or None, infrastructure=known, parameters=params)
    text = os.fspath(flow)
    if load.split_target(text)[0].endswith((".py", ".yaml", ".yml")):
        return load.load(text, texts, infrastructure=known, parameters=params)
    return load.load(None, texts or [text], infrastructure=known, parameters=params)


def _check(program: Program, outcomes: Mapping[str, Any]) -> None:
    """Each outcome has its node, and each node something to do."""
    from cloudmesh.flow.language.source import did_you_mean

    nodes = program.flow.index
    for name in outcomes:
        family = name.partition("[")[0]
        if family not in nodes:
            hint = did_you_mean(family, nodes)
            raise NotFound(f"an outcome for {name!r}, which is no node of this flow{hint}")
    bare = [n for n in nodes if n not in program.functions and n not in outcomes]
    if bare:
        raise InputError(
            f"no function is called by {', '.join(bare)}, and no command is run here: "
            f"say how it ends, {{{bare[0]!r}: …}}"
        )


class _Stage(Launch):
    """Every node, wherever it belongs, is the fake executor's."""

    def runs_here(self, i: int) -> bool:
        """No: nothing runs in a thread of the engine."""
        return False

    def _word(self, i: int) -> str:
        return "fake"


class _Audience:
    """Sees everything and says nothing."""

    def batch(self, seq: int, events: list[ev.Event]) -> None:
        """Nothing."""

    def output(self, node: str, stream: str, text: str) -> None:
        """Nothing: it is in the log."""

    def note(self, text: str) -> None:
        """Nothing."""


def _engine(
    program: Program,
    store: Store,
    cast: FakeExecutor,
    parameters: Mapping[str, Any],
    limits: Mapping[str, int],
    rates: Mapping[str, Any],
) -> Engine:
    """An engine whose executor and clock are those of the test."""
    from cloudmesh.flow.language.pythonclass import Secret
    from cloudmesh.flow.parameters import as_json, secret_names

    flow, clock = program.flow, cast.clock
    hidden = secret_names(flow)
    kept = as_json({k: v for k, v in parameters.items() if k not in hidden})
    state = RunState(flow)
    event = ev.begin(clock.now, {"flow": flow.to_json(), "parameters": kept})
    state.apply(event)
    text = flow.text[0] if len(flow.text) == 1 else str(list(flow.text))
    head = RunHead("rehearse", flow.name, text, kept, "", {})
    journal = store.create(head, ev.encode([event], state.name_json.__getitem__))
    veil = Veil([value for value in parameters.values() if isinstance(value, Secret)])
    results = Results(store.put_blob, store.get_blob, veil)
    inputs = Inputs(state, wire(flow, parameters), parameters, results.read)
    functions = [program.functions.get(node.name) for node in flow.nodes]
    return Engine(
        state,
        journal,
        Outcomes(state, inputs, results, functions, lambda: 1.0),
        lambda engine: _Stage(engine, lambda word: cast),
        key_prefix=f"{store.id}/rehearse",
        limits=limits,
        rates=rates,
        witness=_Audience(),
        clock=lambda: clock.now,
        ticks=lambda: clock.now,
        pause=lambda seconds: False,
    )


def _play(engine: Engine, clock: FakeClock) -> None:
    """Let time pass from one thing that is due to the next, until the run has ended."""
    engine.begin()
    while not engine.done.is_set():
        due = [at for at in (clock.next(), engine.run.next_due()) if at is not None]
        if not due:
            raise AssertionError("nothing is due any more, and the run has not ended")
        clock.advance(max(clock.now, min(due)))
        engine.tick()
    engine.launcher.close()
    engine.journal.close()
    if engine.failure is not None:
        raise engine.failure

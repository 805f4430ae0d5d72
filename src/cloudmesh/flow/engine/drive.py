"""Puts an engine together for one run, and drives it to the run's end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from cloudmesh.flow.config import load_config
from cloudmesh.flow.engine.inputs import Inputs
from cloudmesh.flow.engine.launch import Launch, maker
from cloudmesh.flow.engine.loop import Engine, Witness
from cloudmesh.flow.engine.outcomes import Outcomes
from cloudmesh.flow.engine.patience import PATIENCE
from cloudmesh.flow.engine.results import Results
from cloudmesh.flow.engine.veil import Veil
from cloudmesh.flow.executors.output import install, uninstall
from cloudmesh.flow.handle import Run
from cloudmesh.flow.language.pythonclass import Secret
from cloudmesh.flow.model.wiring import wire
from cloudmesh.flow.run.policy import Rate
from cloudmesh.flow.run.run import Run as RunState

if TYPE_CHECKING:
    from cloudmesh.flow.config import Config
    from cloudmesh.flow.language.program import Program
    from cloudmesh.flow.store.protocol import Journal, Store

__all__ = ["Observer", "drive", "inputs_of"]

#: How many nodes run at once on this machine.
PARALLEL = 32
NO_LIMIT = 1 << 30
FINISH_WAIT = 60.0  # seconds, at the end of a run, for machines of earlier engines to go
QUIET = 0.5  # seconds of that of which nothing is said


class Observer(Witness, Protocol):
    """Told what happens while an engine runs, from its threads, under its lock.

    Must return quickly and must not raise.
    """

    def begun(self, run: str, state: RunState) -> None:
        """The run is recorded."""

    def ended(self, status: str) -> None:
        """The run has ended with that status."""


def drive(
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
    config = config or load_config(None)
    engine, inputs = _assembled(
        program, store, journal, state, parameters, parallel, observer, config
    )
    if state.engines > 1:
        from cloudmesh.flow.executors.ending import sweep

        sweep(f"{store.id}/{journal.run}/")  # what the dead engine left running here
    _drive(engine, observer, signals)
    if engine.failure is not None:
        raise engine.failure
    observer.ended(state.status_word)
    if config.webhooks:
        _tell_others(config.webhooks, store, engine)
    return Run(journal.run, state, inputs, store)


def _assembled(
    program: Program,
    store: Store,
    journal: Journal,
    state: RunState,
    parameters: Mapping[str, Any],
    parallel: int | None,
    observer: Observer,
    config: Config,
) -> tuple[Engine, Inputs]:
    """An engine for a run, and what its nodes are given."""

    def put(data: bytes) -> str:
        return engine.patience.do(lambda: store.put_blob(data))

    def get(reference: str) -> bytes:
        if engine.done.is_set():
            return store.get_blob(reference)
        return engine.patience.do(lambda: store.get_blob(reference))

    secrets = [value for value in parameters.values() if isinstance(value, Secret)]
    results = Results(put, get, Veil(secrets))
    inputs = Inputs(state, wire(state.flow, parameters), parameters, results.read)
    functions = [program.functions.get(node.name) for node in state.flow.nodes]
    outcomes = Outcomes(state, inputs, results, functions)
    infrastructure = {**config.infrastructure, **_of_flow(state, program)}
    limits = _slots(infrastructure)
    rates = _take_pools({**config.pools, **state.flow.pools}, limits)
    limits["local"] = parallel or config.parallel or PARALLEL

    engine = Engine(
        state,
        journal,
        outcomes,
        lambda engine: Launch(engine, maker(_table(engine, store, program), infrastructure)),
        key_prefix=f"{store.id}/{journal.run}",
        limits=limits,
        rates=rates,
        witness=observer,
        durable=config.durability == "power",
        patience=PATIENCE if config.patience is None else config.patience,
    )
    return engine, inputs


def _drive(engine: Engine, observer: Observer, signals: bool) -> None:
    """Begin the run, and keep its time until it has ended."""
    left = list(engine.run.intents.values())
    install()
    try:
        with _signals(engine, signals):
            observer.begun(engine.journal.run, engine.run)
            engine.begin()
            finished = _finish(left, engine) if left else None
            _watch(engine)
            if finished is not None:
                _wait_for(finished, engine)
    finally:
        uninstall()


def _wait_for(finished: threading.Thread, engine: Engine) -> None:
    """Wait until what earlier engines have left is gone; not long, and not against Ctrl-C."""
    finished.join(QUIET)
    if finished.is_alive() and not engine.signalled:
        what = "machines that an earlier engine of the run has left"
        engine.witness.note(
            f"waiting for {what} to go, {FINISH_WAIT:.0f} s at most; Ctrl-C ends it"
        )
        until = monotonic() + FINISH_WAIT
        while finished.is_alive() and not engine.signalled and monotonic() < until:
            finished.join(QUIET)
    if finished.is_alive():
        engine.witness.note("a machine may be left: cms flow infra clean destroys it")


def _finish(left: Sequence[Mapping[str, Any]], engine: Engine) -> threading.Thread | None:
    """Destroy, beside the run, what its earlier engines have left."""
    from cloudmesh.flow.executors.leftovers import finish

    return finish(left, engine.witness.note, engine.release)


def _of_flow(state: RunState, program: Program) -> Mapping[str, Any]:
    """What the run's flow says of infrastructure; what is installed there only as its file says."""
    stored = state.flow.infrastructure
    if not stored:
        return {}
    from cloudmesh.flow.executors.table import with_own_requirements

    return with_own_requirements(stored, program.flow.infrastructure)


def _table(engine: Engine, store: Store, program: Program) -> Callable[..., Any]:
    """What makes the executor of an entry of the infrastructure, for the run of that engine."""
    left = tuple(engine.run.intents.values())

    def table(name: str, spec: Mapping[str, Any]) -> Any:
        from cloudmesh.flow.executors.leftovers import clean
        from cloudmesh.flow.executors.table import Context, make

        context = Context(
            store_id=store.id,
            run=engine.journal.run,
            engine=engine.run.engines,
            file=program.file,
            cls=program.cls,
            note=engine.witness.note,
            intent=engine.intend,
            release=engine.release,
            clean=lambda provider: clean(store, provider, engine.witness.note),
            left=left,
        )
        return make(name, spec, context)

    return table


def _tell_others(urls: Sequence[str], store: Store, engine: Engine) -> None:
    """Tell the user's webhooks that the run has ended: ids and the status."""
    from cloudmesh.flow.webhooks import tell

    state, run = engine.run, engine.journal.run
    about = {"workflow": state.flow.name, "run": run, "status": state.status_word}
    tell(urls, {"event": "run ended", "store": store.id, **about}, engine.witness.note)


def _take_pools(pools: Mapping[str, Any], limits: dict[str, int]) -> dict[str, Rate]:
    """Add what pools say of how many at once to the limits; returns what they say of rates."""
    if not pools:
        return {}
    from cloudmesh.flow.model.pools import read_pool

    rates = {}
    for name, spec in pools.items():
        pool = read_pool(spec)
        limits[f"pool:{name}"] = NO_LIMIT if pool.slots is None else pool.slots
        if pool.rate is not None:
            rates[f"pool:{name}"] = pool.rate
    return rates


def _slots(infrastructure: Mapping[str, Any]) -> dict[str, int]:
    """How many nodes run at once on each infrastructure."""
    if not infrastructure:
        return {}
    from cloudmesh.flow.executors.table import slots

    return {name: slots(spec) for name, spec in infrastructure.items()}


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
    """While this lasts SIGINT, SIGTERM and SIGHUP interrupt the run; a second ends the process."""
    if not wanted or threading.current_thread() is not threading.main_thread():
        yield
        return
    import signal

    from cloudmesh.flow.store.locks import hurry

    def handle(number: int, frame: object) -> None:
        if engine.signalled or engine.run.stopping:
            _kill(engine)
        engine.signal()
        hurry()

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        numbers.append(signal.SIGHUP)  # the terminal is closed, and nohup does not ignore that
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        hurry(False)
        for number, handler in before.items():
            signal.signal(number, handler)


def _kill(engine: Engine) -> NoReturn:
    """End this process and what it started here, at once, whatever lock is held where."""
    from cloudmesh.flow.executors.ending import kill

    run = engine.journal.run
    with suppress(OSError):
        os.write(2, f"killed; go on with it: cms flow resume {run}\n".encode())
    kill(f"{engine.key_prefix}/")
    os._exit(130)


def inputs_of(state: RunState, store: Store, parameters: Mapping[str, Any]) -> Inputs:

    from cloudmesh.flow.engine.inputs import Inputs

    results = Results(store.put_blob, store.get_blob)
    wires: Sequence[Any] = wire(state.flow, parameters)
    return Inputs(state, wires, parameters, results.read)

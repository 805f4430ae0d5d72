"""A run as its journal has it: at a number, for ``status --at SEQ``, or at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudmesh.flow.store.protocol import Store

__all__ = ["state_at"]


def state_at(
    store: Store, run: dict[str, Any], seq: int | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The documents of a run and of its nodes as they were when batch ``seq``, or the last one,
    was written.

    Raises `InputError` where there was none yet.
    """
    from json import loads

    from cloudmesh.flow.api import replay
    from cloudmesh.flow.engine.projector import row
    from cloudmesh.flow.errors import InputError
    from cloudmesh.flow.model.documents import run_document, run_specs, run_upstream, utc_text
    from cloudmesh.flow.run.states import FINISHED

    if seq is not None and seq < 1:
        raise InputError(f"--at {seq}: the first number of a journal is 1")
    last, state = replay(store, run["run"], seq)
    if seq is not None and last < seq:
        raise InputError(f"--at {seq}: the journal of run {run['run']} ends at {last}")
    upstream = run_upstream(state.flow)
    texts = run_specs(state.flow, state.begun, state.head.get("defined"))
    specs = [loads(text) for text in texts]
    collection = f"{state.flow.name}-flow-active"
    n = len(state.flow.nodes)
    nodes = []
    for i in (*range(n), *range(state.base, len(state))):
        own = state.parent.get(i, i)
        open_names = [name for name in upstream[own] if state.status[state.index[name]] != FINISHED]
        nodes.append(
            run_document(
                run["run"], collection, row(state, i), upstream[own], open_names, specs[own]
            )
        )
    head = {
        **run,
        "status": state.status_word,
        "counts": state.counts_by_status(),
        "ended": utc_text(state.over) if state.over else None,
        "seq": last,
        "at": utc_text(time_of(store, run["run"], last)),
    }
    return head, nodes


def time_of(store: Store, run: str, seq: int) -> float:
    """When the last event of a batch happened, in seconds since 1970."""
    from cloudmesh.flow.run import events as ev

    (batch,) = store.batches(run, seq - 1, 1)
    times = [x for event in ev.decode(batch.events) for x in event[1:3] if isinstance(x, float)]
    return max(times)

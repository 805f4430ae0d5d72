"""Run part of a run again, as a new run that reuses what is kept.  Plans; `api.retry` acts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloudmesh.flow.errors import InputError, NotFound
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.events import Event
from cloudmesh.flow.run.run import Run
from cloudmesh.flow.run.states import FINISHED

if TYPE_CHECKING:
    from cloudmesh.flow.store.protocol import Store

__all__ = ["Plan", "check_over", "keep", "plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a retry will do.

    ``runs`` are the names of the nodes that will run, in the flow's order (a
    map whose list is made anew by its own name alone); ``kept`` those whose
    results are reused; ``changed`` the files whose code is not as it was.
    """

    runs: tuple[str, ...]
    kept: tuple[str, ...]
    changed: tuple[str, ...] = ()


def check_over(store: Store, run_id: str, status: str) -> None:
    """Raise `InputError` where a run is not over, with what can be done instead."""
    if status not in ("running", "interrupted"):
        return
    if status == "running" and store.owner(run_id).alive is not False:
        raise InputError(
            f"run {run_id} is running: wait for its end, or end it with `cms flow cancel {run_id}`"
        )
    raise InputError(f"run {run_id} is {status}: `cms flow resume {run_id}` goes on with it")


def plan(run: Run, starts: Collection[str] = (), changed: Iterable[str] = ()) -> Plan:
    """Plan to run what has not finished, and ``starts``, and all that depends on them.

    Raises `NotFound` for an unknown node, `InputError` where nothing would run.
    """
    n = len(run.flow.nodes)
    again = {i for i in run.nodes() if run.status[i] != FINISHED}
    for start in starts:
        if start not in run.index:
            raise NotFound(f"the run has no node {start!r}")
        again.add(run.index[start])
    for i in list(again):  # a map is run again where an element is
        again.add(run.parent.get(i, i))
    elements_too = {i for i in again if i < n and (run.names[i] in starts or _unmade(run, i))}
    stack = [i for i in again if i < n]
    while stack:
        for follower in run.successors[stack.pop()]:
            if follower not in again or follower not in elements_too:
                again.add(follower)
                elements_too.add(follower)
                stack.append(follower)
    for i in elements_too & run.maps:
        again.update(run.elements.get(i, ()))
    ordered = [i for i in run.nodes() if i in again and not _covered(run, i, elements_too)]
    if not ordered:
        raise InputError("every node has finished; --from NODE runs a part of it again")
    kept = [run.names[i] for i in run.nodes() if i not in again and i not in run.maps]
    return Plan(tuple(run.names[i] for i in ordered), tuple(kept), tuple(changed))


def _unmade(run: Run, i: int) -> bool:
    """Whether a map has no elements yet, or is in error for want of a list."""
    return i in run.maps and i not in run.elements


def _covered(run: Run, i: int, elements_too: set[int]) -> bool:
    """Whether a node need not be named: an element of a map that runs whole, or a map of which
    only some elements run."""
    parent = run.parent.get(i)
    if parent is not None:
        return parent in elements_too
    return i in run.maps and i not in elements_too


def keep(old: Run, new: Run, kept: Iterable[str], at: float, old_id: str) -> list[Event]:
    """Apply to a new run what is kept of an old one; returns the events, to be recorded.

    Predecessors come first, so that a map has its elements when theirs come.
    """
    names = set(kept)
    events: list[Event] = []
    order = [i for i in old.flow.order if i < len(old.flow.nodes)]
    for i in order:
        for k in old.elements.get(i, (i,)) if i in old.maps else (i,):
            if old.names[k] not in names:
                continue
            extra = dict(old.extra.get(k, {}))
            if k in old.skipped:
                extra["skipped"] = True
            result = old.result[k] or "null"
            event = ev.kept(new.index[old.names[k]], at, result, extra, f"kept from {old_id}")
            new.apply(event)
            events.append(event)
    return events

"""Cancel jobs that outlived their engine, and remove their folders: for ``infra clean``.

A job's name is its tag, ``cmflow/STORE/RUN/…``.  It is ended when it is of
this store, its run's journal says that it would be submitted, and nobody owns
that run.  (`resume` adopts such jobs instead, see `slurm`.)
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cloudmesh.flow.errors import InfrastructureError
from cloudmesh.flow.executors.login import Login, first_line
from cloudmesh.flow.executors.slurm import about_of, base_of, login_of
from cloudmesh.flow.providers.sweep import Swept
from cloudmesh.flow.store.outside import outside
from cloudmesh.flow.store.protocol import Store

__all__ = ["clean"]

GONE_WAIT = 30.0  # seconds for jobs to go


class _Left(NamedTuple):
    """What is there of a tag: a folder, jobs, or both."""

    tag: str
    folder: str
    jobs: tuple[str, ...]


def clean(store: Store, entries: Mapping[str, Mapping[str, Any]]) -> Swept:
    """End what is left of the store's runs on the clusters of ``entries``.

    Raises `StoreError` where the store cannot be read.
    """
    swept = Swept([], [], [], [])
    for name, spec in entries.items():
        of_dask = spec.get("kind") == "dask" and spec.get("slurm")
        if spec.get("kind") != "slurm" and not of_dask:
            continue
        login: Login | None = None
        try:
            login = login_of(spec)
            _clean(store, login, "" if of_dask else base_of(login, spec), swept)
        except InfrastructureError as error:
            swept.failed.append(f"{name}: {error}")
        finally:
            if login is not None:
                login.close()
    return swept


def _clean(store: Store, login: Login, base: str, swept: Swept) -> None:
    wanted = []
    for one in _found(login, base, store.id):
        if one.tag in swept.gone:  # two entries lead to the same cluster
            continue
        reason = _reason_to_leave(store, one.tag)
        if not reason:
            wanted.append(one)
        elif (one.tag, reason) not in swept.left:
            swept.left.append((one.tag, reason))
    ids = [job for one in wanted for job in one.jobs]
    if ids:
        login.run(["scancel", *ids])
        _wait_until_gone(login, ids)
    for one in wanted:
        if one.folder:
            login.remove(one.folder)
            login.run(["rmdir", one.folder.rpartition("/")[0]])  # the last one's
        swept.gone.append(one.tag)


def _found(login: Login, base: str, store: str) -> Iterator[_Left]:
    """All that carries a store's id: by the names of jobs, and by folders."""
    code, out, err = login.run(["squeue", "-h", "-o", "%F|%j"])
    if code:
        raise InfrastructureError(f"squeue: {first_line(err)}")
    jobs: dict[str, set[str]] = {}
    for line in out.splitlines():
        number, _, tag = line.partition("|")
        if tag.startswith(f"cmflow/{store}/"):
            jobs.setdefault(tag, set()).add(number)
    for run in login.names(f"{base}/{store}") if base else ():
        for mark in login.names(f"{base}/{store}/{run}"):
            folder = f"{base}/{store}/{run}/{mark}"
            tag = str(about_of(login, folder).get("tag"))
            if tag.startswith(f"cmflow/{store}/{run}/"):
                yield _Left(tag, folder, tuple(sorted(jobs.pop(tag, ()))))
    for tag, numbers in jobs.items():
        yield _Left(tag, "", tuple(sorted(numbers)))


def _reason_to_leave(store: Store, tag: str) -> str:
    """Why something must stay; "" where nothing speaks for it."""
    run = tag.split("/")[2]
    if store.run(run) is None or tag not in _intended(store, run):
        return "no journal of this store says that it was made"
    if store.owner(run).alive is not False:
        return f"run {run} has an engine that may be alive"
    return ""


def _intended(store: Store, run: str) -> set[str]:
    """The tags of all jobs that a run's journal says would be submitted."""
    return {str(about.get("tag")) for kind, _, about in outside(store, run) if kind == "intent"}


def _wait_until_gone(login: Login, ids: list[str]) -> None:
    """Raises `InfrastructureError` where jobs do not go."""
    deadline = time.monotonic() + GONE_WAIT
    while True:
        code, out, err = login.run(["squeue", "-h", "-j", ",".join(ids), "-o", "%F"])
        if code and "invalid job id" not in err.lower():  # which is what it says of a forgotten one
            raise InfrastructureError(f"squeue: {first_line(err)}")
        if code or not out.split():
            return
        if time.monotonic() > deadline:
            left = ", ".join(sorted(set(out.split())))
            raise InfrastructureError(f"jobs that were cancelled do not end: {left}")
        time.sleep(0.2)

"""Destroy machines that outlived their engine: those that this store's journal intended, no other.

A machine carries the mark of a tag, ``cmflow/STORE/RUN/…``.  It is destroyed
when that is of this store, its run's journal says that it would be made, and
nobody owns that run.  Everything is read before anything is destroyed: where
the store cannot be read in full, nothing happens.  A provider that cannot be
asked is left for the next time; the others are cleaned.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from cloudmesh.flow.errors import FlowError, InfrastructureError, InputError
from cloudmesh.flow.providers.protocol import Found, Note, Provider
from cloudmesh.flow.providers.table import provider_of
from cloudmesh.flow.store.outside import Intent, intents
from cloudmesh.flow.store.protocol import Store

__all__ = ["Swept", "clean", "clean_provider", "finish"]

LISTS = 3  # how often a provider is asked for what may appear late
PAUSE = 2.0  # seconds between
LATE = 600.0  # seconds after which a machine that was asked for appears no more

QEMU = {"kind": "vm", "provider": "qemu"}  # its machines need no entry


class Swept(NamedTuple):
    """What was done: tags or marks."""

    gone: list[str]
    left: list[tuple[str, str]]  # and why
    failed: list[str]  # lines: providers that did not answer, machines that did not go
    late: list[str]  # was asked for just before the engine died, and may still appear


def clean(store: Store, entries: Mapping[str, Mapping[str, Any]] | None = None) -> Swept:
    """Destroy what is left of the store's runs, with the providers of ``entries`` and journals.

    Raises `StoreError` where the store cannot be read.
    """
    known = {str(head["run"]): intents(store, str(head["run"])) for head in store.runs()}
    swept = Swept([], [], [], [])
    wanted = {**(entries or {})}
    providers: dict[str, Provider] = {}
    specs = [("qemu", QEMU), *((n, s) for n, s in wanted.items() if s.get("kind") == "vm")]
    specs += [(i.about.get("name", "?"), i.about) for of in known.values() for i in of]
    for name, spec in specs:
        try:
            provider = provider_of(str(name), spec)
        except (InputError, InfrastructureError) as error:
            swept.failed.append(str(error))
            continue
        key = {k: v for k, v in provider.about.items() if k != "name" or not provider.outlives}
        providers.setdefault(json.dumps(key, sort_keys=True), provider)
    for provider in providers.values():
        _sweep(store, provider, known, swept)
    return swept._replace(failed=list(dict.fromkeys(swept.failed)))


def clean_provider(store: Store, provider: Provider) -> Swept:
    """As `clean`, for one provider; reads the journals only of runs that left something."""
    swept = Swept([], [], [], [])
    _sweep(store, provider, {}, swept)
    return swept


def finish(
    left: Iterable[Mapping[str, Any]], note: Note, release: Callable[[Mapping[str, Any]], None]
) -> None:
    """Destroy what earlier engines of a run have intended and not released; it is ours now."""
    for document in left:
        name, tag = str(document.get("name", "")), str(document["tag"])
        try:
            provider = provider_of(name, document)
            count = provider.destroy(tag) if provider.outlives else 1
        except FlowError as error:
            note(f"{error}; a machine may be left: cms flow infra clean destroys it")
            continue
        if count:  # what was not there may still appear: the intent stays for `infra clean`
            release({"tag": tag})


# -- one provider ------------------------------------------------------------------------------


def _sweep(
    store: Store,
    provider: Provider,
    known: Mapping[str, list[Intent]],
    swept: Swept,
) -> None:
    """Judge all that a provider lists, then destroy; again for what appears late."""
    for number in range(LISTS):
        try:
            found = provider.listed(store.id)
        except (InfrastructureError, InputError) as error:
            swept.failed.append(str(error))
            return
        told = {mark for mark, _ in swept.left}
        judged = [(one, *_judged(store, provider, one, known)) for one in found]
        for one, _, reason in judged:
            if reason and one.mark not in told:
                swept.left.append((one.mark, reason))
        _destroy(provider, {tag for _, tag, reason in judged if not reason}, swept)
        late = _late(store, provider, known, swept)
        if not late or number == LISTS - 1:
            swept.late.extend(late)
            return
        time.sleep(PAUSE)


def _destroy(provider: Provider, tags: Iterable[str], swept: Swept) -> None:
    for tag in sorted(tags):
        try:
            provider.destroy(tag)
        except (InfrastructureError, InputError) as error:
            swept.failed.append(f"{tag}: {error}")
        else:
            if tag not in swept.gone:
                swept.gone.append(tag)


def _judged(
    store: Store,
    provider: Provider,
    one: Found,
    known: Mapping[str, list[Intent]],
) -> tuple[str, str]:
    """The tag of a machine, and why it must stay; "" where nothing speaks for it."""
    nobody = "no journal of this store says that it was made"
    if store.run(one.run) is None:
        return "", nobody
    # Read anew where it was not there: a run may have begun since.
    for of in (known.get(one.run, []), intents(store, one.run)):
        tag = next((i.tag for i in of if provider.mark(i.tag) == one.mark), "")
        if tag:
            break
    else:
        return "", nobody
    if store.owner(one.run).alive is not False:
        return tag, f"run {one.run} has an engine that may be alive"
    return tag, ""


def _late(
    store: Store,
    provider: Provider,
    known: Mapping[str, list[Intent]],
    swept: Swept,
) -> list[str]:
    """What this provider was asked for shortly before its engine died, and has not shown yet."""
    if not provider.outlives:
        return []
    now = time.time()
    return [
        intent.tag
        for run, of in known.items()
        for intent in of
        if not intent.released
        and now - intent.at < LATE
        and intent.tag not in swept.gone
        and _is_of(provider, intent)
        and store.owner(run).alive is False
    ]


def _is_of(provider: Provider, intent: Intent) -> bool:
    mine = provider.about
    return all(mine.get(k) == intent.about.get(k) for k in ("provider", "region", "endpoint"))

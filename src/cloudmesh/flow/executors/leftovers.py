"""Machines that dead engines have left: destroyed by the next engine that meets them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.errors import FlowError

if TYPE_CHECKING:
    from cloudmesh.flow.providers.protocol import Provider
    from cloudmesh.flow.store.protocol import Store

__all__ = ["clean", "finish"]


def clean(store: Store, provider: Provider, note: Callable[[str], None]) -> None:
    """Destroy what dead engines of a store left with a provider; the run goes on without, too."""
    from cloudmesh.flow.providers.sweep import clean_provider

    try:
        swept = clean_provider(store, provider)
    except FlowError as error:
        note(f"what earlier runs may have left is not destroyed: {error}")
        return
    for tag in swept.gone:
        note(f"destroyed {tag}, which an earlier run had left")
    for said in swept.failed:
        note(f"what earlier runs may have left is not destroyed: {said}")


def finish(
    intents: Sequence[Mapping[str, Any]],
    note: Callable[[str], None],
    release: Callable[[Mapping[str, Any]], None],
) -> threading.Thread | None:
    """Destroy machines of a run's earlier engines, beside the run; None where there are none."""
    left = [intent for intent in intents if intent.get("kind") == "vm"]
    if not left:
        return None
    from cloudmesh.flow.providers.sweep import finish as destroy

    thread = threading.Thread(
        target=destroy, args=(left, note, release), name="cloudmesh-flow machines", daemon=True
    )
    thread.start()
    return thread

"""The table of words: what ``kind`` can be in an entry of ``infrastructure``, and who runs it.

A new kind is one module, with ``make(name, spec, context)`` and ``check(name, spec)``,
and one line here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.executors.protocol import Executor
from cloudmesh.flow.providers.sizes import megabytes

__all__ = ["KINDS", "Context", "build", "check", "faults", "make", "slots", "with_own_requirements"]


@dataclass(frozen=True, slots=True)
class Context:
    """What an executor may know of the run that it works for.

    ``note`` tells the user one line; ``intent`` returns when the record of
    something that is about to be made is on disk, ``release`` records that it
    is gone; ``left`` is what earlier engines of the run recorded so and did not
    release.  Nobody is told anything where they are not given (``infra check``).
    """

    store_id: str = ""
    run: str = ""
    engine: int = 1
    file: Path | None = None
    cls: str = ""
    note: Callable[[str], None] = lambda text: None
    intent: Callable[[Mapping[str, Any]], None] = lambda document: None
    release: Callable[[Mapping[str, Any]], None] = lambda document: None
    clean: Callable[[Any], None] = lambda provider: None
    left: tuple[Mapping[str, Any], ...] = ()


class Kind(NamedTuple):
    """A kind of infrastructure: its module, and its keys with what their values are."""

    module: str
    keys: Mapping[str, str]
    one_of: tuple[str, ...] = ()  # keys of which one must be there
    slots: int = 8  # nodes at once, where the entry does not say


_HOST = {
    "host": "text", "user": "text", "port": "count", "identity": "text", "key": "text",
    "jump": "text", "python": "text", "known_hosts": "text", "config": "text", "slots": "count",
    "requirements": "list",
}  # fmt: skip

_ONLY_QEMU = {"memory": "size", "cpus": "count", "accelerator": "text"}
_ONLY_CLOUD = {
    "region": "text", "endpoint": "text", "profile": "text", "cloud": "text", "size": "text",
    "key": "text", "network": "text", "security": "text", "options": "map", "address": "text",
    "user": "text", "port": "count", "identity": "text", "jump": "text", "config": "text",
    "python": "text",
}  # fmt: skip

KINDS: dict[str, Kind] = {
    "ssh": Kind(
        "cloudmesh.flow.executors.ssh",
        {**_HOST, "hosts": "list"},
        ("host", "hosts"),
    ),
    "process": Kind(
        "cloudmesh.flow.executors.beside",
        {"python": "text", "requirements": "list", "slots": "count"},
        slots=os.cpu_count() or 1,
    ),
    "slurm": Kind(
        "cloudmesh.flow.executors.slurm",
        {
            **_HOST, "partition": "text", "time": "time", "account": "text", "qos": "text",
            "memory": "size", "cpus": "count", "options": "list", "folder": "text",
        },
        slots=1000,
    ),
    "dask": Kind(
        "cloudmesh.flow.executors.dask",
        {
            "scheduler": "text", "workers": "count", "threads": "count", "slurm": "map",
            "slots": "count",
        },
        ("scheduler", "workers", "slurm"),
        slots=1000,
    ),
    "vm": Kind(
        "cloudmesh.flow.executors.vm",
        {
            "provider": "text", "image": "text", "lifetime": "text", "max_life": "time",
            "boot": "time", "slots": "count", "requirements": "list",
            **_ONLY_QEMU, **_ONLY_CLOUD,
        },
        ("provider",),
        slots=4,
    ),
}  # fmt: skip

#: Words that are always there; their executors need no entry.
LOCAL = {
    "command": "cloudmesh.flow.executors.command",
    "process": "cloudmesh.flow.executors.process",
}


def make(name: str, spec: Mapping[str, Any], context: Context) -> Executor:
    """The executor of an entry.  Raises `InputError` for one that is wrong."""
    if name in LOCAL:
        module = import_module(LOCAL[name])
        local: Executor = (
            module.CommandExecutor() if name == "command" else module.ProcessExecutor()
        )
        return local
    executor: Executor = _module(name, spec).make(name, spec, context)
    return executor


def slots(spec: Mapping[str, Any]) -> int:
    """How many nodes an entry takes at once."""
    kind = KINDS.get(str(spec.get("kind")))
    return int(spec.get("slots") or (kind.slots if kind else 1))


def with_own_requirements(
    stored: Mapping[str, Any], own: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    """Entries as a store has them, but ``requirements`` as the user's own file says them.

    What stands in a store, others may have written; what is installed is code that runs.
    """
    entries: dict[str, Mapping[str, Any]] = {}
    for name, spec in stored.items():
        entry = {key: value for key, value in spec.items() if key != "requirements"}
        said = own.get(name, {}).get("requirements")
        entries[name] = {**entry, "requirements": said} if said else entry
    return entries


def check(name: str, spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Try an entry out: pairs of what was tried and what is wrong with it ("": nothing)."""
    tried: list[tuple[str, str]] = _module(name, spec).check(name, spec)
    return tried


def build(name: str, spec: Mapping[str, Any], note: Callable[[str], None]) -> None:
    """Build what an entry needs (``infra build``).  Raises `InfrastructureError`, `InputError`."""
    module = _module(name, spec)
    if not hasattr(module, "build"):
        raise InputError(f"{name}: for kind {spec['kind']} there is nothing to build")
    module.build(name, spec, note)


def _module(name: str, spec: Mapping[str, Any]) -> Any:
    wrong = faults(name, spec)
    if wrong:
        raise InputError("; ".join(message for message, _ in wrong))
    return import_module(KINDS[spec["kind"]].module)


def faults(name: str, spec: Any) -> list[tuple[str, str]]:
    """What is wrong in an entry, without trying it: pairs of a message and the key ("": none)."""
    if not isinstance(spec, Mapping) or "kind" not in spec:
        return [(f"{name}: needs a kind, like {{kind: ssh, host: …}}", "")]
    kind = KINDS.get(str(spec["kind"]))
    if kind is None:
        hint = _near(str(spec["kind"]), KINDS)
        return [(f"{name}: there is no kind {spec['kind']!r}{hint}", "kind")]
    found = []
    for key, value in spec.items():
        if key == "kind":
            continue
        if _is_misplaced(spec, key):
            found.append((f"{name}: a machine of {spec['provider']} has no key {key!r}", key))
        elif key not in kind.keys:
            hint = _near(str(key), kind.keys)
            found.append((f"{name}: {spec['kind']} has no key {key!r}{hint}", key))
        elif not _is(kind.keys[key], value):
            found.append((f"{name}: {key} is {_SAID[kind.keys[key]]}, not {value!r}", key))
    if kind.one_of and not any(spec.get(key) for key in kind.one_of):
        found.append((f"{name}: {spec['kind']} needs {' or '.join(kind.one_of)}", ""))
    return found


def _is_misplaced(spec: Mapping[str, Any], key: str) -> bool:
    """Whether a key of machines is one that this provider's do not have."""
    if spec["kind"] != "vm" or not spec.get("provider"):
        return False
    return key in (_ONLY_CLOUD if spec["provider"] == "qemu" else _ONLY_QEMU)


_SAID = {
    "text": "a text",
    "list": "a list of texts",
    "count": "a whole number from 1",
    "size": "a size like 512M or 2G",
    "time": "a time like 90s, 5m or 2h",
    "map": "a map of names and values",
}


def _is(what: str, value: Any) -> bool:
    if what == "count":
        return type(value) is int and value >= 1
    if what == "list":
        return isinstance(value, list) and bool(value) and all(type(x) is str for x in value)
    if what == "map":
        return isinstance(value, dict) and all(isinstance(key, str) for key in value)
    if what == "size":
        return _size(value)
    if what == "time":
        from cloudmesh.flow.times import seconds

        try:
            seconds(value)
        except (ValueError, InputError):
            return False
        return True
    return isinstance(value, str) and bool(value.strip())


def _size(value: Any) -> bool:
    try:
        megabytes(value)
    except ValueError:
        return False
    return True


def _near(word: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"

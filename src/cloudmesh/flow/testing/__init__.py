"""For tests of flows.

* `rehearse` runs a flow on the real engine, in memory and on a clock that
  nobody waits for; nodes end as the test says: a value, an exception, after a
  time, another way at each attempt.
* `memory_store` is a new store in memory; ``open_store("memory://NAME")`` one that has a name.
* `FakeExecutor` and `FakeClock` are what `rehearse` uses, for tests with an engine of their own.
* `simulate` runs one history with crashes and faults, from a seed; it raises
  `Broken` where a promise does not hold.

The names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudmesh.flow.testing.fake import LOST, FakeClock, FakeExecutor, InTurn, Takes
    from cloudmesh.flow.testing.rehearsal import Rehearsal, memory_store, rehearse
    from cloudmesh.flow.testing.simulation import Broken, simulate

__all__ = [
    "LOST",
    "Broken",
    "FakeClock",
    "FakeExecutor",
    "InTurn",
    "Rehearsal",
    "Takes",
    "memory_store",
    "rehearse",
    "simulate",
]

_HOME = {
    "fake": ("LOST", "FakeClock", "FakeExecutor", "InTurn", "Takes"),
    "rehearsal": ("Rehearsal", "memory_store", "rehearse"),
    "simulation": ("Broken", "simulate"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            value = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

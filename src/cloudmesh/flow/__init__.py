"""cloudmesh-flow: plain Python functions, one line that says their order, run durably.

The public names are imported on first use, so that a command loads only what it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudmesh.flow.executors.call import current
    from cloudmesh.flow.language.pythonclass import BaseWorkFlow, Secret, task, workflow
    from cloudmesh.flow.model.value import Value
    from cloudmesh.flow.store import open_store

__all__ = ["BaseWorkFlow", "Secret", "Value", "current", "open_store", "task", "workflow"]
__version__ = "0.1.0"

_HOME = {
    "BaseWorkFlow": "cloudmesh.flow.language.pythonclass",
    "Secret": "cloudmesh.flow.language.pythonclass",
    "Value": "cloudmesh.flow.model.value",
    "current": "cloudmesh.flow.executors.call",
    "open_store": "cloudmesh.flow.store",
    "task": "cloudmesh.flow.language.pythonclass",
    "workflow": "cloudmesh.flow.language.pythonclass",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])

"""The import path of the 2019 sketch: ``from cloudmesh.flow.WorkFlow import BaseWorkFlow``."""

from cloudmesh.flow.language.pythonclass import BaseWorkFlow, task, workflow

__all__ = ["BaseWorkFlow", "task", "workflow"]

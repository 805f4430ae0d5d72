"""The condition of a node, as a text; what it means is in `model.condition`."""

from cloudmesh.flow.model.condition import Condition, parse

__all__ = ["Condition", "parse"]

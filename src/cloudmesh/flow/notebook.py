"""The picture that a notebook shows for a flow or a run.

A picture is a comfort: whatever stands in its way, the notebook shows the text
of the object instead, and no traceback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudmesh.flow.model.flow import Flow

__all__ = ["flow_svg", "in_html", "run_svg"]


def flow_svg(flow: Callable[[], Flow]) -> str | None:
    """The picture of the flow that ``flow()`` gives; None where there is none to show."""
    from cloudmesh.flow.view.svg import svg

    try:
        return svg(flow())
    except Exception:  # a notebook must not stumble over a display
        return None


def run_svg(run: Any) -> str | None:
    """The picture of a `handle.Run`, as the store has it, else as the run itself knows it."""
    from cloudmesh.flow.view.svg import svg

    title = f"{run.workflow}, run {run.id}"
    try:
        try:
            nodes = run.documents()
        except Exception:  # the store is closed, or away
            nodes = [{"name": name, "status": run[name].status} for name in run]
        return svg(run.state.flow, nodes, title=title, run_status=run.status)
    except Exception:
        return None


def in_html(picture: str | None) -> str | None:
    """An SVG in a box that scrolls, so that a wide flow is not shrunk until nobody can read it."""
    return picture and f'<div style="overflow:auto;max-height:40em">{picture}</div>'

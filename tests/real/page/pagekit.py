"""What a person looks for on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudmesh.flow.server.serve import Served

__all__ = ["open_run", "plate", "row"]


def open_run(page: Any, served: Served) -> str:
    """Wait until the list shows a run, and follow it as a person does."""
    row = page.locator("a.run-row").first
    row.wait_for()
    row.click()
    page.wait_for_selector("[role=treegrid]")
    return str(page.url.rsplit("/", 1)[1].split("?")[0])


def plate(name: str, **attributes: str) -> str:
    more = "".join(f'[data-{key}="{value}"]' for key, value in attributes.items())
    return f'.picture [data-node="{name}"]{more}'


def row(name: str, **attributes: str) -> str:
    more = "".join(f'[data-{key}="{value}"]' for key, value in attributes.items())
    return f'[role=treegrid] [role=row][data-node="{name}"]{more}'

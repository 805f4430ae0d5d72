"""What a person looks for on the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloudmesh.flow.server.serve import Served

__all__ = ["NO_LONG_WAITS", "open_run", "plate", "row"]

#: A page in which nothing that waits for more than a second ever happens.
NO_LONG_WAITS = """{
    const soon = window.setTimeout;
    window.setTimeout = (act, ms, ...more) => (ms > 1000 ? 0 : soon(act, ms, ...more));
}"""


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

"""The page's own files, ``/docs``, and the addresses that lead to them."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

__all__ = ["router"]

MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}

router = APIRouter(include_in_schema=False)


@lru_cache(maxsize=256)
def static(name: str) -> bytes | None:
    """A file of the page; None where there is none of that name."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*\.(css|html|js|svg)", name):
        return None
    file = resources.files("cloudmesh.flow.view") / "static" / name
    try:
        return file.read_bytes()
    except OSError:
        return None


def _page(name: str) -> Response:
    data = static(name)
    assert data is not None
    return Response(data, media_type=MEDIA_TYPES["html"])


@router.get("/")
def index() -> Response:
    """Flows and runs."""
    return _page("index.html")


@router.get("/runs/{run}")
def run_page(run: str) -> Response:
    """One run."""
    return _page("index.html")


@router.get("/docs")
def docs() -> Response:
    """The HTTP interface, to be read: a page over ``/openapi.json``."""
    return _page("docs.html")


@router.get("/flow")
@router.get("/flow/")
def flow() -> Response:
    """Where the original had its view."""
    return RedirectResponse("/", 307)


@router.get("/favicon.ico")
def favicon() -> Response:
    """Browsers ask for it unasked."""
    return RedirectResponse("/static/favicon.svg", 307)


@router.get("/static/{name}")
def file(request: Request, name: str) -> Response:
    """A module, a style sheet or a picture of the page."""
    data = static(name)
    if data is None:
        raise HTTPException(404, f"no file {name!r}")
    ending = name.rsplit(".", 1)[1]
    # Asked for anew each time, and cheap: the page is never older than its server.
    headers = {"Cache-Control": "no-cache"}
    return Response(data, media_type=MEDIA_TYPES[ending], headers=headers)

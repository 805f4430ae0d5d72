"""The page's own files, ``/docs``, and the addresses that lead to them."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from html import escape
from importlib import resources
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from cloudmesh.flow.errors import FlowError
from cloudmesh.flow.server.state import state_of

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


@lru_cache(maxsize=1)
def version() -> str:
    """A name for the page's files as they are: with it in their address they never change."""
    digest = sha256()
    for name in _names():
        digest.update(name.encode())
        digest.update(static(name) or b"")
    return digest.hexdigest()[:16]


def _names() -> list[str]:
    folder = resources.files("cloudmesh.flow.view") / "static"
    return sorted(file.name for file in folder.iterdir() if static(file.name) is not None)


@lru_cache(maxsize=8)
def _html(name: str) -> str:
    """A page whose files are asked for by version."""
    data = static(name)
    assert data is not None
    return data.decode().replace('"/static/', f'"/static/{version()}/')


@lru_cache(maxsize=1)
def _modules() -> str:
    """Links to all modules: a browser asks for them at once, not one import after the other."""
    links = [
        f'<link rel="modulepreload" href="/static/{version()}/{name}">'
        for name in _names()
        if name.endswith(".js") and name != "docs.js"
    ]
    marks = f"/static/{version()}/marks.svg"
    return "\n".join([*links, f'<link rel="preload" as="fetch" crossorigin href="{marks}">'])


def _page(name: str, first: str = "", status: int = 200) -> Response:
    """A page; ``first`` are links that stand at the head of it."""
    text = _html(name).replace("</title>", f"</title>\n{first}", 1) if first else _html(name)
    headers = {"Cache-Control": "no-cache"}
    return Response(text.encode(), status, headers, media_type=MEDIA_TYPES["html"])


@router.get("/")
def index() -> Response:
    """Flows and runs."""
    return _page("index.html", _modules())


@router.get("/runs/{run}")
def run_page(request: Request, run: str) -> Response:
    """One run.  What it shows is asked for while the page's modules are loaded."""
    if not _is_known(request, run):
        return _page("index.html", _modules(), 404)  # the page says so, in its own words
    path = escape(f"/api/runs/{quote(run, safe='')}")
    wanted = []
    if "at" not in request.query_params:
        wanted.append(f'href="{path}/state?brief=true"')
    if "open" not in request.query_params:
        wanted += [
            f'href="{path}/layout?direction=right&amp;brief=true" media="(min-width: 720px)"',
            f'href="{path}/layout?direction=down&amp;brief=true" media="(max-width: 719px)"',
        ]
    links = [f'<link rel="preload" as="fetch" crossorigin {link}>' for link in wanted]
    return _page("index.html", "\n".join([*links, _modules()]))


def _is_known(request: Request, run: str) -> bool:
    """Whether a store that can be asked holds a run; the page itself asks one that is away."""
    try:
        return state_of(request).store.run(run) is not None
    except FlowError:
        return True


@router.get("/runs")
@router.get("/runs/")
def runs() -> Response:
    """What is left of a run's address without the run."""
    return RedirectResponse("/", 307)


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
def file(name: str) -> Response:
    """A module, a style sheet or a picture of the page; asked for anew each time."""
    return _file(name, "no-cache")


@router.get("/static/{of}/{name}")
def file_of_version(of: str, name: str) -> Response:
    """A file of the page by version: kept by the browser, and never older than its server."""
    return _file(name, "max-age=31536000, immutable" if of == version() else "no-cache")


def _file(name: str, cache: str) -> Response:
    data = static(name)
    if data is None:
        raise HTTPException(404, f"no file {name!r}")
    media_type = MEDIA_TYPES[name.rsplit(".", 1)[1]]
    return Response(data, media_type=media_type, headers={"Cache-Control": cache})

"""The app: routes, errors, access.  It has no rule of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

from cloudmesh.flow.server import actions, api, pages, problems
from cloudmesh.flow.server.access import Access, Tickets, token_from_environment
from cloudmesh.flow.server.engines import Engines
from cloudmesh.flow.server.head import Head
from cloudmesh.flow.server.openapi import describe
from cloudmesh.flow.server.state import State
from cloudmesh.flow.store.protocol import Store

__all__ = ["create_app"]


def create_app(
    store: Store,
    *,
    token: str | None = None,
    tickets: Tickets | None = None,
    allow_hosts: Collection[str] = (),
    store_url: str | None = None,
) -> FastAPI:
    """The HTTP interface and the view over a store.

    ``token`` is what programs send as bearer (by default ``CLOUDMESH_FLOW_TOKEN``,
    else a new one, in ``app.state.token``); ``tickets`` are changed into cookies;
    ``allow_hosts`` are names of this server beside the loopback's; ``store_url``
    is the store's URL with user and password, for the engines that are started.
    """
    token = token or token_from_environment() or secrets.token_urlsafe(32)
    tickets = tickets or Tickets()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        app.state.flow.feeds.stop()

    app = FastAPI(
        title="cloudmesh-flow",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        middleware=[
            Middleware(Access, token=token, tickets=tickets, hosts=allow_hosts),
            Middleware(Head),
        ],
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.token = token
    app.state.flow = State(store, Engines(store, store_url or _url_of(store)), tickets)
    problems.install(app)
    app.add_api_route(
        "/health", health, methods=["GET"], operation_id="get_health", tags=["server"]
    )
    app.include_router(api.router)
    app.include_router(actions.router)
    app.include_router(pages.router)
    describe(app)
    return app


def _url_of(store: Store) -> str:
    """The URL of a store with user and password, where the environment has them."""
    from cloudmesh.flow.store.opening import ENVIRONMENT, redacted

    given = os.environ.get(ENVIRONMENT, "")
    return given if given and redacted(given) == redacted(store.url) else store.url


def health() -> dict[str, Any]:
    """Whether the server answers.  Needs no token."""
    from cloudmesh.flow import __version__

    return {"status": "ok", "version": __version__}

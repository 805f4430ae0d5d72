"""Errors as ``application/problem+json`` (RFC 9457): what, and what to do."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from cloudmesh.flow.errors import FlowError, InputError, NotFound, OwnedError, StoreError

__all__ = ["Conflict", "install", "problem"]


class Conflict(FlowError):
    """What was asked for does not fit the state that the run is in."""


def problem(status: int, detail: str, **more: Any) -> Response:
    """An answer that says what is wrong."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return Response(
        json.dumps(body, ensure_ascii=False, default=str),
        status,
        headers,
        media_type="application/problem+json",
    )


def install(app: FastAPI) -> None:
    """Make every error of an app a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(FlowError, _flow)
    app.add_exception_handler(Exception, _mistake)


def status_of(error: FlowError) -> int:
    """The HTTP status of an error that was raised on purpose."""
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, (OwnedError, Conflict)):
        return 409
    if isinstance(error, InputError):
        return 422
    if isinstance(error, StoreError):
        return 503
    return 500


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    # A body that is no text at all is as wrong as one that is no JSON.
    status = 422 if error.status_code == 400 else error.status_code
    answer = problem(status, str(error.detail))
    answer.headers.update(error.headers or {})
    if answer.headers.get("allow") == "GET":
        answer.headers["allow"] = "GET, HEAD"
    return answer


async def _validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    problems = [
        {"message": str(e["msg"]), "where": ".".join(str(part) for part in e["loc"])} for e in found
    ]
    detail = "; ".join(f"{p['where']}: {p['message']}" for p in problems)
    # What JSON cannot be read is 422 as well: it is what was sent that is wrong.
    return problem(422, detail, problems=problems)


async def _flow(_request: Request, error: Exception) -> Response:
    assert isinstance(error, FlowError)
    more = {}
    if isinstance(error, InputError):
        more["problems"] = [p.document() for p in error.problems]
    return problem(status_of(error), str(error), **more)


async def _mistake(_request: Request, error: Exception) -> Response:
    return problem(500, f"{type(error).__name__}: a mistake of the server's; its log shows where")

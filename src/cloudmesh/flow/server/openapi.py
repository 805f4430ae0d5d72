"""The OpenAPI 3.1 document of the HTTP interface."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

__all__ = ["describe", "openapi_document", "openapi_text"]

DESCRIPTION = """\
Flows, runs and nodes of one store, as documents; the events of a run as a stream.

Send `Authorization: Bearer TOKEN`; the token stands in `~/.cloudmesh/flow/server.json`
or is what `CLOUDMESH_FLOW_TOKEN` says. Errors are `application/problem+json`.
"""

PROBLEM = {
    "type": "object",
    "description": "What is wrong, and what to do (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "problems": {"type": "array", "items": {"type": "object"}},
    },
}

TAGS = [
    {"name": "flows", "description": "what is defined"},
    {"name": "runs", "description": "what was started"},
    {"name": "nodes", "description": "what ran in a run"},
    {"name": "page", "description": "what the view draws"},
    {"name": "server", "description": "the server itself"},
]


def describe(app: FastAPI) -> None:
    """Make the app's ``/openapi.json`` say all that there is to say."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def openapi_document() -> dict[str, Any]:
    """The document, without a running server or a store."""
    from cloudmesh.flow.server.app import create_app

    app = create_app(None, store_url="memory://")  # type: ignore[arg-type]
    return app.openapi()


def openapi_text(form: str = "yaml") -> str:
    """The document as YAML or JSON text."""
    document = openapi_document()
    if form == "json":
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    import io

    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    yaml.width = 100
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _document(app: FastAPI) -> dict[str, Any]:
    from cloudmesh.flow import __version__

    document = get_openapi(
        title="cloudmesh-flow",
        version=__version__,
        openapi_version="3.1.0",
        summary="Durable workflows: flows, runs, and what happens in them, live.",
        description=DESCRIPTION,
        routes=app.routes,
        tags=TAGS,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    document["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"bearer": []}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            _errors(operation, path)
    return document


def _errors(operation: dict[str, Any], path: str) -> None:
    """Every error of an operation is a problem; all but ``/health`` may be 401."""
    responses = operation["responses"]
    if path == "/health":
        operation["security"] = []
    else:
        responses["401"] = {"description": "A token is needed."}
    responses["403"] = {"description": "The Host or the Origin is not allowed."}
    for code, response in responses.items():
        if code >= "400":
            if response.get("description") == "Validation Error":
                response["description"] = "What was sent is wrong."
            schema = {"$ref": "#/components/schemas/Problem"}
            response["content"] = {"application/problem+json": {"schema": schema}}

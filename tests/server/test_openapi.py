"""The description of the HTTP interface: complete, stable, and the committed copy the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow.server.openapi import openapi_document, openapi_text

COPY = Path(__file__).parents[2] / "docs" / "openapi.yaml"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    paths = document["paths"].items()
    return [(path, method, op) for path, ops in paths for method, op in ops.items()]


def test_it_is_openapi_3_1_with_every_path_of_the_contract(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    run = "/api/runs/{run}"
    expected = {
        ("/health", "get"),
        ("/api/flows", "get"),
        ("/api/flows/{name}", "get"),
        ("/api/flows/{name}/runs", "post"),
        ("/api/runs", "get"),
        (run, "get"),
        (f"{run}/nodes", "get"),
        (f"{run}/nodes/{{node}}", "get"),
        (f"{run}/nodes/{{node}}/result", "get"),
        (f"{run}/nodes/{{node}}/log", "get"),
        (f"{run}/edges", "get"),
        (f"{run}/events", "get"),
        (f"{run}/cancel", "post"),
        (f"{run}/resume", "post"),
        (f"{run}/retry", "post"),
    }
    assert expected <= {(path, method) for path, method, _ in operations(document)}


def test_operations_have_ids_of_their_own_and_say_what_they_do(document: dict[str, Any]) -> None:
    found = operations(document)
    ids = [op["operationId"] for _, _, op in found]
    assert len(set(ids)) == len(ids)
    for path, _, op in found:
        assert op["description"].strip(), path
        assert op["tags"], path
        for parameter in op.get("parameters", ()):
            assert parameter["schema"], path
        errors = [r for code, r in op["responses"].items() if code >= "400"]
        assert all("application/problem+json" in r["content"] for r in errors), path


def test_text_in_both_forms(document: dict[str, Any]) -> None:
    assert json.loads(openapi_text("json")) == document
    from ruamel.yaml import YAML

    assert YAML(typ="safe").load(openapi_text("yaml")) == document


def test_the_committed_copy_is_the_same() -> None:
    assert COPY.read_text("utf-8") == openapi_text("yaml"), (
        "docs/openapi.yaml is not what the server says: cms flow openapi --format yaml writes it"
    )

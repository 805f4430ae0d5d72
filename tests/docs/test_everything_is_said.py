"""What a user can write or read is said in the documentation, by its name.

What `make docs` writes (commands and their options, endpoints, the Python
names, errors, events) is also compared here, so that a page cannot lose it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

import cloudmesh.flow
import cloudmesh.flow.testing
from cloudmesh.flow import config, errors
from cloudmesh.flow.cli.main import COMMANDS, load, parser_of
from cloudmesh.flow.executors.call import Current
from cloudmesh.flow.executors.table import KINDS
from cloudmesh.flow.handle import Run, RunNode
from cloudmesh.flow.language.pythonclass import PUBLIC
from cloudmesh.flow.language.yamlforms import TOP_KEYS
from cloudmesh.flow.language.yamltask import TASK_KEYS
from cloudmesh.flow.model.documents import HEAD_FIELDS
from cloudmesh.flow.model.value import REPORT_KEYS
from cloudmesh.flow.run import events
from cloudmesh.flow.store.protocol import COLUMNS

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/cloudmesh/flow"


def words(page: str) -> set[str]:
    """The words that a page shows as code, in a block or between backticks."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = re.findall(r"^```.*?^```|`[^`\n]+`|^#+ .*$", text, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"[\w-]+", "\n".join(shown)))


def missing(page: str, wanted: Iterable[str]) -> list[str]:
    return sorted(set(wanted) - words(page))


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def raised_errors() -> set[str]:
    return {
        name
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, Exception)
    }


def node_errors() -> set[str]:
    """The types of error that we give to a node ourselves."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"\bproblem\(\s*\"([A-Z]\w+)\"", text))
        found |= set(re.findall(r"\"type\": \"([A-Z]\w+)\", \"message\"", text))
    return found


def environment() -> set[str]:
    """The variables that are read from the environment, or given to nodes there."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        found |= set(re.findall(r"\"(CLOUDMESH_FLOW_[A-Z_]+)\"", path.read_text(encoding="utf-8")))
    return found - {"CLOUDMESH_FLOW_BOOT"}


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        pytest.param("docs/flows.md", TOP_KEYS, id="keys of a YAML file"),
        pytest.param("docs/flows.md", TASK_KEYS, id="keys of a task"),
        pytest.param("docs/flows.md", REPORT_KEYS, id="keys of a report"),
        pytest.param("docs/flows.md", PUBLIC - {"runCommand"}, id="attributes of BaseWorkFlow"),
        pytest.param("docs/infrastructure.md", config.KEYS, id="keys of the configuration"),
        pytest.param("docs/infrastructure.md", KINDS, id="kinds of infrastructure"),
        pytest.param(
            "docs/infrastructure.md",
            {key for kind in KINDS.values() for key in kind.keys},
            id="keys of infrastructure",
        ),
        pytest.param("docs/documents.md", set(COLUMNS) - {"n"}, id="fields of a node"),
        pytest.param("docs/documents.md", HEAD_FIELDS, id="fields of a run"),
        pytest.param(
            "docs/documents.md",
            set(events.__all__) - {"Event", "begin", "decode", "encode"} | {"run"},
            id="events of the journal",
        ),
        pytest.param("docs/commands.md", COMMANDS, id="commands"),
        pytest.param("docs/python.md", cloudmesh.flow.__all__, id="names of cloudmesh.flow"),
        pytest.param("docs/python.md", cloudmesh.flow.testing.__all__, id="names for tests"),
        pytest.param("docs/python.md", public(Current), id="current()"),
        pytest.param("docs/python.md", public(Run) - {"result"}, id="a run"),
        pytest.param("docs/python.md", public(RunNode), id="a node of a run"),
        pytest.param("docs/errors.md", raised_errors(), id="errors"),
        pytest.param("docs/errors.md", node_errors(), id="errors of nodes"),
    ],
)
def test_it_is_said(page: str, wanted: Iterable[str]) -> None:
    assert missing(page, wanted) == []


def test_variables_of_the_environment() -> None:
    said = set().union(*(words(str(page)) for page in (ROOT / "docs").rglob("*.md")))
    assert environment() - said == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_options(name: str) -> None:
    """Under the heading of its command, each option, with what it is."""
    parser = parser_of(name, load(name))
    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {name}\n")[1].split("\n## ")[0]
    options = [o for action in parser._actions for o in action.option_strings if o != "-h"]
    assert [o for o in options if o not in section] == []
    assert [a.dest for a in parser._actions if a.option_strings and not a.help] == []


def test_endpoints() -> None:
    from cloudmesh.flow.server.openapi import openapi_document

    text = (ROOT / "docs/http.md").read_text(encoding="utf-8")
    for path, operations in openapi_document()["paths"].items():
        for method in operations:
            assert f"| {method.upper()} | `{path}` |" in text


def test_messages_of_the_troubleshooting_are_said_by_the_program() -> None:
    text = (ROOT / "docs/howto/troubleshooting.md").read_text(encoding="utf-8")
    source = "\n".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    source = re.sub(r'"\s*\n\s*f?"', "", source)  # a message over two lines is one
    messages = re.findall(r"^### `(.*)`$", text, re.MULTILINE)
    assert len(messages) > 20
    assert [m for m in messages if m not in source] == []

"""What a user can write or read stands in the documentation, as code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from cloudmesh.flow import config
from cloudmesh.flow.cli.main import COMMANDS
from cloudmesh.flow.executors.table import KINDS
from cloudmesh.flow.language.pythonclass import PUBLIC
from cloudmesh.flow.language.yamlforms import TOP_KEYS
from cloudmesh.flow.language.yamltask import TASK_KEYS
from cloudmesh.flow.run import events
from cloudmesh.flow.store.protocol import COLUMNS

ROOT = Path(__file__).parents[2]


def words(page: str) -> set[str]:
    """The words that a page shows as code, in a block or between backticks."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = re.findall(r"^```.*?^```|`[^`\n]+`", text, re.MULTILINE | re.DOTALL)
    return set(re.findall(r"[\w-]+", "\n".join(shown)))


def missing(page: str, wanted: Iterable[str]) -> list[str]:
    return sorted(set(wanted) - words(page))


@pytest.mark.parametrize(
    ("page", "wanted"),
    [
        pytest.param("docs/flows.md", TOP_KEYS, id="keys of a YAML file"),
        pytest.param("docs/flows.md", TASK_KEYS, id="keys of a task"),
        pytest.param("docs/flows.md", PUBLIC - {"runCommand"}, id="attributes of BaseWorkFlow"),
        pytest.param("docs/infrastructure.md", config.KEYS, id="keys of the configuration"),
        pytest.param("docs/infrastructure.md", KINDS, id="kinds of infrastructure"),
        pytest.param(
            "docs/infrastructure.md",
            {key for kind in KINDS.values() for key in kind.keys},
            id="keys of infrastructure",
        ),
        pytest.param("docs/documents.md", set(COLUMNS) - {"n"}, id="fields of a node"),
        pytest.param(
            "docs/documents.md",
            set(events.__all__) - {"Event", "begin", "decode", "encode"} | {"run"},
            id="events of the journal",
        ),
        pytest.param("docs/commands.md", COMMANDS, id="commands"),
    ],
)
def test_it_is_said(page: str, wanted: Iterable[str]) -> None:
    assert missing(page, wanted) == []

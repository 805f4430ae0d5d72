"""The HTTP interface against its own description: schemathesis finds nothing.

Twice: with whatever names it thinks of, and with those of a run that is there.
What is valid by the schema and still refused, with 422, are rules of the
domain (a node that `on` names must be one of the flow's): only the operations
that start an engine have them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hand import Hand, make_flow

from cloudmesh.flow.server.serve import Served
from cloudmesh.flow.store.opening import open_store

pytestmark = pytest.mark.real

CONFIG = """
[[operations]]
include-operation-id = ["run_flow", "retry_run", "resume_run"]
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "422"]
"""
KNOWN = """
[parameters]
"path.run" = "k7q2m9xd"
"path.node" = "w[0]"
"path.name" = "test"
"query.node" = "w"
"""


@pytest.fixture
def ended(home: Path) -> None:
    """A run, with an error in it, that has ended."""
    store = open_store()
    run = Hand(store, make_flow({"a": [], "w": ["a"], "b": ["w"]}, maps={"w": "a"}))
    run.batch(run.started("a"))
    run.batch(run.finished("a", [1, 2]))
    run.batch(run.started("w[0]"))
    run.batch(run.failed("w[0]"))
    run.batch(run.end("error"))
    run.journal.close()
    store.close()


@pytest.mark.usefixtures("ended")
@pytest.mark.parametrize(
    ("names", "mode"), [("", "all"), (KNOWN, "positive")], ids=["any", "known"]
)
def test_schemathesis_finds_nothing(
    served: Served, home: Path, monkeypatch: pytest.MonkeyPatch, names: str, mode: str
) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    command = shutil.which(str(program)) or shutil.which("schemathesis")
    if command is None:
        pytest.skip(
            "NOT TESTED: the HTTP interface by its schema "
            "(needs schemathesis; make test-deps installs it)"
        )
    monkeypatch.chdir(home)  # where a flow that is started would be looked for
    (home / "schemathesis.toml").write_text(names + CONFIG)
    done = subprocess.run(
        [
            command,
            *("--config-file", "schemathesis.toml", "run", f"{served.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {served.token}", "--no-color", "--mode", mode),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "2"),
            *("--request-timeout", "30", "--seed", "7", "--suppress-health-check", "all"),
        ],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

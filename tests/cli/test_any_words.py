"""Whatever stands on the command line: an exit code of the contract, never a traceback."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudmesh.flow.cli.main import COMMANDS, main

#: These serve, and do not come back.
SERVE = {"server", "view", "visualize"}
WORDS = [
    *("a", "b", "test", "latest", "work[3]", "x", "NODE", "", "ü", "\x1b[31m", "-", "--", "-x"),
    *("test-flow.py", "test-flow.py:MyFlow", "test-flow.py:Nope", "nosuch.yaml", ".", "..", "/"),
    *("a; b", "(a; b || c)", "a;;b", "a*; b*", "-e", "\udcff", "add", "delete", "invert", "list"),
    *("check", "build", "--output", "json", "table", "--param", "x=1", "--flowname", "q q"),
    *("sqlite_a", "--flowfile", "--on", "a=local", "a=moon", "--parallel", "0", "1", "--at", "-1"),
    *("9" * 30, "--limit", "--keep", "--from", "--dry-run", "--format", "dot", "svg", "mermaid"),
    *("--store", "sqlite:///other.db", "sqlite:////proc/x.db", "--config", "/dev/null"),
    *("--trust", "--redefine", "--force", "-h", "--debug=1"),
]
FLOW = """\
from cloudmesh.flow.WorkFlow import BaseWorkFlow
class MyFlow(BaseWorkFlow):
    def a(self): print("in a!")
    def b(self): return 1 / 0
    def c(self): pass
"""


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    command=st.sampled_from(sorted(COMMANDS.keys() - SERVE)),
    words=st.lists(st.sampled_from(WORDS), max_size=6),
)
def test_any_words(
    command: str, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "test-flow.py").write_text(FLOW)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["flow", command, *words])
    assert code in (0, 1, 2, 3), (code, err.getvalue())
    assert "a mistake of ours" not in err.getvalue()
    if code == 2:
        assert err.getvalue() or '"problems"' in out.getvalue()

"""Worker processes: what the contract does not ask of other executors."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from executor_kit import make_attempt, nodes, start

from cloudmesh.flow.executors.process import ProcessExecutor
from cloudmesh.flow.model.flow import Code


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    made = ProcessExecutor()
    yield made
    made.close()


def run(made: ProcessExecutor, function: Any, arguments: Any = None, **task: Any) -> Any:
    code = Code(nodes.__file__, "", function.__name__, "")
    return start(made, make_attempt(function, arguments, code=code, **task))


def pid() -> int:
    return os.getpid()


def test_workers_live_on(executor: ProcessExecutor) -> None:
    pids = {run(executor, pid).result().value for _ in range(20)}
    assert len(pids) <= (os.cpu_count() or 1)
    assert os.getpid() not in pids


def test_nodes_that_wait_get_workers_of_their_own(
    executor: ProcessExecutor, tmp_path: Path
) -> None:
    told = [run(executor, nodes.waits, {"file": str(tmp_path / "go")}) for _ in range(12)]
    for one in told:
        one.until(lambda t: "waiting" in t.text("out"))  # all at once
    (tmp_path / "go").touch()
    assert [one.result().value for one in told] == ["seen"] * 12


def test_there_are_no_more_workers_than_the_limit() -> None:
    made = ProcessExecutor(limit=2)
    try:
        told = [run(made, slow_pid) for _ in range(8)]
        outcomes = [one.result() for one in told]
        assert len({outcome.value for outcome in outcomes}) == 2, outcomes[0]
    finally:
        made.close()


def slow_pid() -> int:
    time.sleep(0.1)
    return os.getpid()


def test_a_worker_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    made = ProcessExecutor()
    try:
        outcome = run(made, pid).result(20)
        assert outcome.lost
        assert "cannot be started" in (outcome.error or {})["message"]
    finally:
        made.close()


def test_a_worker_that_dies_at_its_start_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho out of order >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    made = ProcessExecutor()
    try:
        outcome = run(made, pid).result(20)
        assert "did not start: out of order" in (outcome.error or {})["message"]
    finally:
        made.close()


SCRIPT = """\
import sys
from dataclasses import dataclass
from cloudmesh.flow.executors.process import ProcessExecutor
sys.path.insert(0, {path!r})
from executor_kit import make_attempt, start

@dataclass
class Point:
    x: int

def moved(point, by=lambda n: n + 1):
    return Point(by(point.x))

if {guard}:
    executor = ProcessExecutor()
    value = start(executor, make_attempt(moved, {{"point": Point(1)}})).result(30)
    print(type(value.value) is Point, value)
    executor.close()
"""


@pytest.mark.parametrize("guard", ['__name__ == "__main__"', "True"], ids=["guarded", "unguarded"])
def test_what_a_script_defines_goes_there_and_back(tmp_path: Path, guard: str) -> None:
    script = tmp_path / "script.py"
    text = SCRIPT.format(path=str(Path(__file__).parent), guard=guard)
    if guard == "True":  # as `.run()` refuses while a file is loaded
        refuse = "    from cloudmesh.flow.language.pythonclass import loading\n"
        text = text.replace("if True:\n", f"if True:\n{refuse}    assert not loading.depth\n")
    script.write_text(text)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert "True Outcome(status='finished', value=Point(x=2)" in done.stdout, done.stdout


@pytest.mark.parametrize("how", ["-c", "-"])
def test_what_is_defined_in_no_file_goes_by_value(how: str) -> None:
    text = SCRIPT.format(path=str(Path(__file__).parent), guard="True")
    command = [sys.executable, "-c", text] if how == "-c" else [sys.executable, "-"]
    given = None if how == "-c" else text
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60)
    assert "True Outcome(status='finished', value=Point(x=2)" in done.stdout, done.stdout


def test_a_file_that_cannot_be_loaded_there_is_the_nodes_error(
    executor: ProcessExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "once_only.py"
    file.write_text(f"import os\nos.mkdir({str(tmp_path / 'made')!r})\ndef f():\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import once_only  # type: ignore[import-not-found]

    told = start(executor, make_attempt(once_only.f, code=Code(str(file), "", "f", "")))
    error = told.result().error or {}
    assert error["type"] == "FileExistsError"
    assert "once_only.py" in error["traceback"]

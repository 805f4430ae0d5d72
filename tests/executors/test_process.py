"""Worker processes: what the contract does not ask of other executors."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from executor_kit import Told, make_attempt, nodes, start

from cloudmesh.flow.executors.command import cancelled, timed_out
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
        # One may have done all before the other has started.
        assert len({outcome.value for outcome in outcomes}) <= 2, outcomes[0]
    finally:
        made.close()


def slow_pid() -> int:
    time.sleep(0.1)
    return os.getpid()


def test_a_worker_that_cannot_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    made = ProcessExecutor()
    try:
        outcome = run(made, pid).result()
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
        outcome = run(made, pid).result()
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
    value = start(executor, make_attempt(moved, {{"point": Point(1)}})).result()
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


# -- nodes that a worker is given ahead ------------------------------------------------------


@pytest.fixture
def one_worker() -> Iterator[ProcessExecutor]:
    """With a worker that has learned that nodes are short, so that it is given several."""
    made = ProcessExecutor(limit=1)
    told = [start(made, make_attempt(nodes.add, {"a": n})) for n in range(300)]
    assert [one.result().value for one in told] == list(range(1, 301))
    yield made
    made.close()


def says(text: str) -> None:
    print(text)
    os.write(2, f"{text}\n".encode())


def test_what_is_printed_is_its_own_nodes(one_worker: ProcessExecutor) -> None:
    told = [start(one_worker, make_attempt(says, {"text": f"node {n}"})) for n in range(300)]
    for n, one in enumerate(told):
        assert one.result().status == "finished"
        assert (one.text("out"), one.text("err")) == (f"node {n}\n", f"node {n}\n")


def test_who_waits_behind_a_long_node_is_run_elsewhere(tmp_path: Path) -> None:
    made = ProcessExecutor(limit=2)
    try:
        told = [start(made, make_attempt(nodes.add, {"a": n})) for n in range(300)]
        for one in told:
            one.result()
        long = start(made, make_attempt(nodes.waits, {"file": str(tmp_path / "go")}))
        behind = [start(made, make_attempt(nodes.add, {"a": n})) for n in range(100)]
        assert [one.result().value for one in behind] == list(range(1, 101))
        (tmp_path / "go").touch()
        assert long.result().value == "seen"
    finally:
        made.close()


def test_a_node_that_was_given_ahead_can_be_cancelled(
    one_worker: ProcessExecutor, tmp_path: Path
) -> None:
    long = start(one_worker, make_attempt(nodes.waits, {"file": str(tmp_path / "go")}))
    ahead = [
        start(one_worker, make_attempt(leaves, {"file": str(tmp_path / str(n))})) for n in range(9)
    ]
    one_worker.cancel(ahead[3].attempt)
    assert (ahead[3].result().error or {})["type"] == "Cancelled"
    (tmp_path / "go").touch()
    assert long.result().value == "seen"
    for n in (0, 1, 2, 4, 5, 6, 7, 8):
        assert ahead[n].result().status == "finished"
    assert sorted(path.name for path in tmp_path.iterdir()) == [*"01245678", "go"]


@pytest.mark.parametrize("how", ["cancelled", "timed out"])
def test_an_end_that_comes_as_the_next_one_has_begun_costs_that_one_nothing(
    one_worker: ProcessExecutor, tmp_path: Path, how: str
) -> None:
    """Its own answer is on its way then, and it is the next one that the worker runs."""
    quick = make_attempt(nodes.add, {"a": 1}, timeout=60.0)
    next_one = make_attempt(begins, {"file": str(tmp_path / "go")})
    told = {attempt: Told(attempt) for attempt in (quick, next_one)}
    over = threading.Event()

    def scene() -> None:
        """In the executor's own thread, which is late: it reads nothing meanwhile."""
        (worker,) = one_worker._workers
        worker.pace = 0.0  # on a busy machine it may have found its nodes long
        for attempt, one in told.items():
            one_worker._begin(attempt, lambda _, outcome, one=one: one.outcomes.put(outcome))
        deadline = time.monotonic() + 60
        while not (tmp_path / "go.begun").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        one_worker._end(quick, cancelled() if how == "cancelled" else timed_out(quick))
        over.set()

    one_worker._reactor.call(scene)
    assert over.wait(90)
    (tmp_path / "go").touch()
    assert told[next_one].result().value == "seen"
    assert told[quick].result().value == 2
    assert start(one_worker, make_attempt(nodes.add, {"a": 2})).result().value == 3


def begins(file: str) -> str:
    Path(f"{file}.begun").touch()
    return nodes.waits(file)


def leaves(file: str) -> None:
    with open(file, "x"):
        pass


def test_a_worker_that_dies_costs_the_node_that_it_ran_and_no_other(
    one_worker: ProcessExecutor, tmp_path: Path
) -> None:
    told = [start(one_worker, make_attempt(nodes.add, {"a": n})) for n in range(40)]
    dies = start(one_worker, make_attempt(nodes.exits, {"code": 3}))
    files = [str(tmp_path / str(n)) for n in range(40)]
    after = [start(one_worker, make_attempt(leaves, {"file": file})) for file in files]
    assert [one.result().value for one in told] == list(range(1, 41))
    outcome = dies.result()
    assert (outcome.lost, outcome.exit_code) == (True, 3)
    assert {one.result().status for one in after} == {"finished"}


def test_a_timeout_among_nodes_that_were_given_ahead(one_worker: ProcessExecutor) -> None:
    told = [start(one_worker, make_attempt(nodes.add, {"a": n})) for n in range(20)]
    late = start(one_worker, make_attempt(nodes.sleeps, {"seconds": 300}, timeout=0.2))
    after = [start(one_worker, make_attempt(nodes.add, {"a": n})) for n in range(20)]
    assert (late.result().error or {})["type"] == "Timeout"
    for ended in (told, after):
        assert [one.result().value for one in ended] == list(range(1, 21))


def anything(kind: str, file: str, n: int) -> int:
    """What a node may do; it leaves a file, and fails where there is one."""
    leaves(file)
    if kind == "prints":
        print("printed", n)
    elif kind == "writes":
        os.write(1, f"written {n}\n".encode())
    elif kind == "long":
        time.sleep(0.05)
    elif kind == "exits":
        os._exit(3)
    return n


@pytest.mark.parametrize("seed", range(3))
def test_any_mix_of_nodes_is_run_once_each(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    made = ProcessExecutor(limit=chance.choice([1, 2, 3]))
    told, unwanted = [], set()
    printed = {"prints": "printed {}\n", "writes": "written {}\n"}
    try:
        for one in [start(made, make_attempt(nodes.add, {"a": n})) for n in range(100)]:
            one.result()
        for n in range(400):
            kind = chance.choices(["quick", *printed, "long", "exits"], [80, 8, 8, 2, 0.5])[0]
            arguments = {"kind": kind, "file": str(tmp_path / str(n)), "n": n}
            told.append((kind, start(made, make_attempt(anything, arguments))))
            if chance.random() < 0.02:
                m = chance.randrange(len(told))
                unwanted.add(m)
                made.cancel(told[m][1].attempt)
        for n, (kind, one) in enumerate(told):
            outcome = one.result()
            assert one.outcomes.empty()
            if n in unwanted and (outcome.error or {}).get("type") == "Cancelled":
                continue
            assert outcome.lost if kind == "exits" else outcome.value == n, (n, kind, outcome)
            assert kind == "exits" or one.text("out") == printed.get(kind, "").format(n)
    finally:
        made.close()

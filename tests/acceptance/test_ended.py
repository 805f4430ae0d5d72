"""Cancel, timeout, Ctrl-C: what runs is ended with all its children, counted by their processes."""

from __future__ import annotations

import os
import signal
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from scene import Scene, alive, nodes

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc"), reason="NOT TESTED: processes that are left (needs /proc)"
)

BUSY = '''\
import os, subprocess, sys, threading, time
from pathlib import Path
from cloudmesh.flow import current

HERE = Path(__file__).parent

def keep(*pids):
    with open(HERE / "pids", "a") as file:
        file.writelines(f"{pid}\\n" for pid in pids)

def worker():
    """A worker process, with a child that left its session and ignores TERM."""
    text = "import os, signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", text], start_new_session=True)
    keep(os.getpid(), child.pid)
    child.wait()

def thread():
    """A thread that does not listen."""
    keep(-1)
    threading.Thread(target=time.sleep, args=(600,), daemon=False).start()
    time.sleep(600)

async def asking():
    """A coroutine."""
    import asyncio
    keep(-2)
    await asyncio.sleep(600)
'''

YAML = """\
name: busy
flow: worker || command || thread || asking || stubborn
python: busy.py
tasks:
  worker: {on: process, retries: 3}
  command:
    retries: 3
    command: "echo $$ >> pids; setsid sh -c 'echo $$ >> pids; sleep 600' & sleep 600"
  stubborn: {command: "trap '' TERM INT; echo $$ >> pids; while :; do sleep 0.1; done"}
"""


@pytest.fixture
def busy(scene: Scene) -> Scene:
    scene.cms.write("busy.py", BUSY)
    scene.cms.write("busy.yaml", YAML)
    return scene


def started(scene: Scene) -> list[int]:
    """The processes of the nodes, once all nodes are in their middle."""
    file: Path = scene.cms.folder / "pids"
    lines = scene.until(
        lambda: file.exists() and len(found := file.read_text().split()) == 7 and found
    )
    return [pid for pid in map(int, lines) if pid > 0]


def test_cancel_leaves_no_process(busy: Scene) -> None:
    engine = busy.run("run", "busy.yaml")
    pids = started(busy)
    done = busy.cms("flow", "cancel", "latest")
    # A thread of 600 s is not waited for.
    assert (done.returncode, engine.wait(60)) == (0, 1), done.stderr
    assert busy.gone(*pids)
    status = busy.status()
    assert status["status"] == "cancelled"
    assert {node["error"]["type"] for node in status["nodes"]} == {"Cancelled"}
    log = busy.cms("flow", "logs", "latest", "thread").stdout
    assert log.count("a Python thread cannot be ended") == 1


def test_an_interrupt_leaves_no_process(busy: Scene) -> None:
    engine = busy.run("run", "busy.yaml")
    pids = started(busy)
    engine.send_signal(signal.SIGINT)
    _, err = engine.communicate(timeout=60)
    assert engine.returncode == 130, err
    assert busy.gone(*pids)
    status = busy.status()
    assert status["status"] == "interrupted"
    assert {(node["status"], node["reason"]) for node in status["nodes"]} == {
        ("pending", "interrupted")
    }


def test_a_second_interrupt_kills_at_once(busy: Scene) -> None:
    for _ in range(5):
        engine = busy.run("run", "busy.yaml")
        pids = started(busy)
        engine.send_signal(signal.SIGINT)
        busy.until(lambda pids=pids: not all(map(alive, pids)))  # it has been heard
        engine.send_signal(signal.SIGINT)
        _, err = engine.communicate(timeout=60)
        assert engine.returncode == 130, err
        assert busy.gone(*pids)
        if "killed; go on with it: cms flow resume" in err:
            break
        # On a busy machine half a second may be over before the second one comes.
        assert "interrupted" in err
        (busy.cms.folder / "pids").unlink()
    else:
        pytest.fail("no second interrupt was heard")


TIMEOUTS = """\
name: late
flow: worker || command || thread || asking
python: busy.py
tasks:
  worker: {timeout: 1s}
  command: {timeout: 1s, command: "echo $$ >> pids; setsid sleep 600 & trap '' TERM; sleep 600"}
  thread: {timeout: 1s, on: thread}
  asking: {timeout: 1s}
"""


def test_timeouts_leave_no_process(busy: Scene) -> None:
    busy.cms.write("late.yaml", TIMEOUTS)
    done = busy.cms("flow", "run", "late.yaml")  # and ends, though a thread sleeps on
    assert done.returncode == 1, done.stderr
    status = busy.status()
    assert nodes(status) == dict.fromkeys(("worker", "command", "thread", "asking"), "error")
    assert {node["error"]["type"] for node in status["nodes"]} == {"Timeout"}
    pids = map(int, (busy.cms.folder / "pids").read_text().split())
    assert busy.gone(*(pid for pid in pids if pid > 0))
    busy.until(lambda: not left(busy.cms.folder))


SLOWLY = """\
name: slowly
flow: worker || again
python: loads.py
tasks:
  worker: {on: process, timeout: 1s}
  again:
    timeout: 1s
    retries: 1
    retry_delay: 0
    command: "test -e there || { : > there; sleep 60; }"
"""


def test_a_timeout_counts_from_the_start_of_the_function_and_for_each_attempt(cms: Any) -> None:
    cms.write("loads.py", "import time\ntime.sleep(1.2)\ndef worker(): return 1\n")
    cms.write("slowly.yaml", SLOWLY)
    done = cms("flow", "run", "slowly.yaml")
    assert done.returncode == 0, done.stderr
    status = {node["name"]: node for node in cms.json("flow", "status")["nodes"]}
    assert status["worker"]["attempt"] == 1
    assert (status["again"]["attempt"], status["again"]["exit_code"]) == (2, 0)
    assert status["again"]["reason"] == "retry 2 of 2 after Timeout"


def left(folder: Path) -> list[int]:
    """Processes whose working folder is there."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and os.readlink(f"/proc/{entry}/cwd") == str(folder):
                found.append(int(entry))
        except OSError:
            continue
    return [pid for pid in found if alive(pid)]


EXITS = {
    "exit 0": ("def a(): return 1", 0),
    "exit 1 for a node in error": ("def a(): raise ValueError('no')", 1),
    "exit 2 for a flow that is wrong": ("def b(): return 1", 2),
    "exit 0 for sys.exit(0)": ("def a():\n    import sys\n    sys.exit(0)", 0),
    "exit 1 for os._exit in a worker": ("def a():\n    import os\n    os._exit(7)", 1),
}


@pytest.mark.parametrize("name", EXITS)
def test_exit_codes(cms: Any, name: str) -> None:
    text, code = EXITS[name]
    cms.write("x.py", f"from cloudmesh.flow import workflow\n{text}\n")
    cms.write("x.yaml", "name: x\nflow: a\npython: x.py\ntasks: {a: {on: process}}\n")
    done = cms("flow", "run", "x.yaml")
    assert done.returncode == code, done.stderr


def test_exit_3_where_no_store_answers(cms: Any) -> None:
    cms.write("x.yaml", "name: x\nflow: a\ntasks: {a: {command: 'true'}}\n")
    url = "mongodb://127.0.0.1:1/x?serverSelectionTimeoutMS=100"
    done = cms("flow", "run", "x.yaml", "--store", url)
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1), done.stderr


def test_an_unknown_pool_is_refused_before_anything_is_written(cms: Any) -> None:
    text = "name: x\nflow: a\ntasks: {a: {command: 'touch ran', pool: gpus}}\n"
    cms.write("x.yaml", text)
    config = cms.write("config.yaml", "pools: {gpu: 1}\n")
    for words in (("run",), ("check",)):
        done = cms("flow", *words, "x.yaml", "--config", str(config))
        first, line, caret = done.stderr.splitlines()
        assert (done.returncode, first[:32]) == (2, "x.yaml:3:41: there is no pool 'g")
        assert first.endswith("did you mean 'gpu'?")
        assert line.index("gpus") == caret.index("^^^^")
    assert cms.json("flow", "list") == []
    assert cms.json("flow", "runs") == []
    cms.write("x.yaml", text + "pools: {gpus: {slots: 1, rate: 5/s}}\n")
    assert cms("flow", "run", "x.yaml").returncode == 0


def test_a_rate_holds(cms: Any) -> None:
    tasks = "".join(f"  {name}: {{command: 'true', pool: api}}\n" for name in "abcde")
    text = f"name: x\nflow: a || b || c || d || e\npools: {{api: {{rate: 2/s}}}}\ntasks:\n{tasks}"
    cms.write("x.yaml", text)
    assert cms("flow", "run", "x.yaml").returncode == 0
    started = sorted(node["started"] for node in cms.json("flow", "status")["nodes"])
    seconds = [datetime.fromisoformat(text).timestamp() for text in started]
    for first, after in zip(seconds, seconds[2:], strict=False):
        assert after - first >= 1.0 - 1e-5


def test_each_attempt_says_why(cms: Any) -> None:
    cms.write(
        "x.yaml",
        "name: x\nflow: a; b\ntasks:\n"
        "  a: {command: 'echo hello; test -e there || ! touch there', retries: 2, retry_delay: 0}\n"
        "  b: {command: 'echo b; exit 3', retries: 1, retry_delay: 0}\n",
    )
    assert cms("flow", "run", "x.yaml").returncode == 1
    status = {node["name"]: node for node in cms.json("flow", "status")["nodes"]}
    assert (status["a"]["attempt"], status["a"]["status"]) == (2, "finished")
    assert status["a"]["reason"].startswith("retry 2 of 3 after ")
    assert (status["b"]["attempt"], status["b"]["exit_code"]) == (2, 3)
    log = cms("flow", "logs", "latest", "a").stdout
    assert f"--- attempt 2: {status['a']['reason']} ---\nhello" in log
    first = cms.json("flow", "status", "latest", "--at", "2")
    assert {node["name"]: node["status"] for node in first["nodes"]} == {
        "a": "running",
        "b": "pending",
    }

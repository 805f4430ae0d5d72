"""A folder with a flow whose nodes wait for the test, on the embedded store or on a server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

FLOW = '''\
import os, sys, time
from pathlib import Path
from cloudmesh.flow import BaseWorkFlow, current, task

HERE = Path(__file__).parent

def mark(name):
    with open(HERE / "marks", "a") as file:
        file.write(f"{name} {current().attempt} {current().key}\\n")

def hold(name):
    """Waits until the test lets the node go on."""
    (HERE / f"{name}.holds").touch()
    while not (HERE / f"{name}.go").exists():
        if (HERE / "talk").exists():
            print("here", current().attempt)
        current().sleep(0.01)

class Slow(BaseWorkFlow):
    flow = "a; b; c"

    def a(self):
        mark("a")
        return {"rows": 3}

    def b(self, a):
        mark("b")
        hold("b")
        return a["rows"] + 1

    def c(self, b):
        mark("c")
        return b
'''


class Scene:
    """A folder with the flow, and what its nodes left there."""

    def __init__(self, cms: Any, store: str = "embedded") -> None:
        self.cms = cms
        self.store = store
        cms.write("slow-flow.py", FLOW)
        self.started: list[subprocess.Popen[str]] = []

    def run(self, *words: str) -> subprocess.Popen[str]:
        process = self.cms.start("flow", *words)
        self.started.append(process)
        return process

    def until(self, ready: Callable[[], Any]) -> Any:
        """What ``ready`` gives once it is true."""
        limit = time.monotonic() + 60
        while time.monotonic() < limit:
            found = ready()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError("it does not happen")

    def holds(self, name: str = "b") -> None:
        """Wait until a node is in its middle."""
        self.until((self.cms.folder / f"{name}.holds").exists)
        (self.cms.folder / f"{name}.holds").unlink()

    def let_go(self, name: str = "b") -> None:
        (self.cms.folder / f"{name}.go").touch()

    @property
    def marks(self) -> list[str]:
        """``name attempt`` for each start of a node's function."""
        return [line.rpartition(" ")[0] for line in self.lines]

    @property
    def lines(self) -> list[str]:
        file = self.cms.folder / "marks"
        return file.read_text().splitlines() if file.exists() else []

    def status(self) -> dict[str, Any]:
        return self.cms.json("flow", "status")

    def gone(self, *pids: int) -> bool:
        """Wait until these processes are; who was killed is there until the kernel is done."""
        return bool(self.until(lambda: not any(map(alive, pids))))

    def end(self) -> None:
        """End what was started."""
        for process in self.started:
            process.kill()
            process.communicate()


def nodes(status: dict[str, Any]) -> dict[str, str]:
    """The status of each node."""
    return {node["name"]: node["status"] for node in status["nodes"]}


def alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


FORGE = """\
import json, os, sys
import pymongo, cloudmesh.flow.api, cloudmesh.flow.cli.run, cloudmesh.flow.cli.runs
from cloudmesh.flow.cli.main import main
for line in sys.stdin:
    words, file = json.loads(line)
    if not words:  # the number of a child to wait for
        print(os.waitstatus_to_exitcode(os.waitpid(file, 0)[1]), flush=True)
        continue
    child = os.fork()
    if child == 0:
        out = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.argv = ["cms", *words]
        main()
    print(child, flush=True)
"""


class Forge:
    """Makes processes of ``cms`` that need not load it first: forks of one that has."""

    def __init__(self, cms: Any) -> None:
        self.cms = cms
        self.number = 0
        self.process = subprocess.Popen(
            [sys.executable, "-c", FORGE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=cms.environment,
            cwd=cms.folder,
            text=True,
        )

    def ask(self, *question: Any) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def start(self, *words: str) -> Forged:
        self.number += 1
        file = self.cms.folder / f"said-{self.number}"
        file.touch()
        return Forged(self, self.ask(["flow", *words], str(file)), file)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


class Forged:
    """One process of a `Forge`."""

    def __init__(self, forge: Forge, pid: int, file: Path) -> None:
        self.forge, self.pid, self.file = forge, pid, file

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Its exit code, negative for a signal."""
        return self.forge.ask([], self.pid)

    @property
    def said(self) -> str:
        return self.file.read_text()


def _on(name: str, request: pytest.FixtureRequest, cms: Any) -> Iterator[Scene]:
    if name == "ferretdb":
        url = request.getfixturevalue("ferretdb_url")
        cms.environment["CLOUDMESH_FLOW_STORE"] = f"{url}/lost{os.urandom(4).hex()}"
    made = Scene(cms, name)
    yield made
    made.end()


@pytest.fixture(params=["embedded", "ferretdb"])
def anywhere(request: pytest.FixtureRequest, cms: Any) -> Iterator[Scene]:
    """A scene on each of the stores."""
    yield from _on(request.param, request, cms)


@pytest.fixture(params=["embedded", pytest.param("ferretdb", marks=pytest.mark.slow)])
def scene(request: pytest.FixtureRequest, cms: Any) -> Iterator[Scene]:
    """A scene, in the long form on each of the stores."""
    yield from _on(request.param, request, cms)

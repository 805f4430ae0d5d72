"""Objects of a class of the flow's own file: the same class in whichever way the run goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

import pytest

PLAIN = """\
import os, signal, sys
from cloudmesh.flow import BaseWorkFlow, current

class Point:
    \"\"\"Nothing that a codec knows: it is pickled.\"\"\"
    def __init__(self, x): self.x = x

class MyFlow(BaseWorkFlow):
    flow = "a; b"
    def a(self): return [Point(3), Point]
    def b(self, a):
        if current().attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return [type(a[0]) is Point, a[1] is Point, a[0].x]

if __name__ == "__main__":
    flow = MyFlow()
    done = flow.resume(sys.argv[1]) if sys.argv[1:] else flow.run()
    print(done["b"].value, type(done["a"].value[0]) is Point)
"""


WAYS = ["as a program", "as a command"]


@pytest.mark.parametrize("begins", WAYS)
@pytest.mark.parametrize("goes_on", WAYS)
def test_a_plain_class_stays_itself(cms: Any, begins: str, goes_on: str) -> None:
    cms.write("plain-flow.py", PLAIN)

    def program(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "plain-flow.py", *words],
            cwd=cms.folder,
            env=cms.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    first = program() if begins == WAYS[0] else cms("flow", "run", "plain-flow.py")
    assert first.returncode == -signal.SIGKILL, first.stderr
    [run] = cms.json("flow", "runs")
    if goes_on == WAYS[0]:
        done = program(run["run"])
        assert done.stdout == "[True, True, 3] True\n", done.stderr
    else:
        assert cms("flow", "resume").returncode == 0
    assert cms.json("flow", "result", "latest", "b") == [True, True, 3]


def test_a_class_that_is_gone_is_named(cms: Any) -> None:
    cms.write("plain-flow.py", PLAIN)
    subprocess.run([sys.executable, "plain-flow.py"], cwd=cms.folder, env=cms.environment)
    cms.write("plain-flow.py", PLAIN.replace("class Point", "class Spot"))
    assert cms("flow", "resume").returncode == 1
    [b] = [node for node in cms.json("flow", "status")["nodes"] if node["name"] == "b"]
    assert "plain_flow.Point of a stored value is not there any more" in b["error"]["message"]

"""What a terminal shows, on a pseudo-terminal."""

from __future__ import annotations

import os
import re
import signal
from typing import Any

import pytest

FLOW = """\
import os
from cloudmesh.flow import BaseWorkFlow, current

class Slow(BaseWorkFlow):
    flow = "a; work*; z"

    def a(self):
        return [0, 1, 2]

    def work(self, a):
        for i in range(30):
            current().progress(3 * i, "step \\x1b]0;pwned\\x07")
            print("line", i)
            current().sleep(0.01)
        while not os.path.exists("go"):  # until the terminal has shown it
            current().sleep(0.01)
        if a == 1:
            raise ValueError("one")

    def z(self, work):
        return 1
"""


def terminal(cms: Any, *words: str, at: str = "", go: bool = False) -> tuple[int, str]:
    """Run it with all its streams on a terminal; its exit code, and what the terminal got.

    Once that has matched ``at``: Ctrl-C, or ``go``: its nodes go on.
    """
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    process = cms.start(*words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    data = b""
    sent = not at
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:  # what Linux says at the end of a terminal
            break
        if not piece:
            break
        data += piece
        if not sent and re.search(at.encode(), data, re.DOTALL):
            if go:
                (cms.folder / "go").touch()
            else:
                process.send_signal(signal.SIGINT)
            sent = True
    os.close(master)
    return process.wait(timeout=60), data.decode()


def test_a_bar_and_a_table_that_live(cms: Any) -> None:
    cms.environment.update(TERM="xterm-256color", COLUMNS="100")
    cms.write("slow-flow.py", FLOW)
    # A row of the live table, and the bar.
    shown = r"work\[2\][^\r\n]* %.*(1 of 5, 3 running|1 of 4, 3 running)"
    code, text = terminal(cms, "flow", "run", "slow-flow.py", at=shown, go=True)
    assert code == 1
    assert "━" in text
    assert "\x1b[" in text
    assert "pwned" in text
    assert "\x1b]0;pwned" not in text
    assert text.count("work[0] | line 29") == 1
    last = text[text.rindex("node ") :]
    assert re.search(r"work\[1\] +\x1b\[1;31merror\x1b\[0m", last)
    names = re.findall(r"^([a-z]+(?:\[\d\])?) ", last, re.M)
    assert names[:6] == ["node", "a", "work", "work[0]", "work[1]", "work[2]"]


def test_a_short_run_shows_no_bar(seed: Any) -> None:
    # A moment in which a busy machine, too, has done it.
    seed.write("sitecustomize.py", "from cloudmesh.flow.cli import live\nlive.MOMENT = 60.0\n")
    seed.environment.update(TERM="xterm-256color", PYTHONPATH=str(seed.folder))
    code, text = terminal(seed, "flow", "run", "test-flow.py", "(a; b || c)")
    assert code == 0
    assert "a | in a!" in text
    assert "━" not in text


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour(cms: Any, variables: dict[str, str]) -> None:
    cms.environment.update({"TERM": "xterm", **variables})
    cms.write("slow-flow.py", FLOW)
    (cms.folder / "go").touch()
    _, text = terminal(cms, "flow", "run", "slow-flow.py")
    assert not re.search(r"\x1b\[[\d;]*3\dm", text)
    if "TERM" in variables:
        assert "\x1b" not in text.replace("\\x1b", "")


def test_ctrl_c_on_a_terminal(cms: Any) -> None:
    cms.environment.update(TERM="xterm-256color")
    cms.write("slow-flow.py", FLOW)
    code, text = terminal(cms, "flow", "run", "slow-flow.py", at="line 9")
    assert code == 130
    assert re.search(r"cms flow resume \w{8}\r\n$", text)
    assert text.rstrip().endswith(re.findall(r"cms flow resume \w{8}", text)[-1])


def test_the_view_stays_until_ctrl_c(seed: Any) -> None:
    words = ("flow", "run", "test-flow.py", "(a; b || c)", "--view", "--port", "0")
    seed.environment.update(TERM="xterm-256color", DISPLAY="", WAYLAND_DISPLAY="")
    seed.environment.pop("CI", None)
    code, text = terminal(seed, *words, at="until Ctrl-C")
    assert code == 0
    assert "interrupted" not in text
    seed.environment["CI"] = "true"
    code, text = terminal(seed, *words)
    assert code == 0
    assert "until Ctrl-C" not in text


def test_a_secret_is_asked_for(cms: Any) -> None:
    pty = pytest.importorskip("pty")
    cms.write(
        "s-flow.py",
        "from cloudmesh.flow import BaseWorkFlow, Secret\n"
        "class S(BaseWorkFlow):\n"
        "    flow = 'a; b'\n"
        "    def a(self, token: Secret): return len(token)\n"
        "    def b(self, a): return a\n",
    )
    master, slave = pty.openpty()
    process = cms.start(
        "flow", "run", "s-flow.py", stdin=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    asked = b""
    while b"token: " not in asked:
        asked += os.read(master, 1024)
    os.write(master, b"hunter2\n")
    out, _ = process.communicate(timeout=60)
    shown = os.read(master, 65536)
    os.close(master)
    assert process.returncode == 0
    assert "hunter2" not in out
    assert b"hunter2" not in shown
    assert cms.json("flow", "result", "latest", "a") == 7

"""The far side's program by itself, over plain pipes: old Pythons, silence, a pipe that ends."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from executor_kit import left, nothing_left, some_left

from cloudmesh.flow.executors.blob import HEAD, exact, frame, lengths, pack, unpack
from cloudmesh.flow.executors.sending import runner, started_by


class Far:
    """A runner and our end of its pipes."""

    def __init__(self, process: subprocess.Popen[bytes], program: bytes) -> None:
        self.process = process
        self.logs: list[tuple[str, bytes]] = []
        self.send(program)
        self.ready = self.read()[0]

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def read(self) -> tuple[dict[str, Any], bytes]:
        assert self.process.stdout is not None
        header, rest = lengths(self.process.stdout.read(HEAD))
        return json.loads(self.process.stdout.read(header)), self.process.stdout.read(rest)

    def until(self, kind: str) -> tuple[dict[str, Any], bytes]:
        while True:
            header, payload = self.read()
            if header["kind"] == "log":
                self.logs.append((header["stream"], payload))
            if header["kind"] == kind:
                return header, payload


@contextlib.contextmanager
def far(python: str = sys.executable, program: bytes = b"") -> Iterator[Far]:
    process = subprocess.Popen(
        ["sh", "-c", started_by(python)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Far(process, program or runner())
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()


def pythons() -> list[str]:
    """Other Pythons that lie beside this one."""
    folder = Path(sys.base_prefix).parent
    versions = ("3.8", "3.9", "3.10", "3.12", "3.13")
    return [str(next(iter(folder.glob(f"{v}*/bin/python")), f"python{v}")) for v in versions]


def works(python: str) -> bool:
    with contextlib.suppress(OSError):
        return subprocess.run([python, "-c", ""], capture_output=True).returncode == 0
    return False


FLOW = """
import sys
from cloudmesh.flow import BaseWorkFlow, Value, current, task, workflow
from cloudmesh.flow.WorkFlow import BaseWorkFlow as Same
import beside
assert Same is BaseWorkFlow
class Flow(BaseWorkFlow):
    @task(on="lab")
    def node(self, a):
        print("größe", file=sys.stderr)
        total = beside.double(a)
        self.progress(50, "half")
        return {"key": self.key, "total": total}
    def bad(self):
        raise KeyError("k")
w = workflow("a; b")
Flow(sys.argv[0]).runCommand("node")
"""

BESIDE = """
def double(a):
    return 2 * a
"""


@pytest.mark.parametrize(
    "python", [sys.executable, *pythons()], ids=lambda p: Path(p).parts[-3:][0]
)
def test_every_python_runs_a_flows_module_without_installation(python: str) -> None:
    if not works(python):
        pytest.skip(f"NOT TESTED: the far side on {Path(python).name} (needs it on the PATH)")
    modules = [
        ("my_flow", False, "/far/my-flow.py", FLOW),
        ("beside", False, "/far/beside.py", BESIDE),
    ]
    with far(python) as there:
        program = {"kind": "program", "program": 0, "name": "my_flow", "file": "/far/my-flow.py"}
        there.send(frame({**program, "modules": modules}))
        packed, payload = pack({"a": 4})
        node = {
            "kind": "node", "program": 0, "cls": "Flow", "function": "node", "key": "s/r/n",
            "number": 1, "calculation": None, "value_of": None, "is_async": False,
            "packed": packed,
        }  # fmt: skip
        there.send(frame(node, payload))
        header, _ = there.until("progress")
        assert (header["percent"], header["text"]) == (50.0, "half")
        header, data = there.until("result")
        assert unpack(header["packed"], data) == {"key": "s/r/n", "total": 8}
        assert there.logs == [("err", "größe\n".encode())]
        there.send(frame({**node, "function": "bad", "packed": "json"}, b"{}"))
        error = there.until("result")[0]["outcome"][2]
        assert error["type"] == "KeyError"
        assert 'raise KeyError("k")' in error["traceback"]
        assert error["traceback"].count("File") == 1


def test_a_module_of_a_package_is_found_by_its_full_name() -> None:
    with far() as there:
        name, file = "tests.deep.my_flow", "/far/my_flow.py"
        program = {"kind": "program", "program": 0, "name": name, "file": file}
        there.send(frame({**program, "modules": [(name, False, file, "def f(): return 3\n")]}))
        node = {
            "kind": "node", "program": 0, "cls": "", "function": "f", "key": "s/r/n",
            "number": 1, "calculation": None, "value_of": None, "is_async": False,
            "packed": "json",
        }  # fmt: skip
        there.send(frame(node, b"{}"))
        header, data = there.until("result")
        assert unpack(header["packed"], data) == 3


def test_a_script_that_runs_its_flow_without_a_guard() -> None:
    source = "from cloudmesh.flow import workflow\ndef f(): return 3\nworkflow('f').run()\nx\n"
    with far() as there:
        program = {"kind": "program", "program": 0, "name": "__main__", "file": "/far/s.py"}
        there.send(frame({**program, "modules": [("__main__", False, "/far/s.py", source)]}))
        node = {
            "kind": "node", "program": 0, "cls": "", "function": "f", "key": "s/r/n",
            "number": 1, "calculation": None, "value_of": None, "is_async": False,
            "packed": "json",
        }  # fmt: skip
        there.send(frame(node, b"{}"))
        header, data = there.until("result")
        assert header["outcome"][0] == "finished", header
        assert unpack(header["packed"], data) == 3
        there.send(frame({**node, "function": "missing"}, b"{}"))
        assert "cannot run a flow" in there.until("result")[0]["outcome"][2]["message"]


def command(text: str, key: str) -> bytes:
    return frame(
        {"kind": "command", "key": key, "command": text, "env": {"CLOUDMESH_FLOW_KEY": key}}
    )


def test_the_pipes_end_is_the_end_of_all() -> None:
    key = f"store/pipe/{time.time_ns()}"
    with far() as there:
        there.send(command("setsid sleep 300 & echo up; sleep 300", key))
        assert there.until("log")[1] == b"up\n"
        assert len(left(key)) >= 2
        assert there.process.stdin is not None
        there.process.stdin.close()
        assert there.process.wait(60) == 0
        assert nothing_left(key)


CROWD = """
import subprocess
import threading
def crowd():
    print("up")
    while True:
        subprocess.Popen(["sleep", "300"], start_new_session=True)
def pool():
    def one():
        while True:
            subprocess.run(["sleep", "300"], start_new_session=True)
    for _ in range(4):
        threading.Thread(target=one).start()
    print("up")
    one()
"""


@pytest.mark.parametrize("function", ["crowd", "pool"])
@pytest.mark.parametrize("how", ["end", "TERM"])
def test_a_node_that_goes_on_starting_processes_leaves_none(how: str, function: str) -> None:
    key = f"store/{function}{how}/{time.time_ns()}"
    with far() as there:
        program = {"kind": "program", "program": 0, "name": "crowd", "file": "/far/crowd.py"}
        there.send(frame({**program, "modules": [("crowd", False, "/far/crowd.py", CROWD)]}))
        node = {
            "kind": "node", "program": 0, "cls": "", "function": function, "key": key,
            "number": 1, "calculation": None, "value_of": None, "is_async": False,
            "packed": "json",
        }  # fmt: skip
        there.send(frame(node, b"{}"))
        there.until("log")
        if how == "end":
            there.send(frame({"kind": "end"}))
        else:
            there.process.terminate()
        there.process.wait(60)
        assert not left(key)


def test_a_runner_ends_nothing_of_the_same_nodes_next_attempt() -> None:
    """It may be cut off, and learn of its end when the node runs again."""
    key = f"store/again/{time.time_ns()}"
    with far() as first, far() as second:
        for there in (first, second):
            there.send(command("echo up; setsid sleep 300 & sleep 300", key))
            there.until("log")
        assert some_left(key, 6)
        first.send(frame({"kind": "end"}))
        assert first.process.wait(60) == 0
        assert len(left(key)) == 3
        second.send(frame({"kind": "end"}))
        assert second.process.wait(60) == 0
        assert not left(key)


def test_a_runner_that_cannot_be_reached_is_ended_by_another() -> None:
    key = f"store/lost/{time.time_ns()}"
    with far() as lost, far() as other:
        lost.send(command("echo up; setsid sleep 300 & sleep 300", key))
        lost.until("log")
        signature = lost.ready["signature"]
        other.send(frame({"kind": "sweep", "key": "nobody", "signature": f"{signature}0"}))
        other.until("swept")
        assert lost.process.poll() is None, "it only has the number of the one that was meant"
        other.send(frame({"kind": "sweep", "key": key, "signature": signature}))
        other.until("swept")
        assert not left(key)
        lost.process.wait(60)


def test_silence_is_taken_for_the_engines_end() -> None:
    program = runner()
    assert program.count(b"SILENCE_MAX = 60.0") == 1
    key = f"store/silence/{time.time_ns()}"
    with far(program=program.replace(b"SILENCE_MAX = 60.0", b"SILENCE_MAX = 0.50")) as there:
        there.send(command("setsid sleep 300 & sleep 300", key))
        there.until("started")
        assert there.process.wait(60) == 0
        assert nothing_left(key)


def test_beats_keep_it_alive() -> None:
    program = runner().replace(b"SILENCE_MAX = 60.0", b"SILENCE_MAX = 2.00")
    with far(program=program) as there:
        for _ in range(25):
            there.send(frame({"kind": "beat"}))
            time.sleep(0.1)  # on a busy machine it may become a second
        assert there.process.poll() is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([1, "a", None, True, 1.5, {"k": []}], "json"),
        ("\ud800 lone", "json"),
        (2**70, "json"),
        ((1,), "pickle"),
        ({1: 2}, "pickle"),
        (float("nan"), "pickle"),
        (10**5000, "pickle"),
        (b"x", "pickle"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else type(value).__name__,
)
def test_json_is_used_where_it_is_exact(value: Any, kind: str) -> None:
    packed, data = pack(value)
    assert packed == kind
    back = unpack(packed, data)
    assert type(back) is type(value)
    assert back == value or value != value


def test_a_subclass_is_not_taken_for_its_base() -> None:
    class Text(str):
        __slots__ = ()

    assert not exact(Text("a"))
    assert not exact([True, Text("a")])
    assert exact({"a": [1, {"b": None}]})

"""A flow's file, as the tests of executors send it to the far sides."""

from __future__ import annotations

import asyncio
import functools
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from executor_beside import doubled

from cloudmesh.flow import BaseWorkFlow, Value, current, task

print("this is printed while the file is loaded")


@dataclass
class Point:
    x: int
    y: int = 0


def add(a: int, b: int = 1) -> int:
    return a + b


def nothing() -> None:
    return


def beside(a: int) -> int:
    return doubled(a)


def fails(text: str) -> None:
    inner(text)


def inner(text: str) -> None:
    raise ValueError(text)


def leaves(code: Any) -> None:
    sys.exit(code)


def forks() -> str:
    child = os.fork()
    if child == 0:
        return "the child"
    os.waitpid(child, 0)
    return "the node"


def point(x: int) -> Point:
    return Point(x)


def same(value: Any) -> Any:
    return value


def shows(value: Any) -> str:
    return f"{value!r} {value}"


def wrapped(value: Any) -> Any:
    return Value(value)


def generator() -> Any:
    return (n for n in range(3))


def prints(text: str) -> str:
    print("out", text)
    print("err", text, file=sys.stderr)
    os.write(1, b"raw\n")
    subprocess.run(["sh", "-c", "echo child; echo complaint >&2"], check=True)
    print("# cloudmesh status=running progress=70")
    print("no end", end="")
    return text


def waits(file: str) -> str:
    print("waiting", flush=True)
    while not Path(file).exists():
        time.sleep(0.01)
    return "seen"


def knows() -> tuple[str, int, bool, str]:
    current().progress(25, "a quarter")
    me = current()
    return me.key, me.attempt, me.cancelled, os.environ["CLOUDMESH_FLOW_KEY"]


def captured(x: int, y: int) -> int:
    total = x * y
    return -total


async def later(x: int) -> int:
    await asyncio.sleep(0.001)
    return x + 1


def sleeps(seconds: float) -> None:
    """With a child, and one that leaves the group and will not go."""
    subprocess.Popen(["sh", "-c", "sleep 300"])
    subprocess.Popen(["setsid", "sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"])
    print("asleep", os.getpid(), flush=True)
    time.sleep(seconds)


def exits(code: int) -> None:
    os._exit(code)


def threads() -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(1))
    thread.start()
    thread.join()
    return len(found)


def reads_stdin() -> str:
    return sys.stdin.read() + subprocess.run(["cat"], capture_output=True, text=True).stdout


def needs_tiny() -> int:
    import cmflow_tiny  # type: ignore[import-not-found]

    answer: int = cmflow_tiny.ANSWER
    return answer


class Klass(BaseWorkFlow):
    flow = "method"

    def method(self, a: int) -> tuple[str, int]:
        self.progress(5)
        return self.key, a

    @task(retries=3)
    def marked(self, a: int) -> int:
        return a


Flow = Klass(sys.argv[0])
Flow.runCommand(sys.argv[1] if len(sys.argv) > 1 else "")


def plain(function: Any) -> Any:
    """A decorator that knows nothing of async."""

    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        return function(*given, **named)

    return call


@plain
async def decorated(x: int) -> int:
    await asyncio.sleep(0)
    return x + 1

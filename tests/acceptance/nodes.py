"""A class whose nodes a test gives, as a file."""

from __future__ import annotations

from typing import Any

#: What a file imports and defines before its class.
HEAD = """\
import asyncio, dataclasses, datetime, decimal, pathlib, sys
from cloudmesh.flow import BaseWorkFlow, Value, current, task
from cloudmesh.flow.WorkFlow import BaseWorkFlow as Same
assert Same is BaseWorkFlow

@dataclasses.dataclass
class Point:
    x: int
    y: int

class Odd:
    def __init__(self, n): self.n = n
    def __eq__(self, other): return type(other) is Odd and other.n == self.n

"""


def flow(here: Any, body: str, string: str = "a", head: str = "") -> None:
    """Write ``p-flow.py``: the class P with these methods and this flow string."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    here.write(
        "p-flow.py",
        "from cloudmesh.flow import BaseWorkFlow, Secret, Value, current, task, workflow\n"
        f'{head}\nclass P(BaseWorkFlow):\n    flow = "{string}"\n{lines}',
    )

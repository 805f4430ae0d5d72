"""CONTRACT as someone reads it who knows nothing else: what was found wrong from outside."""

from __future__ import annotations

from typing import Any

PYTHON = """\
import sys
from cloudmesh.flow import BaseWorkFlow, open_store, workflow
from cloudmesh.flow.errors import FlowError

URL = "sqlite:///other.db"

class MyFlow(BaseWorkFlow):
    name = "mine"
    flow = "a; b"
    def a(self): return 1
    def b(self, a, fail: bool = True): return 1 / (not fail) + a

def refused(call):
    try:
        print("not refused", call())
    except FlowError as error:
        print(error)
"""


def test_what_python_gives_a_run_to_finds_its_store(here: Any) -> None:
    done = here.python(
        PYTHON
        + """
run = MyFlow().run(store=URL)
print(MyFlow().retry(run).status, MyFlow().resume(run).status)
for name in ("latest", "mine", run.id[:7]):
    print(MyFlow().retry(name, store=URL).status, MyFlow().resume(name, store=URL).status)
refused(lambda: MyFlow().cancel(run))
refused(lambda: MyFlow().resume("nosuchrn"))
refused(lambda: MyFlow().retry(5))
import pathlib
refused(lambda: MyFlow().run(store=pathlib.Path("other.db")))
"""
    )
    assert done.stderr == ""
    *same, ended, unknown, wrong, path = done.stdout.splitlines()
    assert same == ["error error"] * 4
    assert ended.endswith("is error: there is nothing to cancel")
    assert unknown == "no run nosuchrn in this store; `cms flow runs` lists them"
    assert wrong == "5 is no run: a Run or a text that names one is"
    assert path.endswith("is no store: a URL or an open store is")

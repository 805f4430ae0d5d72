"""What the start of a small flow may import: each module costs more than the flow itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

HEAVY = {"asyncio", "ruamel.yaml", "inspect", "dataclasses", "hashlib", "ast", "difflib", "pathlib"}

LOADED = """
import sys
from cloudmesh.flow.language.load import load
load({target!r}, ["(a; b || c)"])
print(" ".join(sorted(sys.modules)))
"""


def imported(target: str | None) -> set[str]:
    """The modules of an interpreter that has loaded a flow."""
    code = LOADED.format(target=target)
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{code}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.split())


def test_a_bare_string() -> None:
    assert not imported(None) & HEAVY


def test_a_class_in_a_file(write: Callable[..., str]) -> None:
    path = write(
        """
        from cloudmesh.flow.WorkFlow import BaseWorkFlow

        class MyFlow(BaseWorkFlow):
            def a(self): ...
            async def b(self, a: int = 3): ...
            def c(self): ...
        """
    )
    assert not imported(path) & HEAVY


@pytest.mark.parametrize("heavy", ["ast", "ruamel.yaml"])
def test_what_is_not_imported_would_be_seen(write: Callable[..., str], heavy: str) -> None:
    path = write(f"import {heavy}\ndef a(): ...\ndef b(): ...\ndef c(): ...\n")
    assert imported(path) & HEAVY >= {heavy}

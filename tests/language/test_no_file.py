"""Flows that stand in no file: at a prompt, in a notebook's cell, in `python -c`."""

from __future__ import annotations

import pytest

from cloudmesh.flow.language.load import load_functions


@pytest.mark.parametrize("file", ["<stdin>", "<string>", "/tmp/ipykernel_7/3217.py", ""])
def test_the_name_is_workflow(file: str) -> None:
    space: dict[str, object] = {}
    exec(compile("def a(): return 1", file, "exec"), space)
    program = load_functions("a", {"a": space["a"]})  # type: ignore[dict-item]
    assert program.flow.name == "workflow"

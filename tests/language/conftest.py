from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from cloudmesh.flow.errors import InputError, Problem
from cloudmesh.flow.language.load import load
from cloudmesh.flow.language.program import Program


@pytest.fixture(autouse=True)
def clean_modules(tmp_path: Path) -> Iterator[None]:
    """What a test loads is gone after it."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None) or ""
        if file.startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    """Write a file, and give its path."""

    def write(text: str, name: str = "test-flow.py") -> str:
        path = tmp_path / name
        path.write_text(dedent(text), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def program(write: Callable[..., str]) -> Callable[..., Program]:
    """Load the text of a file."""

    def program(text: str, *strings: str, name: str = "test-flow.py", **more: Any) -> Program:
        return load(write(text, name), strings, **more)

    return program


@pytest.fixture
def problems(program: Callable[..., Program]) -> Callable[..., list[Problem]]:
    """What is wrong with the text of a file."""

    def problems(text: str, *strings: str, **more: Any) -> list[Problem]:
        with pytest.raises(InputError) as error:
            program(text, *strings, **more)
        return error.value.problems

    return problems


@pytest.fixture
def shown(problems: Callable[..., list[Problem]]) -> Callable[..., list[tuple[int, str, str]]]:
    """Of each problem the line, what the caret marks, and the message."""

    def shown(text: str, *strings: str, **more: Any) -> list[tuple[int, str, str]]:
        return [
            (p.line, p.text[p.column - 1 : p.column - 1 + p.length], p.message)
            for p in problems(text, *strings, **more)
        ]

    return shown

"""Run parameters as they are given, as a run keeps them, and secrets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.language.load import load
from cloudmesh.flow.language.program import Program
from cloudmesh.flow.model.wiring import wire
from cloudmesh.flow.parameters import as_json, for_nodes, pairs, read_secrets, secret_names

FLOW = """\
from cloudmesh.flow import BaseWorkFlow, Secret
from pydantic import BaseModel

class Size(BaseModel):
    x: int
    y: int = 2

class P(BaseWorkFlow):
    flow = "a; b"
    def a(self, size: Size, token: Secret, n: int = 1): pass
    def b(self, a, token): pass
"""


@pytest.fixture
def program(tmp_path: Path) -> Program:
    pytest.importorskip("pydantic")
    (tmp_path / "p-flow.py").write_text(FLOW)
    return load(str(tmp_path / "p-flow.py"), later=True)


def test_pairs() -> None:
    assert pairs(["a=1", "b=x=y", "c="], "--param") == {"a": "1", "b": "x=y", "c": ""}
    for wrong in (["a"], ["=1"], ["a=1", "a=2"]):
        with pytest.raises(InputError, match="--param"):
            pairs(wrong, "--param")


def test_a_model_is_kept_as_json_and_made_anew(program: Program) -> None:
    model = sys.modules[program.functions["a"].__module__].Size
    kept = as_json({"size": model(x=1), "n": 3, "pair": (1, 2)})
    assert kept == {"size": {"x": 1, "y": 2}, "n": 3, "pair": [1, 2]}
    assert for_nodes(program, kept) == {"size": model(x=1), "n": 3, "pair": [1, 2]}
    assert for_nodes(program, {"size": model(x=1)}) == {"size": model(x=1)}
    with pytest.raises(InputError, match="size is no Size"):
        for_nodes(program, {"size": {"z": 1}})


@pytest.mark.parametrize(
    "annotation",
    ["Secret", "'Secret'", "Secret | None", "Optional[Secret]", "Annotated[Secret, 1]",
     "Annotated[Optional[Secret], (1, 2)]", "Union[None, Secret]"],
)  # fmt: skip
@pytest.mark.parametrize("future", ["", "from __future__ import annotations\n"])
def test_a_secret_that_has_a_default_may_be_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, annotation: str, future: str
) -> None:
    (tmp_path / "s-flow.py").write_text(
        f"{future}from typing import Annotated, Optional, Union\n"
        "from cloudmesh.flow import BaseWorkFlow, Secret\n"
        "class S(BaseWorkFlow):\n    flow = 'a'\n"
        f"    def a(self, token: {annotation} = None): return token\n"
    )
    flow = load(str(tmp_path / "s-flow.py")).flow
    assert secret_names(flow) == ["token"]
    assert read_secrets(flow) == {}
    assert wire(flow, ()) == [()]
    monkeypatch.setenv("TOKEN", "x")
    assert read_secrets(flow) == {"token": "x"}
    with pytest.raises(InputError, match="is a secret"):
        load(str(tmp_path / "s-flow.py"), parameters={"token": "x"})


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, object(), b"x", {1: 2}])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="run parameter x"):
        as_json({"x": value})


def test_secrets_come_from_the_environment(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = program.flow
    assert secret_names(flow) == ["token"]
    monkeypatch.delenv("TOKEN", raising=False)
    with pytest.raises(InputError, match="TOKEN in the environment"):
        read_secrets(flow)
    monkeypatch.setenv("TOKEN", "one")
    assert read_secrets(flow) == {"token": "one"}
    monkeypatch.setenv("token", "two")
    assert read_secrets(flow) == {"token": "two"}
    assert read_secrets(flow, {"token": "given"}) == {}

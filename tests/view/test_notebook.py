"""In a notebook a run and a flow show their picture."""

from __future__ import annotations

from pathlib import Path

from cloudmesh.flow import workflow
from cloudmesh.flow.language.pythonclass import BaseWorkFlow


class Small(BaseWorkFlow):
    flow = "a; b"

    def a(self) -> int:
        return 1

    def b(self, a: int) -> int:
        return a + 1


def test_a_class_and_its_run_show_their_picture(tmp_path: Path) -> None:
    flow = Small()
    assert "<svg" in (flow._repr_svg_() or "")
    run = flow.run(store=f"sqlite:///{tmp_path}/flow.db")
    picture = run._repr_svg_()
    assert f"run {run.id}" in picture
    assert picture.count("finished") >= 2


def test_functions_show_their_picture_and_a_wrong_flow_none() -> None:
    def a() -> int:
        return 1

    assert "<svg" in (workflow("a", functions={"a": a})._repr_svg_() or "")
    assert workflow("a; nothing", functions={"a": a})._repr_svg_() is None

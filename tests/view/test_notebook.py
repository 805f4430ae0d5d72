"""In a notebook a run and a flow show their picture."""

from __future__ import annotations

from pathlib import Path
from types import MethodType

from cloudmesh.flow import BaseWorkFlow, open_store, workflow
from cloudmesh.flow.language.load import load_object


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
    assert picture is not None
    assert f"run {run.id}" in picture
    assert picture.count("finished") >= 2


def test_functions_show_their_picture_and_a_wrong_flow_none() -> None:
    def a() -> int:
        return 1

    assert "<svg" in (workflow("a", functions={"a": a})._repr_svg_() or "")
    assert workflow("a; nothing", functions={"a": a})._repr_svg_() is None


def test_a_class_is_shown_as_its_instances_are() -> None:
    """IPython asks a class only for what is bound to it."""
    assert isinstance(Small._repr_svg_, MethodType)
    assert Small._repr_svg_() == Small()._repr_svg_()
    assert BaseWorkFlow._repr_svg_() is None
    assert BaseWorkFlow._repr_html_() is None


def test_html_is_the_picture_in_a_box_that_scrolls(tmp_path: Path) -> None:
    run = Small().run(store=f"sqlite:///{tmp_path}/flow.db")
    for thing in (Small, Small(), run, load_object(Small)):
        picture, html = thing._repr_svg_(), thing._repr_html_()
        assert picture is not None
        assert html is not None
        assert picture in html
        assert "overflow:auto" in html


def test_a_program_shows_its_flow() -> None:
    assert load_object(Small)._repr_svg_() == Small._repr_svg_()


def test_nothing_is_raised_into_a_notebook(tmp_path: Path) -> None:
    class Wrong(BaseWorkFlow):
        flow = "a; nothing"

        def __init__(self) -> None:
            raise RuntimeError("whatever a user's class does")

    assert Wrong._repr_svg_() is None
    assert Wrong._repr_html_() is None


def test_a_run_whose_store_is_gone_shows_what_it_knows(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/flow.db")
    run = Small().run(store=store)
    store.close()
    (tmp_path / "flow.db").unlink()
    picture = run._repr_svg_()
    assert picture is not None
    assert picture.count("finished") >= 2

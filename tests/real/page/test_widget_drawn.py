"""What the notebook's widget draws, in a browser, without a notebook."""

from __future__ import annotations

from typing import Any

import pytest

from cloudmesh.flow.model.flow import Flow, Node
from cloudmesh.flow.view.svg import svg
from cloudmesh.flow.widget import ESM

pytestmark = pytest.mark.real

#: A model as anywidget gives it to a module, and the module at work on it.
DRAW = """async ([code, state]) => {
    const heard = {};
    window.model = {
        get: (name) => state[name],
        on: (name, act) => { heard[name] = act; },
        off: (name) => { delete heard[name]; },
        change: (name, value) => { state[name] = value; heard[`change:${name}`]?.(); },
    };
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const { default: widget } = await import(url);
    window.done = widget.render({ model: window.model, el: document.body });
}"""


def picture(status: str) -> str:
    return svg(Flow("one", (Node("a"),), ((),), text=("a",)), [{"name": "a", "status": status}])


def test_the_picture_is_drawn_anew_as_the_run_goes_on_and_runs_nothing(browser: Any) -> None:
    page = browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    state = {"words": "one, run k7q2m9xd: running", "picture": picture("running")}
    page.evaluate(DRAW, [ESM, state])
    assert page.locator("svg text", has_text="running").count()
    assert "run k7q2m9xd: running" in page.inner_text("body")
    page.evaluate("(svg) => model.change('picture', svg)", picture("finished"))
    assert page.locator("svg").count() == 1
    assert page.locator("svg text", has_text="finished").count()
    evil = """<svg xmlns="http://www.w3.org/2000/svg"><script>document.title = "x"</script></svg>"""
    page.evaluate("(svg) => model.change('picture', svg)", evil)
    page.evaluate("() => model.change('picture', '<svg')")  # half a picture changes nothing
    page.evaluate("() => model.change('words', '<b>words</b>')")
    assert page.locator("b").count() == 0
    assert page.locator("svg").count() == 1
    page.evaluate("() => { done(); model.change('words', 'unheard'); }")
    assert "<b>words</b>" in page.inner_text("body")
    assert page.title() == ""
    page.close()
    assert wrong == []

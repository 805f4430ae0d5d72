"""The page against the rules of accessibility of axe-core, light and dark: nothing is found.

What axe cannot decide (a contrast over a picture) is not asked for here: the
colours have a test of their own.
"""

from __future__ import annotations

import time
from importlib import resources
from typing import Any

import pytest
from hand import Hand, make_flow

from cloudmesh.flow.model.flow import Look, Task
from cloudmesh.flow.server.serve import Served
from cloudmesh.flow.store.opening import open_store

pytestmark = pytest.mark.real

RULES = """(only) => axe.run(document, { resultTypes: ["violations", "incomplete"],
    ...(only ? { runOnly: only } : {}) }).then((found) =>
    [...found.violations, ...found.incomplete.filter((one) => one.id !== "color-contrast")]
        .map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(" ")}`))"""
PHONE = {"width": 390, "height": 844}
WIDE = {"width": 1440, "height": 900}


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core."""
    try:
        return (resources.files("axe_playwright_python") / "axe.min.js").read_text()
    except ModuleNotFoundError:
        pytest.skip("NOT TESTED: accessibility (needs axe-playwright-python)")


def a_run() -> Hand:
    """All that a page can show at once: a map, an error, blocked, running, looks, a log."""
    look = Task(done=Look(color="orange", shape="square", label="three <b>parts</b>"))
    needs = {"split": [], "work": ["split"], "end": ["work"], "aside": []}
    hand = Hand(open_store(), make_flow(needs, {"work": "split"}, {"split": look}), "k7q2m9xd")
    hand.now = time.time()
    hand.batch(hand.started("split"))
    hand.batch(hand.finished("split", ["x", "y", "z"]))
    hand.batch(hand.started("work[0]"), hand.started("work[1]"), hand.started("aside"))
    hand.journal.write_log("work[1]", 1, "stdout", "a line\n" * 40)
    hand.batch(hand.failed("work[1]", "ValueError", "no rows left"), hand.progress("aside", 40))
    return hand


def test_axe_finds_nothing(page: Any, served: Served, axe: str) -> None:
    run = a_run()
    page.emulate_media(reduced_motion="reduce")
    found: dict[str, list[str]] = {}

    def check(what: str) -> None:
        page.evaluate(axe)  # not by a script element: the page's policy forbids that
        found[what] = page.evaluate(RULES, None)
        page.emulate_media(color_scheme="dark")  # the same page in other colours
        found[f"{what}, dark"] = page.evaluate(RULES, ["color-contrast"])
        page.emulate_media(color_scheme="light")

    def open_run(more: str = "") -> None:
        page.goto(f"{served.url}/runs/{run.id}{more}")
        page.wait_for_selector("[role=treegrid] [data-node=aside]")

    page.goto(served.url)
    page.wait_for_selector("a.run-row")
    check("flows and runs")
    open_run()
    check("a run")
    page.keyboard.press("t")
    check("the wide table")
    page.keyboard.press("e")
    page.locator(".inspector .log").wait_for()
    check("an error in the inspector")
    page.keyboard.press("?")
    check("keys")
    open_run("?view=gantt&node=aside")
    page.wait_for_selector(".gantt-card")
    check("the gantt")
    open_run("?at=3")
    page.wait_for_selector("[data-notice=past]")
    check("the past")
    page.set_viewport_size(PHONE)
    open_run()
    page.wait_for_selector(".error-band")
    check("a phone")
    page.set_viewport_size(WIDE)
    page.goto(f"{served.url}/docs")
    page.wait_for_selector("h1")
    check("the documentation")
    run.journal.close()
    assert {what: words for what, words in found.items() if words} == {}

"""The page for those who read it by ear, by keys, in forced colours, or without motion."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hand import Hand, make_flow
from pagekit import plate, row

from cloudmesh.flow.server.serve import Served
from cloudmesh.flow.store.opening import open_store

pytestmark = pytest.mark.real

TABBABLE = """() => [...document.querySelectorAll("a[href], button, input, [tabindex]")]
    .filter((e) => e.tabIndex >= 0 && !e.disabled && e.getClientRects().length)
    .map((e) => e.getAttribute("role") || e.className || e.tagName)"""


@pytest.fixture
def run(home: Any, page: Any, served: Served) -> Callable[[], Hand]:
    """A run with an error, an open map and a blocked node, and its page."""

    def begin() -> Hand:
        needs = {"split": [], "work": ["split"], "end": ["work"]}
        hand = Hand(open_store(), make_flow(needs, {"work": "split"}), begun=time.time())
        hand.batch(hand.started("split"))
        hand.batch(hand.finished("split", ["x", "y", "z"]))
        hand.batch(hand.started("work[0]"), hand.started("work[1]"))
        hand.batch(hand.failed("work[1]"))
        page.goto(f"{served.url}/runs/{hand.id}")
        page.wait_for_selector(row("work[1]", shown="error"))
        return hand

    return begin


def test_the_focus_goes_from_the_head_to_the_table_the_picture_the_time_and_the_inspector(
    page: Any, run: Any
) -> None:
    run()
    page.keyboard.press("e")
    page.locator(".inspector-name", has_text="work[1]").wait_for()
    order = page.evaluate(TABBABLE)
    wanted = ["skip", "search-input", "button errors alarm", "treegrid", "application"]
    wanted += ["zoom-label", "slider", "button plain close"]
    places = [order.index(name) for name in wanted]
    assert places == sorted(places), order
    assert order[:2] == ["skip", "skip"]
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # “Skip to the table”
    assert page.evaluate("location.hash") == "#table"


def test_every_control_has_a_name_and_every_part_a_role(page: Any, run: Any) -> None:
    run()
    unnamed = page.evaluate("""() => [...document.querySelectorAll("button, input, [role]")]
        .filter((e) => e.getClientRects().length && !["row", "gridcell", "rowheader", "group",
            "status", "columnheader"].includes(e.getAttribute("role")))
        .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim()))
        .map((e) => e.outerHTML.slice(0, 120))""")
    assert unnamed == []
    picture = page.locator("[role=application]")
    assert picture.get_attribute("aria-label") == "Picture of the run; the table holds the same"
    assert page.locator("#announce").get_attribute("aria-live") == "polite"
    assert page.locator(".picture svg").first.get_attribute("aria-hidden") is not None
    slider = page.locator("[role=slider]")
    assert slider.get_attribute("aria-valuenow") == slider.get_attribute("aria-valuemax") == "5"


def test_the_table_says_levels_what_is_open_and_what_is_selected(page: Any, run: Any) -> None:
    run()
    parent, element = page.locator(row("work")), page.locator(row("work[1]"))
    assert parent.get_attribute("aria-level") == "1"
    assert parent.get_attribute("aria-expanded") == "true"
    assert element.get_attribute("aria-level") == "2"
    assert element.get_attribute("aria-expanded") is None
    element.click()
    assert element.get_attribute("aria-selected") == "true"
    rows = page.locator("[role=treegrid] [role=row]")
    indexes = [int(r.get_attribute("aria-rowindex")) for r in rows.all()]
    assert sorted(indexes) == list(range(1, len(indexes) + 1))
    assert page.locator("[role=treegrid]").get_attribute("aria-rowcount") == str(len(indexes))
    page.locator("[role=treegrid]").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowLeft")  # folds the map
    page.locator(row("work[1]")).wait_for(state="detached")
    assert parent.get_attribute("aria-expanded") == "false"


def test_in_forced_colours_marks_and_words_are_text_and_the_selection_is_highlight(
    page: Any, run: Any
) -> None:
    run()
    page.emulate_media(forced_colors="active")
    page.click(row("end"))
    found = page.evaluate("""() => {
        const probe = (name) => {
            const e = document.body.appendChild(document.createElement("i"));
            e.style.color = name;
            const color = getComputedStyle(e).color;
            e.remove();
            return color;
        };
        const of = (selector, what) => getComputedStyle(document.querySelector(selector))[what];
        return [probe("CanvasText"), of('.row[data-node="work[1]"]', "color"),
            of('.row[data-node="work[1]"] .mark', "color"),
            of(".legend [data-shown=error]", "color"),
            probe("Highlight"), of(".plate.selected > .halo", "stroke")];
    }""")
    text, *marks, highlight, halo = found
    assert set(marks) == {text}
    assert halo == highlight


def test_who_wants_no_motion_gets_none(page: Any, run: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    run()
    moving = page.evaluate("""() => [...document.querySelectorAll("*")].filter((e) => {
        const style = getComputedStyle(e);
        const lasts = (text) => text.split(",").some((part) => parseFloat(part) > 0);
        const turns = style.animationName !== "none" && lasts(style.animationDuration);
        return turns || lasts(style.transitionDuration);
    }).map((e) => e.outerHTML.slice(0, 100))""")
    assert moving == []
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("size", [(390, 844), (1024, 768)])
def test_on_a_coarse_pointer_what_is_pressed_is_large_enough(
    browser: Any, home: Any, served: Served, size: tuple[int, int]
) -> None:
    hand = Hand(open_store(), make_flow({"a": [], "b": ["a"]}), begun=time.time())
    hand.batch(hand.started("a"))
    hand.batch(hand.failed("a"))
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, has_touch=True)
    page = context.new_page()
    page.goto(served.link)
    page.wait_for_selector("a.run-row")
    pressed = "button:visible, a.button:visible, a.run-row:visible, [role=row]:visible"
    for found in page.locator(pressed).all():
        assert found.bounding_box()["height"] >= 44, found.evaluate("e => e.outerHTML")
    page.goto(f"{served.url}/runs/{hand.id}")
    page.wait_for_selector(plate("a"))
    page.click(row("a"))
    page.wait_for_selector(".inspector .sentence")
    assert page.evaluate("matchMedia('(pointer: coarse)').matches")
    for found in page.locator(pressed).all():
        assert found.bounding_box()["height"] >= 44, found.evaluate("e => e.outerHTML")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.parametrize("width", [320, 720, 768, 1024])
def test_nothing_is_out_of_sight_at_any_width_and_only_the_picture_scrolls_both_ways(
    page: Any, home: Any, served: Served, width: int
) -> None:
    names = [f"n{k}" for k in range(30)]
    run = Hand(open_store(), make_flow({n: [] for n in names}), begun=time.time() - 4000)
    run.batch(*(run.started(name) for name in names))
    run.batch(*(run.failed(name) for name in names[:4]))
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{served.url}/runs/{run.id}")
    page.locator(".summary .errors", has_text="4 errors").wait_for(state="attached")
    beyond = page.evaluate("""() => [...document.querySelectorAll(".head *, .summary *")]
        .filter((e) => e.getClientRects().length && e.getBoundingClientRect().right > innerWidth)
        .map((e) => e.outerHTML.slice(0, 80))""")
    assert beyond == []
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth") == width
    assert page.evaluate(f"{root}.scrollHeight <= {root}.clientHeight")


def test_on_paper_stands_what_is_shown_and_nothing_to_click(page: Any, run: Any) -> None:
    run()
    page.emulate_media(media="print")
    page.locator(".summary .actions").wait_for(state="hidden")
    assert page.locator(plate("end")).is_visible()
    assert page.locator(row("end")).is_visible()
    buttons = page.locator(".tools button, .chips button, .head button")
    assert not any(button.is_visible() for button in buttons.all())

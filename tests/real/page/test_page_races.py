"""What a hasty reader does: keys while it loads, two clicks, answers that overtake each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hand import Hand, make_flow
from pagekit import plate, row

from cloudmesh.flow.server.serve import Served
from cloudmesh.flow.store.opening import open_store

pytestmark = pytest.mark.real

CHAIN = {"a": [], "b": ["a"], "c": ["b"]}
MAP = {"split": [], "work": ["split"], "end": ["work"]}


def moments(page: Any) -> Iterator[None]:
    """One after the other for a minute; the driver tells of what has happened meanwhile."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        yield
        page.wait_for_timeout(20)
    pytest.fail("it did not happen within a minute")


class Held:
    """Requests that are kept on their way until they are let go."""

    def __init__(self, page: Any, pattern: str) -> None:
        self.routes: list[Any] = []
        self._page = page
        self._probe = pattern.replace("**", "/held").replace("*", "probe")
        self._holds = False
        page.route(pattern, self._hold)
        # What has been asked for is not in force at once: the first request may slip through.
        for _ in moments(page):
            if self._holds:
                break
            page.evaluate("(url) => void fetch(url).catch(() => null)", self._probe)

    def _hold(self, route: Any) -> None:
        if route.request.url.endswith(self._probe):
            self._holds = True
            route.abort()
        else:
            self.routes.append(route)

    def let_go(self, k: int = 0) -> None:
        """One of them, in any order; it has been answered when this returns."""
        self.some(k + 1)
        route = self.routes.pop(k)
        with self._page.expect_response(lambda found: found.request == route.request) as answer:
            route.continue_()
        answer.value.finished()

    def some(self, count: int) -> None:
        """Wait until so many are held."""
        for _ in moments(self._page):
            if len(self.routes) >= count:
                break


@pytest.fixture
def begin(home: Any, page: Any, served: Served) -> Callable[..., Hand]:
    """Begin a run, let things happen to it, and open its page."""
    store = open_store()

    def start(needs: dict[str, list[str]], run: str = "k7q2m9xd", **more: Any) -> Hand:
        hand = Hand(store, make_flow(needs, more.get("maps")), run, begun=time.time() - 30)
        more.get("first", lambda _hand: None)(hand)
        if more.get("open", True):
            page.goto(f"{served.url}/runs/{run}{more.get('query', '')}")
            page.wait_for_function("() => performance.getEntriesByName('picture').length")
        return hand

    return start


def at_seq(page: Any, seq: int) -> None:
    page.wait_for_selector(f'html[data-seq="{seq}"]', state="attached")


def failed(run: Hand) -> None:
    run.batch(run.started("a"))
    run.batch(run.failed("a"))
    run.batch(run.end("error"))


def test_a_key_that_is_pressed_before_the_run_is_there_is_not_lost(
    page: Any, served: Served, begin: Any
) -> None:
    begin(CHAIN, first=failed, open=False)
    states = Held(page, "**/state?*")
    page.goto(f"{served.url}/runs/k7q2m9xd", wait_until="commit")
    page.locator(".loading-words").wait_for()  # the page is at work, and waits for the run
    page.keyboard.press("e")
    for route in states.routes:
        route.continue_()
    page.unroute("**/state?*")
    page.locator(".inspector-name", has_text="a").wait_for()
    assert "node=a" in page.url


def test_two_quick_clicks_ask_one_question(page: Any, begin: Any) -> None:
    begin(CHAIN, first=lambda run: run.batch(run.started("a")))
    previews = Held(page, "**/preview?*")
    page.dblclick(".actions button")
    previews.some(1)
    previews.let_go()
    page.locator("dialog").wait_for()
    assert page.evaluate("document.querySelectorAll('dialog').length") == 1
    assert previews.routes == []


def test_a_question_that_gets_no_answer_says_so(page: Any, begin: Any) -> None:
    begin(CHAIN, first=failed)
    page.route("**/preview?*", lambda route: route.abort())
    page.click(".actions button")
    page.locator("dialog", has_text="The server does not answer.").wait_for()
    page.keyboard.press("Enter")
    page.locator("dialog").wait_for(state="detached")


def test_who_goes_back_to_live_at_once_is_there(page: Any, begin: Any) -> None:
    begin(CHAIN, first=lambda run: run.run_all("a", "b"))
    at_seq(page, 5)
    states = Held(page, "**/state?*")
    page.keyboard.press("[")
    states.some(1)
    page.keyboard.press("l")
    states.let_go()
    page.unroute("**/state?*")
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    at_seq(page, 5)
    assert not page.evaluate("document.documentElement.hasAttribute('data-past')")
    page.keyboard.press("[")  # and the next step leads back from there
    at_seq(page, 4)


def test_of_two_folds_the_last_one_counts_whichever_answer_comes_first(
    page: Any, begin: Any
) -> None:
    def happen(run: Hand) -> None:
        run.batch(run.started("split"))
        run.batch(run.finished("split", [1, 2, 3]))

    begin(MAP, maps={"work": "split"}, first=happen, query="?open=nothing")
    page.click(row("work"))
    page.wait_for_selector(f"{plate('work')}.selected")
    layouts = Held(page, "**/layout?*")
    page.keyboard.press(" ")  # opens
    page.keyboard.press(" ")  # folds again
    layouts.some(2)
    layouts.let_go(1)
    page.wait_for_selector(plate("work"))
    layouts.let_go(0)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert page.locator(".picture .cell").count() == 0
    page.route("**/layout?*", lambda route: route.abort())
    with page.expect_event("requestfailed", lambda found: "/layout?" in found.url):
        page.keyboard.press(" ")  # no answer: it stays as it is, and the next key opens it
    page.unroute("**/layout?*")
    page.keyboard.press(" ")
    page.wait_for_selector('.picture .cell[data-node="work[2]"]')


def test_what_is_told_of_a_node_is_what_was_asked_for_last(page: Any, begin: Any) -> None:
    run = begin({"a": []}, first=lambda run: run.batch(run.started("a")))
    documents = Held(page, "**/nodes/a")
    page.click(row("a"))
    documents.some(1)
    run.batch(run.finished("a", "the value"))
    documents.some(2)
    documents.let_go(1)
    page.locator(".inspector .value-string", has_text="the value").wait_for()
    stale = documents.routes.pop(0)
    with page.expect_response("**/nodes/a"):
        stale.fulfill(json={"name": "a", "status": "running", "attempt": 1, "result": None})
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert page.locator(".inspector .value-string").inner_text() == '"the value"'


def test_back_leads_to_the_moment_and_the_view_that_the_address_names(
    page: Any, begin: Any
) -> None:
    begin(CHAIN, first=lambda run: run.run_all("a", "b"), query="?node=b")
    page.locator(".inspector .facts a", has_text="a").click()
    page.locator(".inspector-name", has_text="a").wait_for()
    page.keyboard.press("[")
    at_seq(page, 4)
    page.keyboard.press("g")
    page.wait_for_selector(".gantt:visible")
    page.wait_for_url("**at=4*")
    page.go_back()
    at_seq(page, 5)
    page.wait_for_selector('[data-view=picture][aria-pressed="true"]')
    page.locator(".inspector-name", has_text="b").wait_for()
    page.go_forward()
    at_seq(page, 4)
    page.wait_for_selector('[data-view=gantt][aria-pressed="true"]')


def test_the_band_of_a_phone_names_the_element_as_soon_as_its_name_is_known(
    page: Any, begin: Any
) -> None:
    def happen(run: Hand) -> None:
        run.batch(run.started("split"))
        run.batch(run.finished("split", ["ast", "lib2to3"]))
        run.batch(run.started("work[1]"))
        run.batch(run.failed("work[1]"))

    page.set_viewport_size({"width": 390, "height": 844})
    captions = Held(page, "**/captions?*")
    begin(MAP, maps={"work": "split"}, first=happen)
    page.locator(".error-band b", has_text="work[1] failed").wait_for()
    captions.some(1)
    captions.let_go()
    page.locator(".error-band b", has_text="work[1] lib2to3 failed").wait_for()


def test_names_of_two_hundred_letters_stay_in_their_places(page: Any, begin: Any) -> None:
    long = "features_of_" + "x" * 188

    def happen(run: Hand) -> None:
        run.batch(run.started(long))
        run.batch(run.failed(long, message="مرحبا " * 60))

    begin({long: [], "b": [long]}, first=happen)
    outside = """(selector) => [...document.querySelectorAll(selector + " *")]
        .filter((e) => e.getClientRects().length)
        .filter((e) => e.getBoundingClientRect().right > 1
            + document.querySelector(selector).getBoundingClientRect().right)
        .map((e) => e.className || e.tagName)"""
    page.keyboard.press("/")
    page.keyboard.type("features")
    page.locator(".search-hits [role=option]").wait_for()
    assert page.evaluate(outside, ".search-hits") == []
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("e")
    page.locator(".gantt-card-head", has_text=long).wait_for()
    assert page.evaluate(outside, ".gantt-card-head") == []
    page.keyboard.press("Enter")
    page.locator(".inspector .sentence").wait_for()
    assert page.evaluate(outside, ".inspector-head") == []


def test_a_run_without_nodes_has_a_page_and_its_keys_lead_nowhere(page: Any, begin: Any) -> None:
    begin({})
    for key in ("ArrowRight", "ArrowDown", " ", "e", "x", "f", "g", "p"):
        page.keyboard.press(key)
    page.set_viewport_size({"width": 390, "height": 844})
    page.click('[data-tab="log"]')
    page.locator(".table-head h2", has_text="0 nodes").wait_for(state="attached")
    assert page.locator(".inspector").is_hidden()


def test_a_search_dims_the_rest_of_a_large_picture_too(page: Any, begin: Any) -> None:
    stages: dict[str, list[str]] = {}
    for k in range(90):
        stages |= {f"fetch_{k}": [], f"check_{k}": [f"fetch_{k}"]}
        stages |= {f"train_{k}": [f"check_{k}"], f"eval_{k}": [f"train_{k}"]}
    begin(stages)
    page.wait_for_selector('.picture[data-level="bars"]')
    ink = """[...document.querySelectorAll(".picture canvas")].map((c) => {
        const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        let sum = 0;
        for (let k = 3; k < d.length; k += 4) sum += d[k];
        return sum; })"""
    page.wait_for_function(f"() => {ink}[1] > 0")
    before = page.evaluate(f"() => {ink}[1]")
    page.keyboard.press("/")
    page.keyboard.type("train_7")
    page.wait_for_function(f"(before) => {ink}[1] < 0.6 * before", arg=before)
    page.keyboard.press("Escape")
    page.wait_for_function(f"(before) => {ink}[1] > 0.95 * before", arg=before)

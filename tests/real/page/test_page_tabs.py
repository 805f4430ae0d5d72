"""Tabs that show the same run share one stream, and each ends up as right as if it were alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hand import Hand, make_flow
from pagekit import NO_LONG_WAITS, plate, row

from cloudmesh.flow.server.serve import Served
from cloudmesh.flow.store.opening import open_store

pytestmark = pytest.mark.real

NAMES = [f"n{k}" for k in range(6)]
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
#: Without signs of life, and without missing them: what a busy machine delays changes nothing.
PATIENT = """{
    const every = window.setInterval;
    window.setInterval = (act, ms, ...more) => (ms === 1000 ? 0 : every(act, ms, ...more));
}"""
SILENT = "BroadcastChannel.prototype.postMessage = () => {};"
DEAF_TO_3 = """{
    const say = BroadcastChannel.prototype.postMessage;
    let lost = false;
    BroadcastChannel.prototype.postMessage = function (words) {
        if (words.seq === 3 && words.kind === "message" && !lost) lost = true;
        else say.call(this, words);
    };
}"""
NO_LOCKS = "delete Navigator.prototype.locks;"


class Tab:
    """A page on the run, and the streams that it asked the server for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.streams: list[str] = []
        page.on("request", lambda r: self.streams.append(r.url) if "/events?" in r.url else None)

    def at(self, seq: int) -> None:
        self.page.wait_for_selector(f'html[data-seq="{seq}"]', state="attached")

    def is_right(self, run: Hand, seq: int) -> None:
        """Whether all that the store holds is what the tab shows."""
        self.at(seq)
        for document in open_store().nodes(run.id):
            name, status = document["name"], document["status"]
            self.page.wait_for_selector(plate(name, status=status))
            self.page.wait_for_selector(row(name, status=status), state="attached")


@pytest.fixture
def run(home: Path, served: Served) -> Hand:
    return Hand(open_store(), make_flow({name: [] for name in NAMES}), begun=time.time())


@pytest.fixture
def tab(browser: Any, served: Served, run: Hand) -> Iterator[Callable[..., Tab]]:
    """Open a tab on the run, after scripts of its own; they all belong to one browser."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.new_page().goto(served.link)
    wrong: list[str] = []

    def open_tab(*scripts: str, offline: bool = False) -> Tab:
        tab = Tab(context.new_page())
        if offline:
            tab.page.route("**/events?*", lambda route: route.abort("internetdisconnected"))
        tab.page.on("pageerror", lambda error: wrong.append(str(error)))
        for script in scripts:
            tab.page.add_init_script(script)
        tab.page.goto(f"{served.url}/runs/{run.id}")
        tab.page.wait_for_selector(plate("n0"))
        return tab

    yield open_tab
    context.close()
    assert wrong == []


def first_event(run: Hand, *tabs: Tab) -> None:
    seq = run.batch(run.started("n0"))
    for tab in tabs:
        tab.at(seq)


def test_two_tabs_share_one_stream_until_the_end(run: Hand, tab: Any) -> None:
    one = tab(PATIENT)
    first_event(run, one)
    two = tab(PATIENT)
    run.batch(run.finished("n0", 1))
    two.at(3)  # it listens
    run.run_all(*NAMES[1:5])
    run.batch(run.started("n5"))
    before = run.batch(run.failed("n5"))
    for each in (one, two):
        each.is_right(run, before)
    assert (len(one.streams), len(two.streams)) == (1, 0)
    last = run.batch(run.end("error"))
    for each in (one, two):
        each.at(last)
        each.page.wait_for_selector('.summary[data-run-status="error"]')


def test_when_the_tab_with_the_stream_is_closed_another_goes_on_without_a_gap(
    run: Hand, tab: Any
) -> None:
    one, two = tab(PATIENT), tab(PATIENT)
    first_event(run, one, two)
    with two.page.expect_request("**/events?*") as asked:
        one.page.close()
        run.batch(run.finished("n0", 1))  # while nobody listens, perhaps
    assert asked.value.url.split("?")[1].startswith("after=2&")
    run.run_all("n1", "n2")
    two.is_right(run, run.batch(run.end()))
    assert len(two.streams) == 1  # until the end it is the only one


def test_a_hidden_tab_gives_the_stream_away_and_comes_back_as_a_listener(
    run: Hand, tab: Any
) -> None:
    one, two = tab(PATIENT), tab(PATIENT)
    first_event(run, one, two)
    with two.page.expect_request("**/events?*"):
        one.page.evaluate(HIDE, True)
    run.batch(run.finished("n0", 1))
    run.run_all("n1")
    two.at(5)
    assert one.page.evaluate("document.documentElement.dataset.seq") == "2"
    one.page.evaluate(HIDE, False)
    one.at(5)
    run.batch(run.started("n2"))
    one.at(6)  # it listens
    before = run.batch(run.finished("n2", 1))
    one.is_right(run, before)
    two.is_right(run, before)
    assert (len(one.streams), len(two.streams)) == (1, 1)
    last = run.batch(run.end())
    one.at(last)
    two.at(last)


@pytest.mark.slow
def test_a_tab_that_hears_nothing_opens_a_stream_of_its_own(run: Hand, tab: Any) -> None:
    one = tab(SILENT)
    first_event(run, one)
    two = tab()
    run.batch(run.finished("n0", 1))
    two.at(3)
    run.run_all("n1")
    last = run.batch(run.end())
    one.is_right(run, last)
    two.is_right(run, last)
    assert (len(one.streams), len(two.streams)) == (1, 1)


def test_a_message_that_got_lost_between_tabs_is_asked_for(run: Hand, tab: Any) -> None:
    one = tab(PATIENT, DEAF_TO_3)
    two = tab(PATIENT)
    first_event(run, one, two)
    run.batch(run.finished("n0", 1))
    one.at(3)
    run.run_all("n1")
    two.is_right(run, 5)
    assert (len(one.streams), len(two.streams)) == (1, 0)


def test_all_say_that_the_stream_is_lost_and_any_can_try_again(run: Hand, tab: Any) -> None:
    one = tab(PATIENT, NO_LONG_WAITS, offline=True)  # it is a click that connects again
    lost = "Not connected since"
    one.page.locator(".notice-band", has_text=lost).wait_for()
    two = tab(PATIENT)
    two.page.locator(".notice-band", has_text=lost).wait_for()
    one.page.unroute("**/events?*")
    run.batch(run.started("n0"))
    two.page.click(".notice-band button")  # “Try now”
    for each in (one, two):
        each.is_right(run, 2)
        each.page.locator(".notice-band").wait_for(state="hidden")
    assert len(two.streams) == 0


def test_without_locks_each_tab_has_its_own_stream(run: Hand, tab: Any) -> None:
    one, two = tab(NO_LOCKS), tab(NO_LOCKS)
    first_event(run, one, two)
    run.run_all("n1")
    last = run.batch(run.end())
    one.is_right(run, last)
    two.is_right(run, last)
    assert (len(one.streams), len(two.streams)) == (1, 1)

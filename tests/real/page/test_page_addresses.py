"""What stands in the address and in attributes, in unusual cases; what is spoken."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hand import Hand, make_flow
from pagekit import plate, row

from cloudmesh.flow.server.serve import Served
from cloudmesh.flow.store.opening import open_store

pytestmark = pytest.mark.real

MAP = {"split": [], "work": ["split"], "end": ["work"]}
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
SAID = "document.getElementById('announce').textContent"


def mapped(run: str = "k7q2m9xd") -> Hand:
    return Hand(open_store(), make_flow(MAP, {"work": "split"}), run, begun=time.time())


def split(run: Hand, *values: Any) -> None:
    run.batch(run.started("split"))
    run.batch(run.finished("split", list(values)))


def at_seq(page: Any, seq: int) -> None:
    page.wait_for_selector(f'html[data-seq="{seq}"]', state="attached")


def test_a_group_is_no_node_and_what_is_a_node_has_its_stored_status(
    page: Any, home: Path, served: Served
) -> None:
    names = [f"part{k}" for k in range(20)]
    run = Hand(open_store(), make_flow({"a": [], **{n: ["a"] for n in names}, "z": names}))
    run.run_all("a", "part0")
    run.batch(run.started("part1"))
    last = run.batch(run.failed("part1"))
    page.goto(f"{served.url}/runs/{run.id}")
    at_seq(page, last)
    stored = {d["name"]: d["status"] for d in open_store().nodes(run.id)}
    drawn = """() => [...document.querySelectorAll("[data-node]")]
        .map((e) => [e.dataset.node, e.dataset.status, Boolean(e.closest(".picture"))])"""
    folded = page.evaluate(drawn)
    assert {n for n, _, there in folded if there} == {"a", "z"}
    page.wait_for_selector('.picture [data-group="part0"][data-shown="error"]')
    page.click('.picture [data-group="part0"] .body')
    page.wait_for_selector(f"{row('part0')}.selected")
    page.locator(".picture").focus()
    page.keyboard.press(" ")
    page.wait_for_selector(plate("part19"))
    opened = page.evaluate(drawn)
    assert {n for n, _, there in opened if there} == set(stored)
    for name, status, _ in [*folded, *opened]:
        assert status == stored[name], name
    page.keyboard.press("Escape")
    page.locator(".search-input").fill("part7")
    page.wait_for_selector(f"{plate('part7')}.hit")
    assert page.locator('[data-group="part0"].hit').count() == 1
    assert page.locator(f"{plate('part8')}.hit").count() == 0


@pytest.mark.parametrize("address", ["?node=work[1]", "?node=work%5B1%5D&view=gantt&open=work"])
def test_a_selected_node_stays_in_the_address_that_led_to_it(
    page: Any, home: Path, served: Served, address: str
) -> None:
    run = mapped()
    split(run, "x", "y")
    page.goto(f"{served.url}/runs/{run.id}{address}")
    page.wait_for_selector('.summary[data-run-status="running"]')
    page.locator(".inspector-name", has_text="work[1]").wait_for(state="attached")
    page.wait_for_function("() => performance.getEntriesByName('picture').length")
    asked = parse_qs(urlsplit(page.url).query)
    assert asked["node"] == ["work[1]"]
    assert asked.get("view") == (["gantt"] if "gantt" in address else None)


@pytest.mark.parametrize("at", ["0", "abc", "999"])
def test_what_is_no_seq_shows_the_run_as_it_is(
    page: Any, home: Path, served: Served, at: str
) -> None:
    run = mapped()
    split(run, "x", "y")
    page.goto(f"{served.url}/runs/{run.id}?at={at}")
    at_seq(page, 3)
    page.wait_for_selector(plate("split", shown="finished"))


def test_an_address_with_half_an_escape_is_answered_in_words(page: Any, served: Served) -> None:
    page.goto(f"{served.url}/runs/%E0%A4%A")
    page.locator(".loading", has_text="There is no run %E0%A4%A.").wait_for()


def test_who_is_in_the_past_stays_there_when_the_tab_was_hidden(
    page: Any, home: Path, served: Served
) -> None:
    run = mapped()
    split(run, "x", "y")
    page.goto(f"{served.url}/runs/{run.id}?at=2")
    at_seq(page, 2)
    page.evaluate(HIDE, True)
    run.batch(run.started("work[0]"))
    page.evaluate(HIDE, False)
    page.locator(".notice-band", has_text="Live is 2 ahead.").wait_for()
    assert page.evaluate("document.documentElement.dataset.seq") == "2"
    assert page.locator(plate("split", shown="running")).count() == 1
    run.batch(run.finished("work[0]", 1))  # events go on arriving unseen
    page.locator(".notice-band", has_text="Live is 3 ahead.").wait_for()
    page.keyboard.press("l")
    at_seq(page, 5)
    page.wait_for_selector(plate("split", shown="finished"))


def test_the_table_says_what_it_does_not_know_yet(page: Any, home: Path, served: Served) -> None:
    run = mapped()
    page.goto(f"{served.url}/runs/{run.id}")
    head = page.locator(".table-head h2")
    head.get_by_text("2 nodes + 1 map", exact=True).wait_for()
    assert head.get_attribute("title") == "work: as many as split returns"
    assert "work × ?" in page.locator(row("work")).inner_text()
    page.locator(".picture .line", has_text="as many as split returns").wait_for()
    run = mapped("emptymap")
    page.goto(f"{served.url}/runs/{run.id}")
    split(run)
    head.get_by_text("2 nodes", exact=True).wait_for()
    page.locator(row("work"), has_text="work × 0").wait_for()
    run = mapped("threemap")
    page.goto(f"{served.url}/runs/{run.id}")
    split(run, 1, 2, 3)
    head.get_by_text("5 nodes", exact=True).wait_for()
    assert head.get_attribute("title") is None
    assert page.locator(".picture .line").text_content() == ""


def test_what_is_spoken_of_errors_groups_and_bands(page: Any, home: Path, served: Served) -> None:
    run = mapped()
    split(run, "ast", "lib2to3")
    page.goto(f"{served.url}/runs/{run.id}?open=nothing")
    page.wait_for_selector(plate("work"))
    assert page.locator("[aria-live], [role=status], [role=alert]").count() == 1
    page.locator(".picture").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => {SAID} === 'work, 2 nodes, 2 pending'")
    run.batch(run.started("work[1]"))
    run.batch(run.failed("work[1]", "SyntaxError", "invalid"))
    page.wait_for_function(f"() => {SAID} === 'error: work 1, lib2to3'")
    run.run_all("work[0]")
    page.wait_for_selector(row("end", shown="blocked"))
    page.keyboard.press("Space")
    page.wait_for_selector(plate("work[1]"))
    page.click(plate("work[0]"))
    page.locator(".picture").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => {SAID} === 'work 1, lib2to3, error, SyntaxError, blocks 1'")

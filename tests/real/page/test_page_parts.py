"""The parts of the page, over runs that are driven by hand: each test says what has happened."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hand import Hand, make_flow
from pagekit import NO_LONG_WAITS, plate, row

from cloudmesh.flow.server.projection import replay
from cloudmesh.flow.server.serve import Served, serve_in_thread
from cloudmesh.flow.store.opening import open_store

pytestmark = pytest.mark.real

DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
#: Detail follows 80 ms after the hand rests; what the page does then, it does in its own order.
RESTED = """() => new Promise((done) => setTimeout(
    () => requestAnimationFrame(() => requestAnimationFrame(done)), 160))"""


@pytest.fixture
def begin(home: Any, page: Any, served: Served) -> Callable[..., Hand]:
    """Begin a run and open its page."""
    store = open_store()

    def start(needs: dict[str, list[str]], run: str = "k7q2m9xd", **more: Any) -> Hand:
        import time

        hand = Hand(store, make_flow(needs, more.pop("maps", None)), run, begun=time.time())
        page.goto(f"{served.url}/runs/{run}{more.pop('query', '')}")
        page.wait_for_selector("[role=treegrid] [role=row]")
        return hand

    return start


def seq_of(page: Any) -> int:
    return int(page.evaluate("document.documentElement.dataset.seq"))


def wait_for_seq(page: Any, seq: int) -> None:
    page.wait_for_selector(f'html[data-seq="{seq}"]', state="attached")


def test_a_run_whose_engine_is_gone_says_what_is_kept_and_what_to_do(page: Any, begin: Any) -> None:
    run = begin(DIAMOND)
    run.run_all("a")
    run.batch(run.started("b"))
    page.wait_for_selector(plate("b", shown="running"))
    run.journal.close()
    page.wait_for_selector(plate("b", status="running", shown="lost"))
    page.wait_for_selector(row("b", status="running", shown="lost"))
    band = page.locator(".notice-band").inner_text()
    assert "The engine of this run is gone: no sign for" in band
    assert "1 of 4 results are kept." in band
    assert f"cms flow resume {run.id}" in band
    assert page.locator(".actions button").count() == 0  # nobody would read a cancel
    assert page.locator(".run-title").inner_text() == "Engine lost"


def test_the_past_is_shown_at_its_seq_and_l_returns(page: Any, begin: Any) -> None:
    run = begin(DIAMOND)
    run.run_all("a", "b")  # SEQ 2 to 5
    wait_for_seq(page, 5)
    page.keyboard.press("[")
    wait_for_seq(page, 4)
    page.wait_for_selector(plate("b", status="running"))
    page.keyboard.press("[")
    page.keyboard.press("[")
    wait_for_seq(page, 2)
    page.wait_for_selector(plate("b", status="pending"))
    assert "at=2" in page.url
    assert page.locator(".actions button").first.is_disabled()
    run.batch(run.started("c"))  # arrives unseen
    page.locator(".notice-band", has_text="Live is 4 ahead").wait_for()
    assert seq_of(page) == 2
    page.wait_for_selector(plate("c", status="pending"))
    page.keyboard.press("l")
    wait_for_seq(page, 6)
    page.wait_for_selector(plate("c", status="running"))
    page.locator(".notice-band").wait_for(state="hidden")


def test_the_picture_does_not_move_by_itself(page: Any, begin: Any) -> None:
    run = begin({"split": [], "work": ["split"], "end": ["work"]}, maps={"work": "split"})
    world = page.locator(".picture svg.canvas > g").last
    page.keyboard.press("-")  # where the reader has put it, not where it fits
    page.mouse.move(800, 300)
    at = world.get_attribute("transform")
    page.mouse.wheel(40, 30)
    moved = "([world, at]) => world.getAttribute('transform') !== at"
    page.wait_for_function(moved, arg=[world.element_handle(), at])
    page.evaluate(RESTED)
    before = world.get_attribute("transform")
    boxes = """() => [...document.querySelectorAll(".picture .plate .body, .picture .group .body")]
        .map((e) => { const { x, y, width, height } = e.getBoundingClientRect();
            return [x, y, width, height]; })"""
    places = page.evaluate(boxes)
    run.batch(run.started("split"))
    run.batch(run.finished("split", [1, 2, 3]))
    run.run_all("work[0]", "work[1]", "work[2]", "end")
    run.batch(run.end())
    page.wait_for_selector(plate("end", status="finished"))
    assert world.get_attribute("transform") == before
    assert page.evaluate(boxes) == places


def test_a_group_opens_where_it_was(page: Any, begin: Any) -> None:
    after = {f"after_{k}": ["work"] for k in range(6)}  # higher than it: it is in their middle
    needs = {"split": [], "work": ["split"], **after}
    run = begin(needs, maps={"work": "split"})
    run.batch(run.started("split"))
    run.batch(run.finished("split", list(range(30))))
    page.wait_for_selector(row("work"))
    page.click(row("work"))
    body = page.locator(plate("work") + " > .body")
    before = body.bounding_box()
    page.keyboard.press(" ")
    page.wait_for_selector('.cell[data-node="work[29]"]')
    after = page.locator(plate("work") + " > .body").bounding_box()
    assert (round(after["x"]), round(after["y"])) == (round(before["x"]), round(before["y"]))
    assert after["width"] > before["width"]
    assert "open=work" in page.url
    run.batch(run.started("work[7]"))
    run.batch(run.failed("work[7]"))
    page.wait_for_selector('.cell[data-node="work[7]"][data-status="error"]')
    page.keyboard.press("e")
    page.locator(".inspector-name", has_text="work[7]").wait_for()
    page.wait_for_selector('.cell.selected[data-node="work[7]"]')
    page.keyboard.press("ArrowRight")
    page.wait_for_selector('.cell.selected[data-node="work[8]"]')


def test_an_open_group_of_thousands_is_drawn_with_few_elements(page: Any, begin: Any) -> None:
    run = begin({"split": [], "work": ["split"]}, maps={"work": "split"})
    run.batch(run.started("split"))
    run.batch(run.finished("split", list(range(2_000))))
    page.wait_for_selector(row("work"))
    page.click(row("work"))
    page.keyboard.press(" ")
    page.locator(".crowd [data-shown=pending][d^=M]").wait_for()
    run.batch(run.started("work[1999]"))
    run.batch(run.failed("work[1999]"))
    page.locator(".crowd [data-shown=error][d^=M]").wait_for()
    assert page.locator(".picture svg *").count() < 300
    page.keyboard.press("e")
    page.locator(".inspector-name", has_text="work[1999]").wait_for()
    page.locator(".crowd-ring:not([visibility])").wait_for()
    page.keyboard.press("Escape")
    page.locator(".crowd-ring[visibility]").wait_for(state="attached")
    page.keyboard.press("f")
    cells = page.locator(".crowd [data-shown=pending]")
    cells.hover(position={"x": 3, "y": 3})  # once it stands still; its middle is a gap
    box = cells.bounding_box()
    step = box["width"] / (36 * 11 - 3)  # 36 cells of 9 and gaps of 2, without the outer edges
    page.mouse.click(box["x"] + 15.5 * step, box["y"] + 26.5 * step)  # the second of the third row
    page.locator(".inspector-name", has_text="work[73]").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("work[19")
    page.locator(".crowd .dim[d^=M]").first.wait_for()


def test_a_barrier_is_a_gate_and_says_how_far_it_is(page: Any, begin: Any) -> None:
    run = begin({n: [] for n in "abc"} | {n: ["a", "b", "c"] for n in "def"})
    for edge in ("a→", "b→", "c→", "→d", "→e", "→f"):
        page.wait_for_selector(f'[data-edge="{edge}"]', state="attached")
    gate = page.locator(".gate-count")
    assert gate.text_content() == "0 of 3"
    run.run_all("a", "b")
    page.locator(".gate-count", has_text="2 of 3").wait_for()
    run.batch(run.started("c"))
    run.batch(run.failed("c"))
    page.locator(".gate-count", has_text="blocked: 1 of 3 failed").wait_for()
    page.wait_for_selector('[data-edge="→d"][data-state="blocked"]', state="attached")


def test_the_gantt_has_the_rows_of_the_table(page: Any, begin: Any) -> None:
    run = begin(DIAMOND)
    run.run_all("a")
    run.batch(run.started("b"))
    run.batch(run.failed("b", retry_at=run.now + 60, reason="retry 2 at 12:00"))
    for where in (plate, row):
        page.wait_for_selector(where("b", status="pending", shown="waiting to retry"))
    page.locator(f"{plate('b')} .second", has_text="retry in").wait_for()
    run.batch(run.started("b", "retry 2 of 2 after ValueError"), seconds=3.0)
    page.wait_for_selector(plate("b", status="running"))
    page.keyboard.press("g")
    page.wait_for_selector(".gantt")
    assert "view=gantt" in page.url
    assert page.locator(".gantt-svg .gantt-bar.segment-error").count() == 1
    page.wait_for_selector(".gantt .gantt-bar.segment-running")
    page.click(row("b"))
    page.locator(".gantt-card", has_text="ValueError: no").wait_for()
    page.keyboard.press("p")
    page.wait_for_selector(plate("b"))


def test_search_finds_by_name_and_enter_goes_there(page: Any, begin: Any) -> None:
    begin({"prepare": [], "train_01": ["prepare"], "train_02": ["prepare"]})
    page.keyboard.press("/")
    page.keyboard.type("train_02")
    page.wait_for_selector(".search-hits [role=option]")
    page.keyboard.press("Enter")
    page.locator(".inspector-name", has_text="train_02").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("pars8")
    page.locator(".search-hits", has_text='No node is called "').wait_for()


def test_cancel_asks_first_and_the_safe_button_has_the_focus(page: Any, begin: Any) -> None:
    run = begin(DIAMOND)
    run.batch(run.started("a"))
    page.wait_for_selector(plate("a", status="running"))
    page.click(".actions button")
    dialog = page.locator("dialog")
    dialog.wait_for()
    assert "1 running node is ended and becomes error (Cancelled)" in dialog.inner_text()
    assert page.evaluate("document.activeElement.textContent") == "Keep running"
    page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    assert run.journal.requests() == []
    page.click(".actions button")
    page.click("dialog .danger")
    dialog.wait_for(state="detached")
    assert [r["kind"] for r in run.journal.requests()] == ["cancel"]


def test_a_lost_connection_is_told_and_what_was_missed_is_caught_up(
    page: Any, begin: Any, served: Served
) -> None:
    page.add_init_script(NO_LONG_WAITS)  # it is the button that connects, not a second attempt
    run = begin(DIAMOND)
    run.batch(run.started("a"))
    page.wait_for_selector(plate("a", status="running"))
    port = int(served.url.rsplit(":", 1)[1])
    served.stop()
    page.locator(".notice-band", has_text="Not connected since").wait_for()
    assert "This is the run at SEQ 2." in page.locator(".notice-band").inner_text()
    run.batch(run.finished("a", 1))
    run.run_all("b", "c")
    again = serve_in_thread(open_store(), port=port)
    page.click(".notice-band button")
    page.locator(".notice-band").wait_for(state="hidden")
    page.wait_for_selector(plate("c", status="finished"))
    wait_for_seq(page, 7)
    again.stop()


def test_a_hidden_tab_closes_its_stream_and_is_right_when_it_is_back(page: Any, begin: Any) -> None:
    run = begin(DIAMOND)
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    with page.expect_event("requestfailed", lambda request: "/events" in request.url):
        page.evaluate(hide, True)  # a browser allows six connections a host
    run.run_all("a", "b")
    assert seq_of(page) == 1
    page.evaluate(hide, False)
    page.wait_for_selector(plate("b", status="finished"))
    wait_for_seq(page, 5)
    run.run_all("c")
    page.wait_for_selector(plate("c", status="finished"))


def test_the_phone_has_one_column_a_band_and_a_sheet(
    browser: Any, page: Any, begin: Any, served: Served
) -> None:
    run = begin(DIAMOND)
    run.run_all("a")
    run.batch(run.started("b"))
    run.batch(run.failed("b", "OSError", "no space left"))
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    page.locator(".error-band", has_text="b failed").wait_for()
    a, d = (page.locator(plate(n)).bounding_box() for n in "ad")
    assert d["y"] > a["y"] + a["height"]  # the picture runs downwards
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.click(".error-band button")
    sheet = page.locator(".inspector")
    sheet.wait_for()
    assert sheet.bounding_box()["y"] == 250
    page.click(".inspector .close")
    sheet.wait_for(state="hidden")
    page.click('[data-tab="gantt"]')
    page.locator(".timeline").wait_for()
    page.click('[data-tab="nodes"]')
    page.locator(".picture").wait_for(state="hidden")
    for button in page.locator(".tabs button").all():
        assert button.bounding_box()["height"] >= 44


def test_dark_follows_the_system_and_keys_override_it(page: Any, begin: Any) -> None:
    begin({"a": []})
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(246, 247, 249)"
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector('html[data-theme="dark"]', state="attached")
    assert page.evaluate(ground) == "rgb(14, 17, 22)"
    page.keyboard.press("?")
    page.click("dialog .chip >> text=Light")
    page.wait_for_selector('html[data-theme="light"]', state="attached")


def test_a_thousand_nodes_are_bars_and_the_table_is_complete(page: Any, begin: Any) -> None:
    needs: dict[str, list[str]] = {}
    for k in range(250):
        needs |= {f"fetch_{k}": [], f"check_{k}": [f"fetch_{k}"]}
        needs |= {f"train_{k}": [f"check_{k}"], f"eval_{k}": [f"train_{k}"]}
    run = begin(needs)
    page.wait_for_selector('.picture[data-level="bars"]')
    run.batch(run.started("fetch_7"))
    run.batch(run.failed("fetch_7"))
    page.wait_for_selector(row("fetch_7", status="error"))
    assert page.locator(".table-head h2").inner_text() == "1,000 nodes"
    counted = page.locator(".row.crowd .cell-caption").all_inner_texts()
    assert counted == ["3 blocked", "996 pending"] or sorted(counted) == ["996 pending"]
    page.keyboard.press("e")
    page.locator(".inspector-name", has_text="fetch_7").wait_for()
    page.keyboard.press("0")  # 100 %: plates again, and the selected one in sight
    page.wait_for_selector(plate("fetch_7", status="error"))


def test_the_table_is_walked_by_keys_and_says_where_it_is(page: Any, begin: Any) -> None:
    begin(DIAMOND)
    page.locator("[role=treegrid]").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    focused = "document.activeElement.getAttribute"
    assert page.evaluate(f"{focused}('data-node')") == "b"
    assert page.evaluate(f"{focused}('aria-rowindex')") == "2"
    assert page.locator("[role=treegrid]").get_attribute("aria-rowcount") == "4"
    page.locator(".inspector-name", has_text="b").wait_for()


# -- never wrong -------------------------------------------------------------------
def random_run(begin: Any, seed: int) -> Hand:
    """A random graph, and random things that happen in it, as an engine would record them."""
    dice = random.Random(seed)
    names = [f"n{k}" for k in range(dice.randint(2, 12))]
    needs = {n: dice.sample(names[:k], dice.randint(0, min(k, 3))) for k, n in enumerate(names)}
    maps = {}
    if dice.random() < 0.6:
        names.append("each")
        needs["each"], maps["each"] = [names[0]], names[0]
    hand: Hand = begin(needs, run=f"r{seed:07d}", maps=maps)
    run = hand.run
    for _ in range(dice.randint(5, 60)):
        ready = [
            i
            for i in run.nodes()
            if run.status[i] == 0
            and i not in run.maps
            and not run.waiting[i]
            and i not in run.blocked
        ]
        going = [i for i in run.nodes() if run.status[i] == 1 and i not in run.maps]
        if going and (not ready or dice.random() < 0.6):
            name = run.names[dice.choice(going)]
            luck = dice.random()
            if luck < 0.2:
                hand.batch(hand.progress(name, dice.randint(0, 100)))
            elif luck < 0.35:
                hand.batch(hand.failed(name))
            elif luck < 0.45:
                hand.batch(hand.failed(name, retry_at=hand.now + 9, reason="retry 2 at 12:00"))
            else:
                result = list(range(dice.randint(0, 5))) if name == names[0] else 1
                hand.batch(hand.finished(name, result, look={"color": "teal"}))
        elif ready:
            hand.batch(hand.started(run.names[dice.choice(ready)]))
        else:
            break
    if dice.random() < 0.5:
        going = [run.names[i] for i in run.nodes() if run.status[i] == 1 and i not in run.maps]
        if dice.random() < 0.5:
            hand.batch(*(hand.reset(n) for n in going), hand.end("interrupted"))
        else:
            gone = [hand.failed(n, "Cancelled", "cancelled") for n in going]
            hand.batch(*gone, hand.end("cancelled"))
    return hand


def equals_the_store(page: Any, hand: Hand) -> None:
    """What the page shows after the last event is what the store holds."""
    batches = hand.store.batches(hand.id)
    wait_for_seq(page, batches[-1].seq)
    projection = replay(batches)
    assert projection is not None
    words = {projection.run.names[i]: projection.shown(i) for i in projection.numbers()}
    read = """() => Object.fromEntries([...document.querySelectorAll(".picture [data-node]")]
        .map((e) => [e.dataset.node, [e.dataset.status, e.dataset.shown]]))"""
    shown = page.evaluate(read)
    table = page.evaluate(read.replace(".picture [data-node]", ".row[data-node]"))
    documents = {d["name"]: d for d in hand.store.nodes(hand.id)}
    assert set(documents) == set(words)
    for name, document in documents.items():
        if "[" not in name:
            assert name in shown
        for place in (shown, table):
            if name in place:
                status, word = place[name]
                assert status == document["status"], name
                if (
                    name not in projection.flow.index
                    or not projection.flow.nodes[projection.flow.index[name]].mapped
                ):
                    assert word == words[name], name
    counts = {k: v for k, v in hand.store.run(hand.id)["counts"].items() if v}
    legend = page.locator(".legend b").all_inner_texts()
    assert sum(int(n) for n in legend) == sum(counts.values())


@pytest.mark.parametrize("seed", range(8))
def test_the_page_after_the_last_event_equals_the_store(page: Any, begin: Any, seed: int) -> None:
    equals_the_store(page, random_run(begin, seed))


@pytest.mark.slow
def test_a_hundred_random_runs(page: Any, begin: Any) -> None:
    for seed in range(100, 200):
        equals_the_store(page, random_run(begin, seed))


@pytest.mark.parametrize("where", ["table", "picture"])
def test_what_is_chosen_is_not_behind_the_inspector(page: Any, begin: Any, where: str) -> None:
    names = [f"n{k}" for k in range(6)]
    needs = {name: names[k - 1 : k] if k else [] for k, name in enumerate(names)}
    begin(needs)
    last = page.locator(plate("n5"))
    before = last.bounding_box()
    page.click(row("n5") if where == "table" else plate("n5"))
    inspector = page.locator(".inspector")
    inspector.wait_for()
    edge = inspector.bounding_box()["x"]
    assert before["x"] + before["width"] > edge  # it would be
    page.wait_for_function(
        "([plate, edge]) => document.querySelector(plate).getBoundingClientRect().right <= edge",
        arg=[plate("n5"), edge],
    )

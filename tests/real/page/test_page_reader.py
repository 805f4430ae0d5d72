"""What a reader does with a run: walks its errors, reads a value, looks back, chooses, listens."""

from __future__ import annotations

import base64
import struct
import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from hand import Hand, make_flow
from pagekit import NO_LONG_WAITS, plate, row

from cloudmesh.flow.model.flow import Look, Parameter, Task
from cloudmesh.flow.server.serve import Served
from cloudmesh.flow.store.opening import open_store

pytestmark = pytest.mark.real

PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
EVIL = "<svg onload=\"document.title='broken'\"><script>document.title='broken'</script></svg>"


#: The level of detail, once what is shown of a node is as it is to be at this scale.
READABLE = """(name) => {
    const world = [...document.querySelectorAll(".picture svg.canvas > g")].pop();
    const scale = Number(/scale\\(\\S+ ([^)]+)\\)/.exec(world.getAttribute("transform"))[1]);
    const level = scale >= 0.6 ? "full" : scale < 0.3 ? "bars" : "names";
    if (document.querySelector(".picture").dataset.level !== level) return false;
    if (level === "bars") return level;
    const sizes = [...document.querySelectorAll(".picture svg.canvas text")].filter((e) =>
        getComputedStyle(e).visibility === "visible" && e.textContent)
        .map((e) => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a);
    const second = document.querySelector(`.plate[data-node="${name}"] .second`);
    const left = second.getAttribute("visibility") === "hidden";
    return Math.min(...sizes) >= 10.9 && left === (level === "names") && level;
}"""


@pytest.fixture
def begin(home: Any, page: Any, served: Served) -> Callable[..., Hand]:
    """Begin a run, let things happen to it, and open its page."""
    store = open_store()

    def start(needs: dict[str, list[str]], *, run: str = "k7q2m9xd", **more: Any) -> Hand:
        flow = make_flow(needs, more.get("maps"), more.get("tasks"))
        hand = Hand(store, flow, run, begun=time.time() - 30)
        more.get("first", lambda _hand: None)(hand)
        page.goto(f"{served.url}/runs/{run}{more.get('query', '')}")
        page.wait_for_selector("[role=treegrid] [role=row]")
        return hand

    return start


def name_shown(page: Any, name: str) -> None:
    page.wait_for_function(
        "name => document.querySelector('.inspector-name').textContent === name", arg=name
    )


def test_errors_are_walked_as_they_happened_and_what_they_block_is_told(
    page: Any, begin: Any
) -> None:
    def happen(run: Hand) -> None:
        for name in ("c", "a", "b"):
            run.batch(run.started(name))
            run.batch(run.failed(name, message=f"{name} is wrong"))

    run = begin({"a": [], "b": [], "c": [], "d": ["c"], "e": ["d"], "f": []}, first=happen)
    page.keyboard.press("Shift+E")
    name_shown(page, "b")  # the last
    page.keyboard.press("Escape")
    assert page.locator(".errors").inner_text().split() == ["3", "errors", "E"]
    for key, name in (
        ("e", "c"),
        ("e", "a"),
        ("e", "b"),
        ("e", "c"),
        ("Shift+E", "b"),
        ("Shift+E", "a"),
    ):
        page.keyboard.press(key)
        name_shown(page, name)
        page.locator(".sentence", has_text=f"{name} is wrong").wait_for()
    page.keyboard.press("Shift+E")
    page.locator(".position", has_text="1 of 3").wait_for()
    facts = page.locator(".facts").inner_text().split("\n")
    assert facts[facts.index("Blocks") + 1] == "d, e"
    page.click('.facts a:has-text("e")')
    name_shown(page, "e")
    assert page.evaluate("history.length") > 1
    page.go_back()  # following a link is a step of its own
    name_shown(page, "c")
    run.batch(run.started("f"))
    run.batch(run.failed("f"))
    page.click(row("f", shown="error"))
    page.locator(".position", has_text="4 of 4").wait_for()


def test_retry_and_resume_show_first_what_will_run(page: Any, begin: Any, served: Served) -> None:
    def fail(run: Hand) -> None:
        run.run_all("a")
        run.batch(run.started("b"))
        run.batch(run.failed("b"))
        run.batch(run.end("error"))

    begin({"a": [], "b": ["a"], "c": ["b"]}, first=fail)
    page.keyboard.press("e")
    page.click("text=Retry from here")
    page.locator("dialog", has_text="2 nodes will run: b, c. 1 result is kept.").wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Not now"
    page.keyboard.press("Enter")
    page.locator("dialog").wait_for(state="detached")

    def leave(run: Hand) -> None:
        run.run_all("a")
        run.batch(run.started("b"))
        run.journal.close()

    begin({"a": [], "b": ["a"], "c": ["b"]}, first=leave, run="lost0000")
    page.click("text=Resume…")
    will = "1 result is kept. 1 node will run again, 1 have not run yet."
    page.locator("dialog", has_text=will).wait_for()
    assert page.evaluate("document.activeElement.textContent") == "Not now"


def test_rows_do_not_move_under_the_pointer(page: Any, begin: Any) -> None:
    run = begin({"a": [], "b": [], "c": []})
    order = "[...document.querySelectorAll('.grid .row')].sort((x, y) => x.ariaRowIndex"
    order += " - y.ariaRowIndex).map((r) => r.dataset.node).join('')"
    page.hover(row("a"))
    run.batch(run.started("c"))
    run.batch(run.failed("c"))
    page.locator(".moved", has_text="3 rows moved. Update").wait_for()
    assert page.evaluate(order) == "abc"
    page.click(".moved")
    page.wait_for_function(f"() => {order} === 'cab'")
    page.mouse.move(900, 300)
    run.batch(run.started("b"))
    page.wait_for_function(f"() => {order} === 'cba'")  # by itself, where nobody points


def test_the_inside_of_a_ring_is_the_users_until_a_node_needs_somebody(
    page: Any, begin: Any
) -> None:
    look = Look(color="#1e9e3e", shape="star", label="a = 10")
    run = begin({"a": [], "b": []}, tasks={"a": Task(look=look), "b": Task(look=look)})
    core, chip = f"{plate('a')} .core", f"{plate('a')} .user-chip"
    run.run_all("a")
    page.wait_for_selector(plate("a", shown="finished"))
    assert page.locator(core).get_attribute("href") == "#shape-circle"  # no such shape
    assert page.locator(core).get_attribute("fill") == "#1e9e3e"
    assert page.locator(chip).get_attribute("visibility") == "hidden"
    assert page.locator(f"{plate('a')} .name").text_content() == "a = 10"
    page.click(row("a"))
    page.locator(".facts", has_text="(no such shape: a circle)").wait_for()
    run.batch(run.started("b"))
    run.batch(run.failed("b"))
    page.wait_for_selector(plate("b", shown="error"))
    assert page.locator(core.replace('"a"', '"b"')).get_attribute("visibility") == "hidden"
    assert page.locator(chip.replace('"a"', '"b"')).get_attribute("fill") == "#1e9e3e"


def test_the_tab_says_how_it_ended_while_nobody_looked(page: Any, begin: Any) -> None:
    run = begin({"a": [], "b": []})
    icon = "document.getElementById('favicon').href.split('/').pop()"
    assert (page.title(), page.evaluate(icon)) == ("test", "favicon-running.svg")
    run.run_all("a")
    run.batch(run.started("b"))
    run.batch(run.failed("b"))
    run.batch(run.end("error"))
    page.wait_for_function("() => document.title === '✕ 1 error · test'")
    assert page.evaluate(icon) == "favicon-error.svg"


def test_a_click_on_the_time_line_and_the_brackets_look_back(page: Any, begin: Any) -> None:
    names = [f"n{k}" for k in range(10)]
    begin({name: [] for name in names}, first=lambda run: run.run_all(*names))  # SEQ 1 to 21
    page.wait_for_selector("html[data-seq='21']", state="attached")
    page.locator(".timeline-bar").first.wait_for(state="attached")
    page.keyboard.press("{")  # Shift: ten
    page.wait_for_selector("html[data-seq='11']", state="attached")
    page.keyboard.press("]")
    page.wait_for_selector("html[data-seq='12']", state="attached")
    assert page.locator(".live").inner_text().split() == ["Back", "to", "live", "L"]
    box = page.locator(".timeline-track").bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + 20)
    page.wait_for_selector("html[data-seq='2']", state="attached")  # two at the first moment
    assert page.locator(".picture [data-status=pending]").count() == 9
    box = page.locator(".timeline-track").bounding_box()  # wider: “SEQ 2” is short
    page.mouse.click(box["x"] + box["width"] - 1, box["y"] + 20)
    page.wait_for_selector("html[data-seq='21']", state="attached")
    assert not page.evaluate("document.documentElement.hasAttribute('data-past')")


def test_what_cannot_be_read_is_left_out_not_shrunk(page: Any, begin: Any) -> None:
    long = "features_of_region_north_"
    needs: dict[str, list[str]] = {f"{long}{k}": [] for k in range(16)}
    edge = {f"end_{k}": Task(parameters=(Parameter(f"{long}{k}"),)) for k in range(16)}
    begin(needs | {f"end_{k}": [f"{long}{k}"] for k in range(16)}, tasks=edge)
    page.keyboard.press("0")
    seen = set()
    for key in "------0":
        page.keyboard.press(key)
        # 80 ms after the hand rests all is as large as it can be read, or left out.
        seen.add(page.wait_for_function(READABLE, arg=f"{long}0").json_value())
    assert seen >= {"full", "names"}
    name = page.locator(f"{plate(long + '0')} .name").text_content()
    assert "…" in name
    assert name.endswith("_0")  # names differ at their ends
    assert page.locator(".tip").is_hidden()
    page.hover(plate(long + "8"))
    page.locator(".tip", has_text=f"{long}8").wait_for()  # the name in full
    page.mouse.move(5, 5)
    page.locator(".tip").wait_for(state="hidden")


def test_a_selection_is_one_for_table_picture_edges_and_address(page: Any, begin: Any) -> None:
    begin({"a": [], "b": ["a"], "c": ["b"], "d": ["a"]})
    page.click(plate("b"))
    page.wait_for_selector(row("b") + ".selected")
    edges = "[...document.querySelectorAll('.edge.selected')].map((e) => e.dataset.edge).sort()"
    assert page.evaluate(edges) == ["a→b", "b→c"]
    assert page.url.endswith("?node=b")
    page.keyboard.press("ArrowRight")
    name_shown(page, "c")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    name_shown(page, "a")
    page.keyboard.press("Escape")
    page.locator(".inspector").wait_for(state="hidden")
    assert page.url.endswith("/runs/k7q2m9xd")


def test_values_are_shown_as_text_and_only_pictures_as_pictures(page: Any, begin: Any) -> None:
    def happen(run: Hand) -> None:
        run.batch(*(run.started(name) for name in "abcd"))
        run.batch(run.finished("a", EVIL), run.finished("b", {"rows": [1, 2], "deep": {"x": [9]}}))
        run.batch(run.finished("c", {"$type": "bytes", "value": PIXEL, "text": "PNG"}))
        run.batch(run.finished("d", {"$type": "DataFrame", "text": "1,789 × 4"}))

    begin({name: [] for name in "abcd"}, first=happen)
    page.click(row("a"))
    page.locator(".value-string", has_text="<svg onload=").wait_for()
    assert page.title() == "test"
    assert page.locator(".inspector script, .inspector .part svg svg").count() == 0
    page.click(row("b"))
    page.locator(".value .value-number", has_text="2").wait_for()
    page.click(row("d"))
    page.locator(".part", has_text="DataFrame. Not shown: it is not JSON.").wait_for()
    assert page.locator(".part a[download]").get_attribute("href").endswith("/nodes/d/result")
    answer = page.request.get(page.url.split("/runs/")[0] + "/api/runs/k7q2m9xd/nodes/a/result")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_errors_are_said_at_once_and_many_as_a_number(page: Any, begin: Any) -> None:
    page.add_init_script(NO_LONG_WAITS)  # what is said later is not said
    names = [f"n{k}" for k in range(8)]
    run = begin({name: [] for name in names})
    said = "document.getElementById('announce').textContent"
    run.batch(*(run.started(name) for name in names))
    run.batch(run.failed("n0"))
    page.wait_for_function(f"() => {said} === 'error: n0'")
    run.batch(*(run.failed(name) for name in names[1:6]))
    page.wait_for_function(f"() => {said} === '5 more errors'")
    run.batch(run.end("error"))
    page.wait_for_function(f"() => {said} === 'The run has ended: error.'")


def test_keys_do_what_the_list_says_and_are_off_where_one_writes(page: Any, begin: Any) -> None:
    begin({"a": [], "b": ["a"]})
    page.keyboard.press("d")
    page.locator(".strip").wait_for(state="hidden")
    page.keyboard.press("d")
    page.locator(".strip").wait_for()
    page.keyboard.press("t")
    page.wait_for_selector(".wide-table")
    assert page.locator(f"{row('b')} .cell-needs").inner_text() == "a"
    page.click(f"{row('b')} .cell-needs a")
    name_shown(page, "a")
    page.keyboard.press("i")
    assert page.evaluate("document.activeElement.id") == "inspector"
    page.keyboard.press("/")
    page.keyboard.type("dt")  # letters, not keys
    assert page.locator(".strip").is_visible()
    assert page.locator(".wide-table").count() == 1
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.click("#single-keys")
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    assert page.locator(".strip").is_visible()  # single letters are off
    page.keyboard.press("?")
    assert page.locator("dialog").is_visible()


def test_the_log_follows_its_end_only_while_the_reader_is_there(page: Any, begin: Any) -> None:
    def happen(run: Hand) -> None:
        run.batch(run.started("a"))
        run.journal.write_log("a", 1, "stdout", "".join(f"line {k}\n" for k in range(300)))

    run = begin({"a": []}, first=happen)
    page.click(row("a"))
    page.locator(".log", has_text="line 299").wait_for()
    assert "line 99\n" not in page.locator(".log").inner_text()  # the last 200
    assert "the last 200 of 300 lines" in page.locator(".inspector").inner_text()
    top = "document.querySelector('.log').scrollTop"
    assert page.evaluate(top) > 100
    page.evaluate(f"{top} = 0")
    run.journal.write_log("a", 1, "stdout", "more\n" * 12)
    page.locator(".log-more", has_text="↓ 12 new lines").wait_for()
    assert page.evaluate(top) == 0
    page.click(".log-more")
    page.locator(".log-more").wait_for(state="hidden")
    assert page.evaluate(top) > 100


def test_at_most_three_cards_say_what_needs_somebody_until_one_is_done_with_them(
    page: Any, home: Any, served: Served
) -> None:
    page.goto(served.url)
    page.locator(
        ".flow-list", has_text="No flows yet. Run one: cms flow run FILE --view"
    ).wait_for()
    store = open_store()
    for k in range(5):
        run = Hand(store, make_flow({"a": []}), f"r{k:07}", begun=time.time() - 100 + k)
        run.batch(run.started("a"))
        run.batch(run.failed("a"))
        run.batch(run.end("error"))
        run.journal.close()
    page.locator(".more-cards", has_text="and 2 more").wait_for()
    assert page.locator(".card").count() == 3
    first = page.locator(".card .card-words").first
    assert first.get_attribute("href") == "/runs/r0000004"  # the newest first
    page.click('[aria-label="Done with r0000004"]')
    page.locator(".more-cards", has_text="and 1 more").wait_for()
    page.reload()
    page.locator(".more-cards", has_text="and 1 more").wait_for()  # kept in this browser
    assert page.locator('.card a[href="/runs/r0000004"]').count() == 0
    page.locator(".chip", has_text="Needs you 4").click()
    assert page.locator("a.run-row").count() == 4
    with page.expect_event("response", lambda found: "r0000002/layout" in found.url):
        page.hover('a.run-row[data-run="r0000002"]')  # who points at it is about to open it


def test_who_is_far_behind_is_told_and_loads_the_run_as_it_is(
    page: Any, begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloudmesh.flow.server import stream

    monkeypatch.setattr(stream, "BEHIND_MAX", 3)
    monkeypatch.setattr(stream, "KEPT_BYTES", 10)
    page.route("**/events*", lambda route: route.abort("internetdisconnected"))
    run = begin({"a": [], "b": ["a"], "c": ["b"], "d": ["c"]})
    page.locator(".notice-band", has_text="Not connected since").wait_for()
    run.run_all(*"abcd")
    held: list[Any] = []
    page.route("**/state?*", lambda route: held.append(route))
    page.unroute("**/events*")
    page.evaluate("dispatchEvent(new Event('online'))")
    page.locator(".notice-band", has_text="8 events behind. Loading the run as it is").wait_for()
    assert page.evaluate("document.documentElement.dataset.seq") == "1"
    held[0].continue_()
    page.wait_for_selector("html[data-seq='9']", state="attached")
    page.locator(".notice-band").wait_for(state="hidden")
    page.wait_for_selector(plate("d", shown="finished"))


def test_where_a_node_ran_and_how_long_it_waited_for_that_is_told(page: Any, begin: Any) -> None:
    def happen(run: Hand) -> None:
        run.batch(run.started("a", where="lab"), seconds=12.0)
        run.batch(run.finished("a", 1, where="lab-02", waited=7.9), seconds=3.0)
        run.batch(run.started("b"))

    begin({"a": [], "b": ["a"]}, tasks={"a": Task(on="lab")}, first=happen, query="?node=a")
    facts = page.locator(".facts", has_text="lab-02 · waited 7.9 s for a machine")
    facts.wait_for()
    page.keyboard.press("t")
    assert page.locator(f"{row('a')} .cell-where").inner_text() == "lab-02 · waited 7.9 s"
    page.click(row("b"))
    page.locator(".facts", has_text="local · waited 3.0 s for a slot").wait_for()
    page.keyboard.press("t")
    page.keyboard.press("g")
    page.locator(".gantt-svg .gantt-wait").nth(1).wait_for(state="attached")
    waited, ran = (
        page.locator(f".gantt-svg .{name}").first for name in ("gantt-wait", "gantt-bar")
    )
    assert waited.bounding_box()["width"] > 1.5 * ran.bounding_box()["width"] > 10


def test_the_picture_is_saved_as_svg_and_as_png(page: Any, begin: Any) -> None:
    def happen(run: Hand) -> None:
        run.batch(run.started("split"))
        run.batch(run.finished("split", ["x", "y", "z"]))

    needs = {"split": [], "work": ["split"], "end": ["work"]}
    begin(needs, maps={"work": "split"}, first=happen)
    page.wait_for_selector(".cell")  # the map is open
    files = {}
    for kind in ("SVG", "PNG"):
        page.keyboard.press("s")
        with page.expect_download() as found:
            page.click(f"dialog button:text-is('{kind}')")
        assert found.value.suggested_filename == f"k7q2m9xd.{kind.lower()}"
        with open(found.value.path(), "rb") as file:
            files[kind] = file.read()
        page.locator("dialog").wait_for(state="detached")
    assert b"<title>work[2]</title>" in files["SVG"]
    assert files["PNG"].startswith(b"\x89PNG")
    root = ElementTree.fromstring(files["SVG"])
    sides = tuple(round(2 * float(root.get(side, "0"))) for side in ("width", "height"))
    assert struct.unpack(">II", files["PNG"][16:24]) == sides


def test_the_longest_way_is_what_the_run_waited_for(page: Any, begin: Any) -> None:
    def happen(run: Hand) -> None:
        run.batch(run.started("split"), seconds=2)
        run.batch(run.finished("split", [1, 2, 3]))
        run.batch(*(run.started(f"work[{k}]") for k in range(3)), run.started("aside"))
        for k, seconds in ((0, 1), (2, 1), (1, 5)):
            run.batch(run.finished(f"work[{k}]", k), seconds=seconds)
        run.batch(run.finished("aside", 1))
        run.run_all("end")
        run.batch(run.end())

    needs = {"split": [], "work": ["split"], "aside": ["split"], "end": ["work"], "loose": []}
    begin(needs, maps={"work": "split"}, first=happen)
    page.keyboard.press("x")
    page.locator(".notice-band", has_text="The longest way: 3 nodes").wait_for()
    words = page.locator(".notice-band p").inner_text()
    assert "work × 3" in words
    assert [part.split()[0] for part in words.split(". ")[1].split(" → ")] == [
        "split",
        "work",
        "end",
    ]
    marked = """() => [...document.querySelectorAll(".picture .on-way")]
        .map((e) => e.dataset.node || e.dataset.edge).sort()"""
    assert page.evaluate(marked) == ["end", "split", "split→work", "work", "work→end"]
    page.keyboard.press("x")
    page.locator(".notice-band").wait_for(state="hidden")
    assert page.evaluate(marked) == []


def test_what_is_pressed_while_the_page_still_loads_is_done_when_it_can_be(
    page: Any, begin: Any
) -> None:
    held: list[Any] = []
    page.route("**/layout*", lambda route: held.append(route))
    begin({"a": [], "b": ["a"]}, first=lambda run: run.run_all("a", "b"))
    page.keyboard.press("x")
    page.click("[data-view=gantt]")
    for route in held:
        route.continue_()
    page.locator(".notice-band", has_text="The longest way: 2 nodes").wait_for()
    assert page.get_attribute("[data-view=gantt]", "aria-pressed") == "true"
    page.wait_for_selector(".gantt:visible")


def test_a_corner_shows_where_one_is_in_a_large_picture(page: Any, begin: Any) -> None:
    def happen(run: Hand) -> None:
        run.batch(run.started("b29"))
        run.batch(run.failed("b29"))

    needs: dict[str, list[str]] = {f"a{k}": [] for k in range(30)}
    begin(needs | {f"b{k}": [f"a{k}"] for k in range(30)} | {"b29": []}, first=happen)
    page.keyboard.press("f")
    page.locator(".minimap").wait_for(state="hidden")  # all is in sight
    page.keyboard.press("0")
    page.locator(".minimap").wait_for()
    box = page.locator(".minimap canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 2)
    page.wait_for_selector(plate("b29", shown="error"))
    inside, frame = (
        page.locator(plate("b29")).bounding_box(),
        page.locator(".picture").bounding_box(),
    )
    assert frame["y"] < inside["y"] < frame["y"] + frame["height"]
    here = page.locator(".minimap-frame").bounding_box()
    assert here["y"] > box["y"] + box["height"] / 2
    red = """() => { const c = document.querySelector(".minimap canvas");
        const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        for (let k = 0; k < d.length; k += 4) if (d[k] === 181 && d[k + 1] === 16) return true;
        return false; }"""
    assert page.evaluate(red)  # an error is seen from everywhere


def test_a_storm_of_errors_and_a_crowd_that_runs_do_not_flicker(page: Any, begin: Any) -> None:
    names = [f"n{k}" for k in range(70)]
    needs: dict[str, list[str]] = {name: [] for name in names}
    run = begin(needs | {f"end_{name}": [name] for name in names})
    page.keyboard.press("0")
    page.wait_for_selector('.picture[data-level="full"]')
    turning = """() => [...document.querySelectorAll(".plate .turns")]
        .filter((e) => getComputedStyle(e).animationName !== "none").length"""
    run.batch(*(run.started(name) for name in names[:50]))
    page.wait_for_selector(".plate .turns")
    assert page.evaluate(turning) > 0
    run.batch(*(run.started(name) for name in names[50:]))
    page.wait_for_selector(".many-run .plate .turns")
    assert page.evaluate(turning) == 0
    run.batch(*(run.failed(name) for name in names))
    page.wait_for_selector('.plate[data-shown="error"]')
    assert page.locator('.plate[data-shown="error"]').count() > 3
    assert page.locator(".plate.alarmed").count() == 3

"""The live page in a real browser, with a real engine process: what a person sees and does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pagekit import open_run, plate, row

from cloudmesh.flow.server.serve import Served
from cloudmesh.flow.store.opening import open_store

pytestmark = pytest.mark.real

LABEL = "<img src=x onerror=alert(1)>"

FLOW = f"""
import os, time
from cloudmesh.flow import BaseWorkFlow

def gate(name):
    while not os.path.exists(os.path.join(os.environ["GATES"], name)):
        time.sleep(0.01)

class Gated(BaseWorkFlow):
    name = "gated"
    flow = "a; b || c; d"
    def a(self):
        gate("a-ends")
        return {{"color": "green", "shape": "square", "label": "{LABEL}", "value": 10}}
    def b(self, a):
        print("b received", a)
        gate("b-ends")
        return a + 1
    def c(self, a):
        gate("c-fails")
        numbers = []
        return numbers[a]
    def d(self, b, c):
        return b + c
"""

WORKING = """
from cloudmesh.flow import BaseWorkFlow
class Working(BaseWorkFlow):
    name = "working"
    flow = "split; work*; merge"
    def split(self):
        return ["x", "y", "z"]
    def work(self, split):
        return split * 2
    def merge(self, work):
        return "".join(work)
"""


@pytest.fixture
def engine(home: Path) -> Iterator[Callable[[str, str], subprocess.Popen[str]]]:
    """Start an engine process on a flow file."""
    started: list[subprocess.Popen[str]] = []

    def start(file: str, text: str) -> subprocess.Popen[str]:
        (home / file).write_text(text)
        process = subprocess.Popen(
            [sys.executable, "-m", "cloudmesh.flow", "run", str(home / file)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_node_goes_from_pending_to_running_to_finished_without_a_reload(
    page: Any, served: Served, engine: Any, home: Path
) -> None:
    process = engine("gated-flow.py", FLOW)
    run = open_run(page, served)
    page.evaluate("window.notReloaded = true")
    page.wait_for_selector(plate("a", status="running", shown="running"))
    page.wait_for_selector(plate("b", status="pending", shown="pending"))
    assert page.locator('[data-edge="a→b"]').get_attribute("data-state") == "waiting"

    (home / "gates" / "a-ends").touch()
    page.wait_for_selector(plate("a", status="finished"))
    page.wait_for_selector(plate("b", status="running"))
    page.wait_for_selector(row("b", status="running"))
    assert page.locator('[data-edge="a→b"]').get_attribute("data-state") == "carried"

    # A label is text, whatever it says.
    assert page.locator(".picture img, .table img").count() == 0
    assert LABEL in page.locator(row("a")).text_content()

    (home / "gates" / "b-ends").touch()
    (home / "gates" / "c-fails").touch()
    page.wait_for_selector(plate("b", status="finished"))
    page.wait_for_selector(plate("c", status="error", shown="error"))
    page.wait_for_selector(plate("d", status="pending", shown="blocked"))
    page.wait_for_selector(row("d", shown="blocked"))
    page.wait_for_selector('.summary[data-run-status="error"]')
    assert page.evaluate("window.notReloaded") is True

    process.wait(60)
    store = open_store()
    page.wait_for_selector(f'html[data-seq="{store.batches(run)[-1].seq}"]', state="attached")
    for node in store.nodes(run):
        for where in (plate, row):
            shown = page.locator(where(node["name"])).first
            assert shown.get_attribute("data-status") == node["status"]
    store.close()


def test_an_error_shows_its_traceback_on_a_click_and_by_its_key(
    page: Any, served: Served, engine: Any, home: Path
) -> None:
    for gate in ("a-ends", "b-ends", "c-fails"):
        (home / "gates" / gate).touch()
    engine("gated-flow.py", FLOW).wait(60)
    open_run(page, served)
    page.click(plate("c"))
    inspector = page.locator(".inspector")
    inspector.locator(".traceback").wait_for()
    text = inspector.inner_text()
    assert "IndexError: list index out of range" in text
    assert "return numbers[a]" in text
    assert "gated-flow.py" in text
    inspector.locator(".received", has_text="a = 10").wait_for()
    assert "node=c" in page.url

    page.keyboard.press("Escape")
    inspector.wait_for(state="hidden")
    page.keyboard.press("e")
    inspector.wait_for(state="visible")
    assert inspector.locator(".inspector-name").inner_text() == "c"

    page.click(row("b"))
    page.locator(".log", has_text="b received 10").wait_for()


def test_a_map_shows_its_elements_and_a_link_opens_one(
    page: Any, served: Served, engine: Any
) -> None:
    engine("working-flow.py", WORKING).wait(60)
    run = open_run(page, served)
    for k in range(3):
        page.wait_for_selector(row(f"work[{k}]", status="finished"))
        page.wait_for_selector(f'.picture .cell[data-node="work[{k}]"][data-status="finished"]')
    page.wait_for_selector('.group[data-node="work"][data-status="finished"]')
    page.goto(f"{served.url}/runs/{run}?node=work%5B1%5D")
    page.locator(".inspector-name", has_text="work[1]").wait_for()
    page.locator(".inspector .value", has_text='"yy"').wait_for()


def test_a_used_link_says_so(browser: Any, served: Served) -> None:
    for status in (200, 401):
        context = browser.new_context()
        page = context.new_page()
        assert page.goto(served.link).status == status
        if status == 401:
            assert "This link has been used" in page.inner_text("body")
        context.close()


def test_a_run_is_started_from_the_page(page: Any, served: Served, engine: Any) -> None:
    engine("working-flow.py", WORKING).wait(60)
    page.reload()
    page.locator(".flow-row").first.hover()
    page.click(".flow-row .run-flow")
    page.click("dialog .primary")
    page.wait_for_url("**/runs/*")
    page.wait_for_selector('.summary[data-run-status="finished"]')
    assert len(page.context.request.get(f"{served.url}/api/runs").json()) == 2

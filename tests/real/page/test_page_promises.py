"""Never wrong: many clients, a tab that was away, engines elsewhere, large runs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hand import Hand, make_flow
from pagekit import NO_LONG_WAITS, plate, row
from servers import ferretdb_url

from cloudmesh.flow.server.serve import Served, serve_in_thread
from cloudmesh.flow.store.opening import open_store

__all__ = ["ferretdb_url"]  # a fixture

pytestmark = pytest.mark.real

STEPS = 20


class Client:
    """A client of the stream as programs write one: it reads lines, and counts what it has got."""

    def __init__(self, served: Served, run: str) -> None:
        self.ids: list[int] = []
        self.ended = False
        self._path = f"/api/runs/{run}/events"
        self._port = urlsplit(served.url).port
        self._token = served.token

    async def listen(self, begun: Callable[[], None]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        head = f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        writer.write(f"{head}Authorization: Bearer {self._token}\r\n\r\n".encode())
        while line := await reader.readline():
            if line.startswith(b"id: "):
                self.ids.append(int(line[4:]))
                if len(self.ids) == 1:
                    begun()
            elif line.startswith(b"event: end"):
                self.ended = True
                break
        writer.close()


def listen(clients: list[Client], ready: threading.Event) -> threading.Thread:
    """All clients at once, in a thread; ``ready`` is set when each has got something."""
    count = iter(range(1, len(clients) + 1))

    def begun() -> None:
        if next(count) == len(clients):
            ready.set()

    async def all_of_them() -> None:
        await asyncio.gather(*(client.listen(begun) for client in clients))

    thread = threading.Thread(target=asyncio.run, args=(all_of_them(),))
    thread.start()
    return thread


@pytest.mark.parametrize("count", [50, pytest.param(200, marks=pytest.mark.slow)])
def test_each_of_many_clients_gets_everything_in_order(served: Served, count: int) -> None:
    names = [f"n{k}" for k in range(STEPS)]
    run = Hand(open_store(), make_flow({name: [] for name in names}))
    clients = [Client(served, run.id) for _ in range(count)]
    ready = threading.Event()
    thread = listen(clients, ready)
    assert ready.wait(60)
    run.run_all(*names)
    last = run.batch(run.end())
    thread.join(120)
    for client in clients:
        assert client.ended
        assert client.ids == [*range(1, last + 1), last]  # the last is that of ``end``


@pytest.mark.parametrize("count", [50, pytest.param(200, marks=pytest.mark.slow)])
def test_a_server_with_open_streams_stops_within_two_seconds(home: Path, count: int) -> None:
    store = open_store()
    run = Hand(store, make_flow({"a": []}))
    server = serve_in_thread(store, port=0)
    clients = [Client(server, run.id) for _ in range(count)]
    ready = threading.Event()
    thread = listen(clients, ready)
    assert ready.wait(60)
    server.stop()  # waits for two seconds at most; on a busy machine the rest takes longer
    for view in [t for t in threading.enumerate() if t.name == "view"]:
        view.join(60)
        assert not view.is_alive()
    thread.join(60)
    assert not thread.is_alive()


def test_a_tab_that_was_offline_ends_up_right(page: Any, home: Path, served: Served) -> None:
    run = Hand(open_store(), make_flow({"a": [], "b": ["a"], "c": ["b"]}), begun=time.time())
    page.add_init_script(NO_LONG_WAITS)  # it is the network's return that connects
    page.goto(f"{served.url}/runs/{run.id}")
    page.wait_for_selector(plate("a", shown="pending"))
    page.route("**/events*", lambda route: route.abort("internetdisconnected"))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(hide, True)
    run.run_all("a")
    page.evaluate(hide, False)  # it takes a snapshot, and finds no stream
    page.locator(".notice-band", has_text="Not connected since").wait_for()
    page.wait_for_selector('html[data-seq="3"]', state="attached")
    run.run_all("b")
    run.batch(run.started("c"))
    run.batch(run.failed("c"))
    last = run.batch(run.end("error"))
    assert int(page.evaluate("document.documentElement.dataset.seq")) == 3
    page.unroute("**/events*")
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_selector(f'html[data-seq="{last}"]', state="attached")
    page.wait_for_selector(plate("b", shown="finished"))
    page.wait_for_selector(row("c", shown="error"))
    page.locator(".notice-band").wait_for(state="hidden")


FLOW = """
from cloudmesh.flow import BaseWorkFlow
class Elsewhere(BaseWorkFlow):
    name = "elsewhere"
    flow = "split; work*; merge"
    def split(self):
        return ["x", "y", "z"]
    def work(self, split):
        return split * 2
    def merge(self, work):
        return "".join(work)
"""


@pytest.mark.parametrize("kind", ["sqlite", "ferretdb"])
def test_an_engine_of_another_process_is_followed_on_every_store(
    browser: Any, home: Path, request: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "ferretdb":
        url = f"{request.getfixturevalue('ferretdb_url')}/page"
        monkeypatch.setenv("CLOUDMESH_FLOW_STORE", url)
    store = open_store()
    server = serve_in_thread(store, port=0)
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(server.link)
    (home / "elsewhere-flow.py").write_text(FLOW)
    command = [sys.executable, "-m", "cloudmesh.flow", "run", str(home / "elsewhere-flow.py")]
    engine = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    page.locator("a.run-row").first.click(timeout=60_000)
    page.wait_for_selector(plate("merge", status="finished"), timeout=60_000)
    page.wait_for_selector('.summary[data-run-status="finished"]')
    assert engine.wait(60) == 0, engine.communicate()[0]
    run = page.url.rsplit("/", 1)[1].split("?")[0]
    last = store.batches(run)[-1].seq
    page.wait_for_selector(f'html[data-seq="{last}"]', state="attached")
    for document in store.nodes(run):
        if "[" not in document["name"]:
            shown = page.locator(plate(document["name"])).first
            assert shown.get_attribute("data-status") == document["status"]
    assert page.locator(".legend").inner_text().split() == ["5", "finished"]
    context.close()
    server.stop()
    store.close()


def test_what_takes_long_shows_its_outline_and_how_much_is_to_come(
    page: Any, home: Path, served: Served
) -> None:
    run = Hand(open_store(), make_flow({f"n{k}": [] for k in range(30)}), begun=time.time())
    held: list[Any] = []
    page.route("**/state?*", lambda route: held.append(route))
    page.goto(f"{served.url}/runs/{run.id}", wait_until="commit")
    page.locator(".loading-words", has_text="Loading 30 nodes…").wait_for()
    assert page.locator(".bone-row").count() == 10
    for route in held:
        route.continue_()
    page.unroute("**/state?*")
    page.wait_for_selector(".picture [data-group]")
    assert page.locator(".skeleton").count() == 0


def test_a_large_run_says_that_it_is_folded(page: Any, home: Path, served: Served) -> None:
    needs: dict[str, list[str]] = {f"begin_{k}": [] for k in range(2)}
    for k in range(2):
        needs |= {f"part{k}_{j}": [f"begin_{k}"] for j in range(1_200)}
    run = Hand(open_store(), make_flow(needs), begun=time.time())
    page.goto(f"{served.url}/runs/{run.id}")
    band = page.locator(".notice-band", has_text="2,402 nodes, folded into 2 groups.")
    band.wait_for()
    assert "Space opens one." in band.inner_text()
    page.click(".notice-band button")
    band.wait_for(state="hidden")


@pytest.mark.slow
def test_the_chips_of_the_list_count_what_the_store_holds(
    page: Any, home: Path, served: Served
) -> None:
    store = open_store()
    for k in range(130):  # more than a page of the list
        run = Hand(store, make_flow({"a": []}), f"r{k:07}", begun=1_790_000_000.0 + k)
        run.batch(run.end("error" if k % 13 == 0 else "finished"))
        run.journal.close()
    lost = Hand(store, make_flow({"a": []}), "lost0000", begun=1_790_001_000.0)
    lost.journal.close()
    page.goto(served.url)
    page.locator(".chip", has_text="All 131").wait_for()
    words = page.locator(".runs .chip").all_inner_texts()
    assert words == ["All 131", "Running 0", "Needs you 11", "Errors 10", "Finished 120"]
    again = Hand(store, make_flow({"a": []}), "again000", begun=1_790_002_000.0)
    page.locator(".chip", has_text="All 132").wait_for()
    page.locator(".chip", has_text="Running 1").wait_for()
    again.batch(again.end())
    page.locator(".chip", has_text="Finished 121").wait_for()


def test_in_the_gantt_retried_elements_come_first_beneath_their_map(
    page: Any, home: Path, served: Served
) -> None:
    needs = {"split": [], "work": ["split"], "end": ["work"]}
    run = Hand(open_store(), make_flow(needs, {"work": "split"}), begun=time.time())
    run.batch(run.started("split"))
    run.batch(run.finished("split", list(range(20))))
    for k in range(20):
        name = f"work[{k}]"
        run.batch(run.started(name))
        if k == 13:
            run.batch(run.failed(name, retry_at=run.now + 1, reason="retry 2 at 12:00"))
            run.batch(run.started(name, "retry 2 of 2 after ValueError"))
        run.batch(run.finished(name, k))
    run.run_all("end")
    run.batch(run.end())
    page.goto(f"{served.url}/runs/{run.id}?view=gantt")
    page.wait_for_selector(row("work[13]"))
    names = page.evaluate("""() => [...document.querySelectorAll(".grid .row")]
        .sort((a, b) => a.getAttribute("aria-rowindex") - b.getAttribute("aria-rowindex"))
        .map((row) => row.dataset.node || row.textContent)""")
    assert names[:3] == ["split", "work", "work[13]"]
    assert "19 finished" in names[3]
    assert "2 tries" in page.locator(row("work[13]")).inner_text()
    page.locator(".chip", has_text="Retried 1").wait_for()
    assert "1 attempt failed and was retried" in page.locator(".summary").inner_text()

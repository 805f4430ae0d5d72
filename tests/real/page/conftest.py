"""What the tests of the page share: a browser, a server, and a page that is let in."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow.server.serve import Served, serve_in_thread
from cloudmesh.flow.store.opening import open_store

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "server")]  # helpers; runs driven by hand

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, driven by playwright."""
    if not os.path.exists(CHROMIUM):
        pytest.skip("NOT TESTED: the live page (needs chromium; make test-deps installs it)")
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="NOT TESTED: the live page (needs playwright)"
    )
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, with a store in it and a folder of gates."""
    (tmp_path / "gates").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GATES", str(tmp_path / "gates"))
    monkeypatch.setenv("CLOUDMESH_FLOW_STORE", f"sqlite:///{tmp_path}/flow.db")
    monkeypatch.delenv("CLOUDMESH_FLOW_TOKEN", raising=False)
    return tmp_path


@pytest.fixture
def served(home: Path) -> Iterator[Served]:
    store = open_store()
    server = serve_in_thread(store, port=0)
    yield server
    server.stop()
    store.close()


@pytest.fixture
def page(browser: Any, served: Served) -> Iterator[Any]:
    """A page that is let in; errors of its scripts and dialogs fail the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(60_000)  # a busy machine takes its time
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None,
    )
    page.on("dialog", lambda dialog: (wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.goto(served.link)
    yield page
    context.close()
    assert wrong == []

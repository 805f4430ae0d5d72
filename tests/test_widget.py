"""A picture in a notebook that goes on while its run does: its model, without a browser."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow import workflow
from cloudmesh.flow.errors import InputError, NotFound, StoreUnavailable
from cloudmesh.flow.store import open_store
from cloudmesh.flow.store.memory import MemoryStore
from cloudmesh.flow.widget import Follower, Shown, _widget, live

SECONDS = 60


class Seen:
    """What a follower has told; ``until`` waits for something among it."""

    def __init__(self) -> None:
        self.all: list[Shown] = []
        self._new = threading.Condition()

    def __call__(self, shown: Shown) -> None:
        with self._new:
            self.all.append(shown)
            self._new.notify_all()

    def until(self, test: Callable[[Shown], bool]) -> Shown:
        with self._new:
            assert self._new.wait_for(lambda: any(map(test, self.all)), SECONDS), self.all[-1:]
            return next(shown for shown in self.all if test(shown))


def mapped(gate: threading.Event) -> Any:
    def split() -> list[int]:
        return [1, 0]

    def work(split: int) -> float:
        gate.wait(SECONDS)
        return 1 / split

    return workflow("split; work*", functions={"split": split, "work": work}, name="mapped")


def test_a_run_is_shown_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/flow.db")
    seen, gate = Seen(), threading.Event()
    follower = Follower(store, "", seen)  # of the next run
    follower.start()
    run = threading.Thread(target=mapped(gate).run, kwargs={"store": store})
    run.start()
    before = seen.until(lambda shown: "1 of 3 finished" in shown.words)
    assert before.status == "running"
    assert "<svg" in before.picture
    gate.set()
    run.join()
    assert follower.wait(SECONDS)
    last = seen.all[-1]
    assert (last.run, last.status) == (store.runs(None, limit=1)[0]["run"], "error")
    assert last.words == f"mapped, run {last.run}: error, 2 of 3 finished, 1 error"
    assert "ZeroDivisionError" in last.picture or "1 error" in last.picture
    store.close()


def test_a_store_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cloudmesh.flow.widget.AWAY", 0.0)
    store, seen = MemoryStore(), Seen()
    workflow("a", functions={"a": lambda: 1}, name="one").run(store=store)
    there = store.runs

    def away(*args: Any, **more: Any) -> Any:
        monkeypatch.setattr(store, "runs", there)
        raise StoreUnavailable("the store cannot be reached")

    follower = Follower(store, "", seen)
    monkeypatch.setattr(store, "runs", away)
    follower.start()
    seen.until(lambda shown: shown.words == "the store cannot be reached")
    workflow("a", functions={"a": lambda: 1}, name="two").run(store=store)
    assert follower.wait(SECONDS)
    assert seen.all[-1].words.startswith("two, run ")


def test_nothing_is_told_after_it_was_stopped() -> None:
    store, seen, gate = MemoryStore(), Seen(), threading.Event()
    follower = Follower(store, "", seen)
    follower.start()
    run = threading.Thread(target=mapped(gate).run, kwargs={"store": store})
    run.start()
    seen.until(lambda shown: shown.status == "running")
    follower.stop()
    told = len(seen.all)
    gate.set()
    run.join()
    assert follower.wait(0)
    assert len(seen.all) == told


def test_anywidget_is_imported_by_live_alone_and_missed_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = "import sys, cloudmesh.flow.widget; sys.exit('anywidget' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    monkeypatch.setitem(sys.modules, "anywidget", None)
    _widget.cache_clear()
    with pytest.raises(InputError, match=r"pip install 'cloudmesh-flow\[notebook\]'"):
        live()
    _widget.cache_clear()


@pytest.fixture
def anywidget() -> None:
    pytest.importorskip(
        "anywidget",
        reason="NOT TESTED: the live picture in a notebook (needs anywidget; make test adds it)",
    )


@pytest.mark.usefixtures("anywidget")
def test_the_model_of_the_widget_says_what_is_shown(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/flow.db"
    picture = live(store=url)
    assert (picture.run, picture.words) == ("", "waiting for a run")
    run = workflow("a", functions={"a": lambda: 1}, name="one").run(store=url)
    assert picture.wait(SECONDS)
    assert (picture.run, picture.status) == (run.id, "finished")
    assert picture.words == f"one, run {run.id}: finished, 1 of 1 finished"
    assert {"run", "status", "words", "picture", "_esm"} <= set(picture.get_state())
    for again in (live(run), live("latest", store=url), live(run.id[:4], store=run.store)):
        assert again.wait(SECONDS)
        assert again.picture == picture.picture
        again.close()
    with pytest.raises(NotFound):
        live("nothing", store=url)
    picture.close()

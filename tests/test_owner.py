"""Who may take a run over, and when: by what its owner shows, on a clock of the test's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cloudmesh.flow import api
from cloudmesh.flow.errors import OwnedError
from cloudmesh.flow.store.protocol import Owner


class Watched:
    """A store with one run, whose owner and journal do what ``shows`` says at a time."""

    def __init__(self, shows: Callable[[float], Owner], writes_at: float | None = None) -> None:
        self.shows, self.writes_at, self.now = shows, writes_at, 0.0

    def owner(self, run: str) -> Owner:
        return self.shows(self.now)

    def batches(self, run: str, after: int, limit: int) -> list[str]:
        return ["batch"] if self.writes_at is not None and self.now >= self.writes_at else []

    take = "take"
    take_by_force = "take by force"


@pytest.fixture
def takes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, float]]:
    """``takes(store, force)``: how the run is taken, and after how many seconds."""

    def go(store: Any, force: bool) -> tuple[Any, float]:
        def sleep(seconds: float) -> None:
            store.now += seconds

        monkeypatch.setattr(api, "monotonic", lambda: store.now)
        monkeypatch.setattr(api, "sleep", sleep)
        return api._await_owner(store, "run", 3, force, api.Quiet()), store.now

    return go


def test_an_owner_that_is_gone_is_not_watched(takes: Any) -> None:
    for force in (False, True):
        assert takes(Watched(lambda now: Owner(False, "x")), force) == ("take", 0.0)


def test_a_living_owner_keeps_its_run_at_once(takes: Any) -> None:
    store = Watched(lambda now: Owner(True, "x", 7))
    with pytest.raises(OwnedError, match="alive"):
        takes(store, False)
    assert store.now == 0.0


@pytest.mark.parametrize("alive", [True, None])
def test_by_force_a_silent_owner_is_watched_for_five_seconds(takes: Any, alive: Any) -> None:
    assert takes(Watched(lambda now: Owner(alive, "x", 7)), True) == ("take by force", 5.0)


def test_an_owner_elsewhere_is_watched_for_sixty_seconds(takes: Any) -> None:
    assert takes(Watched(lambda now: Owner(None, "x", 7)), False) == ("take by force", 60.0)


@pytest.mark.parametrize(("alive", "force"), [(True, True), (None, True), (None, False)])
def test_an_owner_whose_beat_moves_is_alive(takes: Any, alive: Any, force: bool) -> None:
    late = 4.0 if force else 59.0
    with pytest.raises(OwnedError, match="alive"):
        takes(Watched(lambda now: Owner(alive, "x", 7 + (now >= late))), force)


@pytest.mark.parametrize(("alive", "force"), [(True, True), (None, True), (None, False)])
def test_an_owner_whose_journal_moves_is_alive(takes: Any, alive: Any, force: bool) -> None:
    late = 4.0 if force else 59.0
    with pytest.raises(OwnedError, match="alive"):
        takes(Watched(lambda now: Owner(alive, "x", 7), writes_at=late), force)


def test_an_owner_that_ends_meanwhile_is_gone(takes: Any) -> None:
    store = Watched(lambda now: Owner(None if now < 2.0 else False, "x", 7))
    assert takes(store, False) == ("take", 2.0)

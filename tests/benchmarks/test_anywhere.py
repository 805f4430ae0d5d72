"""The benchmark of the places where nodes run: it measures, and says what it cannot."""

from __future__ import annotations

import pytest

from benchmarks import anywhere


def test_a_place_is_measured_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    place = anywhere.PLACES["process"]
    monkeypatch.setitem(anywhere.PLACES, "process", place._replace(wide=200, deep=50))
    measured = anywhere.process("process", {}, short=True)
    assert measured is not None
    assert measured["rate"] > 0
    assert measured["latency"] > 0


def test_a_place_whose_server_is_not_there_is_left_out() -> None:
    assert anywhere.process("ssh1", {}, short=True) is None


def test_the_table_shows_medians() -> None:
    found = {
        "ssh1": [{"rate": r, "latency": 0.002} for r in (1.0, 900.0, 2000.0)],
        "vm": [{"seconds": 5.25}],
    }
    text = anywhere.markdown(found)
    assert "| **cloudmesh-flow**, SSH, 1 at once | 900 | 1,000 | 2.00 |" in text
    assert "virtual machine: 5.2 s." in text
    assert "Dask" not in text

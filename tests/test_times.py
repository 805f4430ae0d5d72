from __future__ import annotations

import pytest

from cloudmesh.flow.times import seconds


@pytest.mark.parametrize(
    ("said", "length"),
    [
        ("500ms", 0.5),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1h 30m", 5400.0),
        ("2d", 172800.0),
        ("1.5h", 5400.0),
        ("1m30s", 90.0),
        ("10", 10.0),
        (10, 10.0),
        (0.25, 0.25),
        (" 5s ", 5.0),
    ],
)
def test_times(said: object, length: float) -> None:
    assert seconds(said) == pytest.approx(length)


@pytest.mark.parametrize(
    "said",
    ["", "5 minutes", "m5", "30m1h", "1m1m", "-5s", -1, True, None, "nan", float("inf"), "1e3", []],
)
def test_what_is_no_time(said: object) -> None:
    with pytest.raises(ValueError, match="is no time"):
        seconds(said)

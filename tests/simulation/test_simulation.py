"""The proof by simulation: whatever dies, nothing recorded runs again and every run ends.

A failing seed is printed; ``python -m cloudmesh.flow.testing SEED`` replays it.
"""

from __future__ import annotations

import pytest

from cloudmesh.flow.testing.__main__ import main
from cloudmesh.flow.testing.simulation import simulate

SEEDS, PART = 2000, 250


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_all_invariants_hold(first: int) -> None:
    for seed in range(first, first + PART):
        simulate(seed)  # raises Broken, with the seed and its history


def test_a_seed_gives_one_history() -> None:
    assert simulate(7).history == simulate(7).history


def test_the_faults_happen() -> None:
    told = " ".join(line for seed in range(300) for line in simulate(seed).history)
    for word in (
        "died",
        "fenced",
        "by force",
        "cancel requested",
        "append: after",
        "project: half",
    ):
        assert word in told


def test_a_seed_is_replayed_by_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["7"]) == 0
    assert "1 seeds from 7" in capsys.readouterr().out

"""The table of words: entries of the configuration, and what a store may say of them."""

from __future__ import annotations

import pytest

from cloudmesh.flow.executors.table import faults, with_own_requirements


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ({"kind": "ssh", "host": "a", "requirements": "requests"}, "requirements is a list"),
        ({"kind": "ssh", "host": "a", "requirements": [1]}, "requirements is a list of texts"),
        ({"kind": "slurm", "requirement": ["a"]}, "did you mean requirements"),
    ],
)
def test_requirements_are_a_list_of_texts(entry: dict[str, object], says: str) -> None:
    ((message, _),) = faults("lab", entry)
    assert says in message


@pytest.mark.parametrize("kind", ["ssh", "slurm"])
def test_requirements_are_known_where_there_is_a_far_side(kind: str) -> None:
    assert not faults("lab", {"kind": kind, "host": "a", "requirements": ["requests>=2"]})


def test_what_is_installed_is_never_what_a_store_says() -> None:
    stored = {
        "lab": {"kind": "ssh", "host": "a", "requirements": ["bad"]},
        "vm": {"kind": "vm", "provider": "qemu"},
    }
    assert with_own_requirements(stored, {}) == {
        "lab": {"kind": "ssh", "host": "a"},
        "vm": {"kind": "vm", "provider": "qemu"},
    }
    own = {"lab": {"kind": "ssh", "host": "b", "requirements": ["good"]}}
    assert with_own_requirements(stored, own)["lab"] == {
        "kind": "ssh",
        "host": "a",
        "requirements": ["good"],
    }
    assert stored["lab"]["requirements"] == ["bad"]

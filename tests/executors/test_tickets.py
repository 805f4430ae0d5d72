"""What a worker was given ahead is begun by it, or taken back, never both."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.executors.tickets import RUN, Tickets


@pytest.fixture
def tickets() -> Iterator[Tickets[str]]:
    made: Tickets[str] = Tickets()
    yield made
    made.close()


def test_jobs_are_answered_in_their_order(tickets: Tickets[str]) -> None:
    assert tickets.first is None
    for job in "abc":
        tickets.give(job)
    assert (tickets.first, tickets.count) == ("a", 3)
    tickets.answered()
    assert (tickets.first, tickets.count) == ("b", 2)


def test_what_was_begun_is_not_taken_back(tickets: Tickets[str]) -> None:
    for job in "abc":
        tickets.give(job)
    assert os.read(tickets.theirs, 1) == RUN
    assert tickets.take_back() == ["b", "c"]
    assert (tickets.first, tickets.count) == ("a", 1)
    assert tickets.take_back() == []


@given(st.lists(st.sampled_from(["give", "begin", "answer", "take back", "look"]), max_size=60))
def test_each_job_is_begun_or_taken_back(steps: list[str]) -> None:
    tickets: Tickets[int] = Tickets()
    sent: list[int] = []  # what the worker reads, in order
    begun: list[int] = []
    taken: list[int] = []
    answered = number = 0
    try:
        for step in steps:
            if step == "give":
                number += 1
                tickets.give(number)
                sent.append(number)
            elif step == "begin" and answered == len(begun):
                while sent:  # the worker reads a job, takes its ticket, and skips or begins it
                    job = sent.pop(0)
                    if os.read(tickets.theirs, 1) == RUN:
                        begun.append(job)
                        break
            elif step == "answer" and answered < len(begun):
                assert tickets.first == begun[answered]
                tickets.answered()
                answered += 1
            elif step == "take back":
                taken += tickets.take_back()
            elif step == "look":
                left = [n for n in range(1, number + 1) if n not in {*begun[:answered], *taken}]
                assert tickets.first == (left[0] if left else None)
        assert not set(begun) & set(taken)
        assert tickets.count == number - answered - len(taken)
    finally:
        tickets.close()

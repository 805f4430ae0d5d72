"""Primes below a limit, in pieces: work that can be done anywhere."""

from __future__ import annotations


def pieces(limit: int, count: int) -> list[tuple[int, int]]:
    """Ranges that cover the numbers below a limit."""
    edges = [limit * i // count for i in range(count + 1)]
    return [(edges[i], edges[i + 1]) for i in range(count)]


def primes(first: int, last: int) -> int:
    """How many primes there are from ``first`` to below ``last``."""
    found = 0
    for number in range(max(first, 2), last):
        if all(number % divisor for divisor in range(2, int(number**0.5) + 1)):
            found += 1
    return found

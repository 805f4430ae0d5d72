"""The functions of anywhere-flow.yaml: they do not know where they run."""

from __future__ import annotations

import platform

from primes import pieces, primes

PLACES = 6


def plan(limit: int) -> list[tuple[int, int]]:
    return pieces(limit, PLACES)


def count(plan: list[tuple[int, int]], piece: int) -> dict[str, object]:
    first, last = plan[piece]
    print(f"{first:,} to {last:,} on {platform.node()}")
    found = primes(first, last)
    return {"status": "done", "label": f"{found:,}", "value": [found, platform.python_version()]}


def total(here, worker, host, machine, job, cluster, kernel):  # type: ignore[no-untyped-def]
    counted = [here, worker, host, machine, job, cluster]
    pythons = sorted({python for _, python in counted})
    print(f"counted with Python {', '.join(pythons)}; the machine runs {kernel}")
    return sum(found for found, _ in counted)

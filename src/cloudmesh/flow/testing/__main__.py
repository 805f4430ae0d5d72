"""``python -m cloudmesh.flow.testing SEED``: one history; ``--soak N``: N of them from SEED on."""

from __future__ import annotations

import argparse
import sys

from cloudmesh.flow.testing.simulation import Broken, simulate


def main(arguments: list[str] | None = None) -> int:
    """Run one history, or many; 1 where an invariant does not hold, with its seed."""
    parser = argparse.ArgumentParser(prog="python -m cloudmesh.flow.testing", description=__doc__)
    parser.add_argument("seed", type=int, nargs="?", default=0, help="the first seed")
    parser.add_argument("--soak", type=int, default=1, metavar="N", help="how many seeds")
    given = parser.parse_args(arguments)
    deaths = 0
    for seed in range(given.seed, given.seed + given.soak):
        try:
            world = simulate(seed)
        except Broken as error:
            print(error, file=sys.stderr)
            print(f"\nagain: python -m cloudmesh.flow.testing {seed}", file=sys.stderr)
            return 1
        deaths += world.deaths
        if given.soak == 1:
            print("\n".join(world.history) or "nothing went wrong")
    print(f"{given.soak} seeds from {given.seed}, {deaths} deaths of engines: all invariants hold")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Random flows, for tests of whatever has to do with any flow."""

from __future__ import annotations

import random

from cloudmesh.flow.model.flow import Flow, Node, Task

__all__ = ["random_flow"]


def random_flow(chance: random.Random, most: int = 12) -> Flow:
    """A DAG of up to ``most`` nodes, from a seeded ``chance``.

    Some nodes are maps over a predecessor, some stand behind a junction, some
    are tried again, some are mapped to another place (``lab``), some share a
    pool (``gpu``).
    """
    n = chance.randint(1, most)
    needs: list[tuple[int, ...]] = []
    nodes = []
    for i in range(n):
        mine = tuple(sorted(chance.sample(range(i), chance.randint(0, min(i, 3)))))
        mapped = bool(mine) and chance.random() < 0.25
        source = f"n{mine[0]}" if mapped else None
        task = Task(
            on=chance.choice(["local", "local", "lab"]),
            retries=chance.choice([0, 0, 1]),
            pool=chance.choice([None, None, "gpu"]),
        )
        nodes.append(Node(f"n{i}", task, mapped, source))
        needs.append(mine)
    junctions: list[tuple[int, ...]] = []
    for i in range(n):
        if len(needs[i]) > 1 and not nodes[i].mapped and chance.random() < 0.5:
            junctions.append(needs[i])
            needs[i] = (n + len(junctions) - 1,)
    return Flow("t", tuple(nodes), tuple(needs), tuple(junctions), ("t",))

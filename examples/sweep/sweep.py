"""Does a forest burn from end to end?  The functions of sweep.yaml; standard library only."""

import random

from cloudmesh.flow import current


def grid(densities: int = 9, repeats: int = 4):
    """Every density, several times, each with a seed of its own."""
    steps = [round(0.45 + 0.3 * i / max(1, densities - 1), 3) for i in range(densities)]
    return [{"density": p, "seed": seed} for p in steps for seed in range(repeats)]


def burn(grid, size: int = 120):
    """One forest, on fire at its left edge: whether the fire reaches the right one, and when."""
    chance = random.Random(grid["seed"])
    trees = {(x, y) for x in range(size) for y in range(size) if chance.random() < grid["density"]}
    front = {(0, y) for y in range(size) if (0, y) in trees}
    steps = reached = 0
    while front:
        trees -= front
        reached = max(reached, max(x for x, _ in front))
        near = {(x + i, y + j) for x, y in front for i, j in ((1, 0), (-1, 0), (0, 1), (0, -1))}
        front = near & trees
        steps += 1
        current().progress(100 * reached / size)
    crossed = reached == size - 1
    return {
        "color": "firebrick" if crossed else "green",
        "label": f"{grid['density']}: {steps} steps",
        "value": {**grid, "crossed": crossed, "steps": steps},
    }


def threshold(burn):
    """The density from which on most forests burn from end to end, and a picture in the log."""
    by_density = {}
    for one in burn:
        by_density.setdefault(one["density"], []).append(one)
    found = None
    for density, forests in sorted(by_density.items()):
        share = sum(one["crossed"] for one in forests) / len(forests)
        slowest = max(one["steps"] for one in forests)
        print(f"{density:<6} {'#' * round(20 * share):<20} {share:4.0%}, up to {slowest} steps")
        if found is None and share > 0.5:
            found = density
    return {"color": "green", "shape": "circle", "label": f"from {found}", "value": found}

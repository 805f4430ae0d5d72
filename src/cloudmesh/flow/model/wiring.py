"""Which value fills which parameter, decided from the graph alone, before the run."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from cloudmesh.flow.model.flow import Flow

__all__ = ["Wires", "reachable", "wire"]

#: For each node: (parameter, where its value comes from): the number of a
#: predecessor, or the name of a run parameter.
Wires = list[tuple[tuple[str, "int | str"], ...]]

_TARGETS_AT_ONCE = 1024  # bits of the numbers that are passed along the graph


def wire(flow: Flow, parameters: Collection[str]) -> Wires:
    """For each node the sources of its parameters, in the order of its parameters.

    A parameter is filled by the direct or indirect predecessor of its name,
    else by the run parameter of its name; one left to its default is absent.
    A secret that has no default is a run parameter even where it is not among
    ``parameters``: the caller reads it from the environment or a prompt.
    """
    asked = frozenset(parameters)
    known = flow.__dict__.get("_wires")  # asked when it is checked, and when it runs
    if known is None or known[0] != asked:
        known = flow.__dict__["_wires"] = (asked, _wire(flow, asked))
    wires: Wires = known[1]
    return wires


def _wire(flow: Flow, parameters: Collection[str]) -> Wires:
    if not any(task.parameters for task in flow.tasks):
        return [()] * len(flow.nodes)
    index = flow.index
    direct = _Direct(flow)
    far: list[tuple[int, int]] = []
    for i, node in enumerate(flow.nodes):
        for p in node.task.parameters:
            j = index.get(p.name)
            if j is not None and not direct.needs(i, j):
                far.append((i, j))
    reached = reachable(flow, far)
    wires: Wires = []
    for i, node in enumerate(flow.nodes):
        if not node.task.parameters:
            wires.append(())
            continue
        sources: list[tuple[str, int | str]] = []
        for p in node.task.parameters:
            j = index.get(p.name)
            if j is not None and (direct.needs(i, j) or (i, j) in reached):
                sources.append((p.name, j))
            elif p.name in parameters or (p.required and p.type == "secret"):
                sources.append((p.name, p.name))
        wires.append(tuple(sources))
    return wires


class _Direct:
    """Whether one node needs another one directly, junctions looked through."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.members: dict[int, frozenset[int]] = {}

    def needs(self, i: int, j: int) -> bool:
        needs = self.flow.needs[i]
        if j in needs:
            return True
        n = len(self.flow.nodes)
        return any(j in self._members(v) for v in needs if v >= n)

    def _members(self, junction: int) -> frozenset[int]:
        known = self.members.get(junction)
        if known is None:
            known = self.members[junction] = frozenset(self.flow.members(junction))
        return known


def reachable(flow: Flow, pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those of the pairs (i, j) where i depends on j, directly or not.

    A bit for each j is passed along the whole graph in one sweep, a thousand
    at a time: a walk back from each i would be quadratic on a long chain.
    """
    asked: dict[int, list[int]] = {}
    for i, j in pairs:
        asked.setdefault(j, []).append(i)
    found: set[tuple[int, int]] = set()
    targets = list(asked)
    needs = [*flow.needs, *flow.junctions]
    for start in range(0, len(targets), _TARGETS_AT_ONCE):
        chunk = targets[start : start + _TARGETS_AT_ONCE]
        bit = {j: 1 << k for k, j in enumerate(chunk)}
        behind = [0] * len(needs)
        for vertex in flow.order:
            bits = 0
            for u in needs[vertex]:
                bits |= behind[u] | bit.get(u, 0)
            behind[vertex] = bits
        found.update((i, j) for j in chunk for i in asked[j] if behind[i] & bit[j])
    return found

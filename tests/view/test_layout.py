"""Places and routes: what a reader relies on, for any graph."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.model.flow import Flow, Node, Parameter, Task
from cloudmesh.flow.view.fold import stem
from cloudmesh.flow.view.layout import layout, plate_width


def by_key(picture: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["key"]: item for item in picture["items"]}


def edges_of(picture: dict[str, Any]) -> set[str]:
    return {edge["edge"] for edge in picture["edges"]}


@st.composite
def graphs(draw: st.DrawFn) -> Flow:
    """Any DAG, with a few barriers written as junctions."""
    size = draw(st.integers(1, 24))
    needs: list[list[int]] = []
    junctions: list[tuple[int, ...]] = []
    for i in range(size):
        mine = draw(st.lists(st.integers(0, i - 1), unique=True, max_size=4)) if i else []
        if mine and len(mine) > 1 and draw(st.booleans()):
            junctions.append(tuple(mine))
            mine = [-len(junctions)]
        needs.append(mine)
    real = [tuple(size - 1 - n if n < 0 else n for n in wanted) for wanted in needs]
    return Flow("any", tuple(Node(f"n{i}x") for i in range(size)), tuple(real), tuple(junctions))


def overlaps(a: dict[str, Any], b: dict[str, Any]) -> bool:
    across = a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"]
    return bool(across and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"])


@given(graphs(), st.sampled_from(["right", "down"]))
def test_nothing_overlaps_and_edges_go_forward(flow: Flow, direction: str) -> None:
    picture = layout(flow, direction)
    items = picture["items"]
    plates = [item for item in items if item["kind"] != "gate"]
    for k, a in enumerate(plates):
        assert a["x"] >= 0
        assert a["y"] >= 0
        assert a["x"] + a["w"] <= picture["width"]
        assert a["y"] + a["h"] <= picture["height"]
        assert not any(overlaps(a, b) for b in plates[k + 1 :])
    start, extent = ("x", "w") if direction == "right" else ("y", "h")
    for edge in picture["edges"]:
        source, target = items[edge["from"]], items[edge["to"]]
        assert source[start] + source[extent] < target[start]
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", edge["path"])]
        ends = (numbers[0], numbers[-2]) if direction == "right" else (numbers[1], numbers[-1])
        assert ends == pytest.approx((source[start] + source[extent], target[start]), abs=0.2)


@given(graphs())
def test_every_dependency_is_drawn_and_nothing_else(flow: Flow) -> None:
    picture = layout(flow)
    items = picture["items"]
    feeds: dict[int, list[int]] = {}
    for edge in picture["edges"]:
        feeds.setdefault(edge["from"], []).append(edge["to"])

    def members(k: int) -> list[int]:
        return items[k]["members"] if items[k]["kind"] == "group" else [items[k]["n"]]

    drawn = set()
    for k, item in enumerate(items):
        if item["kind"] == "gate":
            continue
        stack = list(feeds.get(k, ()))
        while stack:
            target = stack.pop()
            if items[target]["kind"] == "gate":
                stack += feeds.get(target, ())
            else:
                drawn |= {(a, b) for a in members(k) for b in members(target)}
    names = {node.name: i for i, node in enumerate(flow.nodes)}
    assert drawn == {(names[a], names[b]) for a, b in flow.edges()}


def test_a_barrier_of_more_than_six_edges_is_a_gate(flow_of: Callable[..., Flow]) -> None:
    six = flow_of({"a": [], "b": [], "c": ["a", "b"], "d": ["a", "b"], "e": ["a", "b"]})
    assert edges_of(layout(six)) == {f"{x}→{y}" for x in "ab" for y in "cde"}
    nine = {n: [] for n in "abc"} | {n: ["a", "b", "c"] for n in "def"}
    picture = layout(flow_of(nine))
    assert edges_of(picture) == {"a→", "b→", "c→", "→d", "→e", "→f"}
    gate = next(item for item in picture["items"] if item["kind"] == "gate")
    assert gate["w"] == 6
    assert gate["members"] == [0, 1, 2]
    a, c = by_key(picture)["a"], by_key(picture)["c"]
    assert (gate["y"], gate["h"]) == (a["y"], c["y"] + c["h"] - a["y"])


def test_more_than_twelve_alike_are_one_group(flow_of: Callable[..., Flow]) -> None:
    many = {"a": []} | {f"work_{k}": ["a"] for k in range(13)}
    many["z"] = [f"work_{k}" for k in range(13)]
    picture = layout(flow_of(many))
    group = by_key(picture)["work_0"]
    assert (group["kind"], group["label"], group["count"]) == ("group", "work", 13)
    assert (group["w"], group["h"]) == (204, 112)
    assert edges_of(picture) == {"a→work_0", "work_0→z"}
    opened = by_key(layout(flow_of(many), opened=("work_0",)))["work_0"]
    assert opened["cells"] == {"size": 17, "gap": 3, "columns": 20, "x": 16, "y": 48}
    few = {"a": []} | {f"work_{k}": ["a"] for k in range(12)}
    assert len(layout(flow_of(few))["items"]) == 13


def test_a_map_is_folded_and_opens_where_it_was(flow_of: Callable[..., Flow]) -> None:
    flow = flow_of({"split": [], "work": ["split"], "merge": ["work"]}, maps={"work": "split"})
    unknown = by_key(layout(flow))["work"]
    assert (unknown["count"], unknown["open"]) == (None, False)
    known = by_key(layout(flow, lengths={"work": 201}))["work"]
    assert (known["x"], known["y"], known["w"], known["h"]) == (
        unknown["x"],
        unknown["y"],
        unknown["w"],
        unknown["h"],
    )
    opened = by_key(layout(flow, lengths={"work": 201}, opened=("work",)))["work"]
    assert (opened["w"], opened["h"]) == (429, 303)
    assert (
        by_key(layout(flow, lengths={"work": 700}, opened=("work",)))["work"]["cells"]["size"] == 9
    )
    down = by_key(layout(flow, "down", lengths={"work": 201}))["work"]
    assert (down["w"], down["h"]) == (204, 72)


def test_series_parallel_flows_are_centred(flow_of: Callable[..., Flow]) -> None:
    flow = flow_of({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]})
    for direction, axis, extent in (("right", "y", "h"), ("down", "x", "w")):
        item = by_key(layout(flow, direction))
        middle = {k: i[axis] + i[extent] / 2 for k, i in item.items()}
        assert middle["a"] == pytest.approx((middle["b"] + middle["c"]) / 2, abs=0.2)
        assert middle["d"] == pytest.approx(middle["a"], abs=0.2)
    right = by_key(layout(flow))
    assert right["c"]["y"] - right["b"]["y"] == 80  # 56 and 24 between
    assert right["b"]["x"] - right["a"]["x"] - right["a"]["w"] == 66


def test_edges_carry_labels_or_the_parameter_that_they_fill(flow_of: Callable[..., Flow]) -> None:
    takes = Task(parameters=(Parameter("a"),))
    flow = flow_of({"a": [], "b": ["a"], "c": ["a"]}, tasks={"b": takes, "c": takes})
    edges = layout(flow)["edges"]
    assert [edge.get("label") for edge in edges] == ["a", None]  # shared: once, on the trunk
    labelled = Flow("x", flow.nodes, flow.needs, labels={("a", "b"): "a very long label of rows"})
    assert layout(labelled)["edges"][0]["label"] == "a very lo… of rows"
    picture = by_key(layout(flow))
    assert picture["b"]["x"] - picture["a"]["x"] - picture["a"]["w"] == 90


def test_plates_are_as_wide_as_their_label() -> None:
    widths = [plate_width("x" * n) for n in range(1, 60)]
    assert widths == sorted(widths)
    assert all(132 <= w <= 220 and (w - 132) % 8 in (0, 4) for w in widths)
    assert plate_width("x" * 59) == 220


def test_columns_have_the_names_of_their_stage(flow_of: Callable[..., Flow]) -> None:
    assert [stem(n) for n in ("train_07_2", "fetch-3", "a1", "7", "a_b")] == [
        "train",
        "fetch",
        "a",
        "7",
        "a_b",
    ]
    flow = flow_of(
        {"start": []}
        | {f"fetch_{k}": ["start"] for k in range(5)}
        | {f"check_{k}": [f"fetch_{k}"] for k in range(5)}
    )
    stages = [(s["name"], s["count"]) for s in layout(flow)["stages"]]
    assert stages == [("start", 1), ("fetch", 5), ("check", 5)]


def test_lanes_keep_to_themselves(flow_of: Callable[..., Flow]) -> None:
    lanes = {}
    for k in range(6):
        lanes |= {f"a{k}": [], f"b{k}": [f"a{k}"], f"c{k}": [f"b{k}"]}
    item = by_key(layout(flow_of(lanes)))
    for k in range(6):
        assert item[f"a{k}"]["y"] == item[f"b{k}"]["y"] == item[f"c{k}"]["y"]

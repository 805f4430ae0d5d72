"""The exported picture: well-formed, complete, and nothing in it is markup of a node's."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from cloudmesh.flow.model.flow import Flow
from cloudmesh.flow.view.shown import shown_word
from cloudmesh.flow.view.svg import svg

NS = "{http://www.w3.org/2000/svg}"


def document(name: str, status: str = "pending", **more: Any) -> dict[str, Any]:
    return {"name": name, "status": status, "dependencies": [], **more}


def texts(root: ET.Element) -> str:
    return " ".join("".join(e.itertext()) for e in root.iter(f"{NS}text"))


def test_a_flow_alone(flow_of: Callable[..., Flow]) -> None:
    root = ET.fromstring(svg(flow_of({"a": [], "b": ["a"]})))
    assert root.find(f"{NS}title").text == "test"  # type: ignore[union-attr]
    assert root.find(f"{NS}desc").text == "2 nodes"  # type: ignore[union-attr]
    assert "a" in texts(root)
    assert "pending" not in texts(root)


def test_a_run_has_the_words_of_its_statuses(flow_of: Callable[..., Flow]) -> None:
    flow = flow_of({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "m": ["a"]}, maps={"m": "a"})
    documents = [
        document(
            "a",
            "finished",
            started="2026-01-02 03:04:05.000000",
            ended="2026-01-02 03:04:06.500000",
            color="orange",
            shape="box",
            label='<script>alert("1")</script>',
        ),
        document("b", "running", progress=40),
        document("c", "error", error={"type": "OSError", "message": "no"}),
        document("d", reason="blocked by c"),
        document("m", "error"),
        document("m[0]", "finished"),
        document("m[1]", "error", error={"type": "ValueError"}),
    ]
    text = svg(flow, documents, title="run <1>")
    root = ET.fromstring(text)
    said = texts(root)
    for words in (
        "finished · 1.5 s",
        "running · 40 %",
        "blocked by c",
        "1 error",
        "m[1]: ValueError",
    ):
        assert words in said
    assert "<script" not in text
    assert root.find(f"{NS}title").text == "run <1>"  # type: ignore[union-attr]
    assert "2 error" in root.find(f"{NS}desc").text  # type: ignore[union-attr,operator]
    assert "style=" not in text
    assert "var(" not in text
    assert "currentColor" not in text


def test_a_colour_that_is_none_is_not_drawn(flow_of: Callable[..., Flow]) -> None:
    bad = document("a", "finished", color='red" onload="alert(1)', shape="star")
    text = svg(flow_of({"a": []}), [bad])
    assert "onload" not in text
    ET.fromstring(text)


def test_the_word_shown_of_a_document() -> None:
    cases = [
        ({"status": "finished"}, "finished"),
        ({"status": "finished", "skipped": True}, "skipped"),
        ({"status": "error", "error": {"type": "Cancelled"}}, "cancelled"),
        ({"status": "error", "error": {"type": "OSError"}}, "error"),
        ({"status": "running"}, "running"),
        ({"status": "pending", "reason": "blocked by a"}, "blocked"),
        ({"status": "pending", "reason": "interrupted"}, "interrupted"),
        ({"status": "pending", "reason": "retry 2 at 12:00"}, "waiting to retry"),
        ({"status": "pending", "dependencies": [], "cloud": "lab"}, "waiting for lab"),
        ({"status": "pending", "dependencies": [], "cloud": "local"}, "pending"),
        ({"status": "pending", "dependencies": ["a"], "cloud": "lab"}, "pending"),
    ]
    for given, word in cases:
        assert shown_word(given) == word, given
    assert shown_word({"status": "running"}, lost=True) == "lost"


def test_an_open_group_has_a_cell_for_each_element(flow_of: Callable[..., Flow]) -> None:
    flow = flow_of({"a": [], "m": ["a"]}, maps={"m": "a"})
    words = ("finished", "running", "error", "pending")
    documents = [document("a", "finished"), document("m", "running")]
    documents += [document(f"m[{k}]", word) for k, word in enumerate(words)]
    folded = ET.fromstring(svg(flow, documents))
    opened = ET.fromstring(svg(flow, documents, opened=["m", "unknown"]))
    titles = {e.text for e in opened.iter(f"{NS}title")}
    assert titles >= {"m[0]", "m[1]", "m[2]", "m[3]"}
    assert "m[0]" not in {e.text for e in folded.iter(f"{NS}title")}
    assert "m × 4" in texts(opened)

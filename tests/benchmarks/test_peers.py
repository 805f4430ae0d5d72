"""Everyone beside whom we are measured: the same jobs or a reason, and results that are right."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from time import monotonic, sleep
from xml.etree import ElementTree

import pytest

from benchmarks import __main__ as bench
from benchmarks import beside_page, environments, pictures, running
from benchmarks.registry import ENVIRONMENTS, JOBS, PEERS
from benchmarks.shapes import SHAPES, SMALLER, Shape

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(p for p in (ROOT / "benchmarks" / "peers").glob("*.py") if p.stem[0] != "_")
HERE = ("ours", "graphlib_threads", "pool", "taskgroup")  # what needs nothing more
FIGURE = {"seconds": 0.2, "peak_mb": 20.0, "calls": 6}


# -- the same jobs, or a reason ------------------------------------------------------
def test_every_program_is_measured_by_one_of_the_two() -> None:
    assert {path.stem for path in PROGRAMS} == {*PEERS, *bench.PEERS}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda p: p.stem)
def test_a_program_measures_a_shape_in_a_folder(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "it says how it is set up"
    (measure,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "measure"]
    assert [argument.arg for argument in measure.args.args][:2] == ["shape", "folder"]


@pytest.mark.parametrize("key", PEERS)
def test_each_does_every_job_or_says_why_not(key: str) -> None:
    peer = PEERS[key]
    assert peer.setting
    assert peer.durable
    assert set(peer.cannot) <= set(JOBS)
    assert all(len(why) > 10 for why in peer.cannot.values())
    if peer.keeps:
        assert not peer.cannot, "who records every result can go on from there"
    if peer.durable == "no":
        assert "resume" in peer.cannot


def test_every_job_has_a_graph_and_all_but_the_cold_start_a_smaller_one() -> None:
    assert set(JOBS) <= set(SHAPES)
    assert set(SMALLER) == set(JOBS) - {"cold"}
    assert all(SHAPES[less].nodes < SHAPES[job].nodes for job, less in SMALLER.items())


@pytest.mark.parametrize("name", sorted(set(ENVIRONMENTS) - {"ours", "bare"}))
def test_what_an_environment_holds_is_pinned_with_hashes(name: str) -> None:
    text = (ROOT / "requirements" / f"bench-{name}.txt").read_text(encoding="utf-8")
    pinned = set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))
    assert {peer.package for peer in PEERS.values() if peer.environment == name} <= pinned
    assert all("--hash=sha256:" in part for part in re.split(r"\n(?=\w)", text.strip()))


# -- the graphs ----------------------------------------------------------------------
@pytest.mark.parametrize("name", SHAPES)
def test_a_graph_has_its_nodes_and_an_order(name: str) -> None:
    shape = SHAPES[name]
    seen: set[str] = set()
    needs = shape.needs()
    for node, before in needs.items():
        assert seen.issuperset(before[-1:] if shape.layers else before)
        seen.add(node)
    layers = shape.names()
    assert len(seen) == shape.nodes == sum(map(len, layers))
    place = {node: i for i, layer in enumerate(layers) for node in layer}
    assert all(place[b] < place[n] for n, before in needs.items() for b in before[:3])


@pytest.mark.parametrize("name", ["chain100", "fan100", "random100", "megabyte10"])
@pytest.mark.parametrize("key", HERE)
def test_who_is_here_gives_the_right_results(key: str, name: str, tmp_path: Path) -> None:
    measure = import_module(f"benchmarks.peers.{key}").measure
    assert measure(SHAPES[name], tmp_path) > 0


def test_wrong_results_are_no_measurement() -> None:
    with pytest.raises(AssertionError, match="1 results of 2"):
        Shape("", (1, 1)).check([1])
    with pytest.raises(AssertionError, match="last result"):
        Shape("", (1, 1), size=10).check([b"a", b"a"])


def test_a_run_that_was_killed_half_way_is_gone_on_with(tmp_path: Path) -> None:
    one = [sys.executable, "-m", "benchmarks.one", "ours", "resume1k", str(tmp_path)]
    half = running.run([*one, "--half"], 60, running.environment(tmp_path))
    assert half.code == -9, half.err
    again = running.run([*one, "--again"], 60, running.environment(tmp_path))
    assert again.code == 0, again.err
    # Those that ran when it was killed run again: at most as many as at once, and a batch.
    assert 502 <= json.loads(again.out)["calls"] < 900


# -- running -------------------------------------------------------------------------
def test_what_takes_too_long_is_ended_with_its_children() -> None:
    ended = running.run(["sh", "-c", "sleep 60 & echo $!; wait"], 1.0)
    assert ended.code is None
    until = monotonic() + 60
    while alive(int(ended.out)):  # it has been killed; the kernel may still be at it
        assert monotonic() < until
        sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs: neither gone nor a zombie."""
    word = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return word.stdout.strip()[:1] not in ("", "Z")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="NOT TESTED: needs /proc")
def test_the_memory_of_children_counts() -> None:
    big = "import subprocess, sys, time; x = b'x' * 60_000_000; time.sleep(1)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {big!r}])"
    ended = running.run([sys.executable, "-c", parent], 60)
    assert ended.code == 0
    assert ended.peak_mb > 60 or ended.seconds < 1


# -- the page ------------------------------------------------------------------------
def found() -> dict[str, object]:
    """Figures as they come: two that did a chain, one too slow, one that cannot."""
    cell = {"job": "chain", "shape": "chain", "results": [FIGURE], "spent": 1.0, "why": None}
    slower = {**cell, "results": [{**FIGURE, "seconds": 1.0}]}
    less = {**cell, "shape": "chain100"}
    cells = [
        {**cell, "peer": "ours"},
        {**slower, "peer": "parsl_memo"},
        {**cell, "peer": "pool", "results": [{**FIGURE, "seconds": 0.1}]},
        {**cell, "peer": "dbos_steps", "results": [], "over": True, "why": "over 60 s"}
        | {"less": less},
        {**cell, "peer": "pool", "job": "resume", "results": [], "why": "keeps nothing"},
    ]
    return {
        "machine": running.machine(),
        "options": {"rounds": 1, "limit": 60.0, "budget": 20.0},
        "minutes": 1.0,
        "cells": cells,
        "about": {PEERS[key].environment: {"mb": 1.0, "packages": 2} for key in PEERS},
        "versions": dict.fromkeys(PEERS, "1.0"),
        "imports": dict.fromkeys(PEERS, 0.1),
    }


def test_the_page_says_figures_reasons_and_where_we_lose() -> None:
    text = beside_page.markdown(found())
    assert "| **cloudmesh-flow** | yes | 200.0 | 0.200 (0.200 – 0.200) | 1 |" in text
    assert "over 60 s; measured: chain of 100" in text
    assert "| keeps nothing |" in text
    assert "faster are ThreadPoolExecutor (2.0 ×)" in text
    assert "the fastest that also record every result take 5.0 ×" in text


def test_writing_leaves_the_rest_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    (tmp_path / "images").mkdir()
    page.write_text(f"before\n{beside_page.BEGIN}\nold\n{beside_page.END}\nafter\n")
    beside_page.write(page, found())
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "(images/peers.svg)" in text
    ElementTree.parse(tmp_path / "images" / "peers.svg")


def test_the_committed_page_has_the_marks_of_all_three() -> None:
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    for name in ("figures", "peers", "growth"):
        assert page.count(f"<!-- {name} -->") == page.count(f"<!-- end of {name} -->") == 1


def test_pictures_are_well_formed_and_know_a_dark_page() -> None:
    rows = {"ours": 10.0, "pool": 5.0, "dbos_steps": 2000.0}
    dots = pictures.dots([("chain", rows), ("fan <>", rows)], list(rows))
    curves = pictures.curves("Seconds", {"fan": [(10, 0.01), (1000, 0.1)]}, ("nodes", "s"))
    for picture in (dots, curves):
        assert ElementTree.fromstring(picture).tag.endswith("svg")
        assert "prefers-color-scheme: dark" in picture
    assert dots.count("<circle") == 6


# -- all of them ---------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_short_form_measures_everyone(tmp_path: Path) -> None:
    """Each in its own environment, made where it is missing: minutes."""
    if environments.make("bare") or environments.make("doit"):
        pytest.skip("NOT TESTED: the peers (needs a package index)")
    jobs = ["chain", "random", "resume"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.beside", "--short", "--jobs", *jobs],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "failed" not in done.stdout
    assert "not installed" not in done.stdout
    for peer in PEERS.values():
        assert f"| {peer.title} |" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_short_form_of_growth(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth", "--short"],
        cwd=ROOT,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "| chain | 10,000 |" in done.stdout
    assert "| 2 |" in done.stdout

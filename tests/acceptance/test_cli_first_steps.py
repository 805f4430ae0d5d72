"""What a newcomer types first: ``cms flow init``, and what it says next."""

from __future__ import annotations

import re
import shlex
import signal
import urllib.request
from typing import Any


def next_command(said: str) -> list[str]:
    """The command that a message names behind its last ``: ``."""
    found = re.search(r": cms (flow .+)$", said, re.M)
    assert found, said
    return shlex.split(found[1])


def test_a_newcomer_comes_to_a_run_and_its_page(cms: Any) -> None:
    done = cms("flow", "init", "hello")
    assert (done.returncode, done.stdout) == (0, "")
    words = next_command(done.stderr)
    assert words == ["flow", "run", "hello-flow.py", "--view"]
    # A run that lasts until the page was seen.
    process = cms.start(*words, "--port", "0", "--param", f"text={'x' * 600}")
    link = ""
    while not link:
        line = process.stderr.readline()
        assert line, process.wait()
        found = re.search(r"the view: (http://127\.0\.0\.1:\d+/\S*\?token=\S+)", line)
        link = found[1] if found else ""
    with urllib.request.build_opener(urllib.request.HTTPCookieProcessor()).open(link) as page:
        assert page.status == 200
        assert "token" not in page.url
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    done = cms("flow", "run", "hello-flow.py")
    assert done.returncode == 0, done.stderr
    assert "report | 5 words, 24 letters, the longest is 'functions'" in done.stdout.splitlines()


def test_without_a_name_run_finds_it(cms: Any) -> None:
    assert cms("flow", "init").returncode == 0
    document = cms.json("flow", "run", "--param", "text=one three")
    assert document["workflow"] == "workflow"
    nodes = {node["name"]: node for node in document["nodes"]}
    assert nodes["measure"]["result"] == [3, 5]
    assert nodes["report"]["label"] == "three"


def test_what_is_there_stays_as_it_is(cms: Any) -> None:
    cms.write("hello-flow.py", "# mine\n")
    for name in ("hello", "hello-flow.py"):
        done = cms("flow", "init", name)
        assert done.returncode == 2
        assert "hello-flow.py is there already" in done.stderr
    assert (cms.folder / "hello-flow.py").read_text() == "# mine\n"


def test_a_name_that_is_none_is_refused(cms: Any) -> None:
    for name in ("../up", "a b", "9", ""):
        done = cms("flow", "init", name)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
    assert not list(cms.folder.iterdir())


def test_the_first_flow_has_nothing_to_find_fault_with(cms: Any) -> None:
    cms("flow", "init", "hello")
    assert cms.json("flow", "check", "hello-flow.py")["problems"] == []


def test_a_dry_run_says_what_would_run_and_runs_nothing(seed: Any) -> None:
    done = seed("flow", "run", "test-flow.py", "(a; b || c)", "--dry-run", "--on", "b=process")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^1 +a +local$", done.stdout, re.M)
    assert re.search(r"^2 +b +process +a$", done.stdout, re.M)
    assert "nothing was run; no earlier run says how long it takes" in done.stdout
    assert seed.json("flow", "runs") == []
    assert seed.json("flow", "list") == []


def test_a_dry_run_estimates_by_earlier_runs(seed: Any) -> None:
    for _ in range(2):
        seed("flow", "run", "test-flow.py", "(a; b || c)")
    document = seed.json("flow", "run", "test", "--dry-run")
    assert [(n["name"], n["step"]) for n in document["nodes"]] == [("a", 1), ("b", 2), ("c", 2)]
    found = document["estimate"]
    assert (found["runs"], found["unknown"]) == (2, [])
    assert found["critical_path"][0] == "a"
    assert 0 < found["critical_path_seconds"] <= found["seconds"] <= found["work_seconds"]
    done = seed("flow", "run", "test-flow.py", "(a; b || c; c2)", "--dry-run")
    assert done.returncode == 2  # what is wrong is found as by `run`
    assert re.search(
        r"^about .* by 2 earlier runs: ", seed("flow", "run", "test", "--dry-run").stdout, re.M
    )
    assert len(seed.json("flow", "runs")) == 2


def test_a_dry_run_is_refused_where_the_run_would_be(seed: Any) -> None:
    seed("flow", "run", "test-flow.py", "(a; b || c)")
    seed("flow", "edge", "add", "c", "b", "--flowname", "test")
    done = seed("flow", "run", "test-flow.py", "(a; b || c)", "--dry-run")
    assert done.returncode == 2
    assert "was edited since it was added" in done.stderr

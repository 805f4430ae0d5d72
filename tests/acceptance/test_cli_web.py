"""The web side of the command line: the view beside a run, alone, and in the background."""

from __future__ import annotations

import json
import re
import signal
import urllib.error
import urllib.request
from typing import Any


def answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/health", timeout=60) as answer:
            return bool(answer.status == 200)
    except urllib.error.URLError:
        return False


def test_a_run_with_a_view_ends_by_itself_in_a_pipe(seed: Any) -> None:
    done = seed("flow", "run", "test-flow.py", "(a; b || c)", "--view", "--port", "0")
    assert done.returncode == 0, done.stderr
    link = re.search(r"the view: (http://127\.0\.0\.1:\d+)/runs/(\w{8})\?token=\S+", done.stderr)
    assert link is not None
    assert link.group(2) == seed.json("flow", "status")["run"]
    assert not answers(link.group(1))


def test_view_serves_until_ctrl_c(seed: Any) -> None:
    run = seed.json("flow", "run", "test-flow.py", "(a; b || c)")["run"]
    process = seed.start("flow", "view", run[:6], "--port", "0")
    link = process.stdout.readline()
    url = re.search(rf"(http://127\.0\.0\.1:\d+)/runs/{run}\?token=", link).group(1)
    assert answers(url)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert not answers(url)


def test_a_port_that_is_taken(seed: Any) -> None:
    process = seed.start("flow", "server", "--port", "0")
    port = re.search(r":(\d+)/", process.stdout.readline()).group(1)
    done = seed("flow", "server", "--port", port)
    assert (done.returncode, done.stdout) == (2, "")
    assert "in use" in done.stderr
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_visualize(seed: Any) -> None:
    done = seed("flow", "visualize", "start", "--port", "0")
    assert done.returncode == 0, done.stderr
    url = re.search(r"(http://127\.0\.0\.1:\d+)/\?token=", done.stdout).group(1)
    try:
        assert answers(url)
        again = seed("flow", "visualize", "start")
        assert (again.returncode, url in again.stdout) == (0, True)
    finally:
        stopped = seed("flow", "visualize", "stop")
    assert stopped.returncode == 0
    assert not answers(url)
    assert "no view" in seed("flow", "visualize", "stop").stderr


def test_visualize_stop_leaves_other_servers_alone(seed: Any) -> None:
    process = seed.start("flow", "server", "--port", "0")
    url = re.search(r"(http://\S+:\d+)/", process.stdout.readline()).group(1)
    assert "no view" in seed("flow", "visualize", "stop").stderr
    assert answers(url)
    process.terminate()
    process.communicate(timeout=60)


def test_a_host_that_others_reach_needs_a_name(seed: Any) -> None:
    done = seed("flow", "server", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "--allow-host" in done.stderr
    assert seed("flow", "server", "--port", "70000").returncode == 2


def test_openapi(cms: Any) -> None:
    done = cms("flow", "openapi")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["openapi"].startswith("3.1")
    assert "/api/runs/{run}/events" in document["paths"]
    assert cms("flow", "openapi", "--format", "yaml").stdout.startswith("openapi: 3.1")

"""A server as a process and as a thread: its link, its file, its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.server import serve as serving
from cloudmesh.flow.server.serve import serve, serve_in_thread, server_file
from cloudmesh.flow.store.memory import MemoryStore

SERVE = """
import sys
from cloudmesh.flow.server.serve import serve
from cloudmesh.flow.store.opening import open_store
sys.exit(serve(open_store(), port=0))
"""


@pytest.fixture
def process(home: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[str], str]]]:
    """Start a server process; gives it and the link that it printed."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], str]:
        environment = {**os.environ, "CLOUDMESH_FLOW_STORE": f"sqlite:///{home}/flow.db"}
        server = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(server)
        assert server.stdout is not None
        return server, server.stdout.readline().split()[-1]

    yield start
    for server in started:
        server.kill()
        server.communicate()


def ask(url: str, token: str = "") -> Any:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    return urllib.request.urlopen(request, timeout=60)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_exit_0_also_with_open_streams(
    process: Any, home: Path, hand: Any, how: signal.Signals
) -> None:
    from cloudmesh.flow.store.sqlite import SqliteStore

    store = SqliteStore(str(home / "flow.db"))
    run = hand({"a": []}, store=store)  # still running: its stream stays open
    server, link = process()
    base = link.split("/?")[0]
    token = json.loads(server_file().read_text())["token"]
    streams = [ask(f"{base}/api/runs/{run.id}/events", token) for _ in range(5)]
    assert all(stream.readline().startswith(b":") for stream in streams)
    server.send_signal(how)
    _, err = server.communicate(timeout=60)
    assert server.returncode == 0, err
    assert "Traceback" not in err
    assert "Error" not in err
    store.close()


def test_ctrl_c_as_soon_as_the_link_is_there_ends_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(link: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(serving, "_open_browser", interrupted)
    assert serve(MemoryStore(), port=0, open_browser=True) == 0
    assert "pid" not in json.loads(server_file().read_text())


def test_the_link_is_for_one_use_and_the_file_is_the_users_own(process: Any) -> None:
    _, link = process()
    assert link.startswith("http://127.0.0.1:")
    assert server_file().stat().st_mode & 0o777 == 0o600
    known = json.loads(server_file().read_text())
    assert ask(f"{known['url']}/api/runs", known["token"]).status == 200
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    assert opener.open(link, timeout=60).status == 200
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(link, timeout=60)
    assert refused.value.code == 401


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} of 127.0.0.1 is in use"):
            serve_in_thread(MemoryStore(), port=port)


def test_off_loopback_needs_a_name_that_is_allowed() -> None:
    with pytest.raises(InputError, match="--allow-host"):
        serve_in_thread(MemoryStore(), "0.0.0.0", 0)


def test_the_token_is_kept_between_servers_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = serve_in_thread(MemoryStore(), port=0)
    first.stop()
    second = serve_in_thread(MemoryStore(), port=0)
    second.stop()
    assert first.token == second.token
    assert "pid" not in json.loads(server_file().read_text())
    monkeypatch.setenv("CLOUDMESH_FLOW_TOKEN", "chosen")
    third = serve_in_thread(MemoryStore(), port=0)
    assert third.token == "chosen"
    assert ask(f"{third.url}/api/runs", "chosen").status == 200
    third.stop()


def test_a_token_that_others_could_read_is_not_used_again() -> None:
    first = serve_in_thread(MemoryStore(), port=0)
    first.stop()
    server_file().chmod(0o644)
    second = serve_in_thread(MemoryStore(), port=0)
    second.stop()
    assert first.token != second.token
    assert server_file().stat().st_mode & 0o777 == 0o600


def test_in_a_thread_it_stops_and_gives_the_port_back() -> None:
    server = serve_in_thread(MemoryStore(), port=0, run="k7q2m9xd")
    assert "/runs/k7q2m9xd?token=" in server.link
    port = int(server.url.rsplit(":", 1)[1])
    assert ask(f"{server.url}/health").status == 200
    server.stop()
    for thread in [t for t in threading.enumerate() if t.name == "view"]:
        thread.join(60)
        assert not thread.is_alive()
    again = serve_in_thread(MemoryStore(), port=port)
    again.stop()


def test_pages_that_follow_a_run_learn_of_its_end_before_the_server_stops(
    hand: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a pipe the server ends with its run: at the same moment as the last event."""
    monkeypatch.setattr(serving, "TELL_SECONDS", 60.0)  # on a busy machine it takes its time
    monkeypatch.setattr(serving, "STOP_SECONDS", 60)
    store = MemoryStore()
    run = hand({"a": []}, store=store)
    goes_on = hand({"a": []}, store=store, run="goeson00")
    server = serve_in_thread(store, port=0)
    streams = [ask(f"{server.url}/api/runs/{run.id}/events", server.token) for _ in range(20)]
    other = ask(f"{server.url}/api/runs/{goes_on.id}/events", server.token)
    for stream in [*streams, other]:
        assert stream.readline().startswith(b":")
    run.run_all("a")
    run.batch(run.end())
    server.stop()
    for stream in streams:
        assert b"event: end" in stream.read()
    assert b"event: end" not in other.read()


@pytest.mark.parametrize("given", ["lab.example:8080", "http://lab.example", "", "a b", "a,b", "*"])
def test_what_is_no_name_to_be_called_by_is_refused(home: Path, given: str) -> None:
    with pytest.raises(InputError, match=r"--allow-host .*: a name or an address, without"):
        serve_in_thread(MemoryStore(), port=0, allow_hosts=[given])


def test_names_to_be_called_by(home: Path) -> None:
    names = ["Lab.Example", "10.0.0.7", "[FE80::1]", "fe80::2"]
    server = serve_in_thread(MemoryStore(), port=0, allow_hosts=names)
    for name in names:
        host = f"[{name.strip('[]')}]:80" if ":" in name else name
        request = urllib.request.Request(f"{server.url}/health", headers={"Host": host})
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200, name
    server.stop()

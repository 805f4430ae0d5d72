"""Webhooks: told of the end of a run, and never in its way."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cloudmesh.flow import webhooks, workflow
from cloudmesh.flow.config import load_config
from cloudmesh.flow.errors import InputError


class Listener:
    """A server on loopback; ``answers`` are the codes that it gives, the last one for ever."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], Any]] = []
        self.answers = [204]
        self.hold: threading.Event | None = None
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                listener.got.append((self.path, dict(self.headers), body))
                if listener.hold is not None:
                    listener.hold.wait(60)
                code = listener.answers.pop(0) if len(listener.answers) > 1 else listener.answers[0]
                self.send_response(code)
                if code == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        if self.hold is not None:
            self.hold.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(webhooks, "PAUSE", 0.0)
    monkeypatch.setattr(webhooks, "PATIENCE", 60.0)
    listener = Listener()
    yield listener
    listener.close()


def told(listener: Listener, *urls: str) -> list[str]:
    """What is noted after telling these."""
    notes: list[str] = []
    webhooks.tell(urls or (listener.url,), {"run": "abc"}, notes.append)
    return notes


def test_a_document_is_posted(listener: Listener) -> None:
    assert told(listener, f"{listener.url}/hook?key=1") == []
    ((path, headers, body),) = listener.got
    assert path == "/hook?key=1"
    assert body == {"run": "abc"}
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("cloudmesh-flow/")


def test_it_is_tried_three_times(listener: Listener) -> None:
    listener.answers = [500, 503, 200]
    assert told(listener) == []
    assert len(listener.got) == 3
    listener.answers = [500]
    (note,) = told(listener)
    assert note == f"the webhook at {listener.url} was not told of the end: it answered 500"
    assert len(listener.got) == 6


def test_a_redirection_is_not_followed(listener: Listener) -> None:
    listener.answers = [302]
    (note,) = told(listener)
    assert "it answered 302" in note
    assert {path for path, _, _ in listener.got} == {"/"}


def test_a_login_goes_as_one_and_nothing_secret_is_shown(listener: Listener) -> None:
    listener.answers = [403]
    url = listener.url.replace("://", "://me:p%40ss@") + "/T000/secret"
    (note,) = told(listener, url)
    assert listener.got[0][1]["Authorization"] == "Basic bWU6cEBzcw=="
    assert "p@ss" not in note
    assert "p%40ss" not in note
    assert "secret" not in note


def test_one_that_does_not_answer_is_left_behind(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "PATIENCE", 0.2)
    listener.hold = threading.Event()
    (note,) = told(listener)
    assert note.endswith("no answer yet")


def test_nobody_there_is_a_note_and_no_error(listener: Listener) -> None:
    listener.close()
    (note,) = told(listener)
    assert "refused" in note


def pair(fails: bool = False) -> Any:
    def b(a: int) -> int:
        return 1 // (not fails)

    return workflow("a; b", functions={"a": lambda: "secret", "b": b}, name="pair")


@pytest.mark.parametrize("fails", [False, True])
def test_the_end_of_a_run_is_told_by_ids_and_status(
    fails: bool, listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text(f"webhooks: [{listener.url}/one, {listener.url}/two]\n")
    monkeypatch.setenv("CLOUDMESH_FLOW_CONFIG", str(tmp_path / "config.yaml"))
    url = f"sqlite:///{tmp_path}/flow.db"
    run = pair(fails).run(store=url)
    assert {path for path, _, _ in listener.got} == {"/one", "/two"}
    for _, _, body in listener.got:
        assert body.pop("store")
        assert body == {
            "event": "run ended",
            "workflow": "pair",
            "run": run.id,
            "status": "error" if fails else "finished",
        }


def test_it_is_recorded_before_it_is_told(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text(f"webhooks: [{listener.url}]\n")
    monkeypatch.setenv("CLOUDMESH_FLOW_CONFIG", str(tmp_path / "config.yaml"))
    from cloudmesh.flow import open_store

    store = open_store("memory://webhooks")
    seen: list[str] = []
    tell = webhooks.tell

    def looks(urls: Any, document: Any, note: Any) -> None:
        found = store.run(document["run"])
        seen.append(found["status"] if found else "none")
        tell(urls, document, note)

    monkeypatch.setattr(webhooks, "tell", looks)
    pair().run(store=store)
    assert seen == ["finished"]


@pytest.mark.parametrize(
    "said",
    ["webhooks: x", "webhooks: ['ftp://me:pw@h/']", "webhooks: ['http:///pw']", "webhooks: [3]"],
)
def test_what_is_no_url_is_told_without_its_text(said: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"parallel: 3\n{said}\n")
    with pytest.raises(InputError) as error:
        load_config(str(tmp_path / "config.yaml"))
    assert "webhooks is a list of URLs" in str(error.value)
    assert "config.yaml:2:" in str(error.value)
    assert "pw" not in str(error.value)


def test_none_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("webhooks:\nparallel: 3\n")
    assert load_config(str(tmp_path / "config.yaml")).webhooks == ()

"""Serving: in the foreground until Ctrl-C, or in a thread beside a run."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cloudmesh.flow.errors import InputError

if TYPE_CHECKING:
    import uvicorn

    from cloudmesh.flow.store.protocol import Store

__all__ = ["Served", "serve", "serve_in_thread", "server_file"]

STOP_SECONDS = 1
TELL_SECONDS = 0.7  # for telling pages that their run has ended
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Served:
    """A server that runs.  ``link`` opens the page once; ``stop()`` ends it."""

    def __init__(self, link: str, url: str, token: str, stop: Callable[[], None]) -> None:
        self.link = link
        self.url = url
        self.token = token
        self._stop = stop

    def stop(self) -> None:
        """End the server and its streams; returns when they have ended (2 s at most).

        Pages that follow a run that has ended are told so first.
        """
        self._stop()


def serve(
    store: Store,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    run: str | None = None,
    open_browser: bool = False,
    allow_hosts: Collection[str] = (),
    store_url: str | None = None,
) -> int:
    """Serve until Ctrl-C or SIGTERM; prints the link; returns the exit code, 0.

    Raises `InputError` where the address cannot be had, or is off loopback
    without a name that is allowed.
    """
    prepared = _Prepared(store, host, port, allow_hosts, store_url)
    link = prepared.link(run)
    with contextlib.suppress(KeyboardInterrupt), _terminated():
        print(f"The view: {link}", flush=True)
        print("Ctrl-C ends it; runs go on.", file=sys.stderr, flush=True)
        if open_browser:
            _open_browser(link)
        prepared.server.run(sockets=[prepared.socket])
    prepared.forget()
    return 0


@contextlib.contextmanager
def _terminated() -> Iterator[None]:
    """SIGTERM ends the server as Ctrl-C does: uvicorn raises it again once it has stopped."""

    def stop(_signal: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def serve_in_thread(
    store: Store,
    host: str = "127.0.0.1",
    port: int = 8080,
    *,
    run: str | None = None,
    allow_hosts: Collection[str] = (),
    store_url: str | None = None,
) -> Served:
    """Serve in a thread of this process, beside a run.  Returns when requests are answered.

    Raises `InputError` as `serve` does.
    """
    prepared = _Prepared(store, host, port, allow_hosts, store_url)
    # Signals are the engine's here: uvicorn takes them only in the main thread.
    thread = threading.Thread(
        target=prepared.server.run, args=([prepared.socket],), name="view", daemon=True
    )
    thread.start()

    def stop() -> None:
        prepared.feeds.finish(TELL_SECONDS)
        prepared.server.handle_exit(15, None)
        thread.join(2 * STOP_SECONDS - TELL_SECONDS)
        prepared.forget()

    return Served(prepared.link(run), prepared.url, prepared.token, stop)


class _Prepared:
    """A bound socket, an app and a server that has not started."""

    def __init__(
        self,
        store: Store,
        host: str,
        port: int,
        allow_hosts: Collection[str],
        store_url: str | None,
    ) -> None:
        from cloudmesh.flow.server.access import Tickets
        from cloudmesh.flow.server.app import create_app

        allow_hosts = [_name_of(given) for given in allow_hosts]
        _check_host(host, allow_hosts)
        self.socket = _bind(host, port)
        bound = self.socket.getsockname()[1]
        self.tickets = Tickets()
        self.token = _token()
        name = host if host in LOOPBACK else next(iter(allow_hosts))
        self.url = f"http://[{name}]:{bound}" if ":" in name else f"http://{name}:{bound}"
        app = create_app(
            store,
            token=self.token,
            tickets=self.tickets,
            allow_hosts=allow_hosts,
            store_url=store_url,
        )
        self.server = _server(app)
        self.feeds = app.state.flow.feeds
        self._warm = app.state.flow.warm
        self._file = server_file()
        _write_private(self._file, {"url": self.url, "token": self.token, "pid": os.getpid()})

    def link(self, run: str | None) -> str:
        """A link for one use.  The run that it leads to is read while the browser starts."""
        if run:
            threading.Thread(target=self._warm, args=(run,), name="warm", daemon=True).start()
        path = f"/runs/{quote(run)}" if run else "/"
        return f"{self.url}{path}?token={self.tickets.new()}"

    def forget(self) -> None:
        """The server has ended: nobody is to look for it.  The token stays good for the next."""
        try:
            known = json.loads(self._file.read_text())
            if known.get("pid") == os.getpid():
                _write_private(self._file, {"token": self.token})
        except (OSError, ValueError):
            pass


def _server(app: Any) -> uvicorn.Server:
    """A uvicorn that ends open streams before it waits for them."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            app.state.flow.feeds.stop()
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS,
        server_header=False,
    )
    return Server(config)


def _name_of(given: str) -> str:
    """A name that the server may be called by, as a ``Host`` says it, without its brackets."""
    if re.fullmatch(r"[A-Za-z0-9_.-]+|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]?", given):
        return given.strip("[]").lower()
    raise InputError(f"--allow-host {given!r}: a name or an address, without a scheme or a port")


def _check_host(host: str, allow_hosts: Collection[str]) -> None:
    if host in LOOPBACK:
        return
    if not allow_hosts:
        raise InputError(
            f"--host {host} is reached from other machines: "
            "say by which name with --allow-host NAME"
        )
    sys.stderr.write(
        f"cms flow: {host} is reached from other machines, in clear unless behind TLS\n"
    )


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol said, asyncio turns off Nagle's algorithm: else each answer, whose head
    # and body are written one after the other, takes 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(128)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise InputError(
                f"port {port} of {host} is in use; --port 0 takes any that is free"
            ) from None
        raise InputError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return sock


# -- the file that programs read the token from ---------------------------------------
def server_file() -> Path:
    """Where the token of this user's servers is kept, readable by the user alone."""
    return Path.home() / ".cloudmesh" / "flow" / "server.json"


def _token() -> str:
    """``CLOUDMESH_FLOW_TOKEN``, else the user's own, made once."""
    import secrets

    from cloudmesh.flow.server.access import token_from_environment

    given = token_from_environment()
    if given:
        return given
    file = server_file()
    try:
        if file.stat().st_mode & 0o077 == 0 and file.stat().st_uid == os.getuid():
            known = json.loads(file.read_text()).get("token")
            if isinstance(known, str) and len(known) >= 32:
                return known
    except (OSError, ValueError, AttributeError):
        pass
    return secrets.token_urlsafe(32)


def _write_private(file: Path, data: dict[str, Any]) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as out:
        json.dump(data, out)
    os.replace(new, file)


def _open_browser(link: str) -> None:
    """Open the page without holding up the server; where there is no browser, the link stands."""
    import webbrowser

    def attempt() -> None:
        with contextlib.suppress(Exception):
            webbrowser.open(link)

    threading.Thread(target=attempt, daemon=True).start()

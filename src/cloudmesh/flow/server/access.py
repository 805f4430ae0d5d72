"""Who may talk to the server, as one layer around the whole app.

* ``Host`` must be a name of this server: a page of another site that has made
  its own name point at 127.0.0.1 is refused.
* ``Origin``, where there is one, must be this server's own.
* Everything but ``/health`` needs the bearer token, or the cookie that a ticket
  was changed into.  A ticket (``/?token=…``) is good for one GET.

The cookie is signed with the token: it outlives a restart of the server, and
the server remembers no sessions.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Collection
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloudmesh.flow.server.problems import problem

__all__ = ["LOOPBACK", "Access", "Tickets", "token_from_environment"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
TICKETS_MAX = 100

#: A name or an address, and a port: nothing else is a Host.
HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:/@?#\\\s]+)(:[0-9]{0,5})?", re.IGNORECASE)
DEFAULT_PORTS = {"http": ":80", "https": ":443"}

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

USED_LINK = """<!doctype html><html lang="en"><meta charset="utf-8"><title>flow</title>
<p>This link has been used. A new one: <code>cms flow view</code></p></html>"""
NO_LINK = """<!doctype html><html lang="en"><meta charset="utf-8"><title>flow</title>
<p>This page opens with a link of its own. Here is how to get one: <code>cms flow view</code></p>
</html>"""


def token_from_environment() -> str | None:
    """The token that the user chose, if any."""
    return os.environ.get("CLOUDMESH_FLOW_TOKEN") or None


class Tickets:
    """Tickets that were given out and not used yet."""

    def __init__(self) -> None:
        self._open: dict[str, None] = {}

    def new(self) -> str:
        """A ticket for one use.  Only the last hundred are good."""
        ticket = secrets.token_urlsafe(24)
        self._open[ticket] = None
        while len(self._open) > TICKETS_MAX:
            del self._open[next(iter(self._open))]
        return ticket

    def use(self, ticket: str) -> bool:
        """Take a ticket; False where there is none such (any more)."""
        return self._open.pop(ticket, False) is None


class Access:
    """The layer; see the head of this module.  ``hosts`` are names beside the loopback's."""

    def __init__(
        self, app: ASGIApp, *, token: str, tickets: Tickets, hosts: Collection[str] = ()
    ) -> None:
        self._app = app
        self._token = token.encode()
        self._tickets = tickets
        self._hosts = frozenset(h.lower() for h in (*LOOPBACK, *hosts))
        # Cookies know no ports: two servers on one machine need two names.
        self._cookie = "cmflow-" + hashlib.sha256(b"name" + self._token).hexdigest()[:8]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        answer = self._judge(scope)
        guarded = _with_headers(send, scope["path"])
        await (answer or self._app)(scope, receive, guarded)

    # -- judging a request -------------------------------------------------------
    def _judge(self, scope: Scope) -> Response | None:
        """The answer for who may not, or must go elsewhere first; None for who may."""
        headers = Headers(scope=scope)
        if not self._is_host(headers.get("host", "")):
            return problem(403, "this Host is none of the server's; --allow-host allows one")
        if not all(_is_own(origin, headers["host"]) for origin in headers.getlist("origin")):
            return problem(403, "requests from the pages of other sites are refused")
        if scope["path"] == "/health":
            return None
        known = self._is_bearer(headers) or self._has_cookie(headers)
        if scope["method"] == "GET" and not scope["path"].startswith(("/api/", "/static/")):
            answer = self._ticket(scope, headers, known)
            if answer is not None:
                return answer
        if known:
            return None
        if _wants_html(headers) and not scope["path"].startswith("/api/"):
            return HTMLResponse(NO_LINK, 401, {"WWW-Authenticate": "Bearer"})
        return problem(401, "send `Authorization: Bearer …`, or open the link of `cms flow view`")

    def _is_host(self, host: str) -> bool:
        found = HOST.fullmatch(host)
        return found is not None and found[1].strip("[]").lower() in self._hosts

    def _is_bearer(self, headers: Headers) -> bool:
        kind, _, token = headers.get("authorization", "").partition(" ")
        given = token.strip().encode()
        return kind.lower() == "bearer" and hmac.compare_digest(given, self._token)

    def _has_cookie(self, headers: Headers) -> bool:
        # Read leniently: whatever else serves this name has set cookies of its own, of any form.
        value = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        nonce, _, signature = value.partition(".")
        return hmac.compare_digest(signature.encode(), self._signature(nonce).encode())

    def _signature(self, nonce: str) -> str:
        return hmac.new(self._token, b"session " + nonce.encode(), hashlib.sha256).hexdigest()

    def _ticket(self, scope: Scope, headers: Headers, known: bool) -> Response | None:
        """Change a ticket into a cookie, and lead to the path without it."""
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        ticket = dict(query).get("token")
        if ticket is None:
            return None
        valid = self._tickets.use(ticket)
        if not valid and not known:
            if _wants_html(headers):
                return HTMLResponse(USED_LINK, 401, {"WWW-Authenticate": "Bearer"})
            return problem(401, "This link has been used. A new one: `cms flow view`")
        rest = urlencode([(k, v) for k, v in query if k != "token"])
        # A path that begins with two slashes, or with one and a backslash, would lead to another
        # host; as it came it may hold a line's end.
        clean = "/" + quote(scope["path"].lstrip("/"), safe="/~") + (f"?{rest}" if rest else "")
        answer = Response(status_code=303, headers={"Location": clean})
        if valid:
            nonce = secrets.token_urlsafe(12)
            answer.set_cookie(
                self._cookie,
                f"{nonce}.{self._signature(nonce)}",
                httponly=True,
                samesite="strict",
                path="/",
            )
        return answer


def _is_own(origin: str, host: str) -> bool:
    """Whether an Origin is that of this server's pages, also behind somebody who does TLS."""
    scheme, found, place = origin.lower().partition("://")
    port = DEFAULT_PORTS.get(scheme)
    if not found or port is None:
        return False
    return place.removesuffix(port) == host.lower().removesuffix(port)


def _wants_html(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")


def _with_headers(send: Send, path: str) -> Send:
    """Add the security headers to whatever is answered."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            if not path.startswith("/static/"):
                headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return guarded

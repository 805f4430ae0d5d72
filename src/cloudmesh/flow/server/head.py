"""``HEAD`` wherever there is a ``GET``: the same answer without its body."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Head"]


class Head:
    """A layer that asks the app for a ``GET``, and lets nothing but the head of it out.

    A stream is ended as soon as its head is known: it would have no end of its own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = False

        async def head_only(message: Message) -> None:
            nonlocal answered
            if answered:
                raise OSError("nobody waits for the body of a HEAD")
            await send(message)
            if message["type"] == "http.response.start":
                await send({"type": "http.response.body", "body": b""})
                answered = True

        try:
            await self._app({**scope, "method": "GET"}, receive, head_only)
        except (OSError, ClientDisconnect):
            if not answered:
                raise

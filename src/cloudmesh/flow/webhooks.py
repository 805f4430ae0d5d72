"""Tells others that a run has ended: ``webhooks: [URL]`` in the configuration.

Each URL gets a POST of a small JSON document, ids and the status and no more
(no parameter, no result).  It is a courtesy after the end, which is recorded
by then: it is tried a few times, and whatever comes of it changes nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

__all__ = ["fault", "shown", "tell"]

#: How long an answer may take, how often it is tried, and the pauses between, in seconds.
TIMEOUT, TRIES, PAUSE = 5.0, 3, 0.5
#: The end of a run waits so long for all of them together, in seconds.
PATIENCE = 5.0


def fault(url: object) -> str:
    """What is wrong with a URL, as a sentence that does not repeat it; "" for nothing.

    It may hold a secret.
    """
    from urllib.parse import urlsplit

    wrong = "a webhook is a URL like https://example.org/hook"
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return wrong
    try:
        parts = urlsplit(url)
        ok = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return wrong
    return "" if ok else wrong


def shown(url: str) -> str:
    """A URL without what may be secret in it: user, password, path and query."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"


def tell(urls: Sequence[str], document: Mapping[str, str], note: Callable[[str], None]) -> None:
    """Post the document to every URL at once, and wait `PATIENCE` seconds at most.

    Never raises; ``note`` is told of each that could not be told in that time.
    """
    outcomes = dict.fromkeys(urls, "no answer yet")

    def work(url: str) -> None:
        outcomes[url] = post(url, document)

    threads = [threading.Thread(target=work, args=(url,), daemon=True) for url in outcomes]
    until = monotonic() + PATIENCE
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - monotonic()))
    for url, outcome in outcomes.items():
        if outcome:
            note(f"the webhook at {shown(url)} was not told of the end: {outcome}")


def post(url: str, document: Mapping[str, str]) -> str:
    """Post to one URL, up to `TRIES` times; what was wrong the last time, "" for nothing."""
    wrong = ""
    for number in range(TRIES):
        if number:
            threading.Event().wait(PAUSE * number)
        try:
            post_once(url, document)
            return ""
        except Exception as error:  # whatever a network can do
            wrong = why(error)
    return wrong


def why(error: Exception) -> str:
    """An error in a few words, none of which the other side has chosen."""
    from urllib.error import HTTPError, URLError

    if isinstance(error, HTTPError):
        return f"it answered {error.code}"
    if isinstance(error, URLError):
        return str(error.reason)
    return str(error) if isinstance(error, OSError) else type(error).__name__


def post_once(url: str, document: Mapping[str, str]) -> None:
    """Post once.  Raises what urllib raises, also for an answer that is none of 200 to 299."""
    import json
    from base64 import b64encode
    from urllib.parse import unquote, urlsplit, urlunsplit
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    from cloudmesh.flow import __version__

    class Stay(HTTPRedirectHandler):
        """A redirection would become a GET, elsewhere."""

        def redirect_request(self, *_: object) -> None:
            return None

    parts = urlsplit(url)
    _, at, host = parts.netloc.rpartition("@")
    headers = {"Content-Type": "application/json", "User-Agent": f"cloudmesh-flow/{__version__}"}
    if at:
        login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(login.encode()).decode()}"
    target = urlunsplit((parts.scheme, host, parts.path or "/", parts.query, ""))
    request = Request(target, json.dumps(document).encode(), headers, method="POST")
    build_opener(Stay).open(request, timeout=TIMEOUT).close()

"""What a cloud said when it did not do what was asked, in one line that helps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from cloudmesh.flow.errors import InfrastructureError

__all__ = ["CloudError", "hidden", "translated"]

SAID_MAX = 240  # characters of the cloud's own words


class CloudError(InfrastructureError):
    """A cloud refused, or was not reached.

    ``passing``: the same request may succeed a little later.  ``unsure``: it
    may have been done although no answer came.
    """

    def __init__(self, message: str, kind: str, passing: bool = False, unsure: bool = False):
        super().__init__(message)
        self.kind = kind
        self.passing = passing
        self.unsure = unsure


#: What clouds say, what kind of trouble it is, what to say, whether it may pass.  First match wins.
_RULES: tuple[tuple[str, str, str, bool], ...] = (
    (
        r"ExpiredToken|RequestExpired|token\w* (has |is )?expired",
        "credentials",
        "the credentials have expired; get new ones",
        False,
    ),
    (
        r"RequestLimitExceeded|Throttl|Rate ?limit|\b429\b",
        "throttled",
        "the cloud takes no more requests for now",
        True,
    ),
    (
        r"Insufficient\w*Capacity|No valid host|\bcapacity\b",
        "capacity",
        "the cloud has no room for a machine of size {size} now",
        True,
    ),
    (
        r"LimitExceeded|quota",
        "quota",
        "a quota of this account is used up; end machines, or ask for more",
        False,
    ),
    (
        r"AuthFailure|InvalidClientTokenId|InvalidAccessKeyId|SignatureDoesNotMatch|"
        r"Invalid ?cred|\b401\b",
        "credentials",
        "the credentials were refused; they are from {source}",
        False,
    ),
    (
        r"UnauthorizedOperation|not authorized|OptInRequired|\b403\b",
        "rights",
        "these credentials, from {source}, may not do this",
        False,
    ),
    (r"more than 1 matching endpoint", "region", "it has several regions: say region: …", False),
    (r"specified endpoint", "region", "it has no machines{place}", False),
    (r"InvalidAMI|\bimage\b", "image", "there is no image {image}{place}", False),
    (r"instance type|\bflavor\b", "size", "there is no size {size}{place}", False),
    (r"InvalidKeyPair|key ?pair|key_name", "key", "there is no key {key}{place}", False),
    (r"Subnet|\bnetwork\b", "network", "there is no network {network}{place}", False),
    (r"InvalidGroup|security.?group", "security", "there is no such security group{place}", False),
)


def translated(
    error: Exception, about: Mapping[str, Any], secrets: Iterable[str] = ()
) -> CloudError:
    """The error of a request; ``about`` says name, source, region, image, size, key, network."""
    if isinstance(error, CloudError):
        return error
    said = _said(error, list(secrets))
    name = about.get("name") or about.get("provider")
    found = _by_network(error)
    if found is not None:
        sentence, unsure = found
        return CloudError(f"{name}: {sentence}{_where(about)}{_own(said)}", "away", True, unsure)
    place = f" in {about['region']}" if about.get("region") else ""
    facts = {"source": "", "image": "", "size": "", "key": "", "network": "", **about}
    for pattern, kind, sentence, passing in _RULES:
        if re.search(pattern, said, re.IGNORECASE):
            text = sentence.format_map({**facts, "place": place})
            return CloudError(f"{name}: {text}{_own(said)}", kind, passing)
    code = _code(error)
    if code >= 500 or _is_no_answer(error):
        sentence = "the cloud has trouble of its own"
        return CloudError(f"{name}: {sentence}{_own(said)}", "server", True, True)
    return CloudError(f"{name}: the cloud refused{_own(said)}", "refused")


def hidden(text: str, secrets: Iterable[str]) -> str:
    """A text without secrets, however they are broken over lines."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, "***").replace(" ".join(secret.split()), "***")
    return text


def _said(error: Exception, secrets: Iterable[str]) -> str:
    """An error's own words on one line, without secrets, and without URLs: user data is in them."""
    value = getattr(error, "value", None)
    raw = hidden(str(value if isinstance(value, str) and value else error), secrets)
    text = hidden(" ".join(re.sub(r"\burl: \S+", "", raw).split()), secrets)
    # Libraries' own slips say little without their names.
    bare = not text or isinstance(error, KeyError | TypeError | AttributeError | ValueError)
    return f"{type(error).__name__} {text}".strip() if bare else text


def _own(said: str) -> str:
    return f" ({said[:SAID_MAX]})"


def _where(about: Mapping[str, Any]) -> str:
    return f" at {about['endpoint']}" if about.get("endpoint") else ""


def _code(error: Exception) -> int:
    for name in ("code", "http_code"):
        value = getattr(error, name, None)
        if isinstance(value, int):
            return value
    return 0


def _is_no_answer(error: Exception) -> bool:
    """Whether something answered, but not the cloud: a gateway's page, half a text."""
    return type(error).__name__ == "MalformedResponseError"


def _by_network(error: Exception) -> tuple[str, bool] | None:
    """What the network did, and whether the request may have arrived."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not accepted", False
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return "no answer", False
    if isinstance(error, requests.exceptions.Timeout | TimeoutError):
        return "no answer", True
    if isinstance(error, requests.exceptions.RequestException | OSError):
        never = re.search(r"NewConnectionError|NameResolution|refused", str(error))
        return ("cannot be reached", False) if never else ("the connection was lost", True)
    return None

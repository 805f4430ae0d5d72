"""Keeps the secrets of a run out of what is recorded and shown."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator

__all__ = ["Veil"]

#: Shorter ones stand in too many texts by chance.
SHORTEST = 4


def _in_base64(secret: bytes) -> Iterator[bytes]:
    """How a secret within longer bytes looks in base64: as codecs write bytes."""
    for before in range(3):  # bytes of the first group that are not the secret's
        groups = secret[(3 - before) % 3 :]
        groups = groups[: len(groups) // 3 * 3]
        if len(groups) >= 6:  # fewer would be found by chance in what is long
            yield b64encode(groups)


class Veil:
    """``veil(text)`` is the text with ``…`` in place of each secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # A node's output comes line by line, so each line of a secret is one.
        lines = {str.__str__(line) for secret in secrets for line in secret.splitlines()}
        found = {line for line in lines if len(line) >= SHORTEST}
        found |= {json.dumps(line)[1:-1] for line in found}
        self._texts = sorted(found, key=len, reverse=True)
        plain = [text.encode(errors="surrogatepass") for text in self._texts]
        self._stored = [*plain, *(form for text in plain for form in _in_base64(text))]

    @property
    def hides(self) -> bool:
        """Whether there is anything to keep out."""
        return bool(self._texts)

    def __call__(self, text: str) -> str:
        for secret in self._texts:
            if secret in text:
                text = text.replace(secret, "…")
        return text

    def refuse(self, stored: str | bytes | memoryview) -> None:
        """Raise `ValueError` where what is to be stored of a value holds a secret."""
        if not self._texts:
            return
        data = stored.encode(errors="surrogatepass") if isinstance(stored, str) else bytes(stored)
        if any(secret in data for secret in self._stored):
            raise ValueError(
                "the value cannot be stored: it holds a secret, and those are never kept; "
                "return something else, and take the secret as a parameter where it is needed"
            )

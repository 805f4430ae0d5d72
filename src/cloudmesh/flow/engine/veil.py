"""Keeps the secrets of a run out of what is recorded and shown."""

from __future__ import annotations

import json
from collections.abc import Iterable

__all__ = ["Veil"]

#: Shorter ones stand in too many texts by chance.
SHORTEST = 4


class Veil:
    """``veil(text)`` is the text with ``…`` in place of each secret."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # A node's output comes line by line, so each line of a secret is one.
        lines = {str.__str__(line) for secret in secrets for line in secret.splitlines()}
        found = {line for line in lines if len(line) >= SHORTEST}
        found |= {json.dumps(line)[1:-1] for line in found}
        self._texts = sorted(found, key=len, reverse=True)

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
        if any(secret.encode(errors="surrogatepass") in data for secret in self._texts):
            raise ValueError(
                "the value cannot be stored: it holds a secret, and those are never kept; "
                "return something else, and take the secret as a parameter where it is needed"
            )

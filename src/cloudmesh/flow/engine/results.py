"""From what a node returned to the event that records it, and back."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from cloudmesh.flow.codecs import long, raw, table
from cloudmesh.flow.engine.veil import Veil
from cloudmesh.flow.model.value import SCALARS, Report, exact_json, read, shown

__all__ = ["INLINE_MAX", "Results"]

#: Larger than this (bytes of JSON, or of a codec) a value is kept by reference.
INLINE_MAX = 64 * 1024
#: A text of fewer characters than this is kept in line, whatever they are.
SHORT = 1000


class Results:
    """Writes and reads results.  ``put`` and ``get`` keep blobs; ``veil`` knows the secrets."""

    def __init__(
        self, put: Callable[[bytes], str], get: Callable[[str], bytes], veil: Veil | None = None
    ) -> None:
        self._put = put
        self._get = get
        self.veil = veil or Veil()

    def simple(self, value: Any) -> str | None:
        """The JSON text of what most nodes return: nothing, a number, a short text.

        As `write` would give it; None where only that can tell.
        """
        kind = type(value)
        if kind not in SCALARS or self.veil.hides:
            return None
        return exact_json(value) if kind is not str or len(value) < SHORT else None

    def write(self, report: Report) -> tuple[str, dict[str, Any] | None]:
        """The JSON text to store as ``result``, and what else is to be recorded (`events`).

        Raises `ValueError` where the value cannot be stored.
        """
        kind = type(report.value)
        if (kind is str or kind is list) and len(report.value) > INLINE_MAX:
            written = self._write_long(report)
            if written is not None:
                return written
        text = exact_json(report.result)
        if text is None:
            return self._write_other(report)
        self.veil.refuse(text)
        kept = self.in_line(text, type(report.result).__name__)
        if kept is not text:
            extra: dict[str, Any] = {"codec": "json"}
            if report.raw:
                extra["raw"] = True
            return kept, extra
        return text, {"raw": True} if report.raw else None

    def _write_long(self, report: Report) -> tuple[str, dict[str, Any]] | None:
        """As `write`, of what is too long for a document and may be very long."""
        data = long.write(report.result)
        if data is None:
            return None
        self.veil.refuse(data)
        extra: dict[str, Any] = {"codec": "json", "raw": True} if report.raw else {"codec": "json"}
        return self._reference(data, type(report.result).__name__), extra

    def _reference(self, data: bytes, kind: str) -> str:
        return json.dumps({"$ref": self._put(data), "size": len(data), "type": kind})

    def in_line(self, text: str, kind: str) -> str:
        """JSON text as a document holds it: itself, or a reference to it where it is large."""
        if len(text) > INLINE_MAX // 4 and len(data := text.encode()) > INLINE_MAX:
            return self._reference(data, kind)
        return text

    def _write_other(self, report: Report) -> tuple[str, dict[str, Any]]:
        large = raw.write(report.value, INLINE_MAX)
        codec, data, about = large or (*table.encode(report.value), {})
        self.veil.refuse(data)
        extra: dict[str, Any] = {"codec": codec, **about}
        if len(data) > INLINE_MAX:
            extra["ref"] = self._put(data)
        else:
            extra["data"] = base64.b64encode(data).decode()
        result: Any = shown(report.value)
        self.veil.refuse(result["text"])
        if report.result is not report.value and isinstance(report.result, dict):
            rest = {k: v for k, v in report.result.items() if k != "value"}
            if exact_json(rest) is not None:
                result = {**rest, "value": result}
        return json.dumps(result, ensure_ascii=False), extra

    def read(self, result: str, extra: Mapping[str, Any]) -> Any:
        """The value of a stored result.  Raises `ValueError` where it cannot be read."""
        codec = extra.get("codec")
        itself = bool(extra.get("raw"))
        if codec is None:
            return _value(json.loads(result), itself)
        if codec == "json":
            return _value(long.read([self._get(json.loads(result)["$ref"])]), itself)
        data = self._get(extra["ref"]) if "ref" in extra else base64.b64decode(extra["data"])
        return raw.read(codec, data, extra) if codec in raw.RAW else table.decode(codec, data)


def _value(result: Any, itself: bool) -> Any:
    return result if itself else read(result).value

"""Results as downloads.  Nothing is unpickled; only four kinds of picture are shown as pictures."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from cloudmesh.flow.run.events import decode
from cloudmesh.flow.store.protocol import Store, every_batch

__all__ = ["captions", "download", "file_name", "picture_type"]

CAPTION_MAX = 40
CAPTIONS_MAX = 20_000

_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (b"GIF87a", "image/gif", ".gif"),
    (b"GIF89a", "image/gif", ".gif"),
)


def download(store: Store, run: str, document: dict[str, Any]) -> tuple[bytes, str, str]:
    """The result of a node as bytes, their media type and the ending of a file name."""
    result = document.get("result")
    if isinstance(result, dict) and isinstance(result.get("$ref"), str):
        return store.get_blob(result["$ref"]), "application/json", ".json"
    if _mark(result) in ("bytes", "bytearray"):
        data = _bytes(store, run, document["name"])
        if data is not None:
            return data, *picture_type(data)
    text = json.dumps(result, ensure_ascii=False, indent=1)
    return text.encode("utf-8", "surrogatepass"), "application/json", ".json"


def picture_type(data: bytes) -> tuple[str, str]:
    """Media type and ending of bytes: PNG, JPEG, GIF and WebP are pictures, all else is not."""
    for start, media_type, ending in _PICTURES:
        if data.startswith(start):
            return media_type, ending
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp", ".webp"
    return "application/octet-stream", ".bin"


def file_name(text: str) -> str:
    """A name that needs no quoting in a header."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)[:120]


def captions(store: Store, run: str, source: str) -> list[str]:
    """A short text for each element of a list that a node returned; "" where it is no short one."""
    found = store.nodes(run, [source])
    result = found[0].get("result") if found else None
    if isinstance(result, dict) and isinstance(result.get("$ref"), str):
        try:
            result = json.loads(store.get_blob(result["$ref"]))
        except ValueError:
            return []
    if isinstance(result, dict) and isinstance(result.get("value"), list):
        result = result["value"]
    if not isinstance(result, list) or len(result) > CAPTIONS_MAX:
        return []
    return [_caption(item) for item in result]


def _caption(item: Any) -> str:
    if isinstance(item, bool) or item is None:
        return ""
    if isinstance(item, (int, float)):
        return str(item)
    if not isinstance(item, str) or not item:
        return ""
    text = item.splitlines()[0]
    return text if len(text) <= CAPTION_MAX else f"…{text[-CAPTION_MAX + 1 :]}"


def _mark(result: Any) -> str:
    """The type of a value that is no JSON, as its document names it."""
    if isinstance(result, dict):
        value = result.get("value") if "value" in result else result
        if isinstance(value, dict) and isinstance(value.get("$type"), str):
            return str(value["$type"])
    return ""


def _bytes(store: Store, run: str, node: str) -> bytes | None:
    """The bytes that a node returned, from its last finished event."""
    extra = _last_extra(store, run, node)
    if extra.get("codec") == "bytes":
        return store.get_blob(extra["ref"])
    if extra.get("codec") != "tagged":
        return None
    raw = store.get_blob(extra["ref"]) if "ref" in extra else base64.b64decode(extra["data"])
    tree = json.loads(raw)
    if isinstance(tree, dict) and tree.get("$") in ("bytes", "bytearray"):
        return base64.b64decode(tree["v"])
    return None


def _last_extra(store: Store, run: str, node: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    needle = json.dumps(node)
    for batch in every_batch(store, run):
        if needle not in batch.events:
            continue
        for event in decode(batch.events):
            if event[0] == "finished" and event[1] == node and len(event) > 4:
                found = event[4] or {}
    return found

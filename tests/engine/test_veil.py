from __future__ import annotations

import base64

import pytest

from cloudmesh.flow.engine.veil import Veil


def test_a_secret_is_covered_also_as_json_and_line_by_line() -> None:
    veil = Veil(['hun"ter', "first line\nsecond line", "hun"])
    assert veil('a hun"ter b') == "a … b"
    assert veil('{"a": "hun\\"ter"}') == '{"a": "…"}'
    assert veil("-second line-") == "-…-"
    assert veil("hunt the fox") == "hunt the fox"  # too short to be covered


def test_what_holds_one_is_refused() -> None:
    veil = Veil(["hunter2"])
    for stored in ("x hunter2", b"\x80hunter2", memoryview(b"hunter2")):
        with pytest.raises(ValueError, match="holds a secret"):
            veil.refuse(stored)
    for before in range(7):  # as a codec writes bytes that hold it
        encoded = base64.b64encode(b"z" * before + b"hunter2, long enough" + b"z" * 50)
        with pytest.raises(ValueError, match="holds a secret"):
            Veil(["hunter2, long enough"]).refuse(encoded)
    veil.refuse("hunter")
    Veil().refuse("hunter2")

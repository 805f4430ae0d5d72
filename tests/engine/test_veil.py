from __future__ import annotations

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
    veil.refuse("hunter")
    Veil().refuse("hunter2")

"""Values that are no JSON come back equal and of the same types."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
import math
import pathlib
import sys
import types
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudmesh.flow.codecs.table import decode, encode


@dataclass
class Point:
    x: int
    where: tuple[int, ...] = (1,)
    when: dt.date | None = None
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slotted:
    x: int


class Colour(enum.Enum):
    RED = 1


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    module = types.ModuleType("flow_of_a_user")
    for thing in (Point, Slotted, Colour):
        monkeypatch.setattr(thing, "__module__", module.__name__)
        setattr(module, thing.__name__, thing)
    monkeypatch.setitem(sys.modules, module.__name__, module)


KNOWN = [
    (1, "a", (2,)),
    [(1,), {"a": {3, 4}}],
    {1: "a", (2, 3): b"x"},
    {"$": 1, "$ref": 2},
    frozenset([1]),
    b"\x00\xff",
    bytearray(b"x"),
    2 + 3j,
    range(1, 9, 2),
    math.inf,
    -math.inf,
    dt.datetime(2019, 5, 2, 0, 32, 11, 34870),
    dt.datetime(2019, 5, 2, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    dt.date(2019, 5, 2),
    dt.time(1, 2, 3),
    dt.timedelta(days=-1, microseconds=3),
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    uuid.UUID(int=7),
    Path("a/b"),
    pathlib.PureWindowsPath("c:/x"),
    Point(1, (2, 3), dt.date(2020, 1, 1), {"a": b"x"}),
    Slotted(3),
    Colour.RED,
    10**5000,
]


@pytest.mark.parametrize("value", KNOWN, ids=lambda v: type(v).__name__)
def test_known_types_come_back_without_pickle(value: Any) -> None:
    codec, data = encode(value)
    assert codec == ("tagged" if value != 10**5000 else "pickle")
    back = decode(codec, data)
    assert back == value
    assert type(back) is type(value)


def test_nan_comes_back() -> None:
    back = decode(*encode([math.nan]))
    assert math.isnan(back[0])


def test_numpy_without_pickle() -> None:
    np = pytest.importorskip("numpy")
    array = np.arange(6, dtype="f4").reshape(2, 3)
    codec, data = encode({"a": array, "s": np.float32(1.5)})
    assert codec == "tagged"
    back = decode(codec, data)
    assert (back["a"] == array).all()
    assert back["a"].dtype == array.dtype
    assert type(back["s"]) is np.float32


def test_pandas() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=[3, 4])
    assert decode(*encode(frame)).equals(frame)


def test_pydantic() -> None:
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Model", x=(int, ...), __module__="flow_of_a_user")
    sys.modules["flow_of_a_user"].Model = model  # type: ignore[attr-defined]
    codec, data = encode([model(x=3)])
    assert codec == "tagged"
    assert decode(codec, data) == [model(x=3)]


def test_anything_else_is_pickled_and_signed(tmp_path: Path) -> None:
    codec, data = encode(lambda x: x + 1)
    assert codec == "pickle"
    assert decode(codec, data)(1) == 2
    key = tmp_path / ".cloudmesh" / "flow" / "key"
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_pickle_with_another_signature_is_not_loaded(tmp_path: Path) -> None:
    codec, data = encode(lambda: 1)
    changed = data[:-1] + bytes([data[-1] ^ 1])
    with pytest.raises(ValueError, match="not signed with this user's key"):
        decode(codec, changed)
    (tmp_path / ".cloudmesh" / "flow" / "key").write_bytes(b"another")
    with pytest.raises(ValueError, match="not signed with this user's key"):
        decode(codec, data)


def test_what_cannot_be_stored_says_so() -> None:
    with pytest.raises(ValueError, match="a generator, cannot be stored"):
        encode(i for i in [1])


def test_a_class_that_is_gone_says_so() -> None:
    codec, data = encode(Point(1))
    del sys.modules["flow_of_a_user"].Point  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match=r"flow_of_a_user\.Point of a stored value is not there"):
        decode(codec, data)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.dates()
    | st.decimals(allow_nan=False),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_mixtures_come_back(value: Any) -> None:
    back = decode(*encode(value))
    assert back == value
    assert repr(back) == repr(value)

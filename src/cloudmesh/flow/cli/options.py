"""Arguments that several commands take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

__all__ = [
    "flowname_argument",
    "output_argument",
    "port",
    "positive",
    "run_argument",
    "serve_arguments",
]


def run_argument(parser: argparse.ArgumentParser) -> None:
    """RUN: an id, the beginning of one, ``latest``, or a flow's name for its latest."""
    parser.add_argument(
        "run",
        nargs="?",
        default="latest",
        metavar="RUN",
        help="a run, the beginning of its name, `latest` (the default), or a flow for its latest",
    )


def output_argument(parser: argparse.ArgumentParser) -> None:
    """How the answer is written."""
    parser.add_argument(
        "--output", choices=("table", "json"), default="table", help="for people, or for programs"
    )


def serve_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the view is served."""
    parser.add_argument("--host", default="127.0.0.1", help="of the view (127.0.0.1)")
    parser.add_argument("--port", type=port, metavar="PORT", help="of the view (8080; 0: any)")


def flowname_argument(parser: argparse.ArgumentParser, help: str) -> None:
    """The name of a flow."""
    parser.add_argument("--flowname", metavar="NAME", type=not_empty, help=help)


def not_empty(text: str) -> str:
    """What a shell variable that is not set would give is no name."""
    if not text:
        raise _refused("a name is needed, not ''")
    return text


def positive(text: str) -> int:
    """A whole number above 0."""
    number = _number(text)
    if number is None or number < 1:
        raise _refused(f"a whole number above 0 is needed, not {text!r}")
    return number


def port(text: str) -> int:
    """A port; 0 for any."""
    number = _number(text)
    if number is None or not 0 <= number < 65536:
        raise _refused(f"a port is a number from 0 to 65535, not {text!r}")
    return number


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _refused(message: str) -> Exception:
    from argparse import ArgumentTypeError

    return ArgumentTypeError(message)

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
        raise ValueError(text)
    return text


def positive(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def port(text: str) -> int:
    """A port; 0 for any."""
    number = int(text)
    if not 0 <= number < 65536:
        raise ValueError(text)
    return number

"""``schema``: the JSON Schema of the YAML form, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloudmesh.flow.cli.main import Command
from cloudmesh.flow.cli.render import print_json

if TYPE_CHECKING:
    import argparse

__all__ = ["COMMANDS"]


def schema_arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def schema(args: argparse.Namespace) -> int:
    """Print the schema."""
    from cloudmesh.flow.language.schema import schema as of_flows

    print_json(of_flows())
    return 0


COMMANDS = {"schema": Command(schema_arguments, schema, ("cms flow schema > flow.schema.json",))}

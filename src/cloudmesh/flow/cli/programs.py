"""From the words of a command line to a program: of a file, or of a stored definition."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from cloudmesh.flow.cli.words import Words, default_file, unknown

if TYPE_CHECKING:
    import argparse

    from cloudmesh.flow.config import Config
    from cloudmesh.flow.language.program import Program
    from cloudmesh.flow.store.protocol import Store

__all__ = ["check_places", "load_file", "load_stored", "stored", "target_of", "texts_of"]


def load_file(
    args: argparse.Namespace,
    words: Words,
    config: Config,
    parameters: Mapping[str, str] | None = None,
    later: bool = False,
    moved: Collection[str] = (),
) -> Program:
    """The program of a file: the one named, else NAME-flow.py, else NAME-flow.yaml.

    ``later``: run parameters may still come; ``moved``: nodes for which ``--on`` says
    where they run.  Raises `InputError` with all that is wrong.
    """
    from cloudmesh.flow.errors import InputError
    from cloudmesh.flow.language.load import load

    if words.file and args.flowfile not in (None, words.file):
        raise InputError(f"two files, {words.file} and --flowfile {args.flowfile}: name one")
    target = words.file or args.flowfile or default_file(args.flowname)
    return load(
        target,
        words.strings,
        flowname=args.flowname,
        infrastructure=config.infrastructure,
        parameters=parameters,
        later=later,
        moved=moved,
        pools=config.pools,
    )


def load_stored(
    args: argparse.Namespace,
    store: Store,
    words: Words,
    config: Config,
    parameters: Mapping[str, str] | None = None,
    later: bool = False,
    moved: Collection[str] = (),
    pending: Collection[str] = (),
) -> Program:
    """The program of a stored definition: its graph, and the functions of the file that it names.

    Raises `InputError`, also where somebody else defined it and ``--trust`` is
    not given: to load a file is to run it.
    """
    from cloudmesh.flow.errors import InputError
    from cloudmesh.flow.language.load import load
    from cloudmesh.flow.trust import is_mine

    name = words.name
    documents, extra = stored(store, name)
    if args.flowname not in (None, name):
        raise InputError(f"--flowname is for files; the flow {name} is stored under its name")
    target = args.flowfile or target_of(extra)
    if target is None:
        target = default_file(name, stored=True)
    elif not (args.flowfile or args.trust or is_mine(store.id, name, extra)):
        raise InputError(
            f"flow {name} runs {target}, and you have not defined it on this store: "
            "read that file, then say --trust"
        )
    return load(
        target,
        words.strings or texts_of(documents, extra),
        flowname=name,
        infrastructure=config.infrastructure,
        parameters=parameters,
        later=later,
        moved=moved,
        pools=config.pools,
        pending=pending,
    )


def stored(store: Store, name: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The definition of a flow.  Raises `NotFound`."""
    found = store.definition(name)
    if found is None:
        from cloudmesh.flow.language.source import files_beside

        raise unknown("flow", name, [*store.definitions(), *files_beside(name)])
    return found


def target_of(extra: Mapping[str, Any]) -> str | None:
    """FILE or FILE:CLASS that a definition names; None where it names none."""
    file, cls = extra.get("file"), extra.get("cls")
    return f"{file}:{cls}" if file and cls else file


def texts_of(documents: list[dict[str, Any]], extra: Mapping[str, Any]) -> tuple[str, ...]:
    """The flow strings of a definition; drawn from its documents where it was stored without."""
    text = (extra.get("flow") or {}).get("text")
    if text:
        return tuple(text)
    from cloudmesh.flow.definitions import graph_of, strings_of

    return tuple(strings_of(graph_of(documents)))


def check_places(on: Mapping[str, str], program: Program, config: Config) -> None:
    """Raise `InputError` where ``--on`` names a node or an infrastructure that does not exist."""
    from cloudmesh.flow.api import placed

    placed(program.flow, on, config)

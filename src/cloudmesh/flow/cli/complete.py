"""How the words of an unfinished command line can go on.

The options are those of the commands' own parsers; what stands behind an
option or in a place is told by its metavar (RUN, NAME, FILE, NODE …).
A store that does not answer at once is not waited for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from cloudmesh.flow.cli.main import COMMANDS, leading_options, load, parser_of

if TYPE_CHECKING:
    import argparse

    from cloudmesh.flow.store.protocol import Store

__all__ = ["complete"]

T = TypeVar("T")

#: Somebody waits with a finger on TAB.
SECONDS = 2.0
#: Of runs the newest; of nodes the first.
RUNS_MAX, NODES_MAX = 50, 500

#: How a word can go on: what it becomes, and what that is.
Candidate = tuple[str, str]


class Line(NamedTuple):
    """What stands on the line already.

    ``command`` is its name, ``given`` the words in places, ``values`` what
    options have been given, ``word`` the last one, unfinished.
    """

    command: str
    given: list[str]
    values: dict[str, str]
    word: str


def complete(words: Sequence[str], split: bool = False) -> list[Candidate]:
    """What the last of the words behind ``cms`` can be.

    ``split``: as bash hands them over, with a ``=`` as a word of its own; of
    a word that holds one only what stands behind it is wanted then.
    """
    whole = joined(words) if split else list(words)
    cut = whole[-1].rfind("=") + 1 if split and len(whole) < len(words) else 0
    try:
        found = [c for c in candidates(whole) if c[0].startswith(whole[-1])]
    except (Exception, SystemExit):  # there is nobody to tell it to
        return []
    return [
        (word[cut:], " ".join(said.split())) for word, said in dict(found).items() if safe(word)
    ]


def joined(words: Sequence[str]) -> list[str]:
    """The words of bash with ``a = b`` put together again."""
    whole: list[str] = []
    for number, word in enumerate(words):
        after = number > 0 and words[number - 1] == "="
        if whole and (word == "=" or (after and number > 1)):
            whole[-1] += word
        else:
            whole.append(word)
    return whole


def safe(word: str) -> bool:
    """Whether a word means itself in a shell."""
    return all(c.isalnum() or c in "_-./=:@%+," for c in word)


def candidates(words: list[str]) -> Iterator[Candidate]:
    """All that could stand in the place of the last word."""
    *before, word = words
    if not before:
        yield "flow", "run flows of plain Python functions"
        return
    if before[0] != "flow":
        return
    options, rest = leading_options(before[1:])
    if not rest:
        yield from ((name, summary) for name, (_, summary) in COMMANDS.items())
        return
    parser = parser_of(rest[0], load(rest[0]))
    line, wanted = read(parser, [*options, *rest[1:]], rest[0], word)
    if wanted is not None:
        prefix = f"{word.partition('=')[0]}=" if word.startswith("--") else ""
        for found, said in of_action(wanted, line._replace(word=word.removeprefix(prefix))):
            yield prefix + found, said
        if prefix or wanted.option_strings:
            return
    if word.startswith("-") or wanted is None:
        for action in parser._actions:
            for option in action.option_strings:
                if option.startswith("--"):
                    yield option, action.help or ""


def read(
    parser: argparse.ArgumentParser, words: list[str], command: str, word: str
) -> tuple[Line, Any]:
    """What stands there, and the option or the place that the last word belongs to, if any."""
    options = parser._option_string_actions
    places = [action for action in parser._actions if not action.option_strings]
    given: list[str] = []
    values: dict[str, str] = {}
    pending: Any = None
    for each in words:
        option, equals, value = each.partition("=")
        if pending is not None:
            values[pending.dest], pending = each, None
        elif equals and option in options:
            values[options[option].dest] = value
        elif each in options:
            pending = options[each] if options[each].nargs != 0 else None
        else:
            given.append(each)
    line = Line(command, given, values, word)
    if pending is not None:
        return line, pending
    if word.startswith("-"):
        named = options.get(word.partition("=")[0])
        return line, named if "=" in word and named is not None and named.nargs != 0 else None
    many = places and places[-1].nargs in ("*", "...")
    place = min(len(given), len(places) - 1) if many else len(given)
    return line, places[place] if place < len(places) else None


def of_action(action: Any, line: Line) -> Iterator[Candidate]:
    """What an option or a place takes."""
    if action.choices:
        yield from ((str(choice), "") for choice in action.choices)
        return
    source = SOURCES.get(SPECIAL.get((line.command, action.dest), action.metavar))
    if source is not None:
        yield from source(line)


# -- what the store knows --------------------------------------------------------


def with_store(line: Line, ask: Callable[[Store], list[T]]) -> list[T]:
    """The answer of the store; none where there is no store yet, or it does not answer soon."""
    from threading import Thread

    from cloudmesh.flow.store.opening import DEFAULT_PATH, ENVIRONMENT, open_store, sqlite_path

    url = line.values.get("store") or os.environ.get(ENVIRONMENT) or f"sqlite:///{DEFAULT_PATH}"
    if url.startswith("sqlite:") and not os.path.exists(sqlite_path(url)):
        return []
    found: list[T] = []

    def work() -> None:
        try:
            store = open_store(url)
            store.notice = lambda text: None
            found.extend(ask(store))
            store.close()
        except Exception:  # as if there were nothing
            return

    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return list(found)


def flows(line: Line) -> Iterator[Candidate]:
    """Defined flows."""
    for name in with_store(line, lambda store: store.definitions()):
        yield name, "a defined flow"


def runs(line: Line) -> Iterator[Candidate]:
    """The newest runs, and the words that stand for one."""
    found = with_store(line, lambda store: store.runs(limit=RUNS_MAX))
    if found:
        yield "latest", "the latest run"
    for run in found:
        yield run["run"], f"{run.get('workflow')}, {run.get('status')}, {run.get('started')}"
    for name in dict.fromkeys(run["workflow"] for run in found):
        yield name, "the latest run of this flow"


def flows_and_runs(line: Line) -> Iterator[Candidate]:
    yield from flows(line)
    yield from runs(line)


def nodes(line: Line) -> Iterator[Candidate]:
    """The nodes of the run that stands before, or of the flow that is named."""
    if line.command in ("result", "logs", "retry"):
        run = line.given[0] if line.given else "latest"
        found = with_store(line, lambda store: nodes_of_run(store, run))
    else:
        found = with_store(line, lambda store: nodes_of_flow(store, flow_named(line)))
    yield from ((name, "a node") for name in found)


def nodes_of_run(store: Store, run: str) -> list[str]:
    from cloudmesh.flow.api import find_run

    names = (node["name"] for node in store.nodes(find_run(store, run)["run"]))
    return [name for name in names if "[" not in name][:NODES_MAX]


def nodes_of_flow(store: Store, name: str) -> list[str]:
    found = store.definition(name)
    return [document["name"] for document in found[0]][:NODES_MAX] if found else []


def flow_named(line: Line) -> str:
    """The flow that a line is about, as far as its name tells."""
    first = line.given[0] if line.given and line.command in ("run", "add", "check") else ""
    stem = os.path.splitext(os.path.basename(first))[0].removesuffix("-flow")
    return line.values.get("flowname") or stem or "workflow"


def places(line: Line) -> Iterator[Candidate]:
    """NODE=WHERE."""
    node, equals, _ = line.word.partition("=")
    if not equals:
        yield from ((f"{name}=", "a node") for name, _ in nodes(line))
        return
    from cloudmesh.flow.cli.infra import ALWAYS

    for word, said in (*ALWAYS, *infrastructure(line)):
        yield f"{node}={word}", said


def infrastructure(line: Line) -> Iterator[Candidate]:
    """What the configuration defines."""
    from cloudmesh.flow.config import load_config

    for name, spec in load_config(line.values.get("config")).infrastructure.items():
        yield name, str(spec.get("kind"))


# -- files -----------------------------------------------------------------------


def files(line: Line, endings: tuple[str, ...] = ("",)) -> Iterator[Candidate]:
    """Files that the word begins to name, and folders."""
    start = line.word.rpartition("/")[2]
    before = line.word[: len(line.word) - len(start)]
    try:
        entries = sorted(os.scandir(os.path.expanduser(before) or "."), key=lambda e: e.name)
    except OSError:
        return
    for entry in entries:
        if not entry.name.startswith(start) or (entry.name.startswith(".") and not start):
            continue
        if entry.is_dir():
            yield f"{before}{entry.name}/", "a folder"
        elif entry.name.endswith(endings):
            yield f"{before}{entry.name}", "a file"


def flow_files(line: Line) -> Iterator[Candidate]:
    """Defined flows, and files that can be flows."""
    if "/" not in line.word and line.command != "add":
        yield from flows(line)
    yield from files(line, (".py", ".yaml", ".yml"))


#: By metavar.
SOURCES: dict[str | None, Callable[[Line], Iterator[Candidate]]] = {
    "FLOW|STRING": flow_files,
    "NAME": flows,
    "RUN": runs,
    "NAME|RUN": flows_and_runs,
    "NODE": nodes,
    "FROM": nodes,
    "TO": nodes,
    "NODE=WHERE": places,
    "FILE": files,
    "INFRASTRUCTURE": infrastructure,
}

#: Where the metavar of a command's argument means something else.
SPECIAL = {("infra", "name"): "INFRASTRUCTURE", ("init", "name"): ""} | {
    (command, "allow_host"): "" for command in ("view", "server", "visualize")
}

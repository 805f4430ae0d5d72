"""``cms flow …``: finds the command, loads its module alone, and turns errors into exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from cloudmesh.flow.cli.answer import answer, claim, release

if TYPE_CHECKING:
    import argparse

    from cloudmesh.flow.errors import InputError

__all__ = ["Command", "main"]


class Command:
    """A command: what its options are, what it does, and how it is used."""

    __slots__ = ("arguments", "examples", "execute")

    def __init__(
        self,
        arguments: Callable[[argparse.ArgumentParser], None],
        execute: Callable[[argparse.Namespace], int],
        examples: tuple[str, ...],
    ) -> None:
        self.arguments = arguments
        self.execute = execute
        self.examples = examples


#: Name of a command: the module of this package that has it, and its line in the help.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "write a small first flow, to run and to change"),
    "run": ("run", "define a flow, where it is a file, and run it"),
    "check": ("check", "find everything that can be found wrong without running"),
    "add": ("define", "store the definition of a flow"),
    "list": ("define", "the defined flows"),
    "show": ("define", "the definition of a flow"),
    "delete": ("define", "forget the definition of a flow; its runs stay"),
    "node": ("edit", "add or delete a node of a definition"),
    "edge": ("edit", "add, delete or invert an edge of a definition"),
    "runs": ("runs", "the runs, the newest first"),
    "status": ("runs", "a run and its nodes"),
    "result": ("runs", "what the nodes of a run returned"),
    "logs": ("runs", "what the nodes of a run printed"),
    "resume": ("run", "go on with a run whose engine is gone"),
    "retry": ("run", "run again what failed, in a new run that keeps what finished"),
    "cancel": ("control", "cancel a run"),
    "diff": ("control", "how two runs differ"),
    "prune": ("control", "remove old runs"),
    "view": ("web", "show a run in the browser"),
    "visualize": ("web", "start or stop the view in the background"),
    "server": ("web", "serve the view and the HTTP interface"),
    "openapi": ("web", "the OpenAPI document of the HTTP interface"),
    "export": ("export", "a flow or a run as YAML, JSON, DOT, Mermaid, SVG, or a trace"),
    "schema": ("schema", "the JSON Schema of the YAML form, for editors"),
    "completion": ("completion", "the script that completes these commands in a shell"),
    "infra": ("infra", "what nodes can be mapped to, and whether it works"),
    "store": ("infra", "check the store"),
}

#: Where `hide_password` puts a URL, for the same process; no node sees it.
HIDDEN_URL = "_CLOUDMESH_FLOW_STORE_URL"

EXAMPLES = """\
examples:
  cms flow run test-flow.py "(a; b || c)"     run three methods of a class, b and c side by side
  cms flow check "a; b || c"                  look at a flow string
  cms flow status                             the latest run
  cms flow resume                             go on with it after a crash or Ctrl-C
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``cms`` with these arguments (default: the process's own) and return the exit code.

    As the process's own program (``argv`` None) it does not come back: threads
    that a node has left behind must not hold the process.
    """
    prepare_streams()
    if argv is None:
        speak_unheard()
        hide_password()
    code = dispatch(list(sys.argv[1:] if argv is None else argv))
    if argv is None:
        leave(code)
    release()
    return code


def dispatch(words: list[str]) -> int:
    """Give the words to ``cms flow``, to the cloudmesh shell, or say what is missing."""
    if words and words[0] == "flow":
        return guarded(words[1:])
    if words and words[0] in ("--version", "-V"):
        return print_version()
    shell = cloudmesh_shell()
    if shell is not None:
        sys.argv = ["cms", *words]
        return exit_code_of(shell)
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(overview())
        return 0 if words else 2
    sys.stderr.write(
        f"cms: no command {words[0]!r} here, only `cms flow …`; "
        "the other commands come with the cloudmesh shell: pip install cloudmesh-cmd5\n"
    )
    return 2


def guarded(words: list[str]) -> int:
    """Run a command of ``cms flow``; every error becomes a line and an exit code."""
    debug = "--debug" in words
    try:
        code = flow(words)
        answer().flush()
        return code
    except BrokenPipeError:
        silence(answer())
        return 0
    except KeyboardInterrupt:
        sys.stderr.write("\ncms flow: interrupted\n")
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except Exception as error:
        if debug:
            from traceback import format_exc

            from cloudmesh.flow.cli.render import escape

            sys.stderr.write(escape(format_exc(), keep="\n"))
        return report(error)


def flow(words: list[str]) -> int:
    """``cms flow WORDS``."""
    options, rest = leading_options(words)
    if not rest or rest[0] in ("-h", "--help", "help"):
        if rest and rest[0] == "help" and len(rest) > 1:
            return flow([rest[1], "--help"])
        sys.stdout.write(overview())
        return 0 if rest else 2
    name = rest[0]
    if name in ("--version", "-V"):
        return print_version()
    if name in ("--store", "--config"):
        sys.stderr.write(f"cms flow: {name}: a value is needed behind it\n")
        return 2
    if name not in COMMANDS:
        return unknown_command(name)
    command = load(name)
    parser = parser_of(name, command)
    given = [*options, *rest[1:]]
    if name in ("run", "check", "add"):
        from cloudmesh.flow.cli.words import in_place

        given = in_place(given)
    refuse_what_is_no_text(given)
    args, more = parser.parse_known_args(given)
    if more:  # options stand between the words, or there are unknown ones
        args = parser.parse_intermixed_args(given)
    hidden = os.environ.pop(HIDDEN_URL, None)
    if hidden and args.store:
        args.store = hidden
    if getattr(args, "output", "") == "json":
        claim()
    return command.execute(args)


def refuse_what_is_no_text(words: list[str]) -> None:
    """Raise `InputError` for a word that was no UTF-8: no store can keep it."""
    for word in words:
        if not word.isascii():
            try:
                word.encode()
            except UnicodeEncodeError:
                from cloudmesh.flow.errors import InputError

                shown = word.encode("ascii", "backslashreplace").decode()
                raise InputError(f"an argument is no UTF-8: {shown}") from None


def load(name: str) -> Command:
    """The command of that name; this imports its module."""
    from importlib import import_module

    commands: dict[str, Command] = import_module(f"cloudmesh.flow.cli.{COMMANDS[name][0]}").COMMANDS
    return commands[name]


def parser_of(name: str, command: Command) -> argparse.ArgumentParser:
    """The parser of a command, with the options that every command has."""
    import argparse

    class Parser(argparse.ArgumentParser):
        def error(self, message: str) -> NoReturn:
            sys.stderr.write(f"{self.prog}: {message} (see `{self.prog} --help`)\n")
            raise SystemExit(2)

    class Help(argparse.RawDescriptionHelpFormatter):
        def __init__(self, prog: str) -> None:
            super().__init__(prog, width=help_width())  # else it imports more to find out

    summary = COMMANDS[name][1]
    examples = "\n".join(f"  {line}" for line in command.examples)
    parser = Parser(
        prog=f"cms flow {name}",
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"examples:\n{examples}",
        formatter_class=Help,
        allow_abbrev=False,
    )
    command.arguments(parser)
    common = parser.add_argument_group("everywhere")
    common.add_argument("--store", metavar="URL", help="sqlite:///PATH or mongodb://…/DATABASE")
    common.add_argument("--config", metavar="FILE", help="the configuration file")
    common.add_argument("--debug", action="store_true", help="show tracebacks of cms itself")
    return parser


def help_width() -> int:
    """How wide a help text may be, in columns."""
    try:
        columns = int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size().columns
    except (OSError, ValueError):
        columns = 80
    return max(40, min(columns, 100) - 2)


def leading_options(words: list[str]) -> tuple[list[str], list[str]]:
    """The common options that stand before the command, and the rest."""
    i = 0
    while i < len(words):
        word = words[i]
        if word == "--debug" or word.startswith(("--store=", "--config=")):
            i += 1
        elif word in ("--store", "--config") and i + 1 < len(words):
            i += 2
        else:
            break
    return words[:i], words[i:]


def overview() -> str:
    """The help of ``cms flow``: every command with a line."""
    lines = "\n".join(f"  {name:<10} {summary}" for name, (_, summary) in COMMANDS.items())
    return (
        "usage: cms flow COMMAND … [--store URL] [--config FILE] [--debug]\n\n"
        "Plain Python functions, one line that says their order, run durably.\n\n"
        f"commands:\n{lines}\n\n{EXAMPLES}\n"
        "`cms flow COMMAND --help` says more.\n"
    )


def unknown_command(name: str) -> int:
    from difflib import get_close_matches

    close = get_close_matches(name, COMMANDS, 1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    sys.stderr.write(f"cms flow: no command {name!r}; {hint}`cms flow --help` lists them\n")
    return 2


def print_version() -> int:
    from cloudmesh.flow import __version__

    sys.stdout.write(f"cloudmesh-flow {__version__}\n")
    return 0


def report(error: Exception) -> int:
    """Say in a line (for a text: with its place) what is wrong; the exit code."""
    from cloudmesh.flow.cli.render import escape
    from cloudmesh.flow.errors import FlowError, InputError

    if isinstance(error, InputError):
        sys.stderr.write(problem_lines(error))
    elif isinstance(error, FlowError):
        sys.stderr.write(f"cms flow: {escape(str(error))}\n")
    elif isinstance(error, OSError):
        if not folder_is_there():
            sys.stderr.write("cms flow: the current folder is gone; go to another\n")
            return 2
        where = f"{error.filename}: " if isinstance(error.filename, str) else ""
        sys.stderr.write(f"cms flow: {escape(f'{where}{error.strerror}')} (--debug shows where)\n")
    else:
        text = escape(" ".join(str(error).split()))
        kind = type(error).__name__
        sys.stderr.write(f"cms flow: {kind}: {text} (a mistake of ours; --debug shows where)\n")
    return error.exit_code if isinstance(error, FlowError) else 1


def folder_is_there() -> bool:
    try:
        os.getcwd()
    except OSError:
        return False
    return True


def problem_lines(error: InputError) -> str:
    """The problems of an error, those with a place under their text."""
    from cloudmesh.flow.cli.render import escape

    out = []
    for problem in error.problems:
        text = escape(str(problem), keep="\n\t")
        out.append(text if problem.line else f"cms flow: {text}")
    return "\n".join(out) + "\n"


def cloudmesh_shell() -> Callable[[], Any] | None:
    """The main function of the cloudmesh shell, where that is installed."""
    from importlib import import_module

    try:
        shell: Callable[[], Any] = import_module("cloudmesh.shell.shell").main
    except ModuleNotFoundError as error:
        if error.name and not error.name.startswith("cloudmesh"):
            sys.stderr.write(f"cms: the cloudmesh shell needs {error.name}: pip install it\n")
        return None
    return shell


def exit_code_of(program: Callable[[], Any]) -> int:
    """Run another program's main function; the exit code it asks for."""
    try:
        program()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0


def prepare_streams() -> None:
    """Make stdout and stderr take every text, also where they were closed by who started us."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif hasattr(stream, "reconfigure") and stream.errors != "backslashreplace":
            stream.reconfigure(errors="backslashreplace")


def speak_unheard() -> None:
    """What goes to stderr when nobody reads it any more is dropped: exit codes do not change."""
    import io

    class Unheard(io.FileIO):
        def write(self, data: Any) -> Any:
            try:
                return super().write(data)
            except OSError:
                return memoryview(data).nbytes

    try:
        raw = Unheard(sys.stderr.fileno(), "w", closefd=False)
    except (OSError, ValueError):  # it was closed by who started us, or is no file
        return
    sys.stderr = io.TextIOWrapper(
        io.BufferedWriter(raw), sys.stderr.encoding, "backslashreplace", line_buffering=True
    )


def hide_password() -> None:
    """A password in a ``--store`` URL is in the list of processes no longer than it must be.

    The program starts anew as itself, with the URL in its environment, which no
    other user sees, and without user and password among its words.
    """
    words = list(sys.orig_argv)
    for i, word in enumerate(words):
        option = "--store=" if word.startswith("--store=") else ""
        url = word.removeprefix(option)
        if "@" in url and not url.startswith("sqlite:") and (option or words[i - 1] == "--store"):
            from cloudmesh.flow.store.opening import redacted

            os.environ[HIDDEN_URL] = url
            words[i] = option + redacted(url)
    if words != sys.orig_argv and os.name == "posix":
        os.execv(sys.executable, [sys.executable, *words[1:]])


def silence(stream: Any) -> None:
    """Whatever is still written to a stream whose reader has gone is dropped."""
    try:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, stream.fileno())
        os.close(devnull)
    except (OSError, ValueError):
        pass


def leave(code: int) -> NoReturn:
    """End the process without waiting for threads that cannot be ended."""
    import atexit

    atexit._run_exitfuncs()
    for stream in (answer(), sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            silence(stream)
    os._exit(code)

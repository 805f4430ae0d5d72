"""What goes to a far side: our runner, and a flow's module with what it imports from beside it."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from sysconfig import get_paths
from typing import Any, NamedTuple

from cloudmesh.flow.errors import InputError
from cloudmesh.flow.executors.protocol import Attempt

__all__ = ["BOOT", "Program", "home_of", "program_key", "python_command", "runner", "started_by"]

Module = tuple[str, bool, str, str]  # name, is it a package, file, source

SIZE_MAX = 10_000_000  # bytes of source that are sent for one flow

#: What the far side's Python is told to do: read a program with its sources (`_stage`), and
#: run it.  It must read no byte more, as others follow; and it must be Python to any Python.
BOOT = """
import os, sys, types, json
def read(n):
    b = b""
    while len(b) < n:
        d = os.read(0, min(n - len(b), 1 << 20))
        if not d: os._exit(0)
        b += d
    return b
if sys.version_info < (3, 8):
    sys.exit("Python 3.8 or newer is needed, this is %d.%d" % sys.version_info[:2])
main, given, modules = json.loads(read(int(read(16))).decode())
for name, file, source in modules:
    m = types.ModuleType(name)
    m.__file__ = file
    if not source: m.__path__ = []
    sys.modules[name] = m
    if "." in name: setattr(sys.modules[name.rpartition(".")[0]], name.rpartition(".")[2], m)
    exec(compile(source, file, "exec"), m.__dict__)
sys.modules[main].main(*given)
"""

_RUNNER = ("call", "procs", "blob", "kept", "runner")
_ENVIRONMENT = ("procs", "blob", "kept", "environment")


def started_by(python: str) -> str:
    """The command line, for any login shell, that runs `BOOT` in the shell's place."""
    return f"exec {python_command(python)}"


def python_command(python: str) -> str:
    """The command line, for any shell, that makes a Python run `BOOT`."""
    lines = BOOT.strip().replace("\\", "\\\\").replace("\n", "\\n")
    assert "'" not in lines
    return f'{python} -u -c \'exec("""{_quoted(lines)}""")\''


def _quoted(text: str) -> str:
    # Within """…""" of the far Python; the shell's quotes are '…'.
    return text.replace('"', '\\"')


@lru_cache(maxsize=100)
def runner(requirements: tuple[str, ...] = ()) -> bytes:
    """What `BOOT` reads: the runner; before it what makes the environment that it runs in."""
    if not requirements:
        return _stage(_RUNNER)
    return _stage(_ENVIRONMENT, list(requirements), BOOT) + _stage(_RUNNER)


def _stage(parts: Sequence[str], *given: Any) -> bytes:
    """A program for `BOOT`: the last of some modules, with what its ``main`` is given."""
    modules = [(name, "", "") for name in _packages()]
    for part in parts:
        source = Path(__file__).with_name(f"{part}.py").read_text("utf-8")
        name = f"cloudmesh.flow.executors.{part}"
        modules.append((name, f"<cloudmesh>/flow/executors/{part}.py", source))
    data = json.dumps([modules[-1][0], given, modules]).encode()
    return b"%016d" % len(data) + data


def _packages() -> tuple[str, ...]:
    return ("cloudmesh", "cloudmesh.flow", "cloudmesh.flow.executors")


class Home(NamedTuple):
    """Where a far side finds a function by its name."""

    module: str
    file: str
    cls: str
    function: str


def program_key(attempt: Attempt) -> tuple[str, int]:
    """What tells the programs of two attempts apart."""
    home = home_of(attempt)
    return (home.file, 0) if home is not None else ("", id(attempt.function))


def home_of(attempt: Attempt) -> Home | None:
    """The module that has the function: the flow's, else its own, if the user's; None: nowhere."""
    code = attempt.task.code
    if code.file:
        name = _module_name(code.file)
        found: Any = sys.modules.get(name)
        for part in filter(None, (code.cls, code.function)):
            found = getattr(found, part, None)
        if found is not None and _unwrapped(found) is _unwrapped(attempt.function):
            return Home(name, code.file, code.cls, code.function)
    function: Any = attempt.function
    own = sys.modules.get(getattr(function, "__module__", None) or "")
    file, word = getattr(own, "__file__", None), getattr(function, "__name__", "")
    if own is None or not file or getattr(own, word, None) is not function or _is_installed(file):
        return None
    return Home(own.__name__, file, "", word)


@lru_cache(maxsize=1000)
def _is_installed(file: str) -> bool:
    """Whether a module was installed, as it will have to be on the far side."""
    paths = get_paths()
    return any(
        Path(file).is_relative_to(paths[word])
        for word in ("stdlib", "platstdlib", "purelib", "platlib")
    )


def _unwrapped(function: Any) -> Any:
    for _ in range(100):
        inner = getattr(function, "__wrapped__", None) or getattr(function, "__func__", None)
        if inner is None:
            break
        function = inner
    return getattr(function, "__code__", function)


class Program:
    """The code of an attempt, as a far side gets to know it: once for each flow's file."""

    def __init__(self, attempt: Attempt) -> None:
        self._held = attempt.function  # so that its id stays its own
        self.python: tuple[int, int] | None = None
        home = home_of(attempt)
        if home is not None:
            self.name, self.file, self.payload = home.module, home.file, b""
            self.modules = list(_bundle(Path(self.file), self.name))
        else:
            import cloudpickle

            self.name, self.file = "", ""
            self.python = (sys.version_info[0], sys.version_info[1])  # its code fits no other
            self.payload = cloudpickle.dumps(attempt.function, protocol=4)
            self.modules = list(_package("cloudpickle", Path(cloudpickle.__file__).parent))
        if sum(len(module[3]) for module in self.modules) > SIZE_MAX:
            raise InputError(f"{self.file}: more than {SIZE_MAX:,} bytes of source to be sent")

    def header(self, number: int, known: bool = False) -> dict[str, Any]:
        """The frame's header that teaches a far side this program.

        ``known``: with the hashes of its sources, for a far side that asks for those it lacks.
        """
        modules = [
            (name, is_package, file, _digest(source) if known else source)
            for name, is_package, file, source in self.modules
        ]
        return {
            "kind": "program",
            "program": number,
            "name": self.name,
            "file": self.file,
            "python": self.python,
            "hashed": known,
            "modules": modules,
        }

    def sources(self, wanted: Iterable[str]) -> Mapping[str, str]:
        """Its sources by their hashes, of those that are wanted."""
        by_digest = {_digest(text): text for _, _, _, text in self.modules}
        return {digest: by_digest[digest] for digest in wanted if digest in by_digest}


@lru_cache(maxsize=10_000)
def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


@lru_cache(maxsize=1000)
def _module_name(file: str) -> str:
    """The name that a flow's module has in this process, so that pickles of both sides agree."""
    path = Path(file).resolve()
    for name, module in list(sys.modules.items()):
        known = getattr(module, "__file__", None)
        if known and name != "__mp_main__" and Path(known).resolve() == path:
            return name
    return path.stem.replace("-", "_")


def _bundle(file: Path, name: str) -> Iterator[Module]:
    """A module and, module by module, what it imports from its own folder."""
    folder = file.resolve().parent
    seen = {name}
    waiting: list[tuple[str, Path]] = [(name, file)]
    while waiting:
        name, path = waiting.pop()
        try:
            source = path.read_text("utf-8")
            tree = ast.parse(source, str(path))
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(f"{path} cannot be sent: {error}") from None
        yield name, path.name == "__init__.py", str(path), source
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for imported in _imports(tree, package):
            for part in _parts(imported):
                found = _find(folder, part)
                if found is not None and part not in seen and found.resolve() != file.resolve():
                    seen.add(part)
                    waiting.append((part, found))


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    """The names of all modules that may be imported, also within functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).strip(".")
            if base:
                yield base
            yield from (f"{base}.{alias.name}".strip(".") for alias in node.names)


def _parts(name: str) -> Iterator[str]:
    parts = name.split(".")
    for i in range(1, len(parts) + 1):
        yield ".".join(parts[:i])


def _find(folder: Path, name: str) -> Path | None:
    """The file of a module that lies beside the flow's file."""
    place = folder.joinpath(*name.split("."))
    for candidate in (place.with_name(place.name + ".py"), place / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _package(name: str, folder: Path) -> Iterator[Module]:
    for path in sorted(folder.rglob("*.py")):
        parts = [name, *path.relative_to(folder).with_suffix("").parts]
        is_package = parts[-1] == "__init__"
        full = ".".join(parts[:-1] if is_package else parts)
        yield full, is_package, str(path), path.read_text("utf-8")

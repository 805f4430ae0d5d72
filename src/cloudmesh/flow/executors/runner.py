"""The program on a far side: takes nodes over its stdin and runs them, one after another.

It is sent there, with the few files beside it that it imports, and lives as
long as its pipe (`ssh.py` has the other end).  Frames, see `blob`:

    to it     program   a flow's module and what it imports from beside it, or their hashes
              sources   those of them that were wanted
              node      call a function of a program
              command   run a command
              sweep     end what is left of a node of another runner, and that runner itself
              beat      the engine is alive
              end       end with all that was started here
              last      nothing more will come: end after what has come (a batch job)
    from it   ready     with the version of Python
              wanted    hashes of a program's sources that are not kept here
              started   the function or the command begins
              log       what was printed
              progress  what a node says of itself
              result    how it ended
              swept     nothing is left

Prints go to a pipe that is read here, so that no noise gets between the frames.

Standard library only, and Python 3.8.
"""

from __future__ import annotations

import contextlib
import io
import json
import linecache
import os
import queue
import selectors
import signal
import subprocess
import sys
import threading
import time
import types
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any, NoReturn

from cloudmesh.flow.executors.blob import HEAD, frame, lengths, pack, unpack
from cloudmesh.flow.executors.call import acall, call, current, failure, here
from cloudmesh.flow.executors.kept import Sources
from cloudmesh.flow.executors.procs import (
    KEY,
    end_all,
    family,
    leave,
    processes,
    sign,
    signature,
)

__all__ = ["main"]

SILENCE_MAX = 60.0  # seconds without a word of the engine after which it is taken for gone
SEND_MAX = 0.2  # seconds for which the end waits for a frame that is being sent
READ_MAX = 1 << 16


class Here:
    """What `call.current` needs to know of the node that runs."""

    def __init__(self, far: Far, key: str, number: int) -> None:
        self.key, self.number, self.cancelled = key, number, False
        self.extra = {}  # type: dict[str, Any]
        self._far = far

    def progress(self, percent: float, text: str) -> None:
        self._far.send({"kind": "progress", "percent": percent, "text": text})

    def log(self, stream: str, text: str) -> None:
        (sys.stderr if stream == "err" else sys.stdout).write(text)


# -- the flow's own modules ------------------------------------------------------------------


class Sent(MetaPathFinder, Loader):
    """Imports the modules that were sent, as if they were files here."""

    def __init__(self) -> None:
        self.modules = {}  # type: dict[str, tuple[bool, str, str]]  # is a package, file, source

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        known = self.modules.get(name)
        return None if known is None else ModuleSpec(name, self, is_package=known[0])

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        name = "__main__" if module.__name__ == "__mp_main__" else module.__name__
        _, file, source = self.modules[name]
        module.__file__ = file
        # So that a traceback shows the lines of a file that is not here.
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), module.__dict__)


def load(name: str, sent: Sent) -> types.ModuleType:
    """The module of that name, run once."""
    if name == "__main__":
        if "__mp_main__" not in sys.modules:
            module = types.ModuleType("__mp_main__")
            sys.modules["__mp_main__"] = sys.modules["__main__"] = module
            sent.exec_module(module)
        return sys.modules["__mp_main__"]
    above = name.rpartition(".")[0]
    while above and above not in sent.modules:  # a module of a package that was not sent whole
        package = types.ModuleType(above)
        package.__path__ = []
        sys.modules.setdefault(above, package)
        above = above.rpartition(".")[0]
    __import__(name)
    return sys.modules[name]


# -- a stand-in for our package, which need not be installed here -------------------------------


class Value:
    """A value that is taken as it is."""

    def __init__(self, value: Any) -> None:
        self.value = value


class Secret(str):
    """A text that ``repr`` does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('…')"


class BaseWorkFlow:
    """What a flow's class needs to be called."""

    flow = ""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    @property
    def key(self) -> str:
        return current().key

    @property
    def attempt(self) -> int:
        return current().attempt

    @property
    def cancelled(self) -> bool:
        return current().cancelled

    def progress(self, percent: float, text: str = "") -> None:
        current().progress(percent, text)

    def _elsewhere(self, *arguments: Any, **named: Any) -> None:
        raise RuntimeError("a node cannot run or define a flow where it runs")

    run = define = resume = retry = cancel = _elsewhere

    def runCommand(self, *arguments: Any) -> None:
        """Does nothing while a file is loaded."""


def task(*arguments: Any, **named: Any) -> Any:
    """``@task`` and ``@task(…)``: the function itself."""
    if len(arguments) == 1 and callable(arguments[0]) and not named:
        return arguments[0]
    return lambda function: function


class workflow:
    """``w = workflow("a; b")`` in a module."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def run(self, *arguments: Any, **named: Any) -> None:
        raise RuntimeError("a node cannot run a flow where it runs")

    define = resume = retry = cancel = run


#: Where these things are at home: pickles name them so, on both sides.
_HOMES = {
    "cloudmesh.flow.language.pythonclass": (BaseWorkFlow, Secret, task, workflow),
    "cloudmesh.flow.model.value": (Value,),
}


def stand_in() -> None:
    """Let ``import cloudmesh.flow`` find what a flow's file may use of it."""
    flow = sys.modules["cloudmesh.flow"]
    seed = _module("cloudmesh.flow.WorkFlow")
    for thing in (BaseWorkFlow, Secret, Value, current, task, workflow):
        setattr(flow, thing.__name__, thing)
        setattr(seed, thing.__name__, thing)
    for name, things in _HOMES.items():
        package, _, _ = name.rpartition(".")
        _module(package).__path__ = []
        home = _module(name)
        for thing in things:
            thing.__module__ = name
            setattr(home, thing.__name__, thing)
    # Other packages of the same namespace may be installed here.
    places = [os.path.join(p, "cloudmesh") for p in sys.path]
    sys.modules["cloudmesh"].__path__ = [p for p in places if os.path.isdir(p)]


def _module(name: str) -> types.ModuleType:
    module = sys.modules[name] = types.ModuleType(name)
    above, _, last = name.rpartition(".")
    setattr(sys.modules[above], last, module)
    return module


# -- the program ------------------------------------------------------------------------------


class Far:
    """The far side of one channel."""

    def __init__(self) -> None:
        self._incoming = os.fdopen(os.dup(0), "rb")
        self._frames_fd = os.dup(1)
        self._sending = threading.Lock()
        self._reading = threading.Lock()
        self._leaving = threading.Lock()
        self._nodes = queue.Queue()  # type: queue.Queue[tuple[dict[str, Any], bytes]]
        self._sources = queue.Queue()  # type: queue.Queue[dict[str, str]]
        self._programs = {}  # type: dict[int, Any]
        self._failed = {}  # type: dict[int, tuple[Any, ...]]  # those that did not load well
        self._heard = time.monotonic()
        self._printed = self._take_streams()
        self._sent = Sent()
        sys.meta_path.insert(0, self._sent)

    def send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        """Send a frame."""
        data = frame(header, payload)
        with self._sending:
            while data:
                data = data[os.write(self._frames_fd, data) :]

    def run(self) -> None:
        """Run what comes, until the engine ends this or is gone."""
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()
        threading.Thread(target=self._heed, args=(_terms(),), daemon=True).start()
        threading.Thread(target=self._pass_on, daemon=True).start()
        version = list(sys.version_info[:3])
        self.send({"kind": "ready", "python": version, "signature": sign()})
        while True:
            header, payload = self._nodes.get()
            if header["kind"] == "last":
                self._leave()
            elif header["kind"] == "program":
                self._learn(header, payload)
            elif header["kind"] == "command":
                self._command(header)
            elif header["kind"] == "sweep":
                self._sweep(header["key"], header.get("signature", ""))
            else:
                self._node(header, payload)

    # -- what comes in -------------------------------------------------------------------------

    def _listen(self) -> None:
        while True:
            head = self._read(HEAD)
            length, rest = lengths(head)
            header = json.loads(self._read(length).decode())
            payload = self._read(rest)
            self._heard = time.monotonic()
            if header["kind"] == "end":
                self._leave()
            if header["kind"] == "last":
                self._heard = float("inf")  # the scheduler watches over this one
            if header["kind"] == "sources":
                self._sources.put(json.loads(payload.decode()))
            elif header["kind"] != "beat":
                self._nodes.put((header, payload))
            if header["kind"] == "last":
                return

    def _read(self, count: int) -> bytes:
        data = self._incoming.read(count)
        if len(data) < count:
            self._leave()
        return data

    def _watch(self) -> None:
        """A connection can be cut without a word."""
        while time.monotonic() - self._heard < SILENCE_MAX:
            time.sleep(SILENCE_MAX / 10)
        self._leave()

    def _heed(self, asked: int) -> None:
        """A scheduler asks for the end (TERM) a while before it kills."""
        while os.read(asked, 1) != bytes([signal.SIGTERM]):
            pass
        self._leave()

    def _leave(self) -> NoReturn:
        """End all that was started here, then this."""
        if not self._leaving.acquire(blocking=False):  # another thread is about it
            threading.Event().wait()
        # A frame that is on its way goes first: nothing may come in its middle.
        whole = self._sending.acquire(timeout=SEND_MAX)
        leave(os.environ.get(KEY, ""), meanwhile=self._last_words if whole else _nothing)

    def _last_words(self) -> None:
        """Pass on what is printed until the end; in the child, where nobody else does."""
        self._sending, self._reading = threading.Lock(), threading.Lock()
        self._pass_on()

    # -- what is printed -----------------------------------------------------------------------

    def _take_streams(self) -> dict[int, str]:
        """Put pipes in the place of stdout and stderr; stdin is empty for what runs here."""
        printed = {}
        for number, stream in ((1, "out"), (2, "err")):
            read, write = os.pipe()
            os.dup2(write, number)
            os.close(write)
            os.set_blocking(read, False)
            printed[read] = stream
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        sys.stdout, sys.stderr = _text(1), _text(2)
        return printed

    def _pass_on(self) -> None:
        selector = selectors.DefaultSelector()
        for fd in self._printed:
            selector.register(fd, selectors.EVENT_READ)
        while True:
            selector.select()
            self._drain()

    def _drain(self) -> None:
        """Send on what has been printed."""
        with self._reading:
            for fd, stream in self._printed.items():
                while True:
                    try:
                        data = os.read(fd, READ_MAX)
                    except BlockingIOError:
                        break
                    self.send({"kind": "log", "stream": stream}, data)

    def _sweep(self, key: str, of: str) -> None:
        """End what is left of a node, and the runner of that signature, if it is there still."""
        leader = int(of.partition(".")[0] or 0)

        def left() -> set[int]:
            living = processes()
            there = of and signature(leader) == of
            return family(leader if there else -1, key, living)

        end_all(left)
        self.send({"kind": "swept"})

    # -- what is run ---------------------------------------------------------------------------

    def _learn(self, header: dict[str, Any], payload: bytes) -> None:
        """Load a program; what goes wrong is told by the first node that needs it."""
        number = header["program"]
        stdout, sys.stdout = sys.stdout, io.StringIO()  # the engine's loading has shown it
        try:
            if header["file"]:
                sys.argv[:] = [header["file"]]
            self._sent.modules.update(self._modules(header))
            if header["name"]:
                self._programs[number] = load(header["name"], self._sent)
            else:
                _same_python(header["python"])
                self._programs[number] = unpack("pickle", payload)
        except BaseException as error:
            self._failed[number] = failure(error)
            # A script that runs its flow without asking for its name ends in an error, half-way.
            self._programs[number] = sys.modules.get(header["name"] or "?")
        finally:
            sys.stdout = stdout

    def _modules(self, header: dict[str, Any]) -> dict[str, tuple[bool, str, str]]:
        """A program's modules by name, each as `Sent` has it."""
        rows = header["modules"]
        if not header.get("hashed"):
            return {name: (package, file, source) for name, package, file, source in rows}
        kept = Sources()
        found = {}
        for digest in {row[3] for row in rows}:
            source = kept.get(digest)
            if source is not None:
                found[digest] = source
        wanted = [row[3] for row in rows if row[3] not in found]
        if wanted:
            self.send({"kind": "wanted", "program": header["program"], "hashes": wanted})
            sent = self._sources.get()
            found.update(sent)
            kept.forget_old()
            for source in sent.values():
                kept.put(source)
        return {name: (package, file, found[digest]) for name, package, file, digest in rows}

    def _function(self, header: dict[str, Any]) -> Any:
        """A program's function, or the outcome that tells why there is none."""
        number = header["program"]
        known = self._programs[number]
        if number not in self._failed and not isinstance(known, types.ModuleType):
            return known
        try:
            if header["cls"]:
                return getattr(getattr(known, header["cls"])(), header["function"])
            return getattr(known, header["function"])
        except AttributeError:
            if number in self._failed:
                return self._failed[number]
            raise

    def _node(self, header: dict[str, Any], payload: bytes) -> None:
        os.environ[KEY] = header["key"]
        here.set(Here(self, header["key"], header["number"]))
        try:
            function = self._function(header)
            if isinstance(function, tuple):
                self._result(function)
                return
            arguments = unpack(header["packed"], payload)
        except BaseException as error:
            self._result(failure(error))
            return
        self.send({"kind": "started"})
        asked = (function, arguments, header["calculation"], header["value_of"])
        self._result(_run_async(*asked) if header["is_async"] else call(*asked))

    def _result(self, outcome: tuple[Any, ...]) -> None:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                continue
        packed, data, raw = "json", b"null", False
        if outcome[0] == "finished":
            value = outcome[1]
            raw = isinstance(value, Value)
            try:
                packed, data = pack(value.value if raw else value)
            except BaseException as error:
                what = "the value, of type {}, cannot leave its machine: {}"
                message = what.format(type(value).__name__, error)
                told = {"type": type(error).__name__, "message": message, "traceback": ""}
                outcome = ("error", None, told, None, False, (told["type"],))
        self._drain()
        rest = [outcome[0], None, *outcome[2:]]
        self.send({"kind": "result", "outcome": rest, "packed": packed, "raw": raw}, data)

    def _command(self, header: dict[str, Any]) -> None:
        os.environ[KEY] = header["key"]
        text = header["command"]
        self.send({"kind": "started"})
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", text] if isinstance(text, str) else text,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **header["env"]},
                start_new_session=os.path.isdir("/proc"),
            )
            code = process.wait()
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", None)
            self.send({"kind": "result", "refused": str(error), "errno": number})
            return
        self._drain()
        self.send({"kind": "result", "code": code})


def _terms() -> int:
    """A pipe that tells of signals even while the main thread is busy in C code."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    return read


def _nothing() -> None:
    """Do nothing."""


def _same_python(needed: list[int]) -> None:
    """A function that came by value is code of one version of Python."""
    if list(sys.version_info[:2]) != needed:
        here = "{}.{}".format(*sys.version_info[:2])
        raise RuntimeError(
            "a function that is in no file goes only to the same Python: "
            "{}.{} with the engine, {} here".format(*needed, here)
        )


def _text(fd: int) -> io.TextIOWrapper:
    raw = os.fdopen(fd, "wb", closefd=False)
    return io.TextIOWrapper(raw, "utf-8", "replace", line_buffering=True)


def _run_async(*asked: Any) -> tuple[Any, ...]:
    import asyncio

    try:
        return asyncio.run(acall(*asked))
    except BaseException as error:
        return failure(error)


def main() -> None:
    """Run as the far side of a channel."""
    if "SLURM_JOB_ID" not in os.environ:  # Slurm knows a job's processes by their group
        with contextlib.suppress(OSError):  # it leads a session already
            os.setsid()
    complaints = os.dup(2)
    try:
        stand_in()
        Far().run()
    except BaseException as error:
        message = failure(error)[2]["traceback"]
        os.write(complaints, f"{message}\n".encode())
        os._exit(1)

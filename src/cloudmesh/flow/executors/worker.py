"""The program of a worker process: takes nodes from its engine, one after another, and runs them.

What it prints goes to the pipes that are its stdout and stderr.  Everything
else goes over one socket, as frames: eight bytes of length, then a pickle.

    from the engine   ("function", number, files by module, path, pickled function)
                      ("node", number, function, key, attempt, calculation, value_of,
                       is_async, announce, pickled arguments)
    to the engine     ("ready", can it be given nodes ahead)  ("started",)
                      ("progress", percent, text)
                      ("result", outcome with its value pickled)

Before each node it takes a ticket from a pipe (see `tickets`), which says whether
the node shall run; and it answers only when all that the node printed was read,
so that it is never taken for the next one's.

When the engine is gone (a pipe that it holds open ends), the worker ends
itself, with all that it started.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pickle
import select
import socket
import struct
import sys
import termios
import threading
import time
import types
from array import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

from cloudmesh.flow.executors.call import acall, call, failure, here
from cloudmesh.flow.executors.procs import KEY, leave, sign
from cloudmesh.flow.executors.tickets import RUN

__all__ = ["dumps", "frame", "has_ended", "main", "unread"]

_length = struct.Struct(">Q")
READ_WAIT = 0.0001  # seconds between two looks whether what was printed has been read


def frame(message: tuple[Any, ...]) -> bytes:
    """A message as it goes over the socket."""
    data = pickle.dumps(message, 5)
    return _length.pack(len(data)) + data


def dumps(value: Any) -> bytes:
    """A value as a pickle; what is defined where nobody can import it goes along by value."""
    try:
        data = pickle.dumps(value, 5)
        if b"__main__" not in data or _importable_main():
            return data
    except Exception:  # a lambda, a local class: cloudpickle can, or says why not
        pass
    import cloudpickle

    if not _importable_main():
        pickled: bytes = cloudpickle.dumps(value, 5)
        return pickled

    class ByName(cloudpickle.Pickler):  # type: ignore[misc]
        """Takes along by value what cloudpickle does, but not what the program's file has."""

        def reducer_override(self, thing: Any) -> Any:
            return _name_in_main(thing) or super().reducer_override(thing)

    target = io.BytesIO()
    ByName(target, 5).dump(value)
    return target.getvalue()


def _name_in_main(thing: Any) -> str:
    """The name of a class or function of the program's own file; "" for anything else."""
    if getattr(thing, "__module__", None) != "__main__" or not isinstance(
        thing, (type, types.FunctionType)
    ):
        return ""
    found: Any = sys.modules["__main__"]
    for part in thing.__qualname__.split("."):
        found = getattr(found, part, None)
    return thing.__qualname__ if found is thing else ""


def _importable_main() -> bool:
    main_file = getattr(sys.modules.get("__main__"), "__file__", None)
    return bool(main_file) and os.path.isfile(str(main_file))


class _Here:
    """What `call.current` needs to know of the node that runs."""

    __slots__ = ("_send", "cancelled", "extra", "key", "number")

    def __init__(self, key: str, number: int, send: Callable[[tuple[Any, ...]], None]) -> None:
        self.key = key
        self.number = number
        self.cancelled = False  # a worker is not asked: it is ended
        self.extra: dict[str, Any] = {}
        self._send = send

    def progress(self, percent: float, text: str) -> None:
        self._send(("progress", percent, text))

    def log(self, stream: str, text: str) -> None:
        file = sys.stderr if stream == "err" else sys.stdout
        file.write(text)


class _Worker:
    def __init__(self, channel: socket.socket, tickets: int, loading: Callable[[], Any]) -> None:
        self._channel = channel
        self._tickets = tickets
        self._ticket_comes = select.poll()
        self._ticket_comes.register(tickets, select.POLLIN)
        self._printed = (os.dup(1), os.dup(2))
        self._sees_unread = unread(self._printed) is not None
        self._loading = loading
        self._incoming = channel.makefile("rb")
        self._sending = threading.Lock()  # a node may say progress from threads of its own
        self._functions: dict[int, Any] = {}

    def run(self) -> None:
        """Take messages until the engine has no more."""
        self._send(("ready", self._sees_unread))
        while True:
            head = self._incoming.read(8)
            if len(head) < 8:
                return
            kind, *rest = pickle.loads(self._incoming.read(_length.unpack(head)[0]))
            if kind == "function":
                self._learn(*rest)
            elif self._is_to_run():
                self._node(*rest)

    def _is_to_run(self) -> bool:
        """Take the ticket of the next node."""
        while True:
            try:
                return os.read(self._tickets, 1) == RUN
            except BlockingIOError:  # the engine has it in its hand
                self._ticket_comes.poll()

    def _wait_for_reader(self) -> None:
        """Until the engine has read all that was printed, before it hears of the end."""
        while self._sees_unread and unread(self._printed):
            time.sleep(READ_WAIT)

    def _send(self, message: tuple[Any, ...]) -> None:
        data = frame(message)
        with self._sending:
            self._channel.sendall(data)

    def _learn(self, number: int, modules: dict[str, str], path: list[str], data: bytes) -> None:
        """Load a function; what goes wrong is told by the first node that needs it.

        A module that ends in an error half-way (a script that runs its flow
        without asking for its name) may have all that the function needs.
        """
        silent = io.StringIO()  # the engine has loaded the file too, and shown what it prints
        stdout, sys.stdout = sys.stdout, silent
        trouble: BaseException | None = None
        try:
            sys.path[:] = path
            try:
                with self._loading():
                    for name, file in modules.items():
                        load(name, file)
            except BaseException as error:
                trouble = error
            self._functions[number] = pickle.loads(data)
        except BaseException as error:
            self._functions[number] = failure(trouble or error)
        finally:
            sys.stdout = stdout

    def _node(
        self,
        function: int,
        key: str,
        number: int,
        calculation: Any,
        value_of: str | None,
        is_async: bool,
        announce: bool,
        data: bytes,
    ) -> None:
        known = self._functions[function]
        if isinstance(known, tuple):
            self._send(("result", known))
            return
        try:
            arguments = pickle.loads(data)
        except BaseException as error:
            self._send(("result", failure(error)))
            return
        os.environ[KEY] = key
        here.set(_Here(key, number, self._send))
        if announce:
            self._send(("started",))
        if is_async:
            outcome = _run_async(known, arguments, calculation, value_of)
        else:
            outcome = call(known, arguments, calculation, value_of)
        _flush()
        self._wait_for_reader()
        self._send(("result", _sendable(outcome)))


def unread(pipes: tuple[int, ...]) -> int | None:
    """How many bytes in some pipes nobody has read yet; None where that cannot be seen."""
    total, count = 0, array("i", [0])
    for pipe in pipes:
        try:
            fcntl.ioctl(pipe, termios.FIONREAD, count)
        except OSError:
            return None
        total += count[0]
    return total


def has_ended(pipe: int) -> bool:
    """Whether nobody can write to a pipe any more, and nothing is in it."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return any(flags & select.POLLHUP and not flags & select.POLLIN for _, flags in poll.poll(0))


def _run_async(
    function: Callable[..., Any], arguments: Any, calculation: Any, value_of: str | None
) -> tuple[Any, ...]:
    import asyncio

    try:
        return asyncio.run(acall(function, arguments, calculation, value_of))
    except BaseException as error:
        return failure(error)


def _sendable(outcome: tuple[Any, ...]) -> tuple[Any, ...]:
    """The outcome with its value pickled, or the error that it cannot be."""
    if outcome[0] != "finished":
        return outcome
    try:
        return (outcome[0], dumps(outcome[1]), *outcome[2:])
    except BaseException as error:
        message = f"the value, of type {type(outcome[1]).__name__}, cannot leave its process: "
        told = {"type": type(error).__name__, "message": message + str(error), "traceback": ""}
        return "error", None, told, None, False, (type(error).__name__,)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # a node has closed or replaced it
            continue


def load(name: str, file: str) -> None:
    """Import a module by the name that it has in the engine, so that pickles of both agree."""
    if name == "__main__":
        if "__mp_main__" not in sys.modules:
            _load_file("__mp_main__", file)
    elif name not in sys.modules:
        from importlib.util import find_spec

        try:
            found = find_spec(name)
        except (ImportError, ValueError):
            found = None
        if found is not None and found.origin and os.path.samefile(found.origin, file):
            __import__(name)
        else:
            _load_file(name, file)


def _load_file(name: str, file: str) -> None:
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be loaded as Python")
    module = module_from_spec(spec)
    above = name.rpartition(".")[0]
    while above:  # a name with dots, which a test's module may have, asks for what is above it
        sys.modules.setdefault(above, _package(above))
        above = above.rpartition(".")[0]
    sys.modules[name] = module
    if name == "__mp_main__":
        sys.modules["__main__"] = module
    spec.loader.exec_module(module)


def _package(name: str) -> ModuleType:
    package = ModuleType(name)
    package.__path__ = []
    return package


def _guard(life: int) -> None:
    """End this process with all its children as soon as the engine is gone."""
    while os.read(life, 1):
        pass
    leave(os.environ.get(KEY, ""), grace=0.0)


def main(channel: int, tickets: int, life: int, loading: Callable[[], Any]) -> None:
    """Run as a worker; the three numbers are inherited file descriptors.

    ``loading`` gives the context in which a flow's file is loaded, so that nothing in it runs.
    """
    os.set_inheritable(channel, False)
    os.set_inheritable(tickets, False)
    os.set_inheritable(life, False)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="replace")  # type: ignore[union-attr]
    sign()
    threading.Thread(target=_guard, args=(life,), daemon=True).start()
    with contextlib.suppress(OSError):  # the engine is gone; the guard ends the rest
        _Worker(socket.socket(fileno=channel), tickets, loading).run()
    _flush()
    os._exit(0)

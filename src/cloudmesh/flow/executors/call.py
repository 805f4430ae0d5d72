"""Call a node: the one place that does it, on this machine and on every far side.

Standard library only, and Python 3.8: this very file is sent to machines that
know nothing of us.  An outcome is a plain tuple, in the order of the fields of
`protocol.Outcome`:

    ("finished", value, None, 0)
    ("error", None, {"type", "message", "traceback"}, exit_code, False, kinds)

where ``kinds`` are the names of the exception's class and its bases.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
import types
from collections.abc import Callable, Generator, Mapping
from contextvars import ContextVar
from typing import Any

__all__ = [
    "Cancelled",
    "Current",
    "acall",
    "ask_to_end",
    "call",
    "current",
    "failure",
    "here",
    "text_of",
]

MESSAGE_MAX = 10_000  # characters kept of an exception's message
TRACEBACK_MAX = 100_000  # … and of its traceback

#: The attempt that runs in this thread or async task: whatever has ``key``,
#: ``number``, ``progress``, ``log``, ``cancelled`` and ``extra``.  The engine
#: sets it itself, because a call would cost more than the set.
here: ContextVar[Any] = ContextVar("cloudmesh_flow_attempt")

# Our own files, on a far side too: they are given names there that have the same form.
_FILE = (lambda: None).__code__.co_filename
_PACKAGE = os.path.dirname(os.path.dirname(_FILE)) + os.sep


class Cancelled(BaseException):
    """The node was asked to end.

    No ``Exception``, so that a node's own ``except Exception`` does not keep it alive.
    """


class Current:
    """What a running node can know and say of itself."""

    __slots__ = ("_attempt",)

    def __init__(self, attempt: Any) -> None:
        self._attempt = attempt

    @property
    def key(self) -> str:
        """``STORE/RUN/NODE``, the same at every attempt, so that others know a repeat."""
        key: str = self._attempt.key
        return key

    @property
    def attempt(self) -> int:
        """The number of this start of the node, from 1."""
        number: int = self._attempt.number
        return number

    @property
    def cancelled(self) -> bool:
        """Whether the node was asked to end."""
        return bool(self._attempt.cancelled)

    def progress(self, percent: float, text: str = "") -> None:
        """Say how far the node is, 0 to 100."""
        number = float(percent)
        if number != number:
            raise ValueError("progress is a number from 0 to 100, not NaN")
        self._attempt.progress(min(100.0, max(0.0, number)), str(text))

    def log(self, stream: str, text: str) -> None:
        """Write to the node's log; ``stream`` is ``out`` or ``err``."""
        self._attempt.log(stream, text)

    def sleep(self, seconds: float) -> Any:
        """Sleep; ends early, with `Cancelled`, when the node is asked to end.

        In an async node it gives something to be awaited.
        """
        if _in_event_loop():
            from asyncio import sleep

            return sleep(seconds)
        attempt = self._attempt
        wake = attempt.extra.setdefault("wake", threading.Event())
        # Asked first, waited for then: `ask_to_end` goes the other way round.
        if attempt.cancelled or wake.wait(max(0.0, seconds)):
            raise Cancelled("the node was asked to end")
        return None


def current() -> Current:
    """The node that runs here; `RuntimeError` outside of one."""
    attempt = here.get(None)
    if attempt is None:
        raise RuntimeError(
            "current() is for the code of a running node; no node runs in this thread"
        )
    return Current(attempt)


def ask_to_end(attempt: Any) -> None:
    """Tell a node of this process to end: ``current().cancelled``, and no more sleep."""
    attempt.cancelled = True
    wake = attempt.extra.get("wake")
    if wake is not None:
        wake.set()


def _in_event_loop() -> bool:
    events = sys.modules.get("asyncio.events")
    return events is not None and events._get_running_loop() is not None


# -- calling ---------------------------------------------------------------------------


def call(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    calculation: Any = None,
    value_of: str | None = None,
) -> tuple[Any, ...]:
    """Call a node's function and say how it ended; never raises.

    ``calculation`` has ``arguments``, a list of what has ``name`` or
    ``literal``, and ``keyword`` (attributes or keys).  ``value_of`` names the
    local variable of the function whose value, as it returns, is the node's.
    """
    process = os.getpid()
    try:
        if value_of is None:
            if calculation is None:
                value = function(**arguments)
            else:
                positional, named = _fill(calculation, arguments)
                value = function(*positional, **named)
            if type(value) is types.CoroutineType:
                value = _awaited(value)
            return _only_here(process, ("finished", value, None, 0))
        positional, named = _fill(calculation, arguments)
        watch = _Watch(function, value_of)
        previous = sys.getprofile()
        sys.setprofile(watch)
        try:
            value = function(*positional, **named)
            if type(value) is types.CoroutineType:
                value = _awaited(value)
        finally:
            sys.setprofile(previous)
        return _only_here(process, ("finished", watch.value(value), None, 0))
    except BaseException as error:
        return _only_here(process, failure(error))


def _awaited(coroutine: Any) -> Any:
    """What an ``async`` function returns in the end, below a decorator that does not await it.

    Such a decorator's function says nothing of being async, and gives a coroutine.
    """
    import asyncio

    return asyncio.run(coroutine)


def _only_here(process: int, told: tuple[Any, ...]) -> tuple[Any, ...]:
    """How a node ended; a child that the node forked, and that came back with it, ends instead.

    It would tell its engine the end of an attempt that it is none of, or be a second engine.
    The system is asked, for a fork in C is one too.
    """
    if os.getpid() != process:
        code = told[3]
        os._exit(code & 0xFF if isinstance(code, int) else 1)
    return told


async def acall(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    calculation: Any = None,
    value_of: str | None = None,
) -> tuple[Any, ...]:
    """`call` for an async function; only a cancellation from outside is raised on."""
    process = os.getpid()
    try:
        positional, named = _fill(calculation, arguments)
        if value_of is None:
            value = await function(*positional, **named)
            return _only_here(process, ("finished", value, None, 0))
        watch = _Watch(function, value_of)
        value = await _watched(function(*positional, **named), watch)
        return _only_here(process, ("finished", watch.value(value), None, 0))
    except BaseException as error:
        if _from_outside(error):
            raise
        return _only_here(process, failure(error))


def _from_outside(error: BaseException) -> bool:
    """Whether this is the end of the task itself, not of something that the node awaited."""
    import asyncio

    if not isinstance(error, asyncio.CancelledError):
        return False
    cancelling: Any = getattr(asyncio.current_task(), "cancelling", None)
    return cancelling is None or bool(cancelling())  # Python before 3.11 cannot tell


def _fill(calculation: Any, arguments: Mapping[str, Any]) -> tuple[list[Any], Mapping[str, Any]]:
    """The positional and the keyword arguments of a call."""
    if calculation is None:
        return [], arguments
    from ast import literal_eval

    positional: list[Any] = []
    named: dict[str, Any] = {}
    for item in _field(calculation, "arguments") or ():
        name, keyword = _field(item, "name"), _field(item, "keyword")
        value = literal_eval(_field(item, "literal")) if name is None else arguments[name]
        if keyword:
            named[keyword] = value
        else:
            positional.append(value)
    return positional, named


def _field(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, dict) else getattr(thing, name)


# -- a local variable as the value -------------------------------------------------------

_REPORT_KEYS = frozenset(("status", "color", "shape", "label", "value"))
_MISSING = object()


class _Watch:
    """A profile function that keeps a local variable of one function as it returns."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.name = name
        self.code = _code(function)
        self.found: Any = _MISSING

    def __call__(self, frame: types.FrameType, event: str, argument: Any) -> None:
        if self.code is None and event == "call" and not _own(frame.f_code.co_filename):
            self.code = frame.f_code  # what our own wrapper around it called first
        # A recursion returns from the inside out, so the outermost call has the last word.
        if event == "return" and frame.f_code is self.code:
            self.found = frame.f_locals.get(self.name, _MISSING)

    def value(self, returned: Any) -> Any:
        """The node's value, inside what was returned if that is a report with a status."""
        if self.found is _MISSING:
            what = self.code.co_name if self.code else "the function"
            raise NameError(f"value: {what} has no local variable {self.name!r} when it returns")
        if isinstance(returned, dict) and "status" in returned and returned.keys() <= _REPORT_KEYS:
            return {**returned, "value": self.found}
        return self.found


def _code(function: Any) -> types.CodeType | None:
    """The code of what a callable calls in the end; None where that cannot be seen."""
    for _ in range(100):
        if isinstance(function, functools.partial):
            function = function.func
        elif hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        elif hasattr(function, "__func__"):
            function = function.__func__
        else:
            break
    code = getattr(function, "__code__", None)
    return None if code is None or _own(code.co_filename) else code


@types.coroutine
def _watched(coroutine: Any, watch: _Watch) -> Generator[Any, Any, Any]:
    """Await a coroutine with the profile function on at each of its steps and off between."""
    sent: Any = None
    error: BaseException | None = None
    while True:
        previous = sys.getprofile()
        sys.setprofile(watch)
        try:
            future = coroutine.send(sent) if error is None else coroutine.throw(error)
        except StopIteration as stop:
            return stop.value
        finally:
            sys.setprofile(previous)
        sent = error = None
        try:
            sent = yield future
        except GeneratorExit:
            coroutine.close()
            raise
        except BaseException as thrown:
            error = thrown


# -- what went wrong ---------------------------------------------------------------------


def failure(error: BaseException) -> tuple[Any, ...]:
    """The outcome of a node that raised ``error`` (``SystemExit(0)`` is no failure)."""
    code: int | None = None
    message = text_of(error)
    if issubclass(type(error), SystemExit):  # isinstance would ask the error itself
        given = _code_of(error)
        code = given if isinstance(given, int) else int(given is not None)
        if code == 0:
            return "finished", None, None, 0
        message = f"exit code {code}" if isinstance(given, int) else message
    kinds = tuple(kind.__name__ for kind in type(error).__mro__[:-1])
    described = {"type": kinds[0], "message": message, "traceback": _traceback(error, message)}
    return "error", None, described, code, False, kinds


def _code_of(error: BaseException) -> Any:
    """What was given to ``SystemExit``."""
    try:
        return error.code  # type: ignore[attr-defined]
    except BaseException:  # a class that breaks its own reading
        return 1


def text_of(value: object) -> str:
    """The text of an error, or of what a node reports; never raises."""
    try:
        text = str(value)
    except BaseException:
        text = f"<{type(value).__name__} whose text cannot be made>"
    return _clean(text, MESSAGE_MAX)


def _clean(text: str, most: int) -> str:
    """Text that every store takes: no lone surrogates, and not without end."""
    if len(text) > most:
        text = text[: most // 2] + "\n…\n" + text[-most // 2 :]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _traceback(error: BaseException, message: str) -> str:
    """The traceback with its chained causes, our own frames left out."""
    import traceback

    try:
        told = traceback.TracebackException.from_exception(error)
        _cut(told)
        return _clean("".join(told.format()).rstrip("\n"), TRACEBACK_MAX)
    except BaseException:  # a chain too deep, a class that breaks its own printing
        return f"{type(error).__name__}: {message}"


def _cut(told: Any) -> None:
    """Take our own frames out of a traceback and of all that it is chained to."""
    waiting, seen = [told], set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if one.stack is not None:
            one.stack[:] = [frame for frame in one.stack if not _own(frame.filename)]
        waiting += [one.__cause__, one.__context__, *(getattr(one, "exceptions", None) or ())]


def _own(filename: str) -> bool:
    return filename.startswith(_PACKAGE)

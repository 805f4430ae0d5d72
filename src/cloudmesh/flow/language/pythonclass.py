"""How a flow is written in Python: `BaseWorkFlow`, `workflow`, `task`, `Secret`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from cloudmesh.flow.errors import FlowError, InputError, Problem
from cloudmesh.flow.store.opening import opened

if TYPE_CHECKING:
    from typing import Unpack

    from cloudmesh.flow.api import Run
    from cloudmesh.flow.language.program import Program
    from cloudmesh.flow.model.check import Asked
    from cloudmesh.flow.store.protocol import Store

__all__ = ["PUBLIC", "BaseWorkFlow", "Secret", "Workflow", "loading", "task", "workflow"]

F = TypeVar("F", bound=Callable[..., Any])

#: The public attributes of `BaseWorkFlow`; no node can have such a name.
PUBLIC = frozenset(
    (
        *("flow", "name", "run", "define", "resume", "retry", "cancel"),
        *("key", "attempt", "progress", "cancelled", "runCommand"),
    )
)


class Secret(str):
    """The annotation of a parameter that is read from the environment or a prompt.

    Its value is never stored, logged or shown; ``repr`` does not show it either.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('…')"


class loading:
    """While a file is loaded, nothing in it runs a flow.

    The original's last line is ``Flow.runCommand(sys.argv[1])``: it finds something.
    """

    depth = 0

    def __init__(self, file: str = "") -> None:
        self.file = file

    def __enter__(self) -> None:
        loading.depth += 1
        self.argv = sys.argv
        sys.argv = [self.file or "".join(sys.argv[:1]), *(sys.argv[1:] or [""])]

    def __exit__(self, *_: object) -> None:
        loading.depth -= 1
        sys.argv = self.argv


def _refuse_while_loading(what: str) -> None:
    if loading.depth:
        raise InputError(
            f"the file calls .{what}() while it is loaded; put that under "
            'if __name__ == "__main__":'
        )


class _Shown:
    """A method that a class has like its instances: a notebook shows the flow of either."""

    def __init__(self, show: Any) -> None:
        self.show = show

    def __get__(self, instance: Any, owner: type) -> Callable[[], str | None]:
        bound: Callable[[], str | None] = self.show.__get__(owner if instance is None else instance)
        return bound


class _Runnable:
    """What a class and a `workflow` can both do; each goes through `cloudmesh.flow.api`.

    What they need for it are functions of this module: a method, of whatever name, is a
    user's node, and must not stand in for one of ours.
    """

    def run(
        self,
        flow: str | Sequence[str] | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        store: str | Store | None = None,
        on: Mapping[str, str] | None = None,
        parallel: int | None = None,
    ) -> Run:
        """Run the flow to its end.

        ``flow`` replaces the flow's own string; ``params`` are run parameters;
        ``store`` is a URL or an open store; ``on`` maps nodes to infrastructure.
        A run that fails does not raise: see ``Run.raise_for_error``.
        Raises `InputError` for everything that is wrong before the run.
        """
        _refuse_while_loading("run")
        from cloudmesh.flow import api

        given, places = _by_name("params", params), _by_name("on", on)
        program = _program(self, flow, given, moved=places)
        return api.run(program, opened(store), parameters=given, on=places, parallel=parallel)

    @_Shown
    def _repr_svg_(thing: Any) -> str | None:
        """The picture of the flow, for a notebook; None where it is wrong or has no string."""
        from cloudmesh.flow.notebook import flow_svg

        return flow_svg(
            lambda: _program(thing() if isinstance(thing, type) else thing, later=True).flow
        )

    @_Shown
    def _repr_html_(thing: Any) -> str | None:
        """The same, where a notebook prefers HTML."""
        from cloudmesh.flow.notebook import in_html

        return in_html(_Runnable.__dict__["_repr_svg_"].show(thing))

    def define(
        self, flow: str | Sequence[str] | None = None, *, store: str | Store | None = None
    ) -> None:
        """Store the definition, without running it."""
        _refuse_while_loading("define")
        from cloudmesh.flow import api

        api.define(_program(self, flow, later=True), opened(store))

    def resume(
        self,
        run: str | Run,
        *,
        store: str | Store | None = None,
        force: bool = False,
        parallel: int | None = None,
    ) -> Run:
        """Go on with a run whose engine is gone: a `Run`, or ``latest``, an id, a flow's name.

        ``store``: where it is, for a text; a `Run` knows.
        """
        _refuse_while_loading("resume")
        from cloudmesh.flow import api

        name, opened = _found(run, store)
        program = _rebound(self, name, opened)
        return api.resume(name, opened, program=program, force=force, parallel=parallel)

    def retry(
        self,
        run: str | Run,
        node: str | None = None,
        *,
        store: str | Store | None = None,
        parallel: int | None = None,
    ) -> Run:
        """Run again what failed in a run, and what depends on it; ``node``: from there on."""
        _refuse_while_loading("retry")
        from cloudmesh.flow import api

        name, opened = _found(run, store)
        program = _rebound(self, name, opened)
        nodes = () if node is None else (node,)
        return api.retry(name, opened, from_nodes=nodes, program=program, parallel=parallel)

    def cancel(self, run: str | Run, *, store: str | Store | None = None) -> str:
        """Cancel a run; returns its status."""
        _refuse_while_loading("cancel")
        from cloudmesh.flow import api

        return api.cancel(*_found(run, store))


def _by_name(what: str, given: Mapping[str, Any] | None) -> dict[str, Any]:
    """What is given by name.  Raises `InputError` for anything else."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise InputError(f'{what}={given!r}: expected names and values, like {{"a": 3}}')
    return dict(given)


class BaseWorkFlow(_Runnable):
    """A flow as a class: its methods are nodes, ``flow`` says their order.

    ``flow`` is a flow string or a list of them; ``name`` the name of the flow
    (else that of the file).  Arguments are taken and not used, as in the
    original's ``Flow = MyFlow(sys.argv[0])``.
    """

    flow: Any = None
    name: Any = ""

    def __init__(self, *arguments: Any) -> None:
        pass

    def runCommand(self, node: str) -> None:
        """Run one node alone, as the original's last line does; nothing while the file is loaded.

        The flow's definition stays as it is.  Ends the program as ``cms flow run`` does:
        with a line and an exit code.
        """
        if loading.depth:
            return
        from cloudmesh.flow import api

        try:
            # Of one node alone: what is defined of the flow stays as it is.
            api.run(_program(self, node), opened(None), stored=True).raise_for_error()
        except FlowError as error:
            print(error, file=sys.stderr)
            raise SystemExit(error.exit_code) from None

    @property
    def key(self) -> str:
        """``STORE/RUN/NODE`` of the node that runs here, the same at every attempt."""
        return str(_current().key)

    @property
    def attempt(self) -> int:
        """The number of this start of the node, from 1."""
        return int(_current().attempt)

    @property
    def cancelled(self) -> bool:
        """Whether the node was asked to end."""
        return bool(_current().cancelled)

    def progress(self, percent: float, text: str = "") -> None:
        """Say how far the node is, 0 to 100."""
        _current().progress(percent, text)


class Workflow(_Runnable):
    """A flow of functions, made by `workflow`.  Its functions are looked up when it is used."""

    def __init__(
        self,
        text: str | Sequence[str],
        functions: Mapping[str, Callable[..., Any]],
        name: str,
        file: str,
        line: int,
    ) -> None:
        self.text = text
        self.functions = functions
        self.name = name
        self.file = file
        self.line = line


def _program(
    thing: Any,
    text: Any = None,
    params: Mapping[str, Any] | None = None,
    **asked: Unpack[Asked],
) -> Program:
    """The program of a `BaseWorkFlow` or a `Workflow`; ``text`` replaces its flow string."""
    from cloudmesh.flow.language.load import load_functions, load_object

    asked = {"infrastructure": _infrastructure(), "parameters": params, **asked}
    if not isinstance(thing, Workflow):
        return load_object(thing, text, **asked)
    return load_functions(
        thing.text if text is None else text,
        thing.functions,
        flowname=thing.name,
        file=thing.file,
        line=thing.line if text is None else 0,
        **asked,
    )


def _rebound(thing: Any, run: str, store: Store) -> Program:
    """The graph of a run with the functions that are here."""
    from cloudmesh.flow.api import replay
    from cloudmesh.flow.language.load import rebind_object

    _, state = replay(store, run)
    if isinstance(thing, Workflow):
        return rebind_object(state.flow, thing.functions, thing.file)
    return rebind_object(state.flow, thing)


def workflow(
    text: str | Sequence[str],
    functions: Mapping[str, Callable[..., Any]] | None = None,
    *,
    name: str = "",
) -> Workflow:
    """A flow of functions: ``w = workflow("a; b | c")``, then ``w.run()``.

    Without ``functions`` they are those of the place where it is called.
    """
    frame = sys._getframe(1)
    if functions is None:
        here = frame.f_globals
        functions = here if frame.f_locals is here else {**here, **frame.f_locals}
    else:
        _by_name("functions", functions)
    file = frame.f_globals.get("__file__") or ""
    return Workflow(text, functions, name, file, frame.f_lineno)


@overload
def task(function: F, /) -> F: ...
@overload
def task(
    *,
    on: str = ...,
    retries: int = ...,
    retry_delay: float | str = ...,
    retry_on: type[BaseException] | str | Collection[type[BaseException] | str] = ...,
    timeout: float | str | None = ...,
    when: str = ...,
    over: str = ...,
    pool: str = ...,
    color: str = ...,
    label: str = ...,
    shape: str = ...,
    edges: Mapping[str, Any] = ...,
) -> Callable[[F], F]: ...
def task(function: Any = None, /, **words: Any) -> Any:
    """Say the rest of a node: ``@task(retries=2, timeout="5m", on="lab")``.

    Times are ``"500ms"``, ``"5m"``, ``"1h30m"`` or seconds.  Raises `InputError`
    for an unknown word or a wrong value; while a file is loaded it is kept, and
    told together with everything else.
    """
    from cloudmesh.flow.language.taskwords import read_word

    if function is not None:
        return _mark(function, {}, [])
    checked: dict[str, Any] = {}
    wrong: list[Problem] = []
    frame = sys._getframe(1)
    for word, value in words.items():
        try:
            checked[word] = read_word(word, value)
        except ValueError as error:
            wrong.append(
                _at_line(f"@task: {error}", frame.f_code.co_filename, frame.f_lineno, word)
            )
    if wrong and not loading.depth:
        raise InputError(problems=wrong)
    return lambda function: _mark(function, checked, wrong)


def _mark(function: Any, words: dict[str, Any], wrong: list[Problem]) -> Any:
    target = getattr(function, "__func__", function)
    if not callable(target):
        raise InputError("@task stands above a function or a method")
    target.__task__ = words
    if wrong:
        target.__task_problems__ = wrong
    return function


def _at_line(message: str, file: str, line: int, word: str) -> Problem:
    """A problem at a word of a call that begins at a line."""
    import linecache

    from cloudmesh.flow.language.pythonfile import shown

    linecache.checkcache(file)
    for number in range(line, line + 20):
        text = linecache.getline(file, number).rstrip("\r\n")
        if f"{word}=" in text.replace(" ", ""):
            return Problem(message, shown(file), number, text.index(word) + 1, text, len(word))
    return Problem(message, shown(file), line, 1, linecache.getline(file, line).rstrip("\r\n"))


def _infrastructure() -> Collection[str]:
    """The words for ``on`` in the user's configuration."""
    from cloudmesh.flow.config import load_config

    return tuple(load_config(None).infrastructure)


def _found(run: Any, store: Any) -> tuple[str, Store]:
    """The id of a run and its store; a `Run` knows its own, a text is as on the command line."""
    from cloudmesh.flow.api import Run, find_run

    if isinstance(run, Run):
        return run.id, run.store if store is None else opened(store)
    if not isinstance(run, str):
        raise InputError(f"{run!r} is no run: a Run or a text that names one is")
    place = opened(store)
    return str(find_run(place, run)["run"]), place


def _current() -> Any:
    from cloudmesh.flow.executors.call import current

    return current()

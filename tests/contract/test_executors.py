"""What every executor that runs functions, or commands, keeps to.

In this process nothing is shared with where the node runs but the file system,
so the same tests hold for worker processes and for hosts over SSH.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import executor_kit as kit
import pytest
from executor_kit import nodes
from slurm_cluster import running_slurm
from sshd import Sshd, running_sshd

from cloudmesh.flow.executors.procs import processes
from cloudmesh.flow.executors.protocol import Attempt, Executor, Outcome
from cloudmesh.flow.executors.table import Context, make
from cloudmesh.flow.language.pythonclass import Secret
from cloudmesh.flow.model.flow import Argument, Calculation, Code
from cloudmesh.flow.model.value import Value

HERE = Path(__file__).parent
#: Each has a short test of its own; all of the contract takes minutes with Slurm.
SLURM = pytest.param("slurm", marks=[pytest.mark.slow, pytest.mark.real])
DASK = pytest.param("dask", marks=[pytest.mark.slow, pytest.mark.real])
BESIDE = pytest.param("beside", marks=pytest.mark.slow)
FUNCTIONS = ["process", "ssh", BESIDE, DASK, SLURM]
COMMANDS = ["command", "ssh", BESIDE, DASK, SLURM]
KILLED = [
    "process",
    "ssh",
    BESIDE,
    DASK,
]  # what a dead engine takes with it; a job of Slurm is adopted


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("slurm")
    with running_slurm(folder) as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield {"kind": "slurm", "python": sys.executable, "folder": str(folder / "jobs")}


def spec_of(word: str, request: pytest.FixtureRequest) -> dict[str, Any]:
    """An entry of the configuration for a word, with the server that it needs."""
    if word == "ssh":
        server: Sshd = request.getfixturevalue("sshd")
        return {**server.spec, "python": sys.executable, "slots": 8}
    if word == "slurm":
        spec: dict[str, Any] = request.getfixturevalue("slurm")
        return spec
    if word == "dask":
        pytest.importorskip(
            "distributed", reason="NOT TESTED: Dask (needs pip install distributed)"
        )
        return {"kind": "dask", "workers": 2}
    if word == "beside":
        return {"kind": "process", "slots": 8}
    return {"kind": word}


@pytest.fixture(scope="module")
def executor_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Executor]]:
    """The executor of a word, kept for all tests: so that a test also meets what another left."""
    made: dict[str, Executor] = {}

    def of(word: str) -> Executor:
        if word not in made:
            made[word] = make(word, spec_of(word, request), Context("store", "run00000"))
        return made[word]

    yield of
    for executor in made.values():
        executor.close()


class Rig:
    """An executor, and attempts for it."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def attempt(self, function: Any, arguments: Any = None, cls: str = "", **task: Any) -> Attempt:
        name = function if isinstance(function, str) else function.__name__
        function = getattr(nodes.Klass(), name) if cls else function
        code = Code(nodes.__file__, cls, name, "")
        return kit.make_attempt(function, arguments, code=code, **task)

    def start(self, function: Any, arguments: Any = None, **task: Any) -> kit.Told:
        return kit.start(self.executor, self.attempt(function, arguments, **task))

    def run(self, function: Any, arguments: Any = None, **task: Any) -> Outcome:
        told = self.start(function, arguments, **task)
        outcome = told.result()
        assert told.outcomes.empty()
        return outcome

    def command(self, command: Any, arguments: Any = None, **task: Any) -> kit.Told:
        attempt = kit.make_attempt(None, arguments, command=command, **task)
        return kit.start(self.executor, attempt)


@pytest.fixture(params=FUNCTIONS)
def rig(request: pytest.FixtureRequest, executor_of: Callable[[str], Executor]) -> Rig:
    return Rig(executor_of(request.param))


@pytest.fixture(params=COMMANDS)
def shell(request: pytest.FixtureRequest, executor_of: Callable[[str], Executor]) -> Rig:
    return Rig(executor_of(request.param))


def ok(value: Any) -> Outcome:
    return Outcome("finished", value, None, 0)


# -- functions: values -------------------------------------------------------------------


def test_a_value_comes_back(rig: Rig) -> None:
    assert rig.run(nodes.add, {"a": 2, "b": 3}) == ok(5)
    assert rig.run(nodes.nothing) == ok(None)


def test_what_lies_beside_the_file_is_there_too(rig: Rig) -> None:
    assert rig.run(nodes.beside, {"a": 4}) == ok(8)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        2**200,
        1.5,
        float("inf"),
        "ünïcode ☃ \x00 \U0001f600",
        [1, [2, {"a": None}]],
        {"a": {"b": []}},
        (1, 2),
        {1: "int key"},
        {3, 4},
        b"\x00\xff",
        Path("a/b"),
        nodes.Point(3, 4),
        [nodes.Point(1)],
    ],
    ids=repr,
)
def test_any_value_goes_there_and_back_with_its_type(rig: Rig, value: Any) -> None:
    outcome = rig.run(nodes.same, {"value": value})
    assert outcome == ok(value)
    assert type(outcome.value) is type(value)


def test_a_secret_arrives_as_one_and_is_not_shown(rig: Rig) -> None:
    value = rig.run(nodes.same, {"value": [Secret("hidden")]}).value
    assert type(value[0]) is Secret
    assert value == ["hidden"]
    assert rig.run(nodes.shows, {"value": Secret("hidden")}) == ok("Secret('…') hidden")


def test_ten_megabytes_in_and_out(rig: Rig) -> None:
    for value in ("x" * 10_000_000, bytes(10_000_000)):
        assert rig.run(nodes.same, {"value": value}).value == value


def test_a_wrapped_value_stays_wrapped(rig: Rig) -> None:
    value = rig.run(nodes.wrapped, {"value": {"status": "done"}}).value
    assert type(value) is Value
    assert value.value == {"status": "done"}


def test_a_value_that_cannot_leave_is_an_error_that_says_so(rig: Rig) -> None:
    outcome = rig.run(nodes.generator)
    assert outcome.status == "error"
    assert "of type generator, cannot leave" in (outcome.error or {})["message"]


def test_an_argument_that_cannot_be_sent_is_an_error_that_says_so(rig: Rig) -> None:
    outcome = rig.run(nodes.same, {"value": (n for n in ())})
    assert outcome.status == "error"
    assert "cannot be sent" in (outcome.error or {})["message"]


def test_a_function_that_is_in_no_file_goes_by_value(rig: Rig) -> None:
    secret = 3

    def closure(a: int) -> int:
        return a * secret

    told = kit.start(rig.executor, kit.make_attempt(closure, {"a": 5}))
    assert told.result() == ok(15)


def test_methods_of_a_class(rig: Rig) -> None:
    outcome = rig.run("method", {"a": 5}, cls="Klass")
    assert outcome.value[0].count("/") == 2
    assert outcome.value[1] == 5
    assert rig.run("marked", {"a": 5}, cls="Klass") == ok(5)


def test_calculations_and_captured_variables(rig: Rig) -> None:
    calculation = Calculation("captured", (Argument("a"), Argument(literal="7", keyword="y")))
    outcome = rig.run(nodes.captured, {"a": 6}, calculation=calculation, value_of="total")
    assert outcome == ok(42)


def test_async_functions(rig: Rig) -> None:
    assert rig.run(nodes.later, {"x": 1}, is_async=True) == ok(2)


def test_an_async_function_below_a_plain_decorator(rig: Rig) -> None:
    assert rig.run(nodes.decorated, {"x": 1}) == ok(2)


def test_threads_and_an_empty_stdin(rig: Rig) -> None:
    assert rig.run(nodes.threads) == ok(1)
    assert rig.run(nodes.reads_stdin) == ok("")


# -- functions: errors ---------------------------------------------------------------------


def test_an_exception_with_the_users_frames(rig: Rig) -> None:
    outcome = rig.run(nodes.fails, {"text": "schlüssel"})
    error = outcome.error or {}
    assert (outcome.status, outcome.exit_code, outcome.lost) == ("error", None, False)
    assert (error["type"], error["message"]) == ("ValueError", "schlüssel")
    assert "Exception" in outcome.kinds
    lines = error["traceback"].splitlines()
    assert [line for line in lines if ", in " in line] == [
        f'  File "{nodes.__file__}", line {line}, in {name}'
        for line, name in (
            (nodes.fails.__code__.co_firstlineno + 1, "fails"),
            (nodes.inner.__code__.co_firstlineno + 1, "inner"),
        )
    ]
    assert "    raise ValueError(text)" in lines


@pytest.mark.parametrize(("code", "told"), [(7, 7), ("words", 1), (None, 0), (0, 0)])
def test_system_exit(rig: Rig, code: Any, told: int) -> None:
    outcome = rig.run(nodes.leaves, {"code": code})
    assert (outcome.status, outcome.exit_code) == ("error" if told else "finished", told)
    assert outcome.value is None


def test_a_child_that_comes_back_from_a_node_tells_nothing(rig: Rig) -> None:
    assert rig.run(nodes.forks) == ok("the node")
    assert rig.run(nodes.add, {"a": 2, "b": 3}) == ok(5)


def test_a_process_that_ends_itself_is_lost(rig: Rig) -> None:
    outcome = rig.run(nodes.exits, {"code": 5})
    assert (outcome.status, outcome.exit_code, outcome.lost) == ("error", 5, True)
    assert rig.run(nodes.add, {"a": 1}) == ok(2)


def test_the_far_side_dies_under_a_node(rig: Rig) -> None:
    told = rig.start(nodes.sleeps, {"seconds": 300})
    told.until(lambda t: t.text("out").startswith("asleep"))
    os.kill(int(told.text("out").split()[1]), signal.SIGKILL)
    outcome = told.result()
    assert (outcome.exit_code, outcome.lost) == (137, True)
    assert "SIGKILL" in (outcome.error or {})["message"]
    assert kit.nothing_left(told.attempt.key)
    assert rig.run(nodes.add, {"a": 1}) == ok(2)


# -- functions: what they say ------------------------------------------------------------------


def test_output_comes_apart_and_whole(rig: Rig) -> None:
    told = rig.start(nodes.prints, {"text": "größe ☃"})
    assert told.result() == ok("größe ☃")
    assert sorted(told.text("out").splitlines()) == ["child", "no end", "out größe ☃", "raw"]
    assert sorted(told.text("err").splitlines()) == ["complaint", "err größe ☃"]
    assert told.said == [(70.0, "")]


def test_output_is_live(rig: Rig, tmp_path: Path) -> None:
    told = rig.start(nodes.waits, {"file": str(tmp_path / "go")})
    told.until(lambda t: "waiting" in t.text("out"))
    assert told.outcomes.empty()
    (tmp_path / "go").touch()
    assert told.result() == ok("seen")


def test_a_node_knows_its_key_and_attempt_and_says_progress(rig: Rig) -> None:
    told = rig.start(nodes.knows, number=3)
    key = told.attempt.key
    value = told.result().value
    assert tuple(value) == (key, 3, False, key)
    assert told.said == [(25.0, "a quarter")]


def test_where_it_runs_is_told(rig: Rig) -> None:
    told = rig.start(nodes.nothing)
    told.result()
    assert told.attempt.where.partition("/")[0] in (
        "process",
        "127.0.0.1",
        "beside",
        "dask",
        "slurm",
    )


# -- functions: ends -----------------------------------------------------------------------------


def test_a_timeout_leaves_nothing(rig: Rig) -> None:
    told = rig.start(nodes.sleeps, {"seconds": 300}, timeout=1.5)
    outcome = told.result()
    assert (outcome.error or {})["type"] == "Timeout"
    assert (outcome.error or {})["message"] == "took longer than 1.5 s"
    assert kit.nothing_left(told.attempt.key)
    assert "asleep" in told.text("out")


def test_a_timeout_that_is_not_reached_does_nothing(rig: Rig) -> None:
    assert rig.run(nodes.add, {"a": 1}, timeout=60.0) == ok(2)


def test_cancel_leaves_nothing(rig: Rig) -> None:
    told = rig.start(nodes.sleeps, {"seconds": 300})
    told.until(lambda t: "asleep" in t.text("out"))
    assert kit.some_left(told.attempt.key, 2)
    rig.executor.cancel(told.attempt)
    outcome = told.result()
    assert (outcome.error or {})["type"] == "Cancelled"
    assert kit.nothing_left(told.attempt.key)
    assert told.outcomes.empty()


def test_cancel_of_what_waits_or_has_ended(rig: Rig) -> None:
    sleepers = [rig.start(nodes.sleeps, {"seconds": 300}) for _ in range(3)]
    for told in sleepers:
        rig.executor.cancel(told.attempt)
    for told in sleepers:
        assert (told.result().error or {})["type"] == "Cancelled"
        assert kit.nothing_left(told.attempt.key)
    over = rig.start(nodes.add, {"a": 1})
    assert over.result() == ok(2)
    rig.executor.cancel(over.attempt)
    assert rig.run(nodes.add, {"a": 2}) == ok(3)
    assert over.outcomes.empty()


def test_a_thousand_attempts_each_with_its_own_outcome(rig: Rig) -> None:
    told = [rig.start(nodes.add, {"a": n}) for n in range(1000)]
    assert [one.result() for one in told] == [ok(n + 1) for n in range(1000)]


@pytest.mark.parametrize("word", [*FUNCTIONS, "command"])
def test_close_ends_what_runs(word: str, request: pytest.FixtureRequest) -> None:
    rig = Rig(make(word, spec_of(word, request), Context("store", "run00001")))
    if word == "command":
        told = [rig.command("echo asleep; setsid sleep 300 & sleep 300") for _ in range(2)]
    else:
        told = [rig.start(nodes.sleeps, {"seconds": 300}) for _ in range(2)]
    for one in told:
        one.until(lambda t: "asleep" in t.text("out"))
    rig.executor.close()
    for one in told:
        assert (one.result().error or {})["type"] == "Cancelled"
        assert kit.nothing_left(one.attempt.key)
    late = rig.start(nodes.add, {"a": 1}) if word != "command" else rig.command("true")
    assert (late.result().error or {})["type"] == "Cancelled"
    rig.executor.close()


# -- commands ----------------------------------------------------------------------------------


def test_the_value_of_a_command_is_its_stdout_stripped(shell: Rig) -> None:
    told = shell.command("echo ' größe ☃ '; echo more; echo complaint >&2")
    assert told.result() == ok("größe ☃ \nmore")
    assert told.text("err") == "complaint\n"


def test_values_reach_a_command_as_they_are(shell: Rig) -> None:
    nasty = "a 'b' \"c\" $(touch /tmp/never) `x` \\ ; | & ünï\nnext"
    assert shell.command("printf %s {a}", {"a": nasty}).result() == ok(nasty)
    assert shell.command(("printf", "%s", "{a}"), {"a": nasty}).result() == ok(nasty)
    assert shell.command("printf %s {a}", {"a": [1, {"b": None}]}).result().value == (
        '[1, {"b": null}]'
    )


@pytest.mark.parametrize(
    ("command", "code", "says"),
    [
        ("exit 7", 7, "exit code 7"),
        ("echo no luck >&2; exit 3", 3, "exit code 3: no luck"),
        ("kill -9 $$", 137, "ended by SIGKILL"),
        ("kill -TERM $$", 143, "ended by SIGTERM"),
        (("no-such-program-anywhere",), 127, "no such program: no-such-program-anywhere"),
        ("no-such-program-anywhere", 127, "not found"),
    ],
)
def test_the_exit_code_decides(shell: Rig, command: Any, code: int, says: str) -> None:
    outcome = shell.command(command).result()
    assert (outcome.status, outcome.exit_code, outcome.lost) == ("error", code, False)
    assert says in (outcome.error or {})["message"]


def test_progress_lines_are_told_and_left_out_of_the_value(shell: Rig) -> None:
    told = shell.command("echo a; echo '# cloudmesh status=running progress=40'; echo b")
    assert told.result() == ok("a\nb")
    assert told.said == [(40.0, "")]


def test_a_command_prints_live_and_knows_its_key(shell: Rig, tmp_path: Path) -> None:
    wait = f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done"
    told = shell.command(f'echo "$CLOUDMESH_FLOW_KEY"; echo now >&2; {wait}; echo then')
    told.until(lambda t: t.text("out") and t.text("err") == "now\n")
    assert told.outcomes.empty()
    (tmp_path / "go").touch()
    assert told.result() == ok(f"{told.attempt.key}\nthen")


def test_binary_and_much_output(shell: Rig) -> None:
    outcome = shell.command("head -c 10000000 /dev/zero | tr '\\0' x").result()
    assert outcome.value == "x" * 10_000_000
    assert shell.command("printf '\\377ok'").result() == ok("\ufffdok")


def test_a_command_leads_a_session_of_its_own(shell: Rig) -> None:
    """So that Ctrl-C on a terminal is the engine's to answer."""
    told = shell.command("cut -d' ' -f6 /proc/$$/stat; echo $$").result().value.split()
    assert told[0] == told[1]


def test_a_command_has_no_stdin(shell: Rig) -> None:
    assert shell.command("cat").result() == ok("")


def test_a_commands_timeout_and_cancel_leave_nothing(shell: Rig) -> None:
    text = "setsid sleep 300 & (trap '' TERM; while :; do sleep 0.1; done) & echo on; sleep 300"
    timed = shell.command(text, timeout=0.3)
    assert (timed.result().error or {})["message"] == "took longer than 0.3 s"
    assert kit.nothing_left(timed.attempt.key)
    told = shell.command(text)
    told.until(lambda t: "on" in t.text("out"))
    assert kit.some_left(told.attempt.key, 3)
    shell.executor.cancel(told.attempt)
    assert (told.result().error or {})["type"] == "Cancelled"
    assert kit.nothing_left(told.attempt.key)


def test_a_command_with_a_child_in_the_background_ends_with_its_shell(shell: Rig) -> None:
    told = shell.command("sleep 300 & echo here; exit 4")
    outcome = told.result()
    assert outcome.exit_code == 4
    assert told.text("out") == "here\n"
    for pid in kit.left(told.attempt.key):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_many_commands_at_once(shell: Rig) -> None:
    told = [shell.command(f"echo {n}") for n in range(200)]
    assert [one.result().value for one in told] == [str(n) for n in range(200)]


# -- the engine dies -----------------------------------------------------------------------------

_ENGINE = """
import sys, time
sys.path[:0] = {path!r}
import executor_kit as kit
from executor_kit import nodes
from cloudmesh.flow.executors.table import Context, make
from cloudmesh.flow.model.flow import Code
executor = make({word!r}, {spec!r}, Context())
code = Code(nodes.__file__, "", "sleeps", "")
attempt = kit.make_attempt(nodes.sleeps, {{"seconds": 300}}, key={key!r}, code=code)
told = kit.start(executor, attempt)
told.until(lambda t: "asleep" in t.text("out"))
print("up", told.text("out").split()[1], flush=True)
time.sleep(300)
"""


@pytest.mark.parametrize("word", KILLED)
def test_nothing_outlives_a_killed_engine(word: str, request: pytest.FixtureRequest) -> None:
    spec = spec_of(word, request)
    key = f"store-of-a-killed-engine/{os.getpid()}/{word}"
    path = [str(HERE.parent / "executors")]
    program = _ENGINE.format(path=path, word=word, spec=spec, key=key)
    engine = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert engine.stdout is not None
    line = ["not yet"]
    while line and line[0] != "up":
        line = engine.stdout.readline().split()
    assert kit.some_left(key, 2)
    engine.kill()
    engine.wait()
    assert kit.nothing_left(key)
    assert gone(int(line[1])), "who ran the node"


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while pid in processes():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True

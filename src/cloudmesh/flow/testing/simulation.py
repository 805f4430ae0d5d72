"""One seed, one run: the real Run, engine and store on a simulated clock, with faults.

The engine, the state machine, the projector and the store in memory are the
ones that users have.  Simulated are what they stand on: the clock (which also
jumps), the executors (which lose, repeat and delay outcomes), the process
(which dies at any write) and the store's good will (which fails before, after
and half-way).  Two engines may hold the run at once, one of them fenced.

`World.check` holds after every step; `World.to_the_end` proves the rest.  After
TigerBeetle's VOPR (docs/TIGER_STYLE.md there): one seed gives one history.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cloudmesh.flow import api
from cloudmesh.flow.engine.going import Going
from cloudmesh.flow.engine.inputs import Inputs
from cloudmesh.flow.engine.loop import Engine
from cloudmesh.flow.engine.outcomes import Outcomes
from cloudmesh.flow.engine.results import Results
from cloudmesh.flow.errors import Fenced, FlowError
from cloudmesh.flow.executors.protocol import Outcome
from cloudmesh.flow.run import events as ev
from cloudmesh.flow.run.run import DEATHS_MAX, Run
from cloudmesh.flow.store.memory import MemoryStore
from cloudmesh.flow.store.protocol import Journal, RunHead
from cloudmesh.flow.testing.faults import Crash, FaultyJournal
from cloudmesh.flow.testing.flows import random_flow

__all__ = ["Broken", "World", "simulate"]

RUN = "simulate"
LIMITS = {"local": 3, "lab": 2, "pool:gpu": 1}
RATES = {"pool:gpu": (2, 5.0)}
STEPS_MAX = 3000


class Broken(AssertionError):
    """An invariant does not hold; the message has the seed and the history."""


class _Launcher:
    """Stands for every executor: keeps what was started until the world decides its fate."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def runs_here(self, i: int) -> bool:
        return False

    def start(self, going: Going) -> None:
        self._host.started(going)

    def cancel(self, going: Going) -> None:
        self._host.fate[going] = "Cancelled"

    def close(self) -> None:
        self._host.fate.clear()


class Host:
    """A process with an engine in it."""

    def __init__(self, world: World, state: Run, journal: Journal) -> None:
        self.world = world
        self.fate: dict[Going, str] = {}  # attempts that run, and how they will end
        self.settled: list[tuple[Going, ev.Event]] = []
        self.journal = FaultyJournal(journal, world.fault, lambda: world.saw_documents(journal))
        inputs = Inputs(state, [()] * len(state.flow.nodes), {}, lambda result, extra: None)
        results = Results(world.store.put_blob, world.store.get_blob)
        functions = [None] * len(state.flow.nodes)
        self.engine = Engine(
            state,
            self.journal,
            Outcomes(state, inputs, results, functions, world.chance.random),
            lambda engine: _Launcher(self),
            key_prefix="sim",
            limits=LIMITS,
            rates=RATES,
            witness=world,
            clock=lambda: world.now,
            ticks=lambda: world.ticks,
            pause=world.pause,
        )

    @property
    def alive(self) -> bool:
        return not self.journal.dead and not self.engine.done.is_set()

    def started(self, going: Going) -> None:
        """An executor was asked to start an attempt."""
        self.world.saw_start(going)
        self.fate[going] = self.world.chance.choice(["ok"] * 12 + ["fail", "lost"])

    def deliver(self, going: Going) -> None:
        """An executor tells the outcome of an attempt, if nobody has lost patience meanwhile."""
        fate = self.fate.pop(going)
        engine, outcomes = self.engine, self.engine.outcomes
        if fate == "ok":
            value = self.world.chance.choice([[], [1], [1, 2, 3], 7, "x", None])
            told = Outcome("finished", value, None, 0)
        else:
            error = {"type": fate, "message": "simulated", "traceback": ""}
            told = Outcome("error", None, error, None, fate == "lost", (fate,))
        event = outcomes.came(going, told, engine.clock(), "sim")
        self.settled.append((going, event))
        engine.settle(going, event)


class World:
    """Everything that a seed decides."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.now, self.ticks = 1e9, 0.0
        self.calm = False  # from here on nothing fails any more
        self.store = MemoryStore("memory://simulation")
        self.flow = random_flow(self.chance)
        self.history: list[str] = []
        self.launched: set[tuple[str, int]] = set()
        self.paid: list[float] = []  # when nodes of a pool with a rate were started
        self.recorded: dict[str, Any] = {}  # nodes recorded as finished, and their results
        self.read = 0  # batches of the journal that were looked at
        self.seen: set[str] = set()  # nodes that a reader of documents has seen as finished
        self.wrong = ""  # what an engine did wrong, found while it was in the middle of it
        self.final = ""  # the status with which a reader has seen the run ended
        self.deaths = 0
        self.hosts = [self._begin()]
        self._act(self.hosts[0].engine.begin)

    # -- making and killing engines ------------------------------------------

    def _begin(self) -> Host:
        state = Run(self.flow)
        event = ev.begin(self.now, {"flow": self.flow.to_json()})
        state.apply(event)
        head = RunHead(RUN, "t", "t", {}, "", {})
        journal = self.store.create(head, ev.encode([event], str))
        self.owner = journal
        return Host(self, state, journal)

    def resume(self, force: bool) -> None:
        """Another process takes the run over."""
        seq, state = api.replay(self.store, RUN)
        if self.status() != "running":
            return
        event = ev.taken(self.now, {})
        state.apply(event)
        take = self.store.take_by_force if force else self.store.take
        journal = take(RUN, seq, ev.encode([event], str))
        self.owner = journal
        host = Host(self, state, journal)
        self.say("resumed" + " by force" * force)
        self.hosts.append(host)
        self._act(host.engine.begin)

    def kill(self, host: Host) -> None:
        """A process dies, and with it its lock."""
        host.journal.dead = True
        self.bury(host)

    def bury(self, host: Host) -> None:
        """What the system does with a dead process: its lock is free."""
        self.deaths += 1
        host.journal.inner.close()
        self.say("died")

    # -- what the engine is given ---------------------------------------------

    def fault(self, name: str) -> str:
        """Whether a write fails, and how."""
        if self.calm or self.chance.random() > 0.08:
            return ""
        kinds = ["before", "after", "half", "die", "late"]
        if name not in ("project", "add"):
            kinds.remove("half")
        word = self.chance.choice(kinds)
        self.say(f"{name}: {word}")
        return word

    def pause(self, seconds: float) -> bool:
        """Time passes while an engine waits for the store."""
        self.now += seconds
        self.ticks += seconds
        return False

    def batch(self, seq: int, events: list[ev.Event]) -> None:
        """Witness of the engines."""

    def output(self, node: str, stream: str, text: str) -> None:
        """Witness of the engines."""

    def note(self, text: str) -> None:
        """Witness of the engines."""

    def say(self, what: str) -> None:
        """Keep a line of history."""
        self.history.append(what)

    # -- the steps -----------------------------------------------------------

    def step(self) -> None:
        """One thing happens, somewhere."""
        host = self.chance.choice(self.hosts)
        act = self.chance.random()
        if host.fate and act < 0.6:
            self._act(lambda: host.deliver(self.chance.choice(list(host.fate))))
        elif host.settled and act < 0.65:  # an executor repeats itself
            self._act(lambda: host.engine.settle(*self.chance.choice(host.settled)))
        elif act < 0.9 or self.calm:
            self._pass_time(host)
        elif act < 0.93:
            self.kill(host)
        elif act < 0.95:  # the owner was stopped for long, and is woken later
            self._guarded_resume(force=True)
        elif act < 0.955:
            self.store.request(RUN, "cancel", "simulation")
            self.say("cancel requested")
        else:
            self.now += self.chance.choice([-3600.0, 3600.0, 86400.0])
            self.paid.clear()  # by another clock
        self._after()

    def _pass_time(self, host: Host) -> None:
        seconds = self.chance.choice([0.01, 0.5, 2.0, 30.0])
        self.now += seconds
        self.ticks += seconds
        self._act(host.engine.tick)

    def _act(self, deed: Any) -> None:
        with suppress(Crash):  # the process is dead; `_after` buries it
            deed()

    def _after(self) -> None:
        """Bury the dead, drop who was fenced, have somebody go on, and check."""
        for host in list(self.hosts):
            if host.alive:
                continue
            self.hosts.remove(host)
            failure = host.engine.failure
            if host.journal.dead:
                self.bury(host)
            elif failure is not None and not isinstance(failure, FlowError):
                raise Broken(f"{self.story()}\nan engine failed: {failure!r}") from failure
            else:
                host.journal.close()
                if isinstance(failure, Fenced):
                    self.say("fenced")
        if not self.hosts and self.status() == "running":
            self._guarded_resume(force=False)
        self.check()

    def _guarded_resume(self, force: bool) -> None:
        try:
            self.resume(force)
        except Fenced:
            self.say("another was faster")

    def status(self) -> str:
        """The status of the run, as a reader sees it."""
        return str((self.store.run(RUN) or {})["status"])

    # -- what must hold --------------------------------------------------------

    def saw_start(self, going: Going) -> None:
        """An attempt starts: nothing may start twice, nor too early, nor again."""
        self._read_journal()
        name, number = going.node, going.number
        if name in self.recorded:
            self.wrong = f"{name} is recorded as finished and starts again"
        if (name, number) in self.launched:
            self.wrong = f"attempt {number} of {name} starts twice"
        self.launched.add((name, number))
        self._see_rate(going)
        parent = going.engine.run.parent.get(going.vertex, going.vertex)
        state = api.replay(self.store, RUN)[1]
        for needed in self.flow.dependencies(parent):
            if state.status[state.index[needed]] != 2:
                self.wrong = f"{name} starts before {needed} is recorded"

    def saw_documents(self, journal: Journal) -> None:
        """Documents were written: by the run's owner, and by no former one."""
        if journal is not self.owner:
            self.wrong = "a former owner has written documents"

    def _see_rate(self, going: Going) -> None:
        """No more nodes of a pool start in a time than its rate says."""
        run = going.engine.run
        if run.task(going.vertex).pool != "gpu" or run.deaths.get(going.vertex, 0) >= 2:
            return
        count, seconds = RATES["pool:gpu"]
        self.paid.append(run.started[going.vertex])
        if len(self.paid) > count and self.paid[-1] - self.paid[-1 - count] < seconds:
            self.wrong = f"{going.node} starts as one too many in {seconds:g} s"

    def check(self) -> None:
        """The invariants that hold after every step."""
        if self.wrong:
            raise Broken(f"{self.story()}\n{self.wrong}")
        self._read_journal()
        status = self.status()
        if self.final and status != self.final:
            raise Broken(f"{self.story()}\nthe run was seen as {self.final} and is {status} now")
        self.final = status if status != "running" else ""
        for document in self.store.nodes(RUN):
            self._see(document)
        living = [h for h in self.hosts if h.alive and h.journal.inner.seq == self.read]
        if len(living) > 1:
            raise Broken(f"{self.story()}\ntwo engines believe that they own the run")

    def _see(self, document: Mapping[str, Any]) -> None:
        """A reader sees a node's document: ``finished`` stays, and comes with its result."""
        name = document["name"]
        if document["status"] != "finished":
            if name in self.seen:
                raise Broken(f"{self.story()}\n{name} was seen as finished and is not any more")
            return
        self.seen.add(name)
        index = self.flow.index.get(name)
        if index is not None and self.flow.nodes[index].mapped:
            return  # follows from its elements, and is not recorded
        if name not in self.recorded or document["result"] != self.recorded[name]:
            raise Broken(f"{self.story()}\n{name} is shown as finished, and not as recorded")

    def _read_journal(self) -> None:
        for seq, text in self.store.batches(RUN, self.read):
            self.read = seq
            for event in ev.decode(text):
                if event[0] == "started" and event[1] in self.recorded:
                    raise Broken(f"{self.story()}\n{event[1]} is recorded as started again")
                if event[0] in ("finished", "skipped"):
                    self.recorded[event[1]] = event[3] if event[0] == "finished" else None

    def to_the_end(self) -> None:
        """Let the run end, first among faults, then in calm; and check what it left."""
        # A crash mends much that is wrong, so some histories have none.
        peaceful = self.chance.random() < 0.2
        for number in range(STEPS_MAX):
            if not self.hosts and self.status() != "running":
                break
            self.calm = peaceful or number > STEPS_MAX // 6
            self.step()
        else:
            raise Broken(f"{self.story()}\nthe run does not end")
        self._compare()

    def _compare(self) -> None:
        """Journal and documents agree, and no lock is held."""
        state = api.replay(self.store, RUN)[1]
        documents: Mapping[str, Any] = {d["name"]: d for d in self.store.nodes(RUN)}
        for i in state.nodes():
            name = state.names[i]
            expected = ("pending", "running", "finished", "error")[state.status[i]]
            found = documents.get(name, {}).get("status")
            if found != expected:
                raise Broken(f"{self.story()}\n{name} is {expected}, its document says {found}")
            if expected == "running":
                raise Broken(f"{self.story()}\nthe run has ended and {name} is running")
            if expected == "pending" and state.reason_of(i) is None:
                raise Broken(f"{self.story()}\n{name} is pending and does not say why")
        head = self.store.run(RUN) or {}
        if head["status"] != state.status_word or head["counts"] != state.counts_by_status():
            raise Broken(f"{self.story()}\nthe run's document says {head}")
        if any(count >= DEATHS_MAX for count in state.deaths.values()) and not state.error:
            raise Broken(f"{self.story()}\na node that killed three engines is no error")
        if self.store.owner(RUN).alive:
            raise Broken(f"{self.story()}\nthe run has ended and its lock is held")

    def story(self) -> str:
        """The seed and what happened."""
        return f"seed {self.seed}: {'; '.join(self.history[-60:])}"


def simulate(seed: int) -> World:
    """One history, from a seed.  Raises `Broken` where an invariant does not hold."""
    world = World(seed)
    try:
        world._after()
        world.to_the_end()
    except Broken:
        raise
    except Exception as error:
        raise Broken(f"{world.story()}\n{type(error).__name__}: {error}") from error
    return world

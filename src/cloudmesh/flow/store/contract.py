"""What every store must do, as plain functions.

The tests run them against each store, and ``cms flow store check`` against a
user's own server, in a scratch database.  Each takes a `Setting` and raises
`Broken`, with what was wanted and what came, where the store does otherwise.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from cloudmesh.flow.errors import Fenced, InputError, NotFound, OwnedError
from cloudmesh.flow.model.documents import (
    definition_documents,
    run_specs,
    run_upstream,
    utc_text,
)
from cloudmesh.flow.model.flow import Flow, Node, Task
from cloudmesh.flow.store.protocol import Journal, NodeRow, RunHead, Store

__all__ = ["CONTRACT", "Broken", "Setting", "pending", "row"]

NOW = 1_556_757_131.034870  # 2019-05-02 00:32:11.034870


class Broken(AssertionError):
    """A store does not keep its contract."""


def same(got: Any, wanted: Any, what: str) -> None:
    """Raises `Broken` where two values differ."""
    if got != wanted or type(got) is not type(wanted):
        raise Broken(f"{what}: wanted {_short(wanted)}, got {_short(got)}")


def holds(condition: bool, what: str) -> None:
    """Raises `Broken` where that is false."""
    if not condition:
        raise Broken(what)


def refused(kind: type[Exception], action: Callable[[], object], what: str) -> None:
    """Raises `Broken` where an action does not raise that kind of error."""
    try:
        action()
    except kind:
        return
    raise Broken(f"{what}: wanted {kind.__name__}, but it was done")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 300 else text[:300] + "…"


def row(n: int, name: str, status: str = "pending", **fields: Any) -> NodeRow:
    """A node's row; what is not said is empty."""
    said = {"attempt": 0, **fields}
    values: list[Any] = [said.get(field) for field in NodeRow._fields[3:]]
    return NodeRow(n, name, status, *values)


def pending(flow: Flow) -> list[NodeRow]:
    """The rows with which a run of a flow begins."""
    return [row(n, node.name) for n, node in enumerate(flow.nodes)]


class Setting:
    """A store to try, and names that nothing else uses."""

    def __init__(self, open_it: Callable[[], Store]) -> None:
        self.open = open_it
        self.store = open_it()

    def name(self) -> str:
        """A new name for a flow."""
        return f"check-{os.urandom(4).hex()}"

    def run_id(self) -> str:
        """A new name for a run."""
        return os.urandom(4).hex()

    def flow(self, name: str = "") -> Flow:
        """The seed's flow: a, then b and c."""
        nodes = (Node("a"), Node("b", Task(retries=2, on="lab")), Node("c"))
        return Flow(name or self.name(), nodes, ((), (0,), (0,)), text=("a; b || c",))

    def head(self, flow: Flow, run: str = "", started: float = NOW) -> RunHead:
        """The head of a new run of a flow."""
        return RunHead(
            run or self.run_id(),
            flow.name,
            flow.text[0],
            {"x": 1, "text": "ä"},
            utc_text(started),
            {"python": "3.11"},
        )

    def begin(self, flow: Flow | None = None, run: str = "", started: float = NOW) -> Journal:
        """A run of the seed's flow, its nodes pending."""
        flow = flow or self.flow()
        journal = self.store.create(self.head(flow, run, started), '[["run",1.5,{}]]')
        journal.add_nodes(pending(flow), run_upstream(flow), run_specs(flow, NOW))
        return journal


# -- definitions ------------------------------------------------------------------------
def definitions_are_replaced_whole(setting: Setting) -> None:
    """A definition is replaced whole; it can be listed and forgotten."""
    store, flow = setting.store, setting.flow()
    first = definition_documents(flow, NOW)
    same(store.definition(flow.name), None, "a definition that is not there")
    store.define(flow.name, first, {"file": "test-flow.py", "flow": flow.to_json()})
    extra = {"file": "test-flow.py", "flow": flow.to_json()}
    same(store.definition(flow.name), (first, extra), "the definition and what stands beside it")
    same(list(store.documents(f"{flow.name}-flow")), first, "documents() of the definition")
    second = definition_documents(Flow(flow.name, (Node("z"),), ((),)), NOW + 1)
    store.define(flow.name, second, {})
    same(store.definition(flow.name), (second, {}), "the definition after another one")
    holds(flow.name in store.definitions(), "definitions() lists the flow")
    same(store.delete(flow.name), True, "delete")
    same(store.delete(flow.name), False, "delete of what is gone")
    same(store.definition(flow.name), None, "a deleted definition")
    same(list(store.documents(f"{flow.name}-flow")), [], "documents() of a deleted definition")
    holds(flow.name not in store.definitions(), "definitions() still lists a deleted flow")


def definitions_have_the_fields_of_the_contract(setting: Setting) -> None:
    """A stored definition has exactly the fields of the contract."""
    flow = setting.flow()
    setting.store.define(flow.name, definition_documents(flow, NOW), {})
    document = next(setting.store.documents(f"{flow.name}-flow", name="b"))
    at = "2019-05-02 00:32:11.034870"
    wanted = {
        "name": "b",
        "dependencies": ["a"],
        "workflow": flow.name,
        "cm": {
            "kind": "flow",
            "cloud": "lab",
            "name": "b",
            "collection": f"{flow.name}-flow",
            "created": at,
            "modified": at,
        },
        "kind": "flow",
        "cloud": "lab",
        "status": "defined",
        "task": {"retries": 2},
    }
    same(document, wanted, "the document of b")


def names_of_flows_are_checked(setting: Setting) -> None:
    """Names that differ by case alone, and names that are none, are refused."""
    store, flow = setting.store, setting.flow()
    store.define(flow.name, [], {})
    for name in (flow.name.upper(), "sqlite_x", "systemd", "a b", "a'b", "", "x" * 101):
        refused(InputError, partial(store.define, name, [], {}), f"a flow named {name!r}")
    other = setting.flow(flow.name.upper())
    refused(InputError, lambda: setting.begin(other), "a run of a flow of the same name but case")


# -- the journal --------------------------------------------------------------------------
def batches_are_numbered_and_read_back(setting: Setting) -> None:
    """Batches have the numbers 1, 2, 3 … and are read back as they were written."""
    journal, store = setting.begin(), setting.store
    texts = [
        '[["x","\\u0000 ä 💥"]]',
        f"[{2**70}]",
        '[{"$a":{"b.c":[[1],[[]]]}}]',
        "[]",
        json.dumps(["x" * 300_000]),
        '["two\\nlines"]',
    ]
    for seq, text in enumerate(texts, 2):
        same(journal.append(text, durable=seq == 3), seq, "the number of a batch")
    same(journal.seq, 7, "the journal's number")
    got = store.batches(journal.run)
    same([batch.seq for batch in got], [1, 2, 3, 4, 5, 6, 7], "the numbers read")
    same([batch.events for batch in got[1:]], texts, "the texts read")
    same([b.seq for b in store.batches(journal.run, 3, 2)], [4, 5], "batches(after=3, limit=2)")
    same(store.batches(journal.run, 7), [], "batches after the last")
    documents = list(store.documents(f"{_flow_of(store, journal)}-flow-journal", run=journal.run))
    same([set(d) for d in documents[:1]], [{"run", "seq", "events"}], "fields of a journal's batch")
    same(documents[3]["events"], json.loads(texts[2]), "the events of a journal's document")


def a_run_is_there_once(setting: Setting) -> None:
    """A run's name is taken once; its own document says what is known."""
    flow = setting.flow()
    journal = setting.begin(flow)
    same(journal.seq, 1, "the number of the first batch")
    refused(InputError, lambda: setting.begin(flow, journal.run), "a second run of that name")
    document = setting.store.run(journal.run)
    holds(document is not None and bool(document["engine"]), "the owner is named")
    wanted = {
        "run": journal.run,
        "workflow": flow.name,
        "flow": "a; b || c",
        "status": "running",
        "parameters": {"x": 1, "text": "ä"},
        "started": utc_text(NOW),
        "ended": None,
        "counts": None,
        "engine": document and document["engine"],
        "versions": {"python": "3.11"},
    }
    same(document, wanted, "the document of the run")
    same(list(setting.store.documents("flow-runs", run=journal.run)), [wanted], "documents()")
    same(setting.store.run("nosuchrn"), None, "a run that is not there")
    for read in (setting.store.batches, setting.store.nodes, setting.store.owner):
        refused(NotFound, partial(read, "nosuchrn"), "reading a run that is not there")


def one_of_two_appends_wins(setting: Setting) -> None:
    """Of many engines that write the same number exactly one wins, every time."""
    rounds = 5
    first = setting.begin()
    first.close()
    for seq in range(1, rounds + 1):
        won, lost = _compete(setting.store, first.run, seq)
        same((len(won), len(lost)), (1, 3), "winners and losers")
        won[0].close()
    same(len(setting.store.batches(first.run)), rounds + 1, "batches after all rounds")


def _compete(store: Store, run: str, seq: int) -> tuple[list[Journal], list[Fenced]]:
    """Four threads take a run over at once."""
    won: list[Journal] = []
    lost: list[Fenced] = []
    gate = threading.Barrier(4)

    def take() -> None:
        gate.wait()
        try:
            won.append(store.take_by_force(run, seq, f'["{os.urandom(4).hex()}"]'))
        except Fenced as error:
            lost.append(error)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won, lost


# -- owners -------------------------------------------------------------------------------
def a_living_owner_is_left_alone(setting: Setting) -> None:
    """A run is taken over when its owner is gone, and by the number that was read."""
    store, journal = setting.store, setting.begin()
    run = journal.run
    owner = store.owner(run)
    same(owner.alive, True, "the owner is alive")
    holds(bool(owner.text), "the owner has a text for people")
    refused(OwnedError, lambda: store.take(run, 1, "[]"), "taking from a living owner")
    journal.append("[]")
    journal.close()
    same(store.owner(run).alive, False, "an owner that gave the run up is gone")
    refused(Fenced, lambda: store.take(run, 1, "[]"), "taking with an old number")
    second = store.take(run, 2, '["taken"]')
    same((second.seq, second.append("[]")), (3, 4), "numbers after taking over")
    same(store.owner(run).alive, True, "the new owner is alive")
    refused(Fenced, lambda: store.take_by_force(run, 3, "[]"), "taking by force, an old number")
    second.close()


def a_former_owner_writes_nothing(setting: Setting) -> None:
    """Whatever a former owner writes is refused: journal, documents, log, beat."""
    store, old = setting.store, setting.begin()
    run = old.run
    old.beat()
    request = store.request(run, "cancel", "test")
    new = store.take_by_force(run, 1, '["taken"]')
    before = (store.batches(run), store.nodes(run), store.run(run))
    done = row(0, "a", "finished", attempt=1, result="1")
    refused(Fenced, lambda: old.append("[]"), "append by a former owner")
    refused(Fenced, lambda: old.append("[]", durable=True), "append by a former owner")
    refused(
        Fenced,
        lambda: old.project([done], {"status": "finished"}, {1: ["a"], 2: ["a"]}),
        "project by a former owner",
    )
    refused(Fenced, lambda: old.project([], {"status": "error"}, {}), "the run's status")
    refused(Fenced, old.beat, "beat of a former owner")
    refused(Fenced, lambda: old.take_request(request), "take_request by a former owner")

    def log() -> None:
        old.write_log("a", 1, "out", "from the grave\n")
        old.beat()  # a store may keep a log back until the next beat

    refused(Fenced, log, "the log of a former owner")
    old.close()
    same((store.batches(run), store.nodes(run), store.run(run)), before, "what is stored")
    same(store.read_log(run, "a")[0], "", "the log")
    same(store.owner(run).alive, True, "the new owner, after the former has closed")
    new.project([done], {"status": "finished"}, {1: ["a"], 2: ["a"]})
    same(_field(store.nodes(run), "status"), ["finished", "pending", "pending"], "by the new owner")
    new.close()


def a_beat_moves(setting: Setting) -> None:
    """The owner's beat moves while it lives."""
    journal = setting.begin()
    before = setting.store.owner(journal.run).beat
    time.sleep(0.02)  # the clock of a file system has steps
    journal.beat()
    holds(setting.store.owner(journal.run).beat != before, "the beat did not move")
    journal.close()


# -- documents ------------------------------------------------------------------------------
def documents_follow_the_journal(setting: Setting) -> None:
    """A run's documents have all fields, and dependencies shrink as nodes finish."""
    flow = setting.flow()
    journal, store = setting.begin(flow), setting.store
    collection = f"{flow.name}-flow-active"
    same(_field(store.nodes(journal.run), "dependencies"), [[], ["a"], ["a"]], "dependencies")
    journal.append("[]")
    done = row(
        0,
        "a",
        "finished",
        attempt=1,
        started=utc_text(NOW),
        ended=utc_text(NOW + 1),
        exit_code=0,
        reason="first",
        progress=40.5,
        color="green",
        label="c",
        shape="circle",
        where="local",
        result='{"status":"done","value":[1,[2,[]]]}',
    )
    failed = row(
        1,
        "b",
        "error",
        attempt=3,
        error='{"type":"OSError","message":"m","traceback":"t"}',
        exit_code=7,
        skipped=False,
    )
    patch: tuple[Any, ...] = ([done, failed], {"counts": {"finished": 1}}, {1: ["a"], 2: ["a"]})
    journal.project(*patch)
    journal.project(*patch)
    documents = list(store.documents(collection, run=journal.run))
    same(documents, store.nodes(journal.run), "documents() and nodes()")
    same(documents[0], _finished_a(journal.run, flow.name), "the document of a")
    same(_field(documents, "dependencies"), [[], [], []], "dependencies after a has finished")
    same(_field(documents, "upstream"), [[], ["a"], ["a"]], "upstream stays")
    same(documents[1]["error"], {"type": "OSError", "message": "m", "traceback": "t"}, "error")
    same((documents[1]["skipped"], documents[2]["skipped"]), (False, None), "skipped")
    same((documents[1]["cloud"], documents[1]["cm"]["cloud"]), ("lab", "lab"), "cloud")
    same(documents[1]["task"], {"retries": 2}, "task")
    journal.project([row(0, "a", "running", attempt=2)], {}, {})
    same(store.nodes(journal.run, ["a"])[0]["result"], None, "a row replaces all that changes")
    head = store.run(journal.run)
    same(head and head["counts"], {"finished": 1}, "the run's counts")
    journal.close()


def _finished_a(run: str, workflow: str) -> dict[str, Any]:
    return {
        "_id": f"{run}/a",
        "run": run,
        "name": "a",
        "status": "finished",
        "dependencies": [],
        "upstream": [],
        "attempt": 1,
        "started": "2019-05-02 00:32:11.034870",
        "ended": "2019-05-02 00:32:12.034870",
        "exit_code": 0,
        "error": None,
        "reason": "first",
        "skipped": None,
        "progress": 40.5,
        "color": "green",
        "label": "c",
        "shape": "circle",
        "where": "local",
        "result": {"status": "done", "value": [1, [2, []]]},
        "workflow": workflow,
        "kind": "flow",
        "cloud": "local",
        "cm": {
            "kind": "flow",
            "cloud": "local",
            "name": "a",
            "collection": f"{workflow}-flow-active",
            "created": "2019-05-02 00:32:11.034870",
            "modified": "2019-05-02 00:32:11.034870",
        },
        "task": {},
    }


def documents_are_found_by_their_fields(setting: Setting) -> None:
    """Documents are filtered by run, name, status and other fields."""
    flow = setting.flow()
    journal, store = setting.begin(flow), setting.store
    journal.append("[]")
    journal.project([row(0, "a", "running", attempt=1)], {}, {})
    collection = f"{flow.name}-flow-active"
    for where, wanted in (
        ({}, ["a", "b", "c"]),
        ({"name": "b"}, ["b"]),
        ({"status": "pending"}, ["b", "c"]),
        ({"status": "pending", "name": "a"}, []),
        ({"cloud": "lab"}, ["b"]),
        ({"run": journal.run}, ["a", "b", "c"]),
        ({"run": "nosuchrn"}, []),
    ):
        found = _field(store.documents(collection, **where), "name")
        same(found, wanted, f"documents({where})")
    same(_field(store.nodes(journal.run, ["c", "a", "x"]), "name"), ["c", "a"], "nodes by name")
    same(list(store.documents("never-was-flow-active")), [], "documents of a flow that is not")
    refused(InputError, lambda: list(store.documents("nonsense")), "a collection that is none")
    journal.close()


def elements_of_a_map_come_later(setting: Setting) -> None:
    """Elements of a map are added while the run goes on; what is there already stays."""
    flow = setting.flow()
    journal, store = setting.begin(flow), setting.store
    journal.append("[]")
    journal.project([row(0, "a", "finished", result="[1,2]")], {}, {1: ["a"], 2: ["a"]})
    spec, names = run_specs(flow, NOW)[2], ["a"]
    added = [row(3, "c[0]"), row(4, "c[1]")]
    journal.add_nodes(added, [names, names], [spec, spec])
    journal.append("[]")
    journal.project([row(3, "c[0]", "finished", result="2")], {}, {})
    journal.add_nodes([row(2, "c"), *added], [["a"], names, names], [spec] * 3)
    documents = store.nodes(journal.run)
    same(_field(documents, "name"), ["a", "b", "c", "c[0]", "c[1]"], "nodes, in order")
    same(documents[3]["status"], "finished", "an element that was added again")
    same(documents[3]["_id"], f"{journal.run}/c[0]", "its _id")
    same(_field(documents, "dependencies"), [[], [], [], [], []], "dependencies of elements")
    same(documents[4]["upstream"], ["a"], "upstream of an element")
    journal.close()
    again = store.take(journal.run, 3, "[]")
    again.add_nodes([row(5, "c[2]")], [["b", "a"]], [spec])
    same(store.nodes(journal.run, ["c[2]"])[0]["dependencies"], ["b"], "after taking over")
    again.close()


ODD_RESULTS: tuple[str, ...] = (
    "null",
    "true",
    "-0.0",
    "1e308",
    "1.0",
    "1",
    str(2**31),
    str(2**63 - 1),
    str(2**63),
    str(-(2**70)),
    '""',
    '"\\u0000"',
    '"ä💥"',
    "[]",
    "{}",
    "[[]]",
    "[[1,[2]],[]]",
    '{"":1}',
    '{"a.b":1}',
    '{"$a":1}',
    '{"a":{"$set":1}}',
    '{"\\u0000":1}',
    '{"_id":1}',
    '{"$type":"Path","text":"/x"}',
    '{"$json":"1"}',
    '{"a":null,"b":[null,{"c":[]}]}',
    '{"z":1,"a":2}',
    "0.1",
    '[1,1.0,true,"1"]',
    json.dumps({"k": "x" * 70_000}),
    "[" * 90 + "]" * 90,
    '{"a":' * 90 + "1" + "}" * 90,
)


def results_of_any_kind_come_back(setting: Setting) -> None:
    """Whatever JSON a node returned is given back as it was."""
    nodes = tuple(Node(f"n{k}") for k in range(len(ODD_RESULTS)))
    flow = Flow(setting.name(), nodes, tuple(() for _ in nodes), text=("x",))
    journal = setting.begin(flow)
    journal.append("[]")
    rows = [row(n, f"n{n}", "finished", result=text) for n, text in enumerate(ODD_RESULTS)]
    journal.project(rows, {}, {})
    for document, text in zip(setting.store.nodes(journal.run), ODD_RESULTS, strict=True):
        # Compared as text, which tells 1 from 1.0 and sees the order of keys.
        got = json.dumps(document["result"])
        same(got, json.dumps(json.loads(text)), f"the result {text[:40]}")
    journal.close()


def large_results_are_given_whole(setting: Setting) -> None:
    """A large result is kept beside the documents; documents() gives it whole."""
    flow = setting.flow()
    store = setting.store
    journal = setting.begin(flow)
    value = ["x" * 100_000, {"y": 1}]
    reference = store.put_blob(json.dumps(value).encode())
    same(store.put_blob(json.dumps(value).encode()), reference, "the same bytes again")
    noted = {"$ref": reference, "size": 100_020, "type": "list"}
    text = json.dumps(noted, separators=(",", ":"))
    journal.append(f'[["finished","a",1.5,{text}]]')
    journal.project([row(0, "a", "finished", result=text)], {}, {})
    same(store.nodes(journal.run, ["a"])[0]["result"], noted, "nodes() gives the reference")
    found = list(store.documents(f"{flow.name}-flow-active", name="a"))
    same(found[0]["result"], value, "documents() gives the whole")
    raw = bytes(range(256)) * 2000
    same(store.get_blob(store.put_blob(raw)), raw, "bytes")
    same(store.get_blob(store.put_blob(b"")), b"", "no bytes")
    refused(NotFound, lambda: store.get_blob("0" * 64), "bytes that were never put")
    journal.close()


def runs_are_active_or_history(setting: Setting) -> None:
    """In -active are the runs that run and the latest; the others are in -history."""
    flow = setting.flow()
    store, journals = setting.store, []
    for k in range(3):
        journal = setting.begin(flow, started=NOW + k)
        journals.append(journal)
    first, second, third = journals
    _split(setting, flow.name, [first, second, third], [])
    for journal in (first, third):
        journal.append('[["end",1.5,"finished"]]')
        journal.project([], {"status": "finished", "ended": utc_text(NOW + 9)}, {})
    _split(setting, flow.name, [second, third], [first])
    second.append('[["end",1.5,"interrupted"]]')
    second.project([], {"status": "interrupted"}, {})
    _split(setting, flow.name, [third], [first, second])
    fourth = setting.begin(flow, started=NOW + 4)
    _split(setting, flow.name, [fourth], [first, second, third])
    same(
        [d["cm"]["collection"] for d in store.nodes(first.run)],
        [f"{flow.name}-flow-history"] * 3,
        "cm.collection in the history",
    )
    for journal in (*journals, fourth):
        journal.close()
    again = store.take(second.run, 2, '["taken"]')
    again.project([], {"status": "running"}, {})
    _split(setting, flow.name, [second, fourth], [first, third])
    same(
        {d["cm"]["collection"] for d in store.nodes(second.run)},
        {f"{flow.name}-flow-active"},
        "cm.collection of a run that goes on",
    )
    again.close()


def _split(
    setting: Setting, name: str, active: Sequence[Journal], history: Sequence[Journal]
) -> None:
    for kind, wanted in (("active", active), ("history", history)):
        documents = list(setting.store.documents(f"{name}-flow-{kind}"))
        found = sorted(document["_id"] for document in documents)
        expected = sorted(f"{journal.run}/{node}" for journal in wanted for node in "abc")
        same(found, expected, f"what is in -{kind}")


def runs_are_listed_newest_first(setting: Setting) -> None:
    """Runs are listed the newest first, by flow, by prefix, by pages."""
    flow, other = setting.flow(), setting.flow()
    made = []
    for k in range(4):
        journal = setting.begin(other if k == 2 else flow, started=NOW + k)
        made.append(journal.run)
        journal.close()
    store = setting.store
    mine = [made[3], made[1], made[0]]
    same(_field(store.runs(flow.name), "run"), mine, "runs(NAME)")
    same(_field(store.runs(flow.name, limit=2), "run"), mine[:2], "runs(limit=2)")
    same(_field(store.runs(flow.name, before=mine[1]), "run"), mine[2:], "runs(before=RUN)")
    same(_field(store.runs(prefix=made[1][:6]), "run"), [made[1]], "runs(prefix=…)")
    same(_field(store.runs(other.name), "run"), [made[2]], "runs of another flow")
    found = [run for run in _field(store.runs(), "run") if run in made]
    same(found, made[::-1], "runs of all flows")
    same(store.runs("never-was"), [], "runs of a flow that is not")


# -- what stands beside ---------------------------------------------------------------------
def requests_are_taken_once(setting: Setting) -> None:
    """A request to a run waits until its owner takes it."""
    journal, store = setting.begin(), setting.store
    same(journal.requests(), [], "requests at first")
    first = store.request(journal.run, "cancel", "ann@host")
    second = store.request(journal.run, "other", "bob")
    found = journal.requests()
    same([r["id"] for r in found], [first, second], "requests, oldest first")
    same({**found[0], "at": ""}, {"id": first, "kind": "cancel", "by": "ann@host", "at": ""}, "one")
    journal.take_request(first)
    same([r["id"] for r in journal.requests()], [second], "requests after one was taken")
    kept = list(store.documents("flow-requests", run=journal.run))
    same([(d["id"], d["taken"]) for d in kept], [(first, True), (second, False)], "as documents")
    refused(NotFound, lambda: store.request("nosuchrn", "cancel", "x"), "to a run that is not")
    journal.close()


def logs_are_kept_and_followed(setting: Setting) -> None:
    """A node's log is read in parts; of a very long one the middle is left out."""
    journal, store = setting.begin(), setting.store
    run = journal.run
    same(store.read_log(run, "a"), ("", 0), "a log that is not there")
    journal.write_log("a", 1, "out", "one ä\n")
    journal.write_log("A", 1, "err", "another node\n")
    journal.beat()
    text, after = store.read_log(run, "a")
    same(text, "one ä\n", "the log")
    same(store.read_log(run, "a", after), ("", after), "nothing more")
    journal.write_log("a", 1, "err", "two\n")
    journal.write_log("a", 2, "out", "three\n")
    journal.beat()
    more, after = store.read_log(run, "a", after)
    holds(more.startswith("two\n") and more.endswith("three\n"), f"what came later: {more!r}")
    holds("attempt 2" in more, "a second attempt is marked")
    same(store.read_log(run, "a", after)[0], "", "nothing more")
    same(store.read_log(run, "A")[0], "another node\n", "a name that differs by case")
    for k in range(240):
        journal.write_log("b", 1, "out", f"{k}\n" + "é" * 50_000 + "\n")
    journal.write_log("b", 1, "out", "the last line\n")
    journal.beat()
    whole, at = "", 0
    while (part := store.read_log(run, "b", at, 1_000_001))[0]:
        whole, at = whole + part[0], part[1]
    holds(whole.startswith("0\n") and whole.endswith("the last line\n"), "head and tail are kept")
    same(whole.count("left out"), 1, "lines that say what was left out")
    holds(len(whole.encode()) < 21_000_000 and "\ufffd" not in whole, "a bounded, whole text")
    journal.close()


def readers_are_told_of_batches(setting: Setting) -> None:
    """wait() returns when a batch comes, and in time when none comes."""
    journal, store = setting.begin(), setting.store
    same(store.wait(journal.run, 0, 5.0), True, "a batch that is there")
    same(store.wait(journal.run, 1, 0.05), False, "no batch in time")
    timer = threading.Timer(0.05, journal.append, ["[]"])
    timer.start()
    same(store.wait(journal.run, 1, 20.0), True, "a batch that comes")
    timer.join()
    journal.close()


def pruned_runs_are_gone(setting: Setting) -> None:
    """An ended run is removed with all that belongs to it; the others stay."""
    flow, store = setting.flow(), setting.store
    first = setting.begin(flow)
    second = setting.begin(flow, started=NOW + 1)
    refused(OwnedError, lambda: store.prune(first.run), "pruning a run that an engine owns")
    first.write_log("a", 1, "out", "x")
    first.project([], {"status": "finished"}, {})
    first.close()
    store.prune(first.run)
    same(store.run(first.run), None, "the run")
    refused(NotFound, lambda: store.batches(first.run), "its journal")
    same(list(store.documents(f"{flow.name}-flow-history")), [], "its documents")
    same(len(store.nodes(second.run)), 3, "the other run")
    second.close()


def a_store_has_an_identity(setting: Setting) -> None:
    """A store's id is the same whoever opens it, however many at once."""
    seen: list[str] = []

    def look() -> None:
        store = setting.open()
        seen.append(store.id)
        store.close()

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(seen, [setting.store.id] * 4, "the id")
    holds(len(setting.store.id) >= 8, "the id is long enough to be unique")


def _field(documents: Any, field: str) -> list[Any]:
    return [document[field] for document in documents]


def _flow_of(store: Store, journal: Journal) -> str:
    return str((store.run(journal.run) or {})["workflow"])


CONTRACT: tuple[Callable[[Setting], None], ...] = (
    a_store_has_an_identity,
    definitions_are_replaced_whole,
    definitions_have_the_fields_of_the_contract,
    names_of_flows_are_checked,
    a_run_is_there_once,
    batches_are_numbered_and_read_back,
    one_of_two_appends_wins,
    a_living_owner_is_left_alone,
    a_former_owner_writes_nothing,
    a_beat_moves,
    documents_follow_the_journal,
    documents_are_found_by_their_fields,
    elements_of_a_map_come_later,
    results_of_any_kind_come_back,
    large_results_are_given_whole,
    runs_are_active_or_history,
    runs_are_listed_newest_first,
    requests_are_taken_once,
    logs_are_kept_and_followed,
    readers_are_told_of_batches,
    pruned_runs_are_gone,
)

"""What every store must do: definitions, journals and their owners, requests."""

from __future__ import annotations

import json
import os
import threading
import time
from functools import partial

from cloudmesh.flow.errors import Fenced, InputError, NotFound, OwnedError
from cloudmesh.flow.model.documents import Definition, definition, run_specs, utc_text
from cloudmesh.flow.model.flow import Flow, Node
from cloudmesh.flow.store.contract_tools import (
    NOW,
    Setting,
    field,
    holds,
    refused,
    row,
    same,
)
from cloudmesh.flow.store.protocol import Journal, Store

__all__ = [
    "a_beat_moves",
    "a_former_owner_writes_nothing",
    "a_living_owner_is_left_alone",
    "a_run_is_there_once",
    "batches_are_numbered_and_read_back",
    "definitions_are_replaced_whole",
    "definitions_have_the_fields_of_the_contract",
    "names_of_flows_are_checked",
    "one_of_two_appends_wins",
]


def definitions_are_replaced_whole(setting: Setting) -> None:
    """A definition is replaced whole; it can be listed and forgotten."""
    store, flow = setting.store, setting.flow()
    first = definition(flow, NOW)
    same(store.definition(flow.name), None, "a definition that is not there")
    store.define(flow.name, first, {"file": "test-flow.py", "flow": flow.to_json()})
    extra = {"file": "test-flow.py", "flow": flow.to_json()}
    same(
        store.definition(flow.name),
        (first.documents(), extra),
        "the definition and what stands beside it",
    )
    same(
        list(store.documents(f"{flow.name}-flow")),
        first.documents(),
        "documents() of the definition",
    )
    second = definition(Flow(flow.name, (Node("z"),), ((),)), NOW + 1)
    same(store.definition_extra(flow.name), extra, "extra alone")
    store.define(flow.name, second, {})
    same(store.definition(flow.name), (second.documents(), {}), "the definition after another one")
    holds(flow.name in store.definitions(), "definitions() lists the flow")
    same(store.delete(flow.name), True, "delete")
    same(store.delete(flow.name), False, "delete of what is gone")
    same(store.definition(flow.name), None, "a deleted definition")
    same(list(store.documents(f"{flow.name}-flow")), [], "documents() of a deleted definition")
    holds(flow.name not in store.definitions(), "definitions() still lists a deleted flow")


def definitions_have_the_fields_of_the_contract(setting: Setting) -> None:
    """A stored definition has exactly the fields of the contract."""
    flow = setting.flow()
    setting.store.define(flow.name, definition(flow, NOW), {})
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
    store.define(flow.name, Definition([], [], []), {})
    for name in (flow.name.upper(), "sqlite_x", "systemd", "a b", "a'b", "", "x" * 101):
        refused(
            InputError,
            partial(store.define, name, Definition([], [], []), {}),
            f"a flow named {name!r}",
        )
    other = setting.flow(flow.name.upper())
    refused(InputError, lambda: setting.begin(other), "a run of a flow of the same name but case")


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
        "counts": {"pending": 3, "finished": 0},
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


def _flow_of(store: Store, journal: Journal) -> str:
    return str((store.run(journal.run) or {})["workflow"])


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
    spec = run_specs(setting.flow(), NOW)[2]
    refused(
        Fenced,
        lambda: old.add_nodes([(3, "c[0]")], [["a"]], [spec]),
        "documents of a former owner",
    )
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
    same(field(store.nodes(run), "status"), ["finished", "pending", "pending"], "by the new owner")
    new.close()


def a_beat_moves(setting: Setting) -> None:
    """The owner's beat moves while it lives."""
    journal = setting.begin()
    before = setting.store.owner(journal.run).beat
    time.sleep(0.02)  # the clock of a file system has steps
    journal.beat()
    holds(setting.store.owner(journal.run).beat != before, "the beat did not move")
    journal.close()

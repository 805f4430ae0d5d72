"""What every store must do: documents of runs, values, logs, and pruning."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

from cloudmesh.flow.errors import InputError, NotFound, OwnedError
from cloudmesh.flow.model.documents import run_specs, run_upstream, utc_text
from cloudmesh.flow.model.flow import Flow, Node
from cloudmesh.flow.store.contract_tools import (
    NOW,
    Setting,
    field,
    holds,
    pending,
    refused,
    row,
    same,
)
from cloudmesh.flow.store.protocol import Journal

__all__ = [
    "a_store_has_an_identity",
    "documents_are_found_by_their_fields",
    "documents_are_made_as_they_are_by_then",
    "documents_follow_the_journal",
    "elements_of_a_map_come_later",
    "large_results_are_given_whole",
    "logs_are_kept_and_followed",
    "pruned_runs_are_gone",
    "readers_are_told_of_batches",
    "requests_are_taken_once",
    "results_of_any_kind_come_back",
    "runs_are_active_or_history",
    "runs_are_listed_newest_first",
]


def documents_follow_the_journal(setting: Setting) -> None:
    """A run's documents have all fields, and dependencies shrink as nodes finish."""
    flow = setting.flow()
    journal, store = setting.begin(flow), setting.store
    collection = f"{flow.name}-flow-active"
    same(field(store.nodes(journal.run), "dependencies"), [[], ["a"], ["a"]], "dependencies")
    journal.append("[]")
    done = row(
        0,
        "a",
        "finished",
        attempt=1,
        started=NOW,
        ended=NOW + 1,
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
    same(field(documents, "dependencies"), [[], [], []], "dependencies after a has finished")
    same(field(documents, "upstream"), [[], ["a"], ["a"]], "upstream stays")
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
        found = field(store.documents(collection, **where), "name")
        same(found, wanted, f"documents({where})")
    same(field(store.nodes(journal.run, ["c", "a", "x"]), "name"), ["c", "a"], "nodes by name")
    same(list(store.documents("never-was-flow-active")), [], "documents of a flow that is not")
    refused(InputError, lambda: store.documents("nonsense"), "a collection that is none")
    found = store.documents(collection, run=journal.run)
    same((len(found), found[0]["name"], next(found)["name"]), (3, "a", "a"), "a list, and next()")
    journal.close()


def elements_of_a_map_come_later(setting: Setting) -> None:
    """Elements of a map are added while the run goes on; what is there already stays."""
    flow = setting.flow()
    journal, store = setting.begin(flow), setting.store
    journal.append("[]")
    spec, names = run_specs(flow, NOW)[2], ["a"]
    added = [(3, "c[0]"), (4, "c[1]")]
    source = row(0, "a", "finished", result="[1,2]")  # finished, which is not yet written
    journal.add_nodes(added, [names, names], [spec, spec], {0: source})
    journal.project([source], {}, {1: ["a"], 2: ["a"]})
    journal.append("[]")
    journal.project([row(3, "c[0]", "finished", result="2")], {}, {})
    journal.add_nodes([(2, "c"), *added], [["a"], names, names], [spec] * 3)
    documents = store.nodes(journal.run)
    same(field(documents, "name"), ["a", "b", "c", "c[0]", "c[1]"], "nodes, in order")
    same(documents[3]["status"], "finished", "an element that was added again")
    same(documents[3]["_id"], f"{journal.run}/c[0]", "its _id")
    same(field(documents, "dependencies"), [[], [], [], [], []], "dependencies of elements")
    same(documents[4]["upstream"], ["a"], "upstream of an element")
    journal.close()
    again = store.take(journal.run, 3, "[]")
    again.add_nodes([(5, "c[2]")], [["b", "a"]], [spec])
    same(store.nodes(journal.run, ["c[2]"])[0]["dependencies"], ["b"], "after taking over")
    again.close()


def documents_are_made_as_they_are_by_then(setting: Setting) -> None:
    """What has happened to a node before its document is made stands in it."""
    flow = setting.flow()
    journal = setting.store.create(setting.head(flow), "[]")
    journal.append("[]")
    known = {
        0: row(0, "a", "finished", attempt=1, result='["\\ud800"]', label="\ud800"),
        1: row(1, "b", "running", attempt=1),
    }
    journal.add_nodes(pending(flow), run_upstream(flow), run_specs(flow, NOW), known)
    made = setting.store.nodes(journal.run)
    same(field(made, "status"), ["finished", "running", "pending"], "what has happened")
    same(field(made, "attempt"), [1, 1, 0], "attempts")
    same(field(made, "dependencies"), [[], [], []], "what is left to wait for")
    same(field(made, "upstream"), [[], ["a"], ["a"]], "what was declared")
    journal.append("[]")
    journal.project([row(1, "b", "finished", attempt=1, result="2")], {}, {})
    same(field(setting.store.nodes(journal.run), "result")[1], 2, "what happened afterwards")
    journal.close()


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
    same(field(store.runs(flow.name), "run"), mine, "runs(NAME)")
    same(field(store.runs(flow.name, limit=2), "run"), mine[:2], "runs(limit=2)")
    same(field(store.runs(flow.name, before=mine[1]), "run"), mine[2:], "runs(before=RUN)")
    same(field(store.runs(prefix=made[1][:6]), "run"), [made[1]], "runs(prefix=…)")
    same(field(store.runs(other.name), "run"), [made[2]], "runs of another flow")
    found = [run for run in field(store.runs(), "run") if run in made]
    same(found, made[::-1], "runs of all flows")
    same(store.runs("never-was"), [], "runs of a flow that is not")


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
    journal.write_log("a", 2, "out", "three\n", "retry 2 of 3 after OSError")
    journal.beat()
    more, after = store.read_log(run, "a", after)
    holds(more.startswith("two\n") and more.endswith("three\n"), f"what came later: {more!r}")
    holds("attempt 2: retry 2 of 3 after OSError" in more, "a second attempt is marked")
    same(store.read_log(run, "a", after)[0], "", "nothing more")
    same(store.read_log(run, "A")[0], "another node\n", "a name that differs by case")
    for k in range(112):
        journal.write_log("b", 1, "out", f"{k}\n" + "é" * 7 + "x" * 100_000 + "\n")
    journal.write_log("b", 1, "out", "the last line\n")
    journal.beat()
    whole, at = "", 0
    while (part := store.read_log(run, "b", at, 1_000_001))[0]:
        whole, at = whole + part[0], part[1]
    holds(whole.startswith("0\n") and whole.endswith("the last line\n"), "head and tail are kept")
    same(whole.count("left out"), 1, "lines that say what was left out")
    holds(len(whole.encode()) < 10_500_000 and "\ufffd" not in whole, "a bounded, whole text")
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

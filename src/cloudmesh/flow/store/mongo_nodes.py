"""The documents of nodes on a MongoDB server: ``NAME-flow-active`` and ``NAME-flow-history``.

A run's documents are moved, not copied: inserted with the same ``_id``, then
deleted.  A move that was cut is repeated by the next; who finds a node in both
collections takes the one in ``-active``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pymongo import UpdateOne
from pymongo.errors import BulkWriteError

from cloudmesh.flow.model.documents import time_text
from cloudmesh.flow.store.mongo_values import from_bson, mapped, only_duplicates, to_bson
from cloudmesh.flow.store.protocol import NodeRow

if TYPE_CHECKING:
    from pymongo.collection import Collection

    from cloudmesh.flow.store.mongodb import MongoStore

__all__ = ["Nodes", "is_junction", "shared_lists"]

INSERT = 1000
#: A run whose lists of dependencies hold more names has them once each, in ``flow-junctions``.
NAMES_MAX = 200_000
JUNCTION = "&"
JUNCTION_MIN = 10

Document = dict[str, Any]

_STATE = NodeRow._fields[2:]
#: A document's fields in the order in which they are shown.
FIELDS = (
    *("_id", "run", "name", "status", "dependencies", "upstream"),
    *_STATE[1:],
    *("workflow", "kind", "cloud", "cm", "task"),
)


class Nodes:
    """Reads and writes the documents of nodes."""

    def __init__(self, store: MongoStore) -> None:
        self._store = store
        self._prepared: set[str] = set()

    def prepare(self, workflow: str) -> None:
        """The indexes by which runs, and the documents of one, are read in order."""
        if workflow in self._prepared:
            return
        with mapped(self._store.url):
            for kind in ("active", "history"):
                self._of(workflow, kind).create_index([("run", 1), ("n", 1)])
            heads = self._store.collection("flow-runs")
            heads.create_index([("workflow", 1), ("started", -1)])
        self._prepared.add(workflow)

    def _of(self, workflow: str, kind: str) -> Collection[Document]:
        return self._store.collection(f"{workflow}-flow-{kind}")

    # -- writing ----------------------------------------------------------------------
    def add(
        self,
        workflow: str,
        run: str,
        rows: Sequence[NodeRow],
        upstream: Sequence[Sequence[str]],
        specs: Sequence[str],
        done: set[str],
    ) -> None:
        """Insert the documents of nodes; those that are there stay as they are.

        ``done`` are the names of nodes that have finished, which none waits for.
        """
        kept_lists, junctions = shared_lists(upstream, f"{run}/", rows[0].n if rows else 0)
        self.keep_junctions(junctions)
        parsed = {text: json.loads(text) for text in dict.fromkeys(specs)}
        collection = self._of(workflow, "active")
        documents = []
        for row, names, text in zip(rows, upstream, specs, strict=True):
            spec = parsed[text]
            kept = kept_lists[id(names)]
            document = {
                "_id": f"{run}/{row.name}",
                "run": run,
                "n": row.n,
                "rev": 0,
                "name": row.name,
                "dependencies": [name for name in kept if name not in done],
                "upstream": kept,
                **spec,
                "cm": {**spec["cm"], "name": row.name, "collection": collection.name},
                "task": to_bson(spec["task"]),
            }
            documents.append({**document, **self._state(row)})
        _insert(self._store.url, collection, documents)

    def project(
        self,
        workflow: str,
        run: str,
        rows: Sequence[NodeRow],
        finished: Mapping[str, Sequence[str]],
        rev: int,
    ) -> None:
        """Newer states over older ones; names leave ``dependencies``, both by a node's name."""
        updates = [
            UpdateOne(
                {"_id": f"{run}/{row.name}", "rev": {"$lt": rev}},
                {"$set": {**self._state(row), "rev": rev}},
            )
            for row in rows
        ]
        pulls = [
            UpdateOne({"_id": f"{run}/{name}"}, {"$pullAll": {"dependencies": list(names)}})
            for name, names in finished.items()
        ]
        collection = self._of(workflow, "active")
        if self._write(collection, updates) < len(updates):
            # Another engine took the run for ended and moved it, just when it was resumed.
            self.bring_back(workflow, run)
            self._write(collection, updates)
        self._write(collection, pulls)

    def _write(self, collection: Collection[Document], updates: Sequence[UpdateOne]) -> int:
        matched = 0
        with mapped(self._store.url):
            for start in range(0, len(updates), self._store.bulk):
                part = updates[start : start + self._store.bulk]
                matched += collection.bulk_write(part, ordered=True).matched_count
        return matched

    def _state(self, row: NodeRow) -> Document:
        """All that changes of a node, as fields of its document."""
        state: Document = dict(zip(_STATE, row[2:], strict=True))
        state["started"], state["ended"] = time_text(row.started), time_text(row.ended)
        for field in ("error", "result"):
            if state[field] is not None:
                state[field] = to_bson(json.loads(state[field]), self._store.strict)
        return state

    # -- between the two collections ----------------------------------------------------
    def move_ended(self, workflow: str) -> None:
        """Move the runs that are neither running nor the latest to the history."""
        there = self._runs_in(workflow, "active")
        latest = {head["run"] for head in self._store.runs(workflow, limit=1)}
        for run in there:
            if run not in latest:
                head = self._store.run(run)
                if head is not None and head["status"] != "running":
                    self._move(workflow, run, "active", "history")

    def _runs_in(self, workflow: str, kind: str) -> list[str]:
        """The runs that have documents in a collection, found step by step along its index."""
        runs: list[str] = []
        collection = self._of(workflow, kind)
        with mapped(self._store.url):
            while True:
                query: Document = {"run": {"$gt": runs[-1]}} if runs else {}
                found = list(collection.find(query, {"run": 1}).sort([("run", 1)]).limit(1))
                if not found:
                    return runs
                runs.append(found[0]["run"])

    def bring_back(self, workflow: str, run: str) -> None:
        """A run that goes on is active again."""
        self._move(workflow, run, "history", "active")

    def _move(self, workflow: str, run: str, source: str, target: str) -> None:
        from_, to = self._of(workflow, source), self._of(workflow, target)
        with mapped(self._store.url):
            part: list[Document] = []
            for document in from_.find({"run": run}):
                document["cm"]["collection"] = to.name
                part.append(document)
                if len(part) == INSERT:
                    _insert(self._store.url, to, part)
                    part = []
            _insert(self._store.url, to, part)
            from_.delete_many({"run": run})

    # -- reading ------------------------------------------------------------------------
    def read(
        self, workflow: str, run: str, active: bool, names: Sequence[str] | None
    ) -> Iterator[Document]:
        """The documents of a run, in order."""
        query: Document = {"run": run}
        if names is not None:
            query = {"_id": {"$in": [f"{run}/{name}" for name in names]}}
        kinds = ("active", "history") if active else ("history", "active")
        with mapped(self._store.url):
            found = list(self._of(workflow, kinds[0]).find(query))
            other = list(self._of(workflow, kinds[1]).find(query))
        if other:  # a move is under way, or was cut
            first, second = (found, other) if active else (other, found)
            merged = {d["_id"]: d for d in second} | {d["_id"]: d for d in first}
            found = list(merged.values())
        found.sort(key=lambda document: int(document["n"]))
        collection = f"{workflow}-flow-{kinds[0]}"
        expand = _Junctions(self, workflow, run)
        for stored in found:
            yield expand(_document(stored, collection))

    def junction(self, prefix: str, word: str) -> list[str]:
        """The members of a junction of a run, or of a definition."""
        with mapped(self._store.url):
            found = self._store.collection("flow-junctions").find_one({"_id": prefix + word})
        return list(found["members"]) if found else []

    def keep_junctions(self, junctions: Sequence[Document]) -> None:
        """Store junctions."""
        _insert(self._store.url, self._store.collection("flow-junctions"), junctions)

    def names(self, workflow: str, run: str) -> dict[int, str]:
        """The names of a run's nodes by their numbers."""
        with mapped(self._store.url):
            found = self._of(workflow, "active").find({"run": run}, {"n": 1, "name": 1})
            return {document["n"]: document["name"] for document in found}

    def finished(self, workflow: str, run: str) -> set[str]:
        """The names of a run's finished nodes, wherever their documents are."""
        query = {"run": run, "status": "finished"}
        with mapped(self._store.url):
            return {
                document["name"]
                for kind in ("active", "history")
                for document in self._of(workflow, kind).find(query, {"name": 1})
            }


def is_junction(names: Sequence[str]) -> bool:
    """Whether a stored list stands aside."""
    return len(names) == 1 and names[0].startswith(JUNCTION)


def shared_lists(
    lists: Sequence[Sequence[str]], prefix: str, number: int
) -> tuple[dict[int, list[str]], list[Document]]:
    """Lists as they are stored, by identity; very many names stand aside, once, in junctions.

    ``prefix`` begins a junction's ``_id``; ``number`` tells one call from another.
    """
    known = {id(names): names for names in lists}
    if sum(map(len, lists)) <= NAMES_MAX:
        return {key: list(names) for key, names in known.items()}, []
    kept: dict[int, list[str]] = {}
    junctions: list[Document] = []
    for k, (key, names) in enumerate(known.items()):
        if len(names) < JUNCTION_MIN:
            kept[key] = list(names)
            continue
        word = f"{JUNCTION}{number}-{k}"
        junctions.append({"_id": prefix + word, "members": list(names)})
        kept[key] = [word]
    return kept, junctions


class _Junctions:
    """Writes a document's junctions out."""

    def __init__(self, nodes: Nodes, workflow: str, run: str) -> None:
        self._nodes = nodes
        self._workflow = workflow
        self._run = run
        self._known: dict[str, tuple[list[str], list[str]]] = {}
        self._done: set[str] | None = None

    def __call__(self, document: Document) -> Document:
        upstream = document["upstream"]
        if is_junction(upstream):
            members, left = self._members(upstream[0])
            document["upstream"], document["dependencies"] = list(members), list(left)
        return document

    def _members(self, word: str) -> tuple[list[str], list[str]]:
        if word not in self._known:
            if self._done is None:
                self._done = self._nodes.finished(self._workflow, self._run)
            members = self._nodes.junction(f"{self._run}/", word)
            self._known[word] = (members, [name for name in members if name not in self._done])
        return self._known[word]


def _document(stored: Document, collection: str) -> Document:
    document = {field: stored.get(field) for field in FIELDS}
    document["error"] = from_bson(document["error"])
    document["result"] = from_bson(document["result"])
    document["task"] = from_bson(document["task"])
    document["cm"] = {**stored["cm"], "collection": collection}
    return document


def _insert(url: str, collection: Collection[Document], documents: Sequence[Document]) -> None:
    """Insert documents with their own ``_id``; what is there already stays."""
    for start in range(0, len(documents), INSERT):
        with mapped(url):
            try:
                collection.insert_many(documents[start : start + INSERT], ordered=False)
            except BulkWriteError as error:
                only_duplicates(error)

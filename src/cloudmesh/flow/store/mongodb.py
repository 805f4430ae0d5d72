"""The store on a server that speaks MongoDB's protocol.

Only one document is written at a time, as far as anything depends on it: the
journal's batch, with a unique ``_id``, is the commit and the fence.  All else is
derived, guarded by numbers that only grow, and may be torn, late or repeated.
Only operations are used on which every MongoDB since 4.2 and FerretDB agree.

    NAME-flow            the definition; ``flow-definitions`` has its head, written last
    NAME-flow-journal    the batches, ``_id`` RUN/SEQ
    NAME-flow-active, NAME-flow-history   nodes, ``_id`` RUN/NODE; moved, not copied
    flow-runs            runs, with owner, beat and fence
    flow-names, flow-requests, flow-logs, flow-junctions, flow-blob-uses, flow-values.*, flow-store
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from pymongo import MongoClient
from pymongo.errors import ConfigurationError, DuplicateKeyError, PyMongoError
from pymongo.write_concern import WriteConcern

from cloudmesh.flow.errors import InputError, NotFound, OwnedError, StoreError
from cloudmesh.flow.model.documents import Definition, flow_of, utc_text, whole_result
from cloudmesh.flow.store.found import Documents
from cloudmesh.flow.store.mongo_journal import SEEN_TO, MongoJournal, batch_id, write_batch
from cloudmesh.flow.store.mongo_nodes import Nodes, is_junction, shared_lists
from cloudmesh.flow.store.mongo_values import from_bson, mapped, to_bson
from cloudmesh.flow.store.names import (
    boundary,
    check_flow_name,
    clash,
    dumps,
    left_out,
    parse_collection,
    say,
    text_of_this_process,
)
from cloudmesh.flow.store.opening import redacted
from cloudmesh.flow.store.processes import is_alive, this_process
from cloudmesh.flow.store.protocol import Batch, Owner, RunHead, every_batch

if TYPE_CHECKING:
    from pymongo.collection import Collection
    from pymongo.database import Database

__all__ = ["MongoStore"]

SELECTION_MS = 5_000
SOCKET_MS = 30_000
WAIT_SECONDS = 0.05
#: Definitions are found by a head that holds their JSON; beyond this it is kept as a large value.
INLINE_BYTES = 8_000_000
INSERT = 1000
LAST = "~"  # greater than all letters and digits

Document = dict[str, Any]


class MongoStore:
    """A store in one database of a server."""

    def __init__(self, url: str, notice: Callable[[str], None] = say) -> None:
        self.url = redacted(url)
        self.notice = notice
        self._client = _connect(url, self.url, notice)
        try:
            self._client.get_default_database()
        except ConfigurationError:
            self._client.close()
            raise InputError(f"{self.url} names no database: mongodb://HOST/DATABASE") from None
        try:
            with mapped(self.url):
                hello = self._client.admin.command("hello")
                info = self._client.server_info()
            self.strict = "ferretdbVersion" in info
            #: FerretDB stands still when one command holds many updates.
            self.bulk = 40 if self.strict else 1000
            self.server = _server_text(info)
            concern = WriteConcern("majority" if "setName" in hello else 1, j=True)
            self.database: Database[Document] = self._client.get_default_database(
                write_concern=concern
            )
            self.nodes_of = Nodes(self)
            self.id = self._identity()
        except BaseException:
            self._client.close()
            raise

    def collection(self, name: str) -> Collection[Document]:
        """A collection, for those who write it."""
        return self.database[name]

    def _identity(self) -> str:
        """The store's id: whoever is first makes it, all others read it."""
        meta = self.collection("flow-store")
        with mapped(self.url):
            known = meta.find_one({"_id": "id"})
            if known is None:
                with suppress(DuplicateKeyError):
                    meta.insert_one({"_id": "id", "value": os.urandom(8).hex(), "version": 1})
                known = meta.find_one({"_id": "id"})
        if known is None:
            raise StoreError(f"the store {self.url} forgot what was written")
        if known.get("version", 1) > 1:
            raise InputError(
                f"the store {self.url} was written by a newer cloudmesh-flow: update cloudmesh-flow"
            )
        return str(known["value"])

    # -- definitions ------------------------------------------------------------------
    def define(self, workflow: str, definition: Definition, extra: Mapping[str, Any]) -> None:
        check_flow_name(workflow)
        self._claim_name(workflow)
        collection = self.collection(f"{workflow}-flow")
        version = f"{time.time_ns():020d}-{os.urandom(4).hex()}"
        lists, junctions = shared_lists(definition.upstream, f"{version}/", 0)
        self.nodes_of.keep_junctions(junctions)
        rows = [
            {
                **document,
                "_id": f"{version}/{n:07d}",
                "dependencies": lists[id(names)],
                "task": to_bson(document["task"]),
            }
            for n, (names, document) in enumerate(
                zip(definition.upstream, definition.documents(), strict=True)
            )
        ]
        text = dumps(extra)
        head: Document = {"version": version, "extra": text}
        if len(text) > INLINE_BYTES:
            head = {"version": version, "extra_value": self.put_blob(text.encode())}
        with mapped(self.url):
            for start in range(0, len(rows), INSERT):
                collection.insert_many(rows[start : start + INSERT])
            before = self._set_head(workflow, head)
            if before is not None:
                former = {"_id": {"$gte": f"{before}/", "$lt": f"{before}/{LAST}"}}
                collection.delete_many(former)
                self.collection("flow-junctions").delete_many(former)

    def _set_head(self, workflow: str, head: Document) -> str | None:
        """Make a definition the one that is read; returns the version that was it before."""
        heads = self.collection("flow-definitions")
        while True:
            known = heads.find_one({"_id": workflow}, {"version": 1})
            if known is None:
                with suppress(DuplicateKeyError):
                    heads.insert_one({"_id": workflow, **head})
                    return None
            else:
                before = str(known["version"])
                mine = {"_id": workflow, "version": before}
                if heads.update_one(mine, {"$set": head}).matched_count:
                    return before

    def definition(self, workflow: str) -> tuple[list[Document], Document] | None:
        with mapped(self.url):
            head = self.collection("flow-definitions").find_one({"_id": workflow})
            if head is None:
                return None
            version = head["version"]
            found = self.collection(f"{workflow}-flow").find(
                {"_id": {"$gte": f"{version}/", "$lt": f"{version}/{LAST}"}}
            )
            documents = [_definition(document) for document in found.sort("_id", 1)]
        known: dict[str, list[str]] = {}
        for document in documents:
            if is_junction(names := document["dependencies"]):
                if names[0] not in known:
                    known[names[0]] = self.nodes_of.junction(f"{version}/", names[0])
                document["dependencies"] = list(known[names[0]])
        return documents, self._extra(head)

    def definition_extra(self, workflow: str) -> Document | None:
        with mapped(self.url):
            head = self.collection("flow-definitions").find_one({"_id": workflow})
        return None if head is None else self._extra(head)

    def _extra(self, head: Document) -> Document:
        text = head["extra"] if "extra" in head else self.get_blob(head["extra_value"])
        extra: Document = json.loads(text)
        return extra

    def definitions(self) -> list[str]:
        with mapped(self.url):
            return sorted(head["_id"] for head in self.collection("flow-definitions").find())

    def delete(self, workflow: str) -> bool:
        with mapped(self.url):
            heads = self.collection("flow-definitions")
            known = heads.find_one({"_id": workflow}, {"version": 1})
            if known is None:
                return False
            heads.delete_one({"_id": workflow})
            version = known["version"]
            former = {"_id": {"$gte": f"{version}/", "$lt": f"{version}/{LAST}"}}
            self.collection(f"{workflow}-flow").delete_many(former)
            self.collection("flow-junctions").delete_many(former)
        return True

    def _claim_name(self, workflow: str) -> None:
        names = self.collection("flow-names")
        with mapped(self.url):
            try:
                names.insert_one({"_id": workflow.lower(), "name": workflow})
            except DuplicateKeyError:
                known = names.find_one({"_id": workflow.lower()})
                if known is not None and known["name"] != workflow:
                    raise clash(workflow, known["name"]) from None

    # -- owning runs --------------------------------------------------------------------
    def create(self, head: RunHead, events: str) -> MongoJournal:
        check_flow_name(head.workflow)
        self._claim_name(head.workflow)
        nonce = os.urandom(8).hex()
        document = {
            "_id": head.run,
            "run": head.run,
            "workflow": head.workflow,
            "flow": flow_of(head.flow),
            "status": "running",
            "parameters": to_bson(dict(head.parameters)),
            "started": head.started,
            "ended": None,
            "counts": None if head.counts is None else dict(head.counts),
            "engine": text_of_this_process(),
            "versions": dict(head.versions),
            "fence": 1,
            "beat": 0,
            "owner": this_process(),
            "nonce": nonce,
            "begun": False,  # true when batch 1 is known to be there
        }
        runs = self.collection("flow-runs")
        with mapped(self.url):
            try:
                runs.insert_one(document)
            except DuplicateKeyError:
                known = runs.find_one({"_id": head.run})
                if known is None or known["nonce"] != nonce:
                    raise InputError(f"the store has a run {head.run!r} already") from None
            write_batch(self, head.workflow, head.run, 1, nonce, events)
            runs.update_one({"_id": head.run}, {"$set": {"begun": True}})
        self.nodes_of.prepare(head.workflow)
        self.nodes_of.move_ended(head.workflow)
        return MongoJournal(self, head.run, head.workflow, 1, nonce)

    def take(self, run: str, seq: int, events: str) -> MongoJournal:
        owner = self.owner(run)
        if owner.alive:
            raise OwnedError(f"run {run} is owned by {owner.text}, which still lives")
        return self.take_by_force(run, seq, events)

    def take_by_force(self, run: str, seq: int, events: str) -> MongoJournal:
        workflow, nonce = self._run(run)["workflow"], os.urandom(8).hex()
        with mapped(self.url):
            journal = self.collection(f"{workflow}-flow-journal")
            if journal.find_one({"_id": batch_id(run, seq)}, {"_id": 1}) is None:
                raise InputError(f"the journal of run {run} has no batch {seq}")
            write_batch(self, workflow, run, seq + 1, nonce, events)
            self._own(run, seq + 1, nonce)
        self.nodes_of.prepare(workflow)
        self.nodes_of.bring_back(workflow, run)
        return MongoJournal(self, run, workflow, seq + 1, nonce)

    def _own(self, run: str, fence: int, nonce: str) -> None:
        """Write the new owner into a run's document, until it is there; see `SEEN_TO`."""
        runs = self.collection("flow-runs")
        mine = {
            "fence": fence,
            "status": "running",
            "engine": text_of_this_process(),
            "owner": this_process(),
            "nonce": nonce,
        }
        for _ in range(SEEN_TO):
            older = {"_id": run, "fence": {"$lt": fence}}
            runs.update_one(older, {"$set": mine, "$inc": {"beat": 1}})
            known = runs.find_one({"_id": run}, {"fence": 1})
            if known is None or known["fence"] >= fence:
                return

    def owner(self, run: str) -> Owner:
        known = self._run(run)
        process = known["owner"]
        alive = False if process is None else is_alive(process)
        return Owner(alive, known["engine"], known["beat"])

    def _run(self, run: str) -> Document:
        """The stored document of a run.  Raises `NotFound`; a run without batch 1 is none."""
        with mapped(self.url):
            known = self.collection("flow-runs").find_one({"_id": run})
            if known is not None and self._has_begun(known):
                return known
        raise NotFound(f"the store has no run {run!r}")

    def _has_begun(self, known: Document) -> bool:
        if known["begun"]:
            return True
        journal = self.collection(f"{known['workflow']}-flow-journal")
        return journal.find_one({"_id": batch_id(known["_id"], 1)}, {"_id": 1}) is not None

    # -- reading runs -------------------------------------------------------------------
    def batches(self, run: str, after: int = 0, limit: int = 1000) -> list[Batch]:
        journal = self.collection(f"{self._run(run)['workflow']}-flow-journal")
        between = {"$gt": batch_id(run, after), "$lt": f"{run}/{LAST}"}
        with mapped(self.url):
            found = list(journal.find({"_id": between}).sort("_id", 1).limit(limit))
        return [Batch(batch["seq"], self._events(batch)) for batch in found]

    def _events(self, batch: Document) -> str:
        if "value" in batch:
            return self.get_blob(batch["value"]).decode()
        return str(batch["events"])

    def wait(self, run: str, after: int, seconds: float) -> bool:
        journal = self.collection(f"{self._run(run)['workflow']}-flow-journal")
        end = time.monotonic() + seconds
        while True:
            with mapped(self.url):
                if journal.find_one({"_id": batch_id(run, after + 1)}, {"_id": 1}) is not None:
                    return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(WAIT_SECONDS, left))

    def run(self, run: str) -> Document | None:
        try:
            return _head(self._run(run))
        except NotFound:
            return None

    def runs(
        self,
        workflow: str | None = None,
        *,
        prefix: str = "",
        limit: int | None = None,
        before: str = "",
    ) -> list[Document]:
        query: Document = {} if workflow is None else {"workflow": workflow}
        if prefix:
            query["_id"] = {"$gte": prefix, "$lt": prefix + LAST}
        found: list[Document] = []
        passed = not before
        with mapped(self.url):
            cursor = self.collection("flow-runs").find(query)
            for known in cursor.sort([("started", -1), ("_id", -1)]):
                if passed and self._has_begun(known):
                    if limit is not None and len(found) >= limit:
                        break
                    found.append(_head(known))
                passed = passed or known["_id"] == before
        return found

    def documents(self, collection: str, **where: Any) -> Documents:
        named = parse_collection(collection)
        found: Iterable[Document]
        if named.kind == "definition":
            found = (self.definition(named.workflow) or ([], {}))[0]
        elif named.kind == "runs":
            found = self.runs(where.get("workflow"))
        elif named.kind == "requests":
            found = self._requests()
        elif named.kind == "journal":
            found = self._journal(named.workflow, where.get("run"))
        else:
            found = self._node_documents(named.workflow, named.kind == "active", where)
        return Documents(
            document
            for document in found
            if all(document.get(field) == value for field, value in where.items())
        )

    def nodes(self, run: str, names: Iterable[str] | None = None) -> list[Document]:
        known = self._run(run)
        active = self._is_active(known)
        wanted = None if names is None else list(names)
        found = list(self.nodes_of.read(known["workflow"], run, active, wanted))
        if wanted is None:
            return found
        by_name = {document["name"]: document for document in found}
        return [by_name[name] for name in wanted if name in by_name]

    def _is_active(self, known: Document) -> bool:
        if known["status"] == "running":
            return True
        latest = self.runs(known["workflow"], limit=1)
        return bool(latest) and latest[0]["run"] == known["_id"]

    def _node_documents(
        self, workflow: str, active: bool, where: Mapping[str, Any]
    ) -> Iterator[Document]:
        heads = self.runs(workflow)
        names = [where["name"]] if "name" in where else None
        for head in reversed(heads):
            is_active = head["status"] == "running" or head is heads[0]
            if is_active == active and where.get("run", head["run"]) == head["run"]:
                for document in self.nodes_of.read(workflow, head["run"], active, names):
                    document["result"] = whole_result(document["result"], self.get_blob)
                    yield document

    def _journal(self, workflow: str, run: str | None) -> Iterator[Document]:
        for head in reversed(self.runs(workflow)):
            if run not in (None, head["run"]):
                continue
            for batch in every_batch(self, head["run"]):
                events = json.loads(batch.events)
                yield {"run": head["run"], "seq": batch.seq, "events": events}

    # -- requests, values, logs ---------------------------------------------------------
    def request(self, run: str, kind: str, by: str) -> str:
        self._run(run)
        identity = f"{time.time_ns():020d}-{os.urandom(4).hex()}"
        document = {"_id": identity, "run": run, "kind": kind, "by": by}
        with mapped(self.url):
            self.collection("flow-requests").insert_one(
                {**document, "at": utc_text(time.time()), "taken": False}
            )
        return identity

    def _requests(self) -> list[Document]:
        with mapped(self.url):
            found = list(self.collection("flow-requests").find().sort("_id", 1))
        return [{"id": request.pop("_id"), **request} for request in found]

    def put_blob(self, data: bytes) -> str:
        import hashlib

        reference = hashlib.sha256(data).hexdigest()
        with mapped(self.url):
            if self._files().find_one({"filename": reference}) is None:
                self._files().put(bytes(data), filename=reference)
        return reference

    def get_blob(self, reference: str) -> bytes:
        with mapped(self.url):
            found = self._files().find_one({"filename": reference})
            if found is None:
                raise NotFound(f"the store has no value {reference}")
            return bytes(found.read())

    def _files(self) -> Any:
        from gridfs import GridFS

        return GridFS(self.database, collection="flow-values")

    def read_log(
        self, run: str, node: str, after: int = 0, limit: int = 1_000_000
    ) -> tuple[str, int]:
        between = {"$gte": f"{run}/{node}/", "$lt": f"{run}/{node}/{LAST}"}
        out: list[bytes] = []
        with mapped(self.url):
            for piece in self.collection("flow-logs").find({"_id": between}).sort("_id", 1):
                if limit < 4:  # no room for every character
                    break
                if after < piece["at"]:
                    out.append(left_out(piece["at"] - after).encode())
                    after = piece["at"]
                part = piece["data"][after - piece["at"] :]
                part = part[: boundary(part, limit)]
                out.append(part)
                after += len(part)
                limit -= len(part)
        return b"".join(out).decode("utf-8", "replace"), after

    def prune(self, run: str) -> None:
        known = self._run(run)
        if self.owner(run).alive:
            raise OwnedError(f"run {run} has a living engine; cancel it first")
        of_run = {"_id": {"$gte": f"{run}/", "$lt": f"{run}/{LAST}"}}
        workflow = known["workflow"]
        with mapped(self.url):
            self.collection("flow-runs").delete_one({"_id": run})
            names = ["flow-logs", "flow-junctions"]
            names += [f"{workflow}-flow-{kind}" for kind in ("active", "history", "journal")]
            for name in names:
                self.collection(name).delete_many(of_run)
            self.collection("flow-requests").delete_many({"run": run})
            self._forget_values(run)

    def _forget_values(self, run: str) -> None:
        """Remove the large values that only this run named, unless they are an hour new."""
        uses = self.collection("flow-blob-uses")
        mine = [use["reference"] for use in uses.find({"run": run})]
        uses.delete_many({"run": run})
        for reference in mine:
            if uses.find_one({"reference": reference}, {"_id": 1}) is None:
                for found in self._files().find({"filename": reference}):
                    if time.time() - found.upload_date.timestamp() > 3600:
                        self._files().delete(found._id)

    def drop(self, name: str) -> None:
        """Remove the whole database, if that is its name: a scratch one, after a check."""
        if self.database.name == name:
            with mapped(self.url):
                self._client.drop_database(name)

    def close(self) -> None:
        self._client.close()


def _connect(url: str, shown: str, notice: Callable[[str], None]) -> MongoClient[Document]:
    """A client.  Nothing of a URL that is wrong is repeated: it may hold a password."""
    limits = {
        "serverSelectionTimeoutMS": SELECTION_MS,
        "connectTimeoutMS": SELECTION_MS,
        "socketTimeoutMS": SOCKET_MS,
    }
    said = url.lower()
    options: dict[str, Any] = {
        name: value for name, value in limits.items() if name.lower() not in said
    }
    try:
        with catch_warnings(record=True) as warned:
            simplefilter("always")
            client: MongoClient[Document] = MongoClient(
                url, retryWrites=False, appname="cloudmesh-flow", **options
            )
        if any(issubclass(warning.category, UserWarning) for warning in warned):
            notice(f"an option in the URL of {shown} is none that MongoDB has, and does nothing")
        return client
    except (PyMongoError, ValueError):
        message = f"{shown} is no URL of a MongoDB server: mongodb://HOST/DATABASE"
    raise InputError(message)


def _server_text(info: Mapping[str, Any]) -> str:
    """What answers: a MongoDB says its modules and storage engines, others say who they are."""
    if "ferretdbVersion" in info:
        return f"FerretDB (as MongoDB {info.get('version')})"
    return f"MongoDB {info.get('version')}"


def _head(known: Mapping[str, Any]) -> Document:
    from cloudmesh.flow.model.documents import run_head

    return run_head({**known, "parameters": from_bson(known["parameters"])})


def _definition(document: Document) -> Document:
    del document["_id"]
    document["task"] = from_bson(document["task"])
    return document

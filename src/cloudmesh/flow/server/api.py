"""What can be read: flows, runs, nodes, results, logs, and the stream of events."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response, StreamingResponse

from cloudmesh.flow.errors import NotFound
from cloudmesh.flow.run.states import ERROR
from cloudmesh.flow.server import values
from cloudmesh.flow.server.projection import error_line
from cloudmesh.flow.server.state import State, compact, flow_text, state_of
from cloudmesh.flow.server.stream import Feed

__all__ = ["router"]

RUNS_PAGE = 100
OUTCOMES = 12
LOG_MAX = 1_000_000

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such thing."}}

router = APIRouter(prefix="/api", responses=NOT_FOUND)


# -- flows ---------------------------------------------------------------------
@router.get("/flows", operation_id="list_flows", tags=["flows"])
def flows(request: Request) -> list[dict[str, Any]]:
    """All defined flows by name, with their size and the outcomes of their last twelve runs."""
    state = state_of(request)
    out = []
    for name in state.store.definitions():
        size = state.size(name)
        if size is None:
            continue
        runs = [state.with_engine(run) for run in state.store.runs(name, limit=OUTCOMES)]
        last = [_outcome(run) for run in runs]
        out.append({"name": name, "workflow": name, **size, "last": last})
    return out


@router.get("/flows/{name}", operation_id="show_flow", tags=["flows"])
def flow(request: Request, name: str) -> dict[str, Any]:
    """The definition of a flow: its string and the document of each node."""
    documents, extra = state_of(request).definition(name)
    return {"workflow": name, "flow": flow_text(extra), "nodes": documents, "problems": []}


def _outcome(run: dict[str, Any]) -> dict[str, Any]:
    return {k: run.get(k) for k in ("run", "status", "started", "ended", "engine")}


# -- runs ------------------------------------------------------------------------
@router.get("/runs", operation_id="list_runs", tags=["runs"])
def runs(
    request: Request,
    workflow: Annotated[str | None, Query(description="only of this flow")] = None,
    before: Annotated[str, Query(description="only runs older than this one")] = "",
    limit: Annotated[int, Query(ge=1, le=10_000)] = RUNS_PAGE,
) -> list[dict[str, Any]]:
    """Runs, the newest first.  Where the engine of a run is gone, ``engine`` is ``lost``."""
    state = state_of(request)
    found = state.store.runs(workflow, limit=limit, before=before)
    return [state.with_engine(run) for run in found]


@router.get("/counts", operation_id="count_runs", tags=["runs"])
def counts(
    request: Request,
    workflow: Annotated[str | None, Query(description="only of this flow")] = None,
) -> dict[str, Any]:
    """How many runs the store holds, by state, and which of them need somebody."""
    return state_of(request).tally.counts(workflow)


@router.get("/runs/{run}", operation_id="show_run", tags=["runs"])
def run(request: Request, run: str) -> dict[str, Any]:
    """The document of a run.  Where its engine is gone, ``engine`` is ``lost``."""
    state = state_of(request)
    return state.with_engine(state.run(run))


@router.get("/runs/{run}/nodes", operation_id="list_nodes", tags=["nodes"])
def nodes(request: Request, run: str) -> Response:
    """The stored document of every node of a run, in order."""
    state = state_of(request)
    state.run(run)
    return _json(state.store.nodes(run))


@router.get("/runs/{run}/nodes/{node}", operation_id="show_node", tags=["nodes"])
def node(request: Request, run: str, node: str) -> Response:
    """The stored document of a node; of an element of a map by its name, ``work[3]``."""
    return _json(state_of(request).node(run, node))


@router.get("/runs/{run}/nodes/{node}/attempts", operation_id="list_attempts", tags=["nodes"])
def attempts(request: Request, run: str, node: str) -> dict[str, Any]:
    """Every attempt of a node, and when it could have started (seconds since 1970)."""
    feed = _feed(request, run)
    with feed.lock:
        number = feed.projection.run.index.get(node)
        if number is None:
            raise NotFound(f"run {run} has no node {node!r}")
        return {
            "node": node,
            "ready": feed.projection.ready.get(number),
            "attempts": feed.projection.attempts.get(number, []),
        }


@router.get(
    "/runs/{run}/nodes/{node}/result",
    operation_id="get_result",
    tags=["nodes"],
    response_class=Response,
    responses={200: {"content": {"application/json": {}, "application/octet-stream": {}}}},
)
def result(request: Request, run: str, node: str) -> Response:
    """What a node returned, as a download: JSON, or the bytes where it returned bytes."""
    state = state_of(request)
    document = state.node(run, node)
    if document["status"] not in ("finished", "error") or (
        document["status"] == "error" and document.get("result") is None
    ):
        raise NotFound(f"node {node} of run {run} is {document['status']}: it has no result")
    data, media_type, ending = values.download(state.store, run, document)
    name = values.file_name(f"{run}-{node}{ending}")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=media_type, headers=headers)


@router.get(
    "/runs/{run}/nodes/{node}/log",
    operation_id="get_log",
    tags=["nodes"],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def log(
    request: Request,
    run: str,
    node: str,
    after: Annotated[int, Query(ge=0, description="an offset that an answer named")] = 0,
    limit: Annotated[int, Query(ge=1, le=LOG_MAX)] = LOG_MAX,
) -> Response:
    """What a node printed.  The header ``Log-Offset`` says where to go on."""
    state = state_of(request)
    state.node(run, node)
    text, offset = state.store.read_log(run, node, after, limit)
    headers = {"Log-Offset": str(offset)}
    data = text.encode("utf-8", "replace")
    return Response(data, media_type="text/plain; charset=utf-8", headers=headers)


@router.get("/runs/{run}/edges", operation_id="list_edges", tags=["runs"])
def edges(request: Request, run: str) -> Response:
    """Every edge of a run's graph: ``from`` what is needed ``to`` what needs it, and its label."""
    flow = _feed(request, run).projection.flow

    def lines() -> Iterator[str]:
        yield "["
        comma = ""
        for source, target in flow.edges():
            edge = {"from": source, "to": target, "label": flow.edge_label(source, target) or None}
            yield comma + json.dumps(edge, ensure_ascii=False)
            comma = ",\n"
        yield "]"

    return StreamingResponse(lines(), media_type="application/json")


@router.get(
    "/runs/{run}/events",
    operation_id="follow_run",
    tags=["runs"],
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def events(
    request: Request,
    run: str,
    after: Annotated[int, Query(ge=0, description="the SEQ that is known already")] = 0,
    reload: Annotated[bool, Query(description="may be told to load a snapshot")] = False,
    last_event_id: Annotated[
        str, Header(pattern="^[0-9]{0,18}$", description="the SEQ of the last event")
    ] = "",
) -> Response:
    """Server-sent events: one for each batch of the journal, with its SEQ as id; ``end`` last.

    ``data`` is ``{seq, at, status, nodes: […]}``, with the new state of each
    node that changed; values are never in it.  ``Last-Event-ID`` (or ``after``)
    resumes without a gap.
    """
    state = state_of(request)
    known = int(last_event_id) if last_event_id else after
    _feed_exists(state, run)
    stream = state.feeds.stream(run, known, reload)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


@router.get("/runs/{run}/errors", operation_id="list_errors", tags=["runs"])
def errors(
    request: Request, run: str, limit: Annotated[int, Query(ge=1, le=10_000)] = 100
) -> dict[str, Any]:
    """The errors of a run in the order in which they happened, each in a line, and its SEQ."""
    feed = _feed(request, run)
    with feed.lock:
        machine = feed.projection.run
        found = [
            {"node": machine.names[i], "error": error_line(machine.error.get(i)), "seq": seq}
            for seq, i in feed.projection.errors
            if machine.status[i] == ERROR
        ]
        blocked = sum(1 for i in machine.blocked if i < len(machine.flow))
    return {"errors": found[:limit], "count": len(found), "blocked": blocked}


# -- what the page needs -----------------------------------------------------------
@router.get("/runs/{run}/state", operation_id="get_state", tags=["page"])
def snapshot(
    request: Request,
    run: str,
    at: Annotated[int | None, Query(ge=1, description="as it was at that SEQ")] = None,
    brief: Annotated[bool, Query(description="without nodes that are just pending")] = False,
) -> Response:
    """All that a picture of the run shows, at one SEQ: the graph, and the state of each node."""
    state = state_of(request)
    feed = state.feeds.get(run)
    document = state.with_engine(state.run(run))
    with feed.lock:
        live = feed.projection
        projection = live if at is None or at >= live.seq else state.past(run, at)
        out = {
            "run": document,
            "seq": projection.seq,
            "live": live.seq,
            "now": time.time(),
            "status": projection.run.status_word,
            "begun": projection.run.begun,
            "over": projection.run.over or None,
            "last": projection.moments[-1][1],
            "base": projection.run.base,
            "nodes": [
                projection.document(i)
                for i in projection.numbers()
                if not (brief and projection.plain(i))
            ],
            "counts": projection.counts(),
            "errors": [[seq, projection.run.names[i]] for seq, i in projection.errors],
        }
        graph = state.graph(feed)
    return _text(f'{compact(out)[:-1]},"graph":{graph}}}')


@router.get("/runs/{run}/layout", operation_id="get_layout", tags=["page"])
def layout(
    request: Request,
    run: str,
    direction: Annotated[str, Query(pattern="^(right|down)$")] = "right",
    open: Annotated[str, Query(description="the open groups, with commas between")] = "",
    brief: Annotated[bool, Query(description="without what the graph says already")] = False,
) -> Response:
    """The places of plates, groups and gates, and the routes of edges."""
    state = state_of(request)
    feed = state.feeds.get(run)
    opened = tuple(sorted(name for name in open.split(",") if name))
    return Response(state.layout(feed, direction, opened, brief), media_type="application/json")


@router.get(
    "/runs/{run}/picture",
    operation_id="export_picture",
    tags=["runs"],
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}}},
)
def picture(
    request: Request,
    run: str,
    open: Annotated[str, Query(description="the open groups, with commas between")] = "",
) -> Response:
    """The picture of a run as SVG, as a download."""
    from cloudmesh.flow.view.svg import svg

    state = state_of(request)
    document = state.with_engine(state.run(run))
    flow = state.feeds.get(run).projection.flow
    text = svg(
        flow,
        state.store.nodes(run),
        title=f"{flow.name}, run {run}",
        run_status=str(document["status"]),
        lost=document.get("engine") == "lost",
        opened=[name for name in open.split(",") if name],
    )
    headers = {"Content-Disposition": f'attachment; filename="{values.file_name(run)}.svg"'}
    return Response(text, media_type="image/svg+xml", headers=headers)


@router.get("/runs/{run}/timeline", operation_id="get_timeline", tags=["page"])
def timeline(
    request: Request, run: str, bins: Annotated[int, Query(ge=1, le=1000)] = 150
) -> dict[str, Any]:
    """The run's events counted in bins of time, with the SEQ of each error."""
    feed = state_of(request).feeds.get(run)
    with feed.lock:
        moments = feed.projection.moments
        begin, end = moments[0][1], max(m[1] for m in moments)
        width = max(end - begin, 0.001) / bins
        counts, last = [0] * bins, [0] * bins
        for seq, at, events in moments:
            k = min(bins - 1, max(0, int((at - begin) / width)))
            counts[k] += events
            last[k] = seq
        for k in range(1, bins):
            last[k] = max(last[k], last[k - 1])
        times = {seq: at for seq, at, _ in moments}
        names = feed.projection.run.names
        errors = [
            {"seq": seq, "at": times[seq], "node": names[i]} for seq, i in feed.projection.errors
        ]
        return {
            "begin": begin,
            "end": end,
            "counts": counts,
            "seqs": last,
            "errors": errors,
            "seq": feed.seq,
        }


@router.get("/runs/{run}/attempts", operation_id="list_all_attempts", tags=["page"])
def all_attempts(
    request: Request,
    run: str,
    after: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """The attempts of every node, for the gantt: ``[[n, ready, [[started, ended, …], …]], …]``."""
    feed = state_of(request).feeds.get(run)
    with feed.lock:
        projection = feed.projection
        rows = []
        for i, found in projection.attempts.items():
            if found[-1].get("ended", found[-1]["started"]) < after:
                continue
            bars = [
                [a["started"], a.get("ended"), a.get("outcome"), a.get("error"), a.get("where")]
                for a in found
            ]
            rows.append([i, projection.ready.get(i), bars])
    return _json(rows)


@router.get("/runs/{run}/captions", operation_id="get_captions", tags=["page"])
def captions(request: Request, run: str, node: str) -> Response:
    """A short text for each element of a map: what it received, where that is short."""
    state = state_of(request)
    feed = state.feeds.get(run)
    with feed.lock:
        number = feed.projection.run.index.get(node)
        flow = feed.projection.flow
    if number is None or number >= len(flow) or not flow.nodes[number].mapped:
        raise NotFound(f"run {run} has no mapped node {node!r}")
    return _json(values.captions(state.store, run, flow.nodes[number].source or ""))


def _feed(request: Request, run: str) -> Feed:
    return state_of(request).feeds.get(run)


def _feed_exists(state: State, run: str) -> None:
    """Raise before the stream begins: a status cannot be changed once it has."""
    if not state.store.batches(run, 0, 1):
        raise NotFound(f"no run {run!r}")


def _json(data: Any) -> Response:
    """JSON without a second look at every value."""
    return _text(compact(data))


def _text(text: str) -> Response:
    return Response(text.encode("utf-8", "surrogatepass"), media_type="application/json")

"""Every SQL text of the embedded store, by name.

A run has a number ``r``, and so has each node, list and spec in it.  The key
of a row that belongs to a run is ``r << 32 | number``: one integer, the table's
own order, so that a run's rows stand together and need no second index.

What a node depends on stands in its own row where it is little, as a text of
numbers, ``[3,8]``; else ``list`` keeps it, once for all that depend on the same
(a barrier of 50 × 50 stores one list), and the row has its key.  ``spec``
likewise keeps what never changes of a node.  The views are the collections of
the contract; what shrinks there, ``dependencies``, is computed: declared, minus
finished.
"""

from __future__ import annotations

from functools import cache

#: "CMfl": marks the file as ours.
APPLICATION_ID = 0x434D666C
#: The version of a file's schema, whose it is, and how many things are in it.
WHOSE = """
SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master)
FROM pragma_user_version, pragma_application_id"""
#: The last version of the schema; `MIGRATIONS` lead to it from the older ones.
VERSION = 3
#: The oldest version that is read as it is; its own views show the same.
READABLE = 2

NODE_COLUMNS = (
    "status",
    "attempt",
    "started",
    "ended",
    "exit_code",
    "error",
    "reason",
    "skipped",
    "progress",
    "color",
    "label",
    "shape",
    "where",
    "result",
)
_QUOTED = ", ".join(f'"{column}"' for column in NODE_COLUMNS)

TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE flow (
    f INTEGER PRIMARY KEY, workflow TEXT UNIQUE COLLATE NOCASE, extra TEXT,
    nodes TEXT NOT NULL DEFAULT '[]');
CREATE TABLE definition_list (
    f INTEGER, k INTEGER, names TEXT, PRIMARY KEY (f, k)) WITHOUT ROWID;
CREATE TABLE definition_spec (
    f INTEGER, k INTEGER, document TEXT, PRIMARY KEY (f, k)) WITHOUT ROWID;
CREATE TABLE run (
    r INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT UNIQUE, workflow TEXT, flow TEXT, status TEXT,
    parameters TEXT, started TEXT, ended TEXT, counts TEXT, engine TEXT, versions TEXT,
    fence INTEGER, lock TEXT);
CREATE INDEX run_workflow ON run (workflow, r);
CREATE TABLE journal (id INTEGER PRIMARY KEY, fence INTEGER, events TEXT);
CREATE TABLE node (
    id INTEGER PRIMARY KEY, name TEXT, list INTEGER, spec INTEGER, rev INTEGER DEFAULT 0,
    {
    _QUOTED.replace('"status"', "status TEXT DEFAULT 'pending'").replace(
        '"attempt"', "attempt INTEGER DEFAULT 0"
    )
});
CREATE TABLE list (id INTEGER PRIMARY KEY, names TEXT, numbers TEXT);
CREATE TABLE spec (id INTEGER PRIMARY KEY, text TEXT);
CREATE TABLE request (
    id INTEGER PRIMARY KEY, r INTEGER, kind TEXT, "by" TEXT, at TEXT, taken INTEGER DEFAULT 0);
CREATE INDEX request_run ON request (r);
CREATE TABLE blob_use (reference TEXT, r INTEGER, PRIMARY KEY (reference, r)) WITHOUT ROWID;
"""

#: The rows of a run: from r << 32 to r << 32 | 0xFFFFFFFF.
_OF_RUN = "BETWEEN run.r << 32 AND (run.r << 32 | 4294967295)"

DOCUMENT_FIELDS = (
    "_id",
    "run",
    "name",
    "status",
    "dependencies",
    "upstream",
    *NODE_COLUMNS[1:],
    "workflow",
    "kind",
    "cloud",
    "cm",
    "task",
)
_FIELDS = ", ".join(f'"{field}"' for field in DOCUMENT_FIELDS)

#: Up to so many names stand in the row of the node that depends on them.
FEW_NAMES = 8


def _shown(column: str) -> str:
    """A column of a node as its document shows it: a time, kept as seconds, as UTC text.

    As `model.documents.utc_text` writes it.  Older programs kept the text.
    """
    stored = f'node."{column}"'
    if column not in ("started", "ended"):
        return stored
    micros = f"CAST({stored} * 1e6 + 0.5 AS INTEGER)"
    day = f"strftime('%Y-%m-%d %H:%M:%S', {micros} / 1000000, 'unixepoch')"
    text = f"{day} || printf('.%06d', {micros} % 1000000)"
    return f"CASE WHEN typeof({stored}) IN ('real', 'integer') THEN {text} ELSE {stored} END"


_NEEDED = "node AS needed ON needed.id = (run.r << 32 | item.value)"

#: The views that every store has.  Two are the ground of those that each flow has.
#: A flow's nodes are one text, ``[[name, list, spec], …]``: it is written each time that a flow
#: is defined, and a row a node cost as much as to parse the flow.  ``list`` is a key, or the names.
VIEWS = f"""
CREATE VIEW node_documents AS
SELECT run.run || '/' || node.name AS _id, run.run AS run, node.name AS name,
    (SELECT json_group_array(needed.name)
        FROM json_each(CASE typeof(node.list) WHEN 'text' THEN node.list ELSE (
            SELECT numbers FROM list WHERE list.id = node.list) END) AS item
        CROSS JOIN {_NEEDED}
        WHERE needed.status <> 'finished') AS dependencies,
    CASE typeof(node.list) WHEN 'text' THEN (
        SELECT json_group_array(needed.name) FROM json_each(node.list) AS item
        CROSS JOIN {_NEEDED})
    ELSE (SELECT names FROM list WHERE id = node.list) END AS upstream,
    {", ".join(f'{_shown(column)} AS "{column}"' for column in NODE_COLUMNS)},
    run.workflow AS workflow, 'flow' AS kind, json_extract(spec.text, '$.cloud') AS cloud,
    json_set(json_extract(spec.text, '$.cm'), '$.name', node.name, '$.collection',
        run.workflow || CASE WHEN run.status = 'running' OR run.r = (
            SELECT max(latest.r) FROM run AS latest WHERE latest.workflow = run.workflow)
        THEN '-flow-active' ELSE '-flow-history' END) AS cm,
    json_extract(spec.text, '$.task') AS task,
    run.status = 'running' OR run.r = (
        SELECT max(latest.r) FROM run AS latest WHERE latest.workflow = run.workflow) AS active
FROM run CROSS JOIN node ON node.id {_OF_RUN} CROSS JOIN spec ON spec.id = node.spec;
CREATE VIEW definition AS
SELECT flow.f AS f, item.key AS n, json_extract(item.value, '$[0]') AS name,
    json_extract(item.value, '$[1]') AS list, json_extract(item.value, '$[2]') AS spec
FROM flow CROSS JOIN json_each(flow.nodes) AS item;
CREATE VIEW definition_documents AS
SELECT d.f AS f, n, name,
    CASE typeof(d.list) WHEN 'text' THEN d.list ELSE (
        SELECT names FROM definition_list AS l WHERE l.f = d.f AND l.k = d.list)
    END AS dependencies,
    json_extract(document, '$.workflow') AS workflow,
    json_set(json_extract(document, '$.cm'), '$.name', name) AS cm,
    json_extract(document, '$.kind') AS kind, json_extract(document, '$.cloud') AS cloud,
    json_extract(document, '$.status') AS status, json_extract(document, '$.task') AS task
FROM definition AS d JOIN definition_spec AS s ON s.f = d.f AND s.k = d.spec;
CREATE VIEW "flow-runs" AS
SELECT run, workflow, flow, status, parameters, started, ended, counts, engine, versions FROM run;
CREATE VIEW "flow-requests" AS
SELECT request.id AS id, run.run AS run, kind, "by", at, taken FROM request JOIN run USING (r);
"""

#: The views of one flow; ``{name}`` has passed the rule of names, so it needs no escape.
FLOW_VIEWS = f"""
CREATE VIEW "{{name}}-flow" AS
SELECT name, dependencies, workflow, cm, kind, cloud, status, task
FROM definition_documents WHERE f = {{f}} ORDER BY n;
CREATE VIEW "{{name}}-flow-active" AS
SELECT {_FIELDS} FROM node_documents WHERE workflow = '{{name}}' AND active;
CREATE VIEW "{{name}}-flow-history" AS
SELECT {_FIELDS} FROM node_documents WHERE workflow = '{{name}}' AND NOT active;
CREATE VIEW "{{name}}-flow-journal" AS
SELECT run.run AS run, journal.id & 4294967295 AS seq, journal.events AS events
FROM run CROSS JOIN journal ON journal.id {_OF_RUN} WHERE run.workflow = '{{name}}';
"""

SCHEMA = TABLES + VIEWS

#: What leads the tables from a version to the next; all views are made anew then.
MIGRATIONS = {
    1: """
ALTER TABLE flow ADD COLUMN nodes TEXT NOT NULL DEFAULT '[]';
UPDATE flow SET nodes = (
    SELECT json_group_array(json_array(name, list, spec))
    FROM (SELECT name, list, spec FROM definition AS d WHERE d.f = flow.f ORDER BY n));
DROP TABLE definition;""",
    2: "",  # a node's list may be a text, and its times are numbers: not so for older programs
}

# -- definitions -----------------------------------------------------------------
FLOW = "SELECT f, workflow, extra FROM flow WHERE workflow = ?"
FLOWS = "SELECT workflow FROM flow WHERE extra IS NOT NULL ORDER BY workflow COLLATE BINARY"
ALL_FLOWS = "SELECT f, workflow FROM flow"
ADD_FLOW = "INSERT INTO flow (workflow) VALUES (?)"
SET_FLOW = "UPDATE flow SET nodes = ?, extra = ? WHERE f = ?"
DROP_DEFINITION_LISTS = "DELETE FROM definition_list WHERE f = ?"
DROP_DEFINITION_SPECS = "DELETE FROM definition_spec WHERE f = ?"
ADD_DEFINITION_LIST = "INSERT INTO definition_list VALUES (?, ?, ?)"
ADD_DEFINITION_SPEC = "INSERT INTO definition_spec VALUES (?, ?, ?)"
DEFINITION = "SELECT nodes FROM flow WHERE f = ?"
DEFINITION_SPECS = "SELECT k, document FROM definition_spec WHERE f = ?"
DEFINITION_LISTS = "SELECT k, names FROM definition_list WHERE f = ?"

# -- the journal -----------------------------------------------------------------
ADD_BATCH = "INSERT INTO journal VALUES (?, ?, ?)"
BATCH = "SELECT fence, events FROM journal WHERE id = ?"
ALL_VIEWS = "SELECT name FROM sqlite_master WHERE type = 'view'"
SOME_ROWS = "SELECT rowid FROM sqlite_master LIMIT 2"  # not read to the end
BATCHES = "SELECT id, events FROM journal WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
LAST_BATCH = "SELECT max(id) FROM journal WHERE id BETWEEN ? AND ?"
ADD_BLOB_USE = "INSERT OR IGNORE INTO blob_use VALUES (?, ?)"

# -- runs ------------------------------------------------------------------------
HEAD_COLUMNS = "run, workflow, flow, status, parameters, started, ended, counts, engine, versions"
ADD_RUN = f"""
INSERT INTO run ({HEAD_COLUMNS}, fence, lock)
VALUES (?, ?, ?, 'running', ?, ?, NULL, ?, ?, ?, 1, ?)"""
TAKE_RUN = "UPDATE run SET fence = ?, status = 'running', engine = ?, lock = ? WHERE r = ?"
FENCE = "SELECT fence FROM run WHERE r = ?"
RUN_KEY = "SELECT r, fence, lock, engine, status FROM run WHERE run = ?"
RUN = f"SELECT {HEAD_COLUMNS} FROM run WHERE run = ?"
RUNS = f"""
SELECT {HEAD_COLUMNS} FROM run
WHERE (:workflow IS NULL OR workflow = :workflow) AND substr(run, 1, length(:prefix)) = :prefix
    AND (:before = '' OR r < (SELECT r FROM run WHERE run = :before))
ORDER BY r DESC LIMIT :limit"""
SPLIT_RUNS = """
SELECT r, run FROM run
WHERE workflow = :workflow AND (:run IS NULL OR run = :run)
    AND :active = (status = 'running'
        OR r = (SELECT max(latest.r) FROM run AS latest WHERE latest.workflow = :workflow))
ORDER BY r"""
RUNS_OF = "SELECT r, run FROM run WHERE workflow = ? ORDER BY r"
ACTIVE = """
SELECT workflow, status = 'running'
    OR r = (SELECT max(latest.r) FROM run AS latest WHERE latest.workflow = run.workflow)
FROM run WHERE r = ?"""

# -- nodes -----------------------------------------------------------------------
ADD_NODE = "INSERT OR IGNORE INTO node (id, name, list, spec) VALUES (?, ?, ?, ?)"
ADD_LIST = "INSERT OR IGNORE INTO list VALUES (?, ?, ?)"
ADD_SPEC = "INSERT OR IGNORE INTO spec VALUES (?, ?)"
NODES = f"""
SELECT id, name, {_QUOTED}, list, spec FROM node
WHERE id > ? AND id <= ? AND (?3 IS NULL OR name = ?3) AND (?4 IS NULL OR status = ?4)
ORDER BY id LIMIT ?5"""
NODE = "SELECT name, status FROM node WHERE id = ?"
NAMES = "SELECT name, id & 4294967295 FROM node WHERE id BETWEEN ? AND ?"
FINISHED = "SELECT id & 4294967295 FROM node WHERE id BETWEEN ? AND ? AND status = 'finished'"
LIST = "SELECT names, numbers FROM list WHERE id = ?"
SPEC = "SELECT text FROM spec WHERE id = ?"
LAST_LIST = "SELECT max(id) FROM list WHERE id BETWEEN ? AND ?"
LAST_SPEC = "SELECT max(id) FROM spec WHERE id BETWEEN ? AND ?"


def flow_views(workflow: str, f: int) -> list[str]:
    """What makes the views of one flow, statement by statement."""
    return FLOW_VIEWS.format(name=workflow, f=f).split(";")[:-1]


@cache
def add_known_node(columns: tuple[str, ...]) -> str:
    """Add a node: its key, name, list, spec and revision, and what is in some columns."""
    quoted = ", ".join(f'"{column}"' for column in columns)
    return f"""
INSERT OR IGNORE INTO node (id, name, list, spec, rev, {quoted})
VALUES ({", ".join("?" * (5 + len(columns)))})"""


@cache
def set_node(columns: tuple[str, ...]) -> str:
    """Change a node, if nothing newer is there: ``columns``, revision, key, revision.

    The other columns become null: a row is written whole each time.
    """
    changes = (f'"{one}" = {"?" if one in columns else "NULL"}' for one in NODE_COLUMNS)
    return f"UPDATE node SET {', '.join(changes)}, rev = ? WHERE id = ? AND rev <= ?"


# -- requests --------------------------------------------------------------------
ADD_REQUEST = 'INSERT INTO request (r, kind, "by", at) VALUES (?, ?, ?, ?)'
REQUESTS = 'SELECT id, kind, "by", at FROM request WHERE r = ? AND NOT taken ORDER BY id'
ALL_REQUESTS = 'SELECT id, run, kind, "by", at, taken FROM "flow-requests" ORDER BY id'
TAKE_REQUEST = "UPDATE request SET taken = 1 WHERE id = ? AND r = ?"

# -- pruning ---------------------------------------------------------------------
PRUNE = (
    "DELETE FROM run WHERE r = :r",
    "DELETE FROM journal WHERE id BETWEEN :first AND :last",
    "DELETE FROM node WHERE id BETWEEN :first AND :last",
    "DELETE FROM list WHERE id BETWEEN :first AND :last",
    "DELETE FROM spec WHERE id BETWEEN :first AND :last",
    "DELETE FROM request WHERE r = :r",
    "DELETE FROM blob_use WHERE r = :r",
)
ONLY_BLOBS = """
SELECT reference FROM blob_use AS mine WHERE r = ? AND NOT EXISTS (
    SELECT 1 FROM blob_use AS other WHERE other.reference = mine.reference AND other.r <> mine.r)"""

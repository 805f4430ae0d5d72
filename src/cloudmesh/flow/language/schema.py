"""The YAML form of a flow as a JSON Schema (2020-12), for editors.

Made from the tables that the reader itself checks with (`TOP_KEYS`, `TASK_KEYS`,
`TASK_WORDS`, `KINDS`), so that a key which is read is a key of the schema.  It
is never narrower than the reader; what only the reader can know (names, cycles,
parameters that nothing fills) `cms flow check` finds.
"""

from __future__ import annotations

from typing import Any

from cloudmesh.flow.executors.table import KINDS, Kind
from cloudmesh.flow.language import ccform, taskwords
from cloudmesh.flow.language.flowstring import NAME
from cloudmesh.flow.language.taskwords import TASK_WORDS
from cloudmesh.flow.language.yamlforms import TOP_KEYS
from cloudmesh.flow.language.yamltask import TASK_KEYS
from cloudmesh.flow.model.check import ALWAYS_THERE

__all__ = ["schema"]

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WORD: Schema = {"type": "string", "pattern": r"\S"}
COUNT: Schema = {"type": "integer", "minimum": 1}
NODE_NAME: Schema = {"pattern": f"^{NAME.pattern.removesuffix(chr(92) + 'Z')}$"}
SCALAR: Schema = {"type": ["string", "number", "boolean"]}
TIME: Schema = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?|(\d+(\.\d+)?\s*(ms|s|m|h|d)\s*)+)\s*$"},
    ],
    "examples": ["500ms", "5m", "1h30m", 10],
}
POOL: Schema = {
    "type": "object",
    "properties": {
        "slots": {"type": ["integer", "null"], "minimum": 1},
        "rate": {
            "type": ["string", "null"],
            "pattern": r"^\s*\d+\s*/\s*\d*\s*(s|m|min|h|d)\s*$",
            "examples": ["10/s", "100/5m"],
        },
    },
    "additionalProperties": False,
    "minProperties": 1,
}
LABELS: Schema = {
    "type": "object",
    "additionalProperties": {
        "anyOf": [TEXT, {"type": "object", "properties": {"label": TEXT}, "required": ["label"]}]
    },
}

#: What a word of a task can be, by the function that reads it.
BY_READER: dict[Any, Schema] = {
    taskwords._word: WORD,
    taskwords._text: SCALAR,
    taskwords._count: {"type": "integer", "minimum": 0},
    taskwords._time: TIME,
    taskwords._timeout: {"anyOf": [TIME, {"type": "null"}]},
    taskwords._errors: {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
    taskwords._condition: {"type": ["string", "boolean"]},
    taskwords._edges: LABELS,
}

#: What a key of an infrastructure can be, by the word of `executors.table`.
BY_WORD: dict[str, Schema] = {
    "text": WORD,
    "list": {"type": "array", "items": TEXT, "minItems": 1},
    "count": COUNT,
    "size": {
        "anyOf": [COUNT, {"type": "string", "pattern": r"^\s*\d+\s*[MGmg]?[Ii]?[Bb]?\s*$"}],
        "examples": ["512M", "2G"],
    },
    "time": TIME,
    "map": {"type": "object"},
}

#: One sentence for each key, which editors show.
SAID = {
    "name": "The name of the flow; else that of the file.",
    "flow": "The order of the nodes: `;` one after the other, `||` side by side, `*` for each "
    "element of a list. A string, or a list of strings.",
    "python": "The file or module that holds the functions, or FILE:CLASS.",
    "parameters": "Defaults of the run's parameters.",
    "edges": 'Labels of edges: {"a -> b": {label: rows}}.',
    "tasks": "What the nodes do, by their names.",
    "infrastructure": "Names that nodes can be mapped to with `on`.",
    "pools": "How many nodes of a pool run at once, and how many may start in a time.",
}
TASK_SAID = {
    "name": "The name of the node, in a list of tasks.",
    "parameter": "Types of the parameters: {x: int}.",
    "calculation": "A call of a function in `python`, like f(x, y); arguments are names or "
    "literals.",
    "command": "Text for a shell, or a list of arguments without one; {a} is the value of a.",
    "entry": "How the node is shown while it runs.",
    "return": "How it is shown when done; `value` is a local variable of the function.",
    "error": "How it is shown in error.",
    "on": "Where it runs: local, thread, process, or a name of the infrastructure.",
    "retries": "How often again after a failure.",
    "retry_delay": "How long before the first retry; it doubles.",
    "retry_on": "Only after these exceptions.",
    "timeout": "Of one attempt; the node then runs in a worker process.",
    "when": 'A condition, like "a > 3 and b.ok"; where it is false the node is skipped.',
    "over": "The node whose list a mapped node maps over.",
    "pool": "A name of a limited pool.",
    "color": "How it is shown: a colour.",
    "label": "How it is shown: a text; {name} {status} {progress} {value} are filled in.",
    "shape": "How it is shown: circle, square, …",
    "edges": "Labels of the edges into the node, by what it needs.",
}


def schema() -> Schema:
    """The schema, with the three forms that are read."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cloudmesh-flow",
        "description": "A flow: its nodes, their order, what they do and where they run.",
        "if": {"type": "object", "required": ["workflow"]},
        "then": {"$ref": "#/$defs/cloudmesh-cc"},
        "else": {
            "if": {"type": "array"},
            "then": {"$ref": "#/$defs/task-list"},
            "else": {"$ref": "#/$defs/flow"},
        },
        "$defs": {
            "flow": flow(),
            "task": {
                "type": "object",
                **keys({key: task_key(key) for key in TASK_KEYS}, TASK_SAID),
            },
            "task-list": task_list(),
            "infrastructure": infrastructure(),
            "cloudmesh-cc": cloudmesh_cc(),
        },
    }


def keys(values: dict[str, Schema], said: dict[str, str]) -> Schema:
    """An object with these keys and no others."""
    described = {key: {"description": said[key], **value} for key, value in values.items()}
    return {"properties": described, "additionalProperties": False}


def or_nothing(value: Schema) -> Schema:
    """The same, or a key with nothing behind it."""
    return {"anyOf": [value, {"type": "null"}]}


def flow() -> Schema:
    """The form of our own."""
    return {"type": "object", **keys({key: top_key(key) for key in TOP_KEYS}, SAID)}


def top_key(key: str) -> Schema:
    """What stands behind a key at the top."""
    task = or_nothing({"$ref": "#/$defs/task"})
    tasks = {"type": "object", "propertyNames": NODE_NAME, "additionalProperties": task}
    values: dict[str, Schema] = {
        "flow": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
        "parameters": {"type": "object"},
        "edges": {**LABELS, "propertyNames": {"pattern": r"^\s*\S+?\s*(->|→)\s*\S+\s*$"}},
        "tasks": {"anyOf": [tasks, {"$ref": "#/$defs/task-list"}]},
        "infrastructure": {"$ref": "#/$defs/infrastructure"},
        "pools": {"type": "object", "additionalProperties": pool()},
    }
    return or_nothing(values.get(key, TEXT))


def pool() -> Schema:
    """How many at once, or that and a rate."""
    rate = {"type": "string", "pattern": r"^\s*\d+\s*/\s*\d*\s*(s|m|min|h|d)\s*$"}
    limits = {"slots": or_nothing(COUNT), "rate": or_nothing({**rate, "examples": ["10/s"]})}
    both = {"type": "object", "minProperties": 1, "properties": limits}
    return {"anyOf": [COUNT, {**both, "additionalProperties": False}]}


def task_list() -> Schema:
    """Tasks as a list: ``{name: a, …}``, or ``a: {…}``."""
    task = {"$ref": "#/$defs/task"}
    alone = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "propertyNames": {**NODE_NAME, "not": {"enum": list(TASK_KEYS)}},
        "additionalProperties": or_nothing(task),
    }
    return {"type": "array", "items": {"anyOf": [{**task, "required": ["name"]}, alone]}}


def task_key(key: str) -> Schema:
    """What stands behind a key of a task."""
    if key in TASK_WORDS:
        return BY_READER[TASK_WORDS[key]]
    kind: Schema = {"type": ["string", "null"]}
    under_a_key: Schema = {
        "type": "object",
        "properties": {"type": kind},
        "required": ["type"],
        "additionalProperties": False,
    }
    types = {"type": "object", "additionalProperties": {"anyOf": [kind, under_a_key]}}
    argument = {"type": ["string", "number", "boolean", "null"]}
    values: dict[str, Schema] = {
        "name": NODE_NAME | TEXT,
        "parameter": or_nothing(
            {"anyOf": [types, {"type": "array", "items": {"anyOf": [TEXT, types]}}]}
        ),
        "calculation": TEXT,
        "command": {"anyOf": [WORD, {"type": "array", "items": argument, "minItems": 1}]},
        "entry": look("value"),
        "return": look("value"),
        "error": look(),
    }
    return values[key]


def look(*more: str) -> Schema:
    """How a node is shown: keys, or a list of such keys."""
    properties = dict.fromkeys(("color", "label", "shape"), SCALAR)
    if more:
        properties["value"] = {
            "description": "A local variable of the function, as it returns.",
            "type": ["string", "number", "boolean", "null"],
        }
    one = {"type": "object", "properties": properties, "additionalProperties": False}
    return or_nothing({"anyOf": [one, {"type": "array", "items": one}]})


def infrastructure() -> Schema:
    """Names of infrastructure, each with the keys of its kind."""
    return {
        "type": "object",
        "propertyNames": {"not": {"enum": list(ALWAYS_THERE)}},
        "additionalProperties": {
            "type": "object",
            "properties": {"kind": {"enum": list(KINDS)}},
            "required": ["kind"],
            "allOf": [kind(name, about) for name, about in KINDS.items()],
        },
    }


def kind(name: str, about: Kind) -> Schema:
    """The keys of an entry, if it is of that kind."""
    properties = {key: BY_WORD[what] for key, what in about.keys.items()}
    then: Schema = {"properties": {"kind": {}, **properties}, "additionalProperties": False}
    if about.one_of:
        then["anyOf"] = [{"required": [key]} for key in about.one_of]
    return {"if": {"properties": {"kind": {"const": name}}, "required": ["kind"]}, "then": then}


def cloudmesh_cc() -> Schema:
    """The form of cloudmesh-cc; other keys are accepted there, and not used."""
    node = {
        "type": "object",
        "properties": {
            **{key: {} for key in ("exec", "script", "host", "user", "label", "shape")},
            "kind": {"enum": [*ccform._KINDS, None]},
        },
    }
    chain = {"anyOf": [TEXT, {"type": "array", "items": TEXT}]}
    edge = {"type": "object", "required": ["source", "destination"]}
    workflow = {
        "type": "object",
        "properties": {
            "nodes": {"type": "object", "additionalProperties": node, "minProperties": 1},
            "dependencies": or_nothing(
                {
                    "anyOf": [
                        {"type": "array", "items": chain},
                        {"type": "object", "additionalProperties": edge},
                    ]
                }
            ),
        },
        "required": ["nodes"],
    }
    return {"type": "object", "properties": {"workflow": workflow}}

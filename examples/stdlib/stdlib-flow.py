"""Reads the sources of this machine's Python standard library, and reports on them.

    cms flow run examples/stdlib/stdlib-flow.py --view

Some 200 packages with 1,800 files: ``packages`` lists them, ``parse`` runs once
for each, two analyses look at all that was parsed, side by side, and ``report``
writes one HTML page with pictures.  The functions are plain Python: each
parameter is the value of the node of that name.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cloudmesh.flow import current, task, workflow

sys.path.insert(0, str(Path(__file__).parent))
import stdlib_page

LIBRARY = Path(sysconfig.get_path("stdlib"))
FOREIGN = {"site-packages", "dist-packages", "__pycache__"}


@task(label="listing packages", shape="square")
def packages(only: str = "") -> dict[str, Any]:
    """Every package or module at the top, with its files; `only` some: ``--param only=json,re``."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(LIBRARY.rglob("*.py")):
        inside = path.relative_to(LIBRARY)
        if not FOREIGN.intersection(inside.parts):
            found[inside.parts[0].removesuffix(".py")].append(inside.as_posix())
    # The largest first, so that none of them is left over at the end.
    names = only.split(",") if only else sorted(found)
    value = [{"name": name, "files": found[name]} for name in names]
    value.sort(key=lambda package: -len(package["files"]))
    print(f"{len(value)} packages, {sum(len(p['files']) for p in value)} files in {LIBRARY}")
    label = f"{len(value)} packages"
    return {"status": "done", "color": "orange", "shape": "square", "label": label, "value": value}


@task(on="process")  # work for the processor: worker processes, not threads
def parse(packages: dict[str, Any]) -> dict[str, Any]:
    """One package: its lines, its functions with their lengths, what it imports.

    ``parse*`` in the flow: this runs once for each element of what `packages` returned.
    """
    package = packages
    lines, unreadable, functions, imports = 0, [], [], set()
    for number, file in enumerate(package["files"], 1):
        source = (LIBRARY / file).read_bytes()
        lines += source.count(b"\n")
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):  # files that are there to be wrong
            unreadable.append(file)
            continue
        for statement, inside in statements(tree):
            imports.update(imported(statement))
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                length = statement.end_lineno - statement.lineno + 1
                functions.append([length, inside + statement.name, file, statement.lineno])
        current().progress(round(100 * number / len(package["files"])), file)
    functions.sort(reverse=True)
    value = {
        "name": package["name"],
        "files": len(package["files"]),
        "lines": lines,
        "unreadable": unreadable,
        "functions": len(functions),
        "function_lines": sum(f[0] for f in functions),
        "longest": functions[:10],
        "imports": sorted(imports - {package["name"]}),
    }
    color = "#9ad0c2" if lines < 1_000 else "#3f9c8c" if lines < 10_000 else "#1c5d57"
    return {"status": "done", "color": color, "label": package["name"], "value": value}


def statements(tree: ast.AST, inside: str = "") -> Iterator[tuple[ast.stmt, str]]:
    """Every statement below `tree`, with the dotted name of the classes and functions around it."""
    for block in ("body", "handlers", "orelse", "finalbody", "cases"):
        for node in getattr(tree, block, ()):
            if isinstance(node, ast.stmt):
                yield node, inside
            names_a_scope = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            yield from statements(node, f"{inside}{node.name}." if names_a_scope else inside)


def imported(statement: ast.stmt) -> Iterator[str]:
    """The packages that a statement imports, by their first name."""
    if isinstance(statement, ast.Import):
        for name in statement.names:
            yield name.name.partition(".")[0]
    elif isinstance(statement, ast.ImportFrom) and not statement.level:
        yield statement.module.partition(".")[0]


def longest(parse: list[dict[str, Any]]) -> dict[str, Any]:
    """The thirty longest functions of all: length, name, file, line."""
    value = sorted((f for package in parse for f in package["longest"]), reverse=True)[:30]
    for length, name, file, line in value[:3]:
        print(f"{length} lines: {name} in {file}:{line}")
    return {"status": "done", "color": "#c2410c", "shape": "hexagon", "value": value}


def imports(parse: list[dict[str, Any]]) -> dict[str, Any]:
    """Which package imports which, and how many import each."""
    known = {package["name"] for package in parse}
    edges = [[p["name"], name] for p in parse for name in p["imports"] if name in known]
    used = Counter(name for _, name in edges)
    print("most imported: " + ", ".join(f"{name} ({n})" for name, n in used.most_common(5)))
    value = {"edges": edges, "used": dict(used.most_common())}
    return {"status": "done", "color": "#4338ca", "shape": "hexagon", "value": value}


def report(
    parse: list[dict[str, Any]],
    longest: list[list[Any]],
    imports: dict[str, Any],
    out: str = "stdlib.html",
) -> dict[str, Any]:
    """One HTML page with pictures, and nothing that it loads from elsewhere."""
    path = Path(out).absolute()
    path.write_text(stdlib_page.page(parse, longest, imports), encoding="utf-8")
    print(f"the report: {path}")
    return {"status": "done", "color": "green", "value": str(path)}


w = workflow("packages; parse*; longest || imports; report")

if __name__ == "__main__":
    run = w.run()
    run.raise_for_error()

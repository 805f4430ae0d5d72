"""How Sphinx makes HTML of these pages: `make site`.

The pages are written to be read as they are, too.  So what the site needs
besides is made here: the table of contents, from the lists of README.md, and
what stands in place of a diagram that only some readers of Markdown draw.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

project = html_title = "cloudmesh-flow"
author = "The cloudmesh-flow authors"
extensions = ["myst_parser"]
root_doc = "README"
myst_heading_anchors = 4
html_theme = "furo"
html_theme_options = {"top_of_page_buttons": []}
html_show_sphinx = html_show_copyright = html_copy_source = False
suppress_warnings = ["myst.header"]  # a page may begin with a part that is generated
highlight_language = "none"
nitpicky = True

HERE = Path(__file__).parent
LINK = re.compile(r"^- \[[^]]+\]\(([\w/-]+)\.md\)", re.MULTILINE)


def contents(text: str) -> str:
    """A table of contents for each heading of README.md that has a list of pages."""
    found = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, listed = part.partition("\n")
        pages = LINK.findall(listed)
        if pages:
            head = ["```{toctree}", ":hidden:", f":caption: {title}"]
            found.append("\n".join([*head, *pages, "```"]))
    return "\n\n".join(found)


def as_table(match: re.Match[str]) -> str:
    """The arrows of a diagram of states as a table."""
    rows = re.findall(r"^ *(\w+) --> (\w+): (.*)$", match[1], re.MULTILINE)
    lines = [f"| {a} | {b} | {what} |" for a, b, what in rows]
    return "\n".join(["| from | to | by |", "|---|---|---|", *lines]) + "\n"


def inside(match: re.Match[str], page: Path) -> str:
    """A link as it is, or, where it leads out of these pages, the name of the file."""
    text, target = match.groups()
    file = (page.parent / target.partition("#")[0]).resolve()
    if "://" in target or target.startswith("#") or file.is_relative_to(HERE):
        return match[0]
    return f"{text} (`{file.relative_to(HERE.parent).as_posix()}`)"


def read(app: Any, name: str, source: list[str]) -> None:
    """What the site needs besides what stands in a page."""
    if name == root_doc:
        source[0] += "\n" + contents(source[0])
    page = HERE / f"{name}.md"
    source[0] = re.sub(r"(?<!!)\[([^]]+)\]\(([^)\s]+)\)", lambda m: inside(m, page), source[0])
    source[0] = re.sub(r"^```mermaid\n(.*?)^```\n", as_table, source[0], flags=re.M | re.S)


def finish(app: Any, error: Exception | None) -> None:
    """A folder on the web begins with index.html."""
    if error is None and app.builder.format == "html":
        shutil.copy(Path(app.outdir, "README.html"), Path(app.outdir, "index.html"))


def setup(app: Any) -> None:
    """Called by Sphinx."""
    app.connect("source-read", read)
    app.connect("build-finished", finish)

"""The live page at 100, 1,000 and 10,000 nodes, beside Cytoscape.js: `make bench-view`.

    python -m benchmarks.view [--nodes N,…] [--write docs/view.md]

Headless Chromium on this machine.  Cytoscape.js (installed by npm into
`.bench/view`) is given the same graph with the positions that our layout has
found: what is compared is drawing and keeping up, not laying out.

First picture: from the beginning of the navigation (for Cytoscape.js: of its
script, with everything loaded) to the second frame after all was drawn; the
first time that anybody opens the run, and again.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".bench" / "view"
CYTOSCAPE = "cytoscape@3.34.4"
SIZES = (100, 1_000, 10_000)
STAGES = ("fetch", "check", "clean", "train", "eval")
UPDATES = 1_000  # a second
SECONDS = 4
BEGIN, END = "<!-- bench-view -->", "<!-- /bench-view -->"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]

PICTURE = """() => new Promise((done) => {
    const look = () => {
        const [mark] = performance.getEntriesByName("picture");
        if (mark) done(mark.startTime);
        else setTimeout(look, 10);
    };
    look();
})"""

SENT = """() => ["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""

FRAMES = """async ([what, seconds]) => {
    const act = window.benchActions[what];
    const times = [];
    const end = performance.now() + seconds * 1000;
    for (let k = 0; performance.now() < end; k += 1) {
        act(k);
        times.push(await new Promise((frame) => requestAnimationFrame(frame)));
    }
    const gaps = times.slice(1).map((t, k) => t - times[k]);
    return [(gaps.length * 1000) / (times[times.length - 1] - times[0]), Math.max(...gaps)];
}"""

OURS = """() => {
    const host = document.querySelector(".picture");
    const at = (k) => 500 + 200 * Math.sin(k / 20);
    const send = (type, k) => host.dispatchEvent(new PointerEvent(type, {
        bubbles: true, pointerId: 7, button: 0, buttons: 1, clientX: at(k), clientY: 500 }));
    window.benchActions = {
        pan: (k) => { if (k === 0) send("pointerdown", k); send("pointermove", k); },
        rest: () => {},
    };
}"""

THEIRS = """([elements, seconds]) => new Promise((done) => {
    const begun = performance.now();
    const cy = window.cy = cytoscape({
        container: document.getElementById("cy"), elements, layout: { name: "preset", fit: true },
        style: [
            { selector: "node", style: { shape: "round-rectangle", width: "data(w)",
                height: "data(h)", "background-color": "#fff", "border-width": 1,
                "border-color": "#848d9a", label: "data(id)", "text-valign": "center",
                "font-size": 13 } },
            { selector: "node[status='running']", style: { "border-color": "#2a5fe0" } },
            { selector: "node[status='finished']", style: { "background-color": "#dff1ec" } },
            { selector: "edge", style: { width: 1.25, "line-color": "#848d9a",
                "curve-style": "bezier", "target-arrow-shape": "triangle" } },
        ],
    });
    const nodes = cy.nodes();
    let next = 0;
    const word = () => (next % (2 * nodes.length) < nodes.length ? "running" : "finished");
    const update = () => cy.batch(() => {
        for (let k = 0; k < 50; k += 1, next += 1)
            nodes[next % nodes.length].data("status", word());
    });
    window.benchActions = {
        pan: (k) => cy.pan({ x: 200 * Math.sin(k / 20), y: 0 }),
        rest: (k) => {
            if (k) return;
            const timer = setInterval(update, 50);
            setTimeout(() => clearInterval(timer), seconds * 1000);
        },
    };
    const frame = (then) => () => requestAnimationFrame(then);
    frame(frame(frame(() => done(performance.now() - begun))))();
})"""


def needs_of(size: int) -> dict[str, list[str]]:
    """A graph: one node, lanes of five, one node that needs them all."""
    lanes = (size - 2) // len(STAGES)
    needs: dict[str, list[str]] = {"prepare": []}
    for lane in range(lanes):
        before = "prepare"
        for stage in STAGES:
            needs[f"{stage}_{lane}"], before = [before], f"{stage}_{lane}"
    needs["report"] = [f"{STAGES[-1]}_{lane}" for lane in range(lanes)]
    return needs


# -- the server: a process of its own, with the run in it -------------------------------
def serve(size: int) -> None:
    """Serve one run; each line of input makes it go on for some seconds."""
    sys.path.insert(0, str(ROOT / "tests" / "server"))
    from hand import Hand, make_flow

    from cloudmesh.flow.server.serve import serve_in_thread
    from cloudmesh.flow.store.opening import open_store

    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{folder}/flow.db")
        needs = needs_of(size)
        hand = Hand(store, make_flow(needs, name="bench"), begun=time.time())
        hand.run_all("prepare")
        server = serve_in_thread(store, port=0)
        print(json.dumps({"link": server.link, "url": server.url, "run": hand.id}), flush=True)
        for _ in sys.stdin:
            go_on(hand, list(needs)[1:-1])
        server.stop()
        store.close()


def go_on(hand: Any, names: list[str]) -> None:
    """So many updates a second, in twenty batches: nodes start, and then tell their progress."""
    from cloudmesh.flow.run import events as ev

    begun = time.monotonic()
    per_batch = UPDATES // 20
    for batch in range(20 * SECONDS):
        hand.now = time.time()
        events = []
        for k in range(per_batch):
            name = names[(batch * per_batch + k) % len(names)]
            new = not hand.run.attempt[hand.number(name)]
            events.append(hand.started(name) if new else hand.progress(name, batch % 100))
            hand.run.apply(events[-1])
        hand.journal.append(ev.encode(events, hand.run.name_json.__getitem__))
        time.sleep(max(0.0, begun + (batch + 1) / 20 - time.monotonic()))


# -- the browser ---------------------------------------------------------------------
def measure(page: Any, seconds: int) -> dict[str, float]:
    """Frames a second while panning, and the heap after a collection, in MB."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    pan, worst = page.evaluate(FRAMES, ["pan", seconds])
    return {"heap": heap, "pan": pan, "pan_worst": worst}


def ours(browser: Any, size: int) -> tuple[dict[str, float], list[dict[str, Any]]]:
    """Our page; and the same graph as elements for Cytoscape.js."""
    command = [sys.executable, "-m", "benchmarks.view", "--serve", str(size)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        about = json.loads(child.stdout.readline())
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        page.goto(about["link"])  # the list: who opens a run has mostly been there
        page.wait_for_selector("a.run-row")
        found: dict[str, float] = {}
        for name in ("first", "again"):
            page.goto(f"{about['url']}/runs/{about['run']}", wait_until="commit")
            found[name] = page.evaluate(PICTURE)
            page.wait_for_timeout(1000)
            if "wire" not in found:  # the first time, when nothing of the page is kept yet
                found["wire"] = page.evaluate(SENT) / 1e6
        elements = as_elements(page, about["run"])
        page.evaluate(OURS)
        found |= measure(page, SECONDS)
        child.stdin.write("go\n")
        child.stdin.flush()
        found["live"], found["live_worst"] = page.evaluate(FRAMES, ["rest", SECONDS])
        child.stdin.close()
        context.close()
    return found, elements


def as_elements(page: Any, run: str) -> list[dict[str, Any]]:
    """Nodes with their places, and edges, from the layout."""
    layout = page.evaluate(f"fetch('/api/runs/{run}/layout').then((r) => r.json())")
    edges = page.evaluate(f"fetch('/api/runs/{run}/edges').then((r) => r.json())")
    elements: list[dict[str, Any]] = []
    for item in layout["items"]:
        if item["kind"] == "node":
            place = {"x": item["x"] + item["w"] / 2, "y": item["y"] + item["h"] / 2}
            data = {"id": item["key"], "w": item["w"], "h": item["h"], "status": "pending"}
            elements.append({"data": data, "position": place})
    known = {element["data"]["id"] for element in elements}
    elements += [
        {"data": {"source": e["from"], "target": e["to"]}}
        for e in edges
        if e["from"] in known and e["to"] in known
    ]
    return elements


def cytoscape(browser: Any, elements: list[dict[str, Any]]) -> dict[str, float]:
    """The same in Cytoscape.js."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_content('<div id="cy" style="position:fixed;inset:0"></div>')
    page.add_script_tag(path=str(FOLDER / "node_modules/cytoscape/dist/cytoscape.min.js"))
    found = {"first": page.evaluate(THEIRS, [elements, SECONDS])}
    page.wait_for_timeout(500)
    found |= measure(page, SECONDS)
    found["live"], found["live_worst"] = page.evaluate(FRAMES, ["rest", SECONDS])
    context.close()
    return found


def install() -> bool:
    """Cytoscape.js, into a folder of the benchmark's own; False where npm cannot."""
    if (FOLDER / "node_modules" / "cytoscape").exists():
        return True
    npm = shutil.which("npm")
    if npm is None:
        return False
    FOLDER.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [npm, "install", "--silent", "--prefix", str(FOLDER), CYTOSCAPE], check=False
    )
    return done.returncode == 0


def table(rows: list[tuple[int, str, dict[str, float]]]) -> str:
    """The figures as a table of Markdown."""
    lines = [
        "| nodes | | first picture | again | frames/s, panning | frames/s, 1,000 updates/s "
        "| heap | sent |",
        "|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    for size, name, f in rows:
        sent = f"{f['wire']:.2f} MB" if "wire" in f else ""
        again = f"{f['again'] / 1000:.2f} s" if "again" in f else ""
        lines.append(
            f"| {size:,} | {name} | {f['first'] / 1000:.2f} s | {again} | {f['pan']:.0f} "
            f"| {f['live']:.0f} | {f['heap']:.0f} MB | {sent} |"
        )
    return "\n".join(lines)


def write(file: Path, text: str) -> None:
    """Put the table between its two marks."""
    page = file.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    file.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="the live page, measured")
    parser.add_argument("--nodes", default=",".join(map(str, SIZES)))
    parser.add_argument("--write", type=Path)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    beside = install()
    rows = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        for size in map(int, arguments.nodes.split(",")):
            found, elements = ours(browser, size)
            rows.append((size, "this page", found))
            if beside:
                rows.append((size, "Cytoscape.js", cytoscape(browser, elements)))
        browser.close()
    text = table(rows)
    print(text)
    if not beside:
        print("NOT MEASURED: Cytoscape.js (needs npm)", file=sys.stderr)
    if arguments.write:
        write(arguments.write, text)


if __name__ == "__main__":
    main()

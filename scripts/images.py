"""Takes the pictures of docs/images: the live page, light and dark.

Needs chromium; in the type of the drawings where Inter is installed (fonts-inter).

    .venv/bin/python scripts/images.py [NAME…]

`run` is the demo itself, run by a real engine.  For the others what happens in
the run is written down here, so that the same moment is shown every time.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent
IMAGES = Path(os.environ.get("IMAGES", ROOT / "docs" / "images"))
sys.path.insert(0, str(ROOT / "tests" / "server"))

from hand import Hand, make_flow  # noqa: E402

from cloudmesh.flow.model.flow import Look, Parameter, Task  # noqa: E402
from cloudmesh.flow.server.serve import serve_in_thread  # noqa: E402
from cloudmesh.flow.store.opening import open_store  # noqa: E402

# The page takes the system's own font; on these pictures that is the one of the drawings.
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><match><test name="family"><string>DejaVu Sans</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match>
<include>/etc/fonts/fonts.conf</include></fontconfig>"""
DEMO = ["flow", "run", "examples/stdlib/stdlib-flow.py", "--parallel", "4", "--view", "--port", "0"]
WIDE, PHONE = (1440, 900), (390, 844)
PACKAGES = sorted(sys.stdlib_module_names - {"this", "antigravity"})[:201]
SHOTS: dict[str, Callable[[Stage], None]] = {}


class Stage:
    """A store with runs, a server over it, and a page."""

    def __init__(self, store: Any, url: str, page: Page) -> None:
        self.store, self.url, self.page = store, url, page

    def open(self, path: str, size: tuple[int, int] = WIDE, ready: str = "") -> None:
        """Go to a page and wait until it shows what is wanted."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.goto(self.url + path)
        self.page.locator(ready or "[role=treegrid] [role=row]").first.wait_for()
        self.page.wait_for_timeout(600)  # fades and folds have ended

    def take(self, name: str) -> None:
        """The picture in light and in dark."""
        for theme in ("light", "dark"):
            self.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            self.page.wait_for_timeout(300)
            ending = "" if theme == "light" else "-dark"
            self.page.screenshot(path=IMAGES / f"{name}{ending}.png")
        self.page.emulate_media(color_scheme="light")


def shot(function: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """A picture, by the name of its function."""
    SHOTS[function.__name__.replace("_", "-")] = function
    return function


# -- runs -------------------------------------------------------------------------------
def stdlib(stage: Stage, run: str, ago: float) -> Hand:
    """A run of the flow of the demo that has begun some seconds ago."""
    needs: dict[str, list[str]] = {"packages": [], "parse": ["packages"]}
    needs |= {"longest": ["parse"], "imports": ["parse"]}
    needs |= {"report": ["longest", "imports"]}
    tasks = {
        "packages": Task(done=Look(color="orange", shape="square", label="201 packages")),
        "parse": Task(retries=2, parameters=(Parameter("packages"),)),
        "longest": Task(parameters=(Parameter("parse"),)),
        "imports": Task(on="lab", parameters=(Parameter("parse"),)),
        "report": Task(parameters=(Parameter("longest"), Parameter("imports"))),
    }
    flow = make_flow(needs, {"parse": "packages"}, tasks, name="stdlib")
    return Hand(stage.store, flow, run, begun=time.time() - ago)


def listed(hand: Hand) -> None:
    """The first node has run: 201 packages are known."""
    hand.batch(hand.started("packages"), seconds=0.18)
    hand.batch(hand.finished("packages", PACKAGES), seconds=0.05)


def parsed(hand: Hand, until: int, at_once: int = 8, bad: tuple[int, ...] = ()) -> None:
    """Elements run, so many at once, until so many have ended; the bad ones fail once."""
    dice = random.Random(7)
    going: list[int] = []
    waiting = list(range(len(PACKAGES)))
    ended = 0
    while ended < until and (going or waiting):
        while waiting and len(going) < at_once:
            going.append(waiting.pop(0))
            hand.batch(hand.started(f"parse[{going[-1]}]"), seconds=0.01)
        k = going.pop(dice.randrange(len(going)))
        name = f"parse[{k}]"
        if k in bad:
            error = hand.failed(name, "OSError", "Too many open files")
        else:
            error = hand.finished(name, k)
            ended += 1
        hand.batch(error, seconds=dice.uniform(0.05, 0.13))
    for k, i in enumerate(going):
        hand.batch(hand.progress(f"parse[{i}]", 82 - 11 * k), seconds=0.01)


def wait(hand: Hand, name: str, seconds: float, attempt: int) -> None:
    """A node fails and waits for its next attempt."""
    at = hand.now + seconds
    reason = f"retry {attempt} at {time.strftime('%H:%M:%S', time.gmtime(at))}"
    error = hand.failed(name, "OSError", "Too many open files", retry_at=at, reason=reason)
    hand.batch(error, seconds=seconds)


def retried(hand: Hand, name: str, waits: tuple[float, ...]) -> None:
    """A node fails, waits, and is finished at its last attempt."""
    hand.batch(hand.started(name), seconds=1.2)
    for k, seconds in enumerate(waits):
        wait(hand, name, seconds, k + 2)
        again = hand.started(name, f"retry {k + 2} of {len(waits) + 1} after OSError")
        hand.batch(again, seconds=1.1)
    hand.batch(hand.finished(name, 1), seconds=0.1)


SOURCE = """\
  File "analyse.py", line 31, in parse
    tree = ast.parse(text, path)
           ^^^^^^^^^^^^^^^^^^^^^
  File "lib2to3/tests/data/py2_test_grammar.py", line 31
    print 1, 2, 3
    ^^^^^^^^^^^^^
SyntaxError: Missing parentheses in call to 'print'. Did you mean print(...)?"""


def failed_run(stage: Stage, run: str, ago: float) -> Hand:
    """One element of 201 is wrong, and three nodes are blocked."""
    hand = stdlib(stage, run, ago)
    listed(hand)
    parsed(hand, 96)
    for i in [k for k in range(201) if hand.run.status[hand.number(f"parse[{k}]")] == 1]:
        hand.batch(hand.finished(f"parse[{i}]", 1), seconds=0.1)
    bad = "parse[96]" if hand.run.status[hand.number("parse[96]")] == 0 else "parse[150]"
    rest = [f"parse[{k}]" for k in range(201)]
    for name in [n for n in rest if hand.run.status[hand.number(n)] == 0]:
        hand.batch(hand.started(name), seconds=0.52 if name == bad else 0.1)
        if name == bad:
            message = "Missing parentheses in call to 'print'. Did you mean print(...)?"
            hand.journal.write_log(name, 1, "stdout", "100 files in lib2to3\nfixes/: 53 parsed\n")
            hand.batch(hand.failed(name, "SyntaxError", message, traceback=SOURCE), seconds=0.01)
        else:
            hand.batch(hand.finished(name, 1), seconds=0.01)
    hand.batch(hand.end("error"), seconds=0.1)
    return hand


def thousand(stage: Stage, run: str) -> Hand:
    """1,000 nodes in thirteen stages; three errors."""
    needs: dict[str, list[str]] = {"prepare": []}
    fetch = [f"fetch_{k:02}" for k in range(90)]
    needs |= {n: ["prepare"] for n in fetch}
    check = [f"check_{k:02}" for k in range(90)]
    needs |= {c: [f] for c, f in zip(check, fetch, strict=True)}
    ends = []
    for r in range(15):
        at = f"{r:02}"
        needs[f"clean_{at}"] = list(check)
        last = [f"clean_{at}"]
        for stage_name, wide, deep in (("features", 6, 2), ("train", 6, 3), ("eval", 4, 2)):
            lanes = []
            for k in range(wide):
                before = list(last)
                for d in range(deep):
                    name = f"{stage_name}_{at}_{k + wide * d}"
                    needs[name], before = before, [name]
                lanes += before
            joint = {"features": "split", "train": "pick", "eval": "mean"}[stage_name]
            needs[f"{joint}_{at}"], last = lanes, [f"{joint}_{at}"]
        ends += last
    pack = [f"pack_{k:02}" for k in range(90)]
    needs |= {n: list(ends) for n in pack}
    publish = [f"publish_{k:02}" for k in range(90)]
    needs |= {p: [k] for p, k in zip(publish, pack, strict=True)}
    summary = [f"summary_{k}" for k in range(8)]
    needs |= {s: list(publish) for s in summary} | {"report": summary}
    hand = Hand(stage.store, make_flow(needs, name="regions"), run, begun=time.time() - 372)
    dice = random.Random(3)
    bad = {"train_03_2", "train_08_4", "features_12_1"}
    done: set[str] = set()
    limit = {f"{r:02}": dice.randint(11, 34) for r in range(15)}
    for name, wanted in needs.items():
        region = next((part for part in name.split("_")[1:] if len(part) == 2), "")
        if name.startswith(("fetch", "check")):
            region = ""
        if name.startswith(("pack", "publish", "summary", "report")):
            break
        if not done.issuperset(wanted):
            continue
        if region and limit.get(region, 99) <= 0 and name not in bad:
            if all(n in done for n in wanted) and dice.random() < 0.6:
                hand.batch(hand.started(name), seconds=0.01)
            continue
        hand.batch(hand.started(name), seconds=0.1)
        if name in bad:
            hand.batch(hand.failed(name, "ValueError", "no rows left"), seconds=0.4)
            continue
        if region in limit:
            limit[region] -= 1
        hand.batch(hand.finished(name, 1), seconds=0.45)
        done.add(name)
    return hand


# -- the pictures ------------------------------------------------------------------------
@shot
def greet(stage: Stage) -> None:
    """The flow of docs/start.md, two of its four greetings done."""
    needs = {"names": [], "greet": ["names"], "letter": ["greet"]}
    tasks = {
        "greet": Task(parameters=(Parameter("names"),)),
        "letter": Task(parameters=(Parameter("greet"),)),
    }
    flow = make_flow(needs, {"greet": "names"}, tasks, name="greet")
    hand = Hand(stage.store, flow, "f7m2k8qa", begun=time.time() - 2.8)
    hand.batch(hand.started("names"), seconds=0.01)
    hand.batch(hand.finished("names", ["Ada", "Grace", "Edsger", "Barbara"]), seconds=0.01)
    hand.batch(*(hand.started(f"greet[{i}]") for i in range(4)), seconds=1.5)
    hand.batch(hand.finished("greet[0]", "Hello Ada!"), seconds=1.0)
    hand.batch(hand.finished("greet[1]", "Hello Grace!"), seconds=0.2)
    stage.open("/runs/f7m2k8qa", (1200, 640), ready='[role=row][data-node="letter"]')
    stage.take("greet")
    hand.journal.close()


@shot
def before(stage: Stage) -> None:
    """Nothing has run yet: the whole graph is there."""
    hand = stdlib(stage, "b3f0reab", 1)
    stage.open("/runs/b3f0reab")
    stage.take("before")
    hand.journal.close()  # not before: while it is open its engine is there


@shot
def during(stage: Stage) -> None:
    """A map in the middle of its elements, one of which waits to retry."""
    hand = stdlib(stage, "k7q2m9xd", 14.2)
    listed(hand)
    parsed(hand, 146)
    hand.batch(hand.started("parse[170]"), seconds=0.1)
    wait(hand, "parse[170]", 4, 2)
    hand.now = time.time()
    stage.open("/runs/k7q2m9xd", ready='.cell[data-node="parse[7]"]')
    stage.take("during")
    hand.journal.close()
    stage.page.locator(".notice-band", has_text="The engine of this run is gone").wait_for()
    stage.take("engine-lost")


@shot
def after(stage: Stage) -> None:
    """All is done; and the gantt of the same run."""
    hand = stdlib(stage, "m3x8t0qa", 480)
    listed(hand)
    retried(hand, "parse[34]", (4.0, 8.0))
    retried(hand, "parse[96]", (4.0,))
    parsed_rest(hand)
    hand.batch(hand.started("longest"), seconds=4.2)
    hand.batch(hand.finished("longest", 1), seconds=3.7)
    hand.batch(hand.started("imports", where="lab-02"), seconds=9.2)
    hand.batch(hand.finished("imports", 1), seconds=0.1)
    hand.batch(hand.started("report"), seconds=2.4)
    hand.batch(hand.finished("report", 1), seconds=0.1)
    hand.batch(hand.end(), seconds=0.1)
    stage.open("/runs/m3x8t0qa", ready='.cell[data-node="parse[7]"]')
    stage.take("after")
    stage.open("/runs/m3x8t0qa?view=gantt&node=parse[34]", ready=".gantt-card")
    stage.take("gantt")


def parsed_rest(hand: Hand) -> None:
    """All elements that have not run yet, eight at once."""
    left = [f"parse[{k}]" for k in range(201)]
    left = [n for n in left if hand.run.status[hand.number(n)] == 0]
    dice = random.Random(5)
    going: list[str] = []
    while left or going:
        while left and len(going) < 8:
            going.append(left.pop(0))
            hand.batch(hand.started(going[-1]), seconds=0.005)
        name = going.pop(dice.randrange(len(going)))
        hand.batch(hand.finished(name, 1), seconds=dice.uniform(0.05, 0.13))


@shot
def error(stage: Stage) -> None:
    """An error with its traceback; narrower; and on a phone."""
    failed_run(stage, "h2v9n4re", 1760)
    stage.open("/runs/h2v9n4re", ready='[role=row][data-node="parse"]')
    stage.page.keyboard.press("e")
    stage.page.locator(".inspector-name").wait_for()
    stage.page.wait_for_timeout(400)
    stage.take("error")
    stage.open("/runs/h2v9n4re", (1024, 768))
    stage.page.keyboard.press("e")
    stage.page.wait_for_timeout(400)
    stage.take("error-1024")
    stage.open("/runs/h2v9n4re", PHONE, ".error-band")
    stage.take("phone")
    stage.page.click(".error-band button")
    stage.page.wait_for_timeout(400)
    stage.take("phone-inspector")


@shot
def thousand_nodes(stage: Stage) -> None:
    """1,000 nodes at once."""
    hand = thousand(stage, "c3v8e1yd")
    stage.open("/runs/c3v8e1yd", ready='.picture[data-level="bars"]')
    stage.take("thousand-nodes")
    hand.journal.close()


@shot
def runs(stage: Stage) -> None:
    """Flows and runs."""
    now = time.time()
    for name, size, ended in (("vm-smoke", 9, 12), ("backup", 4, 12), ("thesis-figures", 61, 12)):
        needs = {f"n{k}": ([f"n{k - 1}"] if k else []) for k in range(size)}
        for k in range(ended):
            begun = now - 7000 - 90000 * (ended - k) / ended
            hand = Hand(stage.store, make_flow(needs, name=name), f"{name[:2]}{k:06}", begun=begun)
            hand.run_all(*needs)
            hand.batch(hand.end())
    wide = {f"image_{k}": [] for k in range(38)}
    hand = Hand(
        stage.store,
        make_flow(wide, name="nightly-images"),
        "w5j1y8tk",
        {"tag": "2026.11"},
        now - 6000,
    )
    hand.run_all(*(f"image_{k}" for k in range(24)))
    hand.batch(hand.end("interrupted"))
    failed_run(stage, "h2v9n4rf", 1760)
    sweep = {f"seed_{k}": [] for k in range(52)}
    hand = Hand(
        stage.store,
        make_flow(sweep, name="sweep-lr"),
        "b81c0w5z",
        {"lr": 3e-4, "seeds": 40},
        now - 1200,
    )
    hand.run_all(*(f"seed_{k}" for k in range(31)))
    hand.batch(hand.started("seed_31"))
    hand.journal.close()
    hand = stdlib(stage, "k7q2m9xe", 14)
    listed(hand)
    parsed(hand, 120)
    stage.open("/", ready='.chip:text-is("All 40")')  # what is counted is a second old
    stage.take("list")
    hand.journal.close()


def run(page: Page, folder: str) -> None:
    """The demo, when a quarter is done."""
    command = [str(Path(sys.executable).with_name("cms")), *DEMO]
    with subprocess.Popen(
        [*command, "--param", f"out={folder}/stdlib.html"],
        cwd=ROOT,
        env=os.environ | {"CLOUDMESH_FLOW_STORE": f"sqlite:///{folder}/demo.db"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as demo:
        assert demo.stderr is not None
        link = next(found for line in demo.stderr if (found := re.search(r"http://\S+", line)))
        page.goto(link[0])
        page.locator("svg [data-node=packages][data-status=finished]").first.wait_for()
        page.reload()  # a map that is known when the page comes is open
        page.locator("svg [data-status=finished]").nth(30).wait_for(state="attached")
        Stage(None, "", page).take("run")
        demo.terminate()


@contextmanager
def stages(browser: Any) -> Iterator[Stage]:
    """A store of its own for each picture, so that one is not seen in another."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"HOME": folder, "CLOUDMESH_FLOW_STORE": f"sqlite:///{folder}/flow.db"}
        store = open_store()
        server = serve_in_thread(store, port=0)
        context = browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
        page = context.new_page()
        page.goto(server.link)
        yield Stage(store, server.url, page)
        context.close()
        server.stop()
        store.close()


def main(names: list[str]) -> None:
    """Take the pictures that are named, or all."""
    unknown = set(names) - set(SHOTS) - {"run"}
    if unknown:
        sys.exit(f"no picture {', '.join(unknown)}; there are run, {', '.join(SHOTS)}")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        fonts = Path(folder, "fonts.conf")
        fonts.write_text(FONTS)
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox"],
            env=os.environ | {"FONTCONFIG_FILE": str(fonts)},
        )
        for name, take in SHOTS.items():
            if not names or name in names:
                with stages(browser) as stage:
                    take(stage)
        if not names or "run" in names:
            run(browser.new_page(viewport={"width": WIDE[0], "height": WIDE[1]}), folder)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])

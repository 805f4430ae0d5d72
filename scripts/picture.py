"""Takes docs/images/run.png, the live page during the demo; needs chromium."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parent.parent
RUN = ["flow", "run", "examples/stdlib/stdlib-flow.py", "--parallel", "4", "--view", "--port", "0"]


def main() -> None:
    """Run the demo, open its link, wait until a quarter is done, and take the picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        with subprocess.Popen(
            [Path(sys.executable).with_name("cms"), *RUN, "--param", f"out={folder}/stdlib.html"],
            cwd=ROOT,
            env=os.environ | {"CLOUDMESH_FLOW_STORE": f"sqlite:///{folder}/flow.db"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as run:
            assert run.stderr is not None
            link = next(found for line in run.stderr if (found := re.search(r"http://\S+", line)))
            page.goto(link[0])
            page.locator("svg [data-node=packages][data-status=finished]").first.wait_for()
            page.reload()  # a map that is known when the page comes is open
            page.locator("svg [data-status=finished]").nth(30).wait_for(state="attached")
            page.screenshot(path=ROOT / "docs/images/run.png")
            run.terminate()
        browser.close()


if __name__ == "__main__":
    main()

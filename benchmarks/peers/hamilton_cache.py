"""Hamilton with its cache on disk: a module of functions, whose parameters are the graph.

Nodes that sleep run in threads (`FutureAdapter`), others one after another,
which is faster.
"""

from __future__ import annotations

import logging
import sys
from importlib import util
from pathlib import Path
from time import perf_counter
from types import ModuleType

from hamilton import driver
from hamilton.plugins.h_threadpool import FutureAdapter

from benchmarks.shapes import Shape, function


def measure(shape: Shape, folder: Path) -> float:
    """Seconds from the module to the results in hand."""
    logging.getLogger("hamilton").setLevel(logging.ERROR)
    needs = shape.needs()
    module = module_of(shape, needs, folder)
    start = perf_counter()
    builder = driver.Builder().with_modules(module).with_cache(str(folder / "cache"))
    if shape.seconds:
        builder = builder.with_adapters(FutureAdapter(max_workers=shape.threads))
    found = builder.build().execute(list(needs))
    values = [found[name] for name in needs]
    seconds = perf_counter() - start
    shape.check(values)
    return seconds


def module_of(shape: Shape, needs: dict[str, list[str]], folder: Path) -> ModuleType:
    """The functions in a file, as a user would write them: Hamilton reads their source."""
    kind = "bytes" if shape.size else "int"
    text = "".join(
        f"def {name}({', '.join(f'{one}: {kind}' for one in before)}) -> {kind}:\n"
        f"    return _call({', '.join(before) if shape.size else ''})\n\n\n"
        for name, before in needs.items()
    )
    file = folder / "flow.py"
    file.write_text(text, encoding="utf-8")
    spec = util.spec_from_file_location(f"flow_{folder.name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    vars(module)["_call"] = function(shape)
    sys.modules[module.__name__] = module
    spec.loader.exec_module(module)
    return module

"""``python -m cloudmesh.flow …``: ``cms flow …`` where no ``cms`` is on the path."""

from __future__ import annotations

import sys

from cloudmesh.flow.cli.main import main

if __name__ == "__main__":
    if sys.argv[1:2] != ["flow"]:  # who writes it as behind cms means the same
        sys.argv.insert(1, "flow")
    main()

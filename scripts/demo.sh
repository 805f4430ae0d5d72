#!/bin/sh
# Runs examples/stdlib on a store of its own (.demo/flow.db): on a terminal the
# link of the live page is printed and served until Ctrl-C; in a pipe, or with
# CI=true, it ends by itself.
set -eu
cd "$(dirname "$0")/.."
mkdir -p .demo
export CLOUDMESH_FLOW_STORE=sqlite:///.demo/flow.db
exec .venv/bin/cms flow run examples/stdlib/stdlib-flow.py --param out=.demo/stdlib.html --parallel 4 --view

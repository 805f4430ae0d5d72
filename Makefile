# cloudmesh-flow: everything that a clone can do. Needs Python 3.11 or newer and
# git; what it installs goes into .venv, pinned by requirements/*.txt.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-deps test-all soak check bench bench-anywhere bench-peers bench-growth bench-view docs site clean

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -q
FAST := tests $(addprefix --ignore tests/,acceptance contract/test_executors.py docs real)

help:
	@echo "make demo       run a real flow and watch it in the browser"
	@echo "make test       all tests that this machine can run (under ten minutes)"
	@echo "make test-deps  install what the other tests need (Debian, Ubuntu; as root)"
	@echo "make test-all   the long proofs too"
	@echo "make soak       a thousand histories with crashes, from a new seed (SEEDS=1000)"
	@echo "make check      style, types and the fast tests (under a minute)"
	@echo "make bench      the benchmarks, beside others; writes docs/performance.md"
	@echo "make bench-peers  the same beside more, each in its own environment (ROUNDS=5, SHORT=1)"
	@echo "make bench-anywhere  nodes in processes, over SSH, on Dask and Slurm, in a machine (SHORT=1)"
	@echo "make bench-growth nodes, runs and engines, from few to many"
	@echo "make bench-view the live page beside Cytoscape.js; writes docs/view.md"
	@echo "make docs       write the generated parts of the documentation anew"
	@echo "make site       the documentation as HTML, in build/site"
	@echo "make clean      remove what these commands have made"

demo: .venv/.run
	@scripts/demo.sh

test: .venv/.test
	@$(PYTEST) -m "not slow" --reruns 1 tests

test-all: .venv/.test .venv/.bench
	@$(PYTEST) --hypothesis-profile=search tests

test-deps:
	@scripts/test-deps.sh

SEEDS := 1000
soak: .venv/.test
	@$(BIN)/python -m cloudmesh.flow.testing $$(date +%s) --soak $(SEEDS)

check: .venv/.test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(PYTEST) -m "not slow and not real" -k "not ferretdb and not mongodb" $(FAST)

bench: .venv/.bench
	@$(BIN)/python -m benchmarks --write docs/performance.md

# ROUNDS=, PEERS= and JOBS= narrow it, SHORT=1 takes minutes; only the whole writes the page.
bench-peers: .venv/.run
	@$(BIN)/python -m benchmarks.beside $(if $(ROUNDS),--rounds $(ROUNDS)) \
	    $(if $(PEERS),--peers $(PEERS)) $(if $(JOBS),--jobs $(JOBS)) \
	    $(if $(SHORT),--short) $(if $(SHORT)$(PEERS)$(JOBS),,--write docs/performance.md)

bench-anywhere: .venv/.test .venv/.bench
	@$(BIN)/python -m benchmarks.anywhere \
	    $(if $(SHORT),--short --rounds 1,--write docs/performance.md)

bench-growth: .venv/.run
	@$(BIN)/python -m benchmarks.growth $(if $(SHORT),--short,--write docs/performance.md)

bench-view: .venv/.test
	@$(BIN)/python -m benchmarks.view --write docs/view.md

docs: .venv/.test
	@$(BIN)/python scripts/docs.py

site: .venv/.docs
	@$(BIN)/python -m sphinx -q -W --keep-going -d build/doctrees docs build/site
	@echo "build/site/index.html"

clean:
	rm -rf .venv .demo .bench build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage src/*.egg-info
	find src tests examples benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# What is installed, and the stamp that says so: a second `make` is instant.
.venv/bin/python:
	@scripts/venv.sh run

.venv/.run: requirements/run.txt pyproject.toml | .venv/bin/python
	@scripts/venv.sh run

.venv/.test: .venv/.run requirements/test.txt
	@scripts/venv.sh test

.venv/.docs: .venv/.run requirements/docs.txt
	@scripts/venv.sh docs

.venv/.bench: .venv/.run requirements/bench.txt
	@scripts/venv.sh bench

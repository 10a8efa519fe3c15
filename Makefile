# Everything from nothing: Python 3.11, pip, make, git and a package index are all that is needed.
# `make demo` is the place to start.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# --without-pip: a bare Debian python3 has no ensurepip; the machine's own pip installs into the environment.
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check
# Bytecode is made at install: without it every start of the program costs a second more.
INSTALL := $(PIP) install --quiet --no-deps --compile --require-hashes
LOCK_OPTIONS := --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock"

DATA ?= $(if $(KONKURS_DATA_DIR),$(KONKURS_DATA_DIR),data)
PORT ?= 3000

.PHONY: help setup demo dev test check bench lock clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: $(VENV)/.runtime  ## .venv with konkurs and dagster, from the lock file

$(VENV)/.runtime: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv --without-pip $(VENV)
	$(INSTALL) -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(INSTALL) -r requirements-dev.lock
	touch $@

demo: setup  ## the main job: Brreg's 15 test notices through the whole pipeline
	$(BIN)/konkurs demo

# The simulator also serves a generated year up to today, and new notices as they fall due. The first Ctrl-C ends all.
dev: setup  ## the simulator, Dagster's UI on port 3000 and its daemon: watch the schedule poll
	mkdir -p $(DATA)/dagster && cp dagster.yaml $(DATA)/dagster/
	$(BIN)/konkurs simulate --seed 1 & simulator=$$!; trap 'kill $$simulator' EXIT INT TERM; \
	DAGSTER_HOME=$(abspath $(DATA)/dagster) PATH="$(abspath $(BIN)):$$PATH" \
	$(BIN)/dagster dev --workspace workspace.yaml --host 127.0.0.1 --port $(PORT)

test: check  ## lint, types and tests, from nothing
	$(BIN)/pytest -n 2 --dist loadfile

check: $(VENV)/.dev  ## lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: setup  ## whole-process times beside a floor; the last lines are JSON
	$(BIN)/python bench/bench.py

clean:  ## remove .venv and what tools left (never data)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

lock: $(VENV)/.dev  ## new lock files from pyproject.toml (uv writes them, pip installs from them)
	$(BIN)/uv pip compile pyproject.toml --group build -o requirements.lock $(LOCK_OPTIONS)
	$(BIN)/uv pip compile --group dev -c requirements.lock -o requirements-dev.lock $(LOCK_OPTIONS)

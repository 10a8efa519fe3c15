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

.PHONY: help setup demo dev test long quick newest check bench docs shapes soak soak-core many many-test many-soak soak-processes fuzz coverage audit sbom lock clean
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

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
	@$(BIN)/python deploy/dev.py --data "$(DATA)" --port $(PORT)

# In memory where there is room: half of the time would go into syncs of files that nobody keeps.
SCRATCH := $(shell df --output=avail /dev/shm 2>/dev/null | awk 'NR == 2 && $$1 > 4000000 {print "/dev/shm"}')
pytest = scratch=$$(mktemp -d -p $(or $(SCRATCH),/tmp)) && trap 'rm -rf $$scratch' EXIT && \
	POLARS_MAX_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile --basetemp=$$scratch/tests -m "$(1)"
test: check  ## lint, types and tests, from nothing
	$(call pytest,not long)

long: $(VENV)/.dev  ## what takes too long for each change: kills, full disks, bombs, simulated days (CI runs it too)
	$(call pytest,long)

quick: $(VENV)/.dev  ## the rules, the settings and Brreg's test notices through the pipeline: for a first look
	$(BIN)/pytest -q -n 2 --dist loadfile tests/domain tests/test_settings.py tests/pipeline/test_brreg_notices.py

# In an environment of its own, beside the locked one; not in CI: what others publish must not stop a landing.
NEWEST := build/newest
newest: $(VENV)/.dev  ## the tests with the newest dagster, duckdb and polars on the index, not the locked ones
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(NEWEST)
	sed -E 's/^( *"(dagster|dagster-webserver|duckdb|polars))[=><][^"]*"/\1"/' pyproject.toml > $(NEWEST)/pyproject.toml
	$(BIN)/uv pip compile $(NEWEST)/pyproject.toml --group $(NEWEST)/pyproject.toml:build \
		--group $(NEWEST)/pyproject.toml:dev --python-version 3.11 --quiet -o $(NEWEST)/requirements.txt
	$(BIN)/uv pip install --quiet --python $(NEWEST)/bin/python -r $(NEWEST)/requirements.txt
	$(BIN)/uv pip install --quiet --python $(NEWEST)/bin/python --no-deps --no-build-isolation --editable .
	grep -E '^(dagster|dagster-webserver|duckdb|polars)==' $(NEWEST)/requirements.txt
	POLARS_MAX_THREADS=1 $(NEWEST)/bin/pytest -n 2 --dist loadfile $(TESTS)

check: $(VENV)/.dev  ## lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# SCALE=full: ten years and ten million customers (an hour on 2 cores). BENCH_DATA=…: a folder that keeps the made data.
bench: setup  ## times beside a floor, one JSON object a measurement; SCALE=full, MEASURE=… (docs/performance.md)
	SCALE=$(SCALE) BENCH_DATA=$(BENCH_DATA) $(BIN)/python -m bench $(MEASURE)

docs: setup  ## what is generated: docs/data_dictionary.md, tables of docs/decision-table.md, the JSON Schemas
	$(BIN)/python -m konkurs_pipeline.storage.readers.decision_table < docs/decision-table.md > docs/.new
	mv docs/.new docs/decision-table.md
	$(BIN)/python -m konkurs_pipeline.storage.readers.dictionary > docs/data_dictionary.md
	$(BIN)/python -m konkurs_pipeline.contracts.json_schemas konkurs_pipeline/contracts/schemas

shapes: setup  ## tests/storage/shapes: the tables and columns of the present store version
	$(BIN)/python -m tests.storage.store_shape

# A failing seed again: make soak SEEDS=1 FIRST=17
soak: $(VENV)/.dev  ## simulated bank-years, SEEDS=… of them: nothing lost, doubled, wrong or leaked (docs/assurance.md)
	$(BIN)/python -m tests.simulation.soak --seeds $(or $(SEEDS),4) --first-seed $(or $(FIRST),1) --days $(or $(DAYS),365) \
		--trouble $(or $(TROUBLE),1)

many: $(VENV)/.many  ## many banks in one installation, to see: PostgreSQL, BANKS=20 code servers, a daemon, a web server
	$(BIN)/python -m tests.many --banks $(or $(BANKS),20)

many-test: $(VENV)/.many  ## three banks in one installation, each with its own trouble (minutes; needs PostgreSQL)
	MANY_BANKS=1 $(BIN)/pytest -q tests/many

many-soak: $(VENV)/.many  ## twenty banks, four of them in trouble (a quarter of an hour on 2 cores; needs PostgreSQL)
	MANY_BANKS_SOAK=1 $(BIN)/pytest -q -s tests/many/test_twenty_banks.py

$(VENV)/.many: deploy/containers/requirements.lock $(VENV)/.dev
	$(INSTALL) -r deploy/containers/requirements.lock
	touch $@

soak-core: $(VENV)/.dev  ## bank-years of the pure core against the oracle, SEEDS=… of them (1000), MINUTES=… at most
	$(BIN)/python -m tests.core_simulation.soak --seeds $(or $(SEEDS),1000) --first-seed $(or $(FIRST),1) \
		--minutes $(or $(MINUTES),inf)

soak-processes: $(VENV)/.dev  ## kill -9 at every write, disks of every size, more wrong bits (hours on 2 cores)
	SOAK_PROCESSES=1 $(BIN)/pytest -n 2 --dist loadfile -s --timeout 0 tests/processes

# FUZZ_EXAMPLES: so many inputs a test, drawn anew. What fails is kept in .hypothesis and tried again first.
fuzz: $(VENV)/.dev  ## new hostile input for everything that reads foreign bytes; EXAMPLES=… inputs a test
	FUZZ_EXAMPLES=$(or $(EXAMPLES),5000) $(BIN)/pytest tests/fuzz -n 2 --dist load --timeout 0

COVERED := konkurs_pipeline/domain,konkurs_pipeline/storage
coverage: $(VENV)/.dev  ## branch coverage of the rules and the store, by all tests in one process
	$(BIN)/coverage run --branch --source=$(COVERED) -m pytest -n 0
	$(BIN)/coverage report --show-missing --skip-covered

# --strict: without it a package that the service does not know, or all of them where it cannot be asked, would pass.
audit: $(VENV)/.dev  ## known vulnerabilities of everything that is locked; fails where they cannot be asked for
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off $(AUDIT_SERVICE) \
		-r requirements.lock -r requirements-dev.lock || { echo "make audit failed: a package is vulnerable," \
		"or the vulnerability service could not answer for one (see above)" >&2; exit 1; }

sbom: $(VENV)/.dev  ## what the lock installs, as CycloneDX, in build/sbom.json
	mkdir -p build
	$(BIN)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --sv 1.6 --output-reproducible -o build/sbom.json

clean:  ## remove .venv and what tools left (never data)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

lock: $(VENV)/.dev  ## new lock files from pyproject.toml (uv writes them, pip installs from them)
	$(BIN)/uv pip compile pyproject.toml --group build -o requirements.lock $(LOCK_OPTIONS)
	$(BIN)/uv pip compile --group dev -c requirements.lock -o requirements-dev.lock $(LOCK_OPTIONS)

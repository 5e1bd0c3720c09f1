# The only door. `make` lists what is behind it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DISTRIBUTIONS := shared engine services/gateway services/validator services/druid-submitter services/status-tracker client local
SOURCES := $(DISTRIBUTIONS) benchmarks tests conftest.py
JOBS ?= 2
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

# Everything that is installed comes from the lock; the stamp says which lock.
$(VENV)/.ready: requirements-dev.lock $(addsuffix /pyproject.toml,$(DISTRIBUTIONS))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sluice needs Python 3.11 or newer; say which with PYTHON=…")'
	@echo "Installing into $(VENV) (once, a minute or two) …"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation $(addprefix -e ,$(DISTRIBUTIONS))
	@touch $@

setup: $(VENV)/.ready
.PHONY: help setup run demo test check docs up down clean lock

run: setup ## everything on this machine, with the sales sample loaded; Ctrl-C stops it (STACK=real|standin)
	@exec $(BIN)/python -m sluice_local run

demo: setup ## the same in a fresh folder: one file of each format through the chain; the last line is JSON
	@exec $(BIN)/python -m sluice_local demo

test: setup ## all tests, two at a time; on real Kafka, Druid, Postgres and S3 where Java and Maven are (ARGS=…, JOBS=2)
	@$(BIN)/python -m pytest --numprocesses $(JOBS) --dist loadgroup $(ARGS)

check: setup ## format, lint, types, import rules
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy $(addsuffix /src,$(DISTRIBUTIONS))
	@$(BIN)/lint-imports

PEERS := .bench-venv
$(PEERS)/.ready: benchmarks/peers.lock
	@echo "Installing the peers into $(PEERS) (once) …"
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r benchmarks/peers.lock
	@touch $@

bench: setup $(PEERS)/.ready ## beside its peers: results.json and a table (AREA=validation, TIMES=3, CASE=part of a name)
	@$(BIN)/python -m benchmarks --peers $(PEERS)/bin/python $(if $(AREA),--area $(AREA)) --times $(or $(TIMES),3) --case "$(CASE)"

docs: setup ## write the JSON Schemas, the AsyncAPI document and the page of problems anew
	@$(BIN)/python -m sluice.events
	@$(BIN)/python -m sluice.reports
	@$(BIN)/python -m sluice.contracts schema
	@$(BIN)/python -m sluice.problems docs

up: ## the same with Docker Compose
	@deploy/make-env
	@docker compose up --build --detach --wait

down: ## stop what `make up` started; data stays
	@docker compose down

clean: ## remove the environment and the data of `make run`
	@rm -rf $(VENV) $(PEERS) .sluice .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

OURS := --no-emit-package sluice --no-emit-package sluice-engine
LOCK := uv pip compile --quiet --generate-hashes --universal --no-header --no-annotate $(OURS)
IMAGES := shared/pyproject.toml engine/pyproject.toml $(wildcard services/*/pyproject.toml)

lock: ## resolve the dependencies anew (needs uv)
	@$(LOCK) -o requirements.lock $(IMAGES) --group pyproject.toml:build
	@$(LOCK) -c requirements.lock -o requirements-dev.lock $(IMAGES) client/pyproject.toml local/pyproject.toml \
	  --group pyproject.toml:build --group pyproject.toml:dev
	@uv pip compile --quiet --generate-hashes --universal --no-header --no-annotate --python-version 3.11 \
	  -o benchmarks/peers.lock benchmarks/peers.in

# Everything runs from .venv, which the first target builds; `make` alone lists the targets.

PYTHON ?= python3
WORKERS ?= 3
BIN := .venv/bin
PIP := $(BIN)/pip -qq --disable-pip-version-check

# Tests in one process run by themselves: each worker collects all that its run has. Of those that
# start servers, the longest go first.
QUICK := tests/unit tests/contract tests/properties
SOAK := tests/faults tests/canary tests/acceptance/test_restore_postgres.py
APART := $(SOAK) tests/bench tests/load tests/conformance tests/golden tests/__pycache__
SERVED := $(filter-out $(APART) $(QUICK),$(patsubst %/,%,$(wildcard tests/*/)))
BY_FILE := --dist loadfile --no-loadscope-reorder

# Compiled modules are kept, whatever the environment says: tests start hundreds of processes, and
# half of such a start would be compiling the same source again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo serve test soak faults conformance check fmt generate bench load lock graphiql clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.ready ## play the governed loop from intent to audit and check every claim
	@$(BIN)/python -m examples.demo

serve: .venv/.ready ## serve the gateway (settings: GATEWAY_*)
	@$(BIN)/gateway serve

test: .venv/.ready ## run every test but those that take minutes (soak) or need more than Python
	$(BIN)/pytest -n $(WORKERS) $(BY_FILE) $(QUICK)
	$(BIN)/pytest -n $(WORKERS) $(BY_FILE) $(SERVED) $(patsubst %,--ignore=%,$(SOAK))

soak: .venv/.ready ## kill processes, restore servers and search every byte: the tests that take minutes
	$(BIN)/pytest -n $(WORKERS) $(BY_FILE) $(SOAK)

faults: .venv/.ready ## play runs under every kind of fault for minutes, and check the history (SEEDS=5)
	$(BIN)/python -m tests.faults.run --seeds $(or $(SEEDS),5) $(FAULTS)

conformance: .venv/.ready tests/conformance/node_modules/.ready ## let the official npm clients subscribe (needs npm)
	$(BIN)/pytest -n $(WORKERS) tests/conformance

check: .venv/.ready .venv/.deploy ## formatting, lint, types, import rules, contracts, policies, generated and deployment files
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy scripts
	$(BIN)/lint-imports --no-logo
	$(BIN)/gateway contracts lint
	$(BIN)/gateway policy lint --strict
	$(BIN)/python scripts/check_generated.py
	$(BIN)/python scripts/check_deployment.py

fmt: .venv/.ready ## format the code and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

generate: .venv/.ready ## write the generated files anew
	$(BIN)/python scripts/check_generated.py --write

bench: .venv/.ready .venv/.bench ## measure, print a table and write build/bench.json
	$(BIN)/python tests/bench/run.py $(ONLY)

load: .venv/.ready ## put load on real gateways and write build/load.json (DURATION=1800: half an hour)
	DURATION=$(DURATION) $(BIN)/python tests/load/run.py

lock: .venv/.ready ## pin the dependencies anew (UPGRADE=1 takes the newest versions)
	UPGRADE=$(UPGRADE) scripts/lock.sh

graphiql: ## fetch the GraphiQL page, which the server then serves (needs npm)
	$(PYTHON) scripts/fetch_graphiql.py

clean: ## remove what was built, the environment included
	rm -rf .venv build dist tests/conformance/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/.locked: requirements/dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "The gateway needs Python 3.11 or newer, and $(PYTHON) is not. Name one: make PYTHON=python3.12 <target>" >&2; exit 1; }
	@echo "Installing the locked dependencies into .venv (a minute or so, once)"
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r requirements/dev.lock
	@touch $@

.venv/.ready: .venv/.locked pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/.bench: .venv/.locked requirements/bench.lock
	@echo "Installing the engines that policy decisions are measured against into .venv"
	@$(PIP) install --require-hashes -r requirements/bench.lock
	@touch $@

.venv/.deploy: .venv/.locked requirements/deploy.lock
	@echo "Installing the linters of deployment files into .venv/deploy, apart from everything else"
	@$(PYTHON) -m venv --clear .venv/deploy
	@.venv/deploy/bin/pip -qq --disable-pip-version-check install --require-hashes -r requirements/deploy.lock
	@touch $@

tests/conformance/node_modules/.ready: tests/conformance/package.json tests/conformance/package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null || { \
	  echo "The official clients need Node.js 20 or newer with npm, and there is none. Install it, then run: make conformance" >&2; exit 1; }
	@echo "Installing the locked npm clients into tests/conformance/node_modules"
	@npm ci --prefix tests/conformance --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

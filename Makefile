# Everything runs from .venv, which the first target builds; `make` alone lists the targets.

PYTHON ?= python3
WORKERS ?= 3
BIN := .venv/bin
PIP := $(BIN)/pip -qq --disable-pip-version-check

# Tests in one process run by themselves: each worker collects all that its run has. What takes
# longest goes first. Some properties are tried on all their examples by `make soak` alone, and so
# are the larger cases that are marked for it.
QUICK := tests/properties tests/contract tests/unit
SOAK := tests/faults tests/canary $(addprefix tests/acceptance/,test_restore_postgres.py test_abuse.py test_slow_peers.py)
APART := $(SOAK) tests/bench tests/load tests/conformance tests/golden tests/__pycache__
LONG := $(shell grep -l "amounts import examples" tests/properties/test_*.py)
SEARCHED := $(shell grep -rl "^from hypothesis" tests --include="test_*.py" --exclude-dir=conformance)
LARGE := $(shell grep -rl "mark[.]soak" tests/contract tests/unit --include="test_*.py")
FIRST := $(addprefix tests/acceptance/,test_wheel.py test_workers.py test_outage.py test_shared_key_commands.py test_skills.py)
SERVED := $(FIRST) $(filter-out $(APART) $(QUICK),$(patsubst %/,%,$(wildcard tests/*/)))
BY_FILE := --dist loadfile --no-loadscope-reorder

# What tests store is kept in memory where there is plenty of it: they wait for a disk thousands of
# times. Whether that is durable is for `make soak` to try, on a disk.
MEMORY := $(shell awk '$$2 == "/dev/shm" && $$4 !~ /noexec/ {print $$2}' /proc/mounts 2>/dev/null | head -n 1)
PLENTY := $(shell df -Pk $(or $(MEMORY),/nowhere) 2>/dev/null | awk 'NR == 2 && $$4 > 4000000 {print "TMPDIR=$(MEMORY)"}')

# Compiled modules are kept, whatever the environment says: tests start hundreds of processes, and
# half of such a start would be compiling the same source again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo serve test soak search faults conformance check fmt generate bench load lock graphiql clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.ready ## play the governed loop from intent to audit and check every claim
	@$(BIN)/gateway demo

serve: .venv/.ready ## serve the gateway (settings: GATEWAY_*)
	@$(BIN)/gateway serve

test: .venv/.ready ## run every test but those that take minutes (soak) or need more than Python
	$(PLENTY) $(BIN)/pytest -n $(WORKERS) $(BY_FILE) -m "not soak" $(QUICK)
	$(PLENTY) $(BIN)/pytest -n $(WORKERS) $(BY_FILE) $(SERVED) $(patsubst %,--ignore=%,$(SOAK))

soak: .venv/.ready ## kill processes, restore and abuse servers, search every byte, try all examples: what takes minutes
	$(BIN)/pytest -n $(WORKERS) $(BY_FILE) $(SOAK)
	EXAMPLES=1 $(BIN)/pytest -n $(WORKERS) $(BY_FILE) $(LONG)
	$(BIN)/pytest -n $(WORKERS) $(BY_FILE) -m soak $(LARGE)

search: .venv/.ready ## try all properties on examples that differ from run to run (EXAMPLES=5: five times as many)
	EXAMPLES=$(or $(EXAMPLES),5) $(BIN)/pytest -n $(WORKERS) $(BY_FILE) $(SEARCHED)

faults: .venv/.ready ## play runs under every kind of fault for minutes, and check the history (SEEDS=5)
	$(BIN)/python -m tests.faults.run --seeds $(or $(SEEDS),5) $(FAULTS)

conformance: .venv/.ready .venv/.clients .venv/.conformance .venv/.browser tests/conformance/node_modules/.ready ## run the official audits, clients, a fuzzer and a browser (needs npm)
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

bench: .venv/.ready .venv/.bench tests/bench/doors/node_modules/.ready ## measure, print a table and write build/bench.json (needs npm)
	$(BIN)/python tests/bench/run.py $(ONLY)

load: .venv/.ready ## put load on real gateways and write build/load.json (DURATION=1800: half an hour)
	DURATION=$(DURATION) $(BIN)/python tests/load/run.py

lock: .venv/.ready ## pin the dependencies anew (UPGRADE=1 takes the newest versions)
	UPGRADE=$(UPGRADE) scripts/lock.sh

graphiql: ## fetch the GraphiQL page, which the server then serves (needs npm)
	$(PYTHON) scripts/fetch_graphiql.py

clean: ## remove what was built, the environment included
	rm -rf .venv build dist tests/*/node_modules tests/bench/doors/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

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
	@echo "Installing the engines and servers that are measured against into .venv"
	@$(PIP) install --require-hashes -r requirements/bench.lock
	@touch $@

.venv/.deploy: .venv/.locked requirements/deploy.lock
	@echo "Installing the linters of deployment files into .venv/deploy, apart from everything else"
	@$(PYTHON) -m venv --clear .venv/deploy
	@.venv/deploy/bin/pip -qq --disable-pip-version-check install --require-hashes -r requirements/deploy.lock
	@touch $@

.venv/.conformance: .venv/.locked requirements/conformance.lock
	@echo "Installing schemathesis into .venv/conformance, apart from everything else"
	@$(PYTHON) -m venv --clear .venv/conformance
	@.venv/conformance/bin/pip -qq --disable-pip-version-check install --require-hashes -r requirements/conformance.lock
	@touch $@

.venv/.browser: .venv/.locked requirements/browser.lock scripts/chromium.sh
	@echo "Installing Playwright into .venv, and Chromium where there is none"
	@$(PIP) install --require-hashes -r requirements/browser.lock
	@scripts/chromium.sh
	@touch $@

.venv/.clients: .venv/.locked requirements/gql.lock requirements/ariadne.lock
	@echo "Installing Python clients of others into .venv/gql and .venv/ariadne, apart from everything else"
	@for client in gql ariadne; do \
	  $(PYTHON) -m venv --clear .venv/$$client && \
	  .venv/$$client/bin/pip -qq --disable-pip-version-check install --require-hashes -r requirements/$$client.lock || exit 1; \
	done
	@touch $@

%/node_modules/.ready: %/package.json %/package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null || { \
	  echo "What is in $* needs Node.js 20 or newer with npm, and there is none. Install it, then run make again" >&2; exit 1; }
	@echo "Installing the locked npm packages of $*"
	@npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

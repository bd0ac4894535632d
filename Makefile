SHELL := /bin/bash
# Everything a developer needs. The first run of any target makes .venv.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := $(BIN)/uv
PACKAGES := orchestra orchestra_tools ledger_sync mcp_server adapters
CODE := $(PACKAGES) scripts tests bench examples packaging

.DEFAULT_GOAL := help
.PHONY: help demo test check conformance fast lint types format bench constraints docs ledger clean bundle

help: ## Say what there is to make
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 22

$(VENV)/.ready: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(UV) pip install --quiet --python $(BIN)/python --constraint constraints.txt --group dev --editable '.[all]'
	@touch $@

demo: $(VENV)/.ready ## Run the main job on a sandbox: no key, no network
	@$(BIN)/orchestra demo

test: $(VENV)/.ready lint types ## Lint, check types, run every test with coverage
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term --cov-fail-under=95
	@rm -f .coverage .coverage.*

check: $(VENV)/.ready ## Lint, types and the fast tests, all at once
	@$(MAKE) --no-print-directory --jobs 4 --output-sync lint types fast

conformance: $(VENV)/.ready ## Run the official MCP conformance suite, both revisions
	@$(BIN)/python -m tests.conformance

fast: $(VENV)/.ready
	@$(BIN)/python -m pytest -n 2 -q -m "not slow" --ignore=tests/adapters --ignore=tests/contract \
		--ignore=tests/parity  # frameworks and vendors take long to import

lint: $(VENV)/.ready
	@$(BIN)/ruff format --check --quiet $(CODE) || { echo 'run: make format'; exit 1; }
	@$(BIN)/ruff check --quiet $(CODE)
	@$(BIN)/lint-imports --no-logo 2>&1 | tail -n 3; exit $${PIPESTATUS[0]}

types: $(VENV)/.ready
	@$(BIN)/mypy
	@$(BIN)/pyright --pythonpath $(BIN)/python | tail -n 1; exit $${PIPESTATUS[0]}

format: $(VENV)/.ready ## Format the code
	@$(BIN)/ruff check --fix --quiet $(CODE)
	@$(BIN)/ruff format --quiet $(CODE)

bench: $(VENV)/.ready ## Print the measured figures beside their peers
	@$(BIN)/python bench/mcp.py
	@$(BIN)/python bench/adapters.py

constraints: $(VENV)/.ready ## Pin the versions of all dependencies anew
	@$(UV) pip compile --quiet --universal --python-version 3.11 --all-extras --group dev --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --output-file constraints.txt pyproject.toml

docs: $(VENV)/.ready ## Write docs/cli.md from the commands' own help
	@$(BIN)/python -m orchestra_tools.cli.docs > docs/cli.md

ledger: $(VENV)/.ready ## Rebuild the packaged ledger from recorded facts
	@$(BIN)/python scripts/build_ledger.py

bundle: $(VENV)/.ready ## Build the .mcpb bundle for Claude Desktop
	@$(BIN)/python scripts/build_mcpb.py

clean: ## Remove everything made
	@rm -rf $(VENV) build dist .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

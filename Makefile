# `make run` and `make test` are all that most people need; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OURS := config accounts purchases checkout credits outbox sandbox tests manage.py

.DEFAULT_GOAL := help
.PHONY: help run test check format screenshots clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.run ## start everything: http://localhost:8000
	@DEBUG=true exec $(BIN)/python manage.py demo

test: $(VENV)/.dev ## the whole suite, with the coverage gate
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term $(PYTEST_ARGS)

check: $(VENV)/.dev ## format, lint, types, imports, templates, migrations, deployment
	$(BIN)/ruff format --check $(OURS)
	$(BIN)/ruff check $(OURS)
	$(BIN)/mypy config accounts purchases checkout credits outbox sandbox tests
	$(BIN)/lint-imports --no-cache
	$(BIN)/djlint templates --check --lint --quiet
	$(BIN)/deptry .
	$(BIN)/python -m tests.deployment_checks

format: $(VENV)/.dev ## format code and templates
	$(BIN)/ruff format $(OURS)
	$(BIN)/ruff check --fix $(OURS)
	$(BIN)/djlint templates --reformat --quiet

screenshots: $(VENV)/.dev ## take the pictures of docs/pictures anew (needs Chromium)
	$(BIN)/python -m tests.smoke.pictures

clean: ## remove the virtual environment and the demo's data
	rm -rf $(VENV) .state

$(VENV)/.python:
	@command -v $(PYTHON) >/dev/null || { echo "Coffer needs Python 3.11 or newer, and there is no $(PYTHON) here."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Coffer needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V). Try: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }
	@touch $@

$(VENV)/.run: requirements.txt | $(VENV)/.python
	@echo "Installing ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt | $(VENV)/.python
	@echo "Installing ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.run

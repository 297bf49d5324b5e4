# `make run` and `make test` are all that most people need; `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OURS := config accounts purchases checkout credits outbox rest sandbox tests bench manage.py

.DEFAULT_GOAL := help
.PHONY: bench help run test faults check fuzz soak format screenshots clean messages

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: $(VENV)/.run ## start everything: http://localhost:8000
	@DEBUG=true exec $(BIN)/python manage.py demo

test: $(VENV)/.dev ## the whole suite, with the coverage gate
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term $(PYTEST_ARGS)

faults: $(VENV)/.dev ## break everything, the long cases too: N of N survived (half an hour)
	@$(BIN)/python -m tests.faults

check: $(VENV)/.dev ## format, lint, types, imports, templates, migrations, deployment
	$(BIN)/ruff format --check $(OURS)
	$(BIN)/ruff check $(OURS)
	$(BIN)/mypy config accounts purchases checkout credits outbox rest sandbox tests bench
	$(BIN)/lint-imports --no-cache
	$(BIN)/djlint templates --check --lint --quiet
	$(BIN)/deptry .
	$(BIN)/python -m tests.deployment_checks

fuzz: $(VENV)/.dev ## call the API with whatever its description allows and forbids, for long
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-300} $(BIN)/python -m pytest -q tests/rest/test_fuzz.py

format: $(VENV)/.dev ## format code and templates
	$(BIN)/ruff format $(OURS)
	$(BIN)/ruff check --fix $(OURS)
	$(BIN)/djlint templates --reformat --quiet

soak: $(VENV)/.dev ## a million ledger operations from 16 connections, then the proof (OPERATIONS=, SEED=)
	$(BIN)/python -m bench.soak --operations $(or $(OPERATIONS),1000000) --seed $(or $(SEED),1)

bench: $(VENV)/.dev ## measure on this machine and write docs/bench.md (about half an hour)
	$(BIN)/python -m bench $(BENCH_ARGS)

screenshots: $(VENV)/.dev ## take the pictures of docs/pictures anew (needs Chromium)
	$(BIN)/python -m tests.smoke.pictures

messages: $(VENV)/.dev ## collect strings for translation (needs GNU gettext), and compile what is translated
	$(BIN)/django-admin makemessages -l de --no-obsolete --no-wrap --add-location=file --ignore=.venv --ignore=tests --ignore=sandbox --ignore=bench
	$(BIN)/pybabel compile --domain django --directory locale --statistics

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

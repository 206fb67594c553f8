# Every target makes what it needs in .venv; pass PYTHON=python3.12 for another Python, 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/pip install --quiet -c constraints.txt

.PHONY: demo test check bench docs

demo: $(VENV)/.base
	$(BIN)/unrolled demo

test: check
	$(BIN)/pytest -n auto --dist worksteal

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.base
	set -e; for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

docs: $(VENV)/.docs
	$(BIN)/python docs/write_cli_reference.py
	$(BIN)/mkdocs build --strict

# Stamps: each is made once, and again when what it installs has changed.
$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Unrolled needs Python 3.11 or newer; write make PYTHON=python3.11 ...")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.base: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e .
	touch $@

$(VENV)/.dev: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e '.[dev]'
	touch $@

$(VENV)/.docs: $(VENV)/.python pyproject.toml constraints.txt
	$(INSTALL) -e '.[docs]'
	touch $@

# Exotrace. Everything a newcomer needs: make demo, make test.
# The environment is .venv, rebuilt whenever the lock file changes.

PYTHON ?= python3.11
PORT ?= 8000
HOST ?= 127.0.0.1
CHECK ?=
WORKERS ?= 3
SHELL := /bin/sh
BIN := .venv/bin
DEMO := var/demo

.PHONY: help install demo demo-reset test soak bench check clean lock words figures pictures

help:
	@echo "make demo        the product with practice data on http://127.0.0.1:$(PORT)"
	@echo "make demo-reset  forget the practice data"
	@echo "make test        the whole suite     make check  ruff, mypy, import contracts"
	@echo "make soak        the long campaigns  make bench  speed ratios"
	@echo "make pictures    every page in three languages and sizes, in var/pictures"

install: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" sh .ci/environment

demo: install
	@PORT="$(PORT)" CHECK="$(CHECK)" LIMS_HOME="$(DEMO)" $(BIN)/lims demo --host "$(HOST)"

demo-reset:
	@rm -rf "$(DEMO)" && echo "practice data cleared: $(DEMO)"

test: install
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

soak: install
	@EXOTRACE_SOAK=1 $(BIN)/python -m pytest $(ARGS)

figures: install
	@$(BIN)/python -m tests.figures

pictures: install
	@EXOTRACE_PICTURES=1 $(BIN)/python -m pytest -q -s tests/station/test_pictures.py

bench: install
	@for each in tests/bench/bench_*.py; do $(BIN)/python $$each || exit 1; done

check: install
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

words: install
	@mkdir -p var
	@for each in fa zh; do \
	  $(BIN)/pybabel -q extract -F babel.cfg -k _ -k Text --no-location --sort-output --no-wrap \
	    -o var/messages.pot . && \
	  $(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --no-wrap \
	    -i var/messages.pot -o lims/translations/$$each.po -l $$each; \
	done

lock:
	uv pip compile pyproject.toml --group test --generate-hashes --universal --no-header \
	  --python-version 3.11 -o requirements.lock

clean:
	@rm -rf .venv var

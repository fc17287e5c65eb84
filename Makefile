# Every target works on a fresh clone with Python 3.11-3.13, make and the package index.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help quickstart install install-build test test-thorough lint bench clean

VENV := .venv
PY := $(VENV)/bin/python
CLI := $(VENV)/bin/keras-seq
# One stamp for each set of packages: pip runs again only after pyproject.toml has changed.
STAMPS := $(VENV)/stamps
# Compiling all modules of TensorFlow ahead would take longer than installing them; Python compiles what is imported.
INSTALL := $(PY) -m pip install --quiet --disable-pip-version-check --no-compile

QUICKSTART_RUN := build/quickstart/run
QUICKSTART_MODEL := build/quickstart/saved_models/quickstart
QUICKSTART_TEXT := "O juiz Paulo Souza, do Tribunal de Justiça do Paraná, decidiu em Curitiba."

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMPS)/python:
	@python=""; \
	for candidate in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if "$$candidate" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	  then python="$$candidate"; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "No Python 3.11, 3.12 or 3.13 with venv was found; install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 2; \
	fi; \
	echo "Making $(VENV) with $$("$$python" --version)"; \
	"$$python" -m venv --clear $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/package: pyproject.toml | $(STAMPS)/python
	@echo "Installing keras_seq (the first time downloads TensorFlow, some 600 MB)"
	@$(INSTALL) --editable '.[families]'
	@touch $@

$(STAMPS)/test: pyproject.toml | $(STAMPS)/package
	@echo "Installing what the tests need"
	@$(INSTALL) --editable '.[test]'
	@touch $@

$(STAMPS)/dev: pyproject.toml | $(STAMPS)/package
	@echo "Installing what lint needs"
	@$(INSTALL) --editable '.[dev]'
	@touch $@

$(STAMPS)/bench: pyproject.toml | $(STAMPS)/package
	@echo "Installing what the benchmarks need"
	@$(INSTALL) --editable '.[bench]'
	@touch $@

# What a build needs: all at once, for pip resolves and checks only once then.
$(STAMPS)/build: pyproject.toml | $(STAMPS)/python
	@echo "Installing keras_seq, what the tests need and what lint needs (the first time downloads some 1.2 GB)"
	@$(INSTALL) --editable '.[test,dev]'
	@touch $(STAMPS)/package $(STAMPS)/test $(STAMPS)/dev $@

install-build: $(STAMPS)/build

install: $(STAMPS)/package  ## make .venv and install the package into it
	@echo "Ready: $(CLI) --help"

quickstart: install  ## train a small tagger on bundled data, export it, tag sentences
	@rm -rf build/quickstart
	$(CLI) train zoo/quickstart.toml --run-dir $(QUICKSTART_RUN)
	$(CLI) evaluate $(QUICKSTART_RUN)
	$(CLI) export $(QUICKSTART_RUN) --to $(QUICKSTART_MODEL)
	$(CLI) predict $(QUICKSTART_MODEL) "Maria Souza viajou de Lisboa para Recife em março de 2021." $(QUICKSTART_TEXT)
	@if [ -d saved_models/ner_pt ]; then set -x; $(CLI) predict ner_pt $(QUICKSTART_TEXT); fi

# Groups of tests (a family, else a file) go to the workers in the order of tests/conftest.py, the long ones first.
# A worker that dies, as for memory, ends the run: pytest-xdist 3.8 would start another, and wait for ever at the end.
PYTEST := $(PY) -m pytest -n auto --dist loadgroup --max-worker-restart=0

# By default the layers and the training loop alone, for time; `.ci/run` takes all tests that need no TensorFlow.
ON_JAX := tests/layers tests/training

test: $(STAMPS)/test  ## run the tests (those marked data need KERAS_SEQ_DATA); PYTEST_ARGS="tests/layers" narrows
	@status=0; \
	echo "== Tests on TensorFlow"; $(PYTEST) $(PYTEST_ARGS) || status=1; \
	if [ -n "$(THOROUGH)" ]; then \
	  echo "== What takes long, in workers of its own"; \
	  $(PYTEST) --thorough -m thorough $(PYTEST_ARGS) || [ $$? -eq 5 ] || status=1; \
	fi; \
	echo "== Those marked both_backends, on JAX"; \
	KERAS_BACKEND=jax $(PYTEST) -m both_backends $(THOROUGH_ON_JAX) $(or $(PYTEST_ARGS),$(ON_JAX)) || [ $$? -eq 5 ] || status=1; \
	exit $$status # 5: none is among those asked for

test-thorough:  ## run all combinations too, and what takes long, on both backends
	@$(MAKE) test THOROUGH=--thorough THOROUGH_ON_JAX=--thorough ON_JAX=tests

lint: $(STAMPS)/dev  ## ruff, mypy, import-linter: no network needed once installed
	@status=0; \
	for check in "ruff check ." "ruff format --check ." "mypy" "lint-imports"; do \
	  echo "== $$check"; $(VENV)/bin/$$check || status=1; \
	done; \
	exit $$status

BENCH := recurrent tagger text_classifier regression adding_problem generation corpus_memory siamese pieces

bench: $(STAMPS)/bench  ## speed beside stock Keras and PyTorch, and the rest; BENCH="recurrent" BENCH_ARGS="--quick" narrows
	@for name in $(BENCH); do set -x; $(PY) benchmarks/$$name.py $(BENCH_ARGS); { set +x; } 2>/dev/null; done

clean:  ## remove .venv, caches and build outputs (runs/ stays)
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

# `make demo` and `make test` work on a fresh machine with Python 3.11 or newer; both make .venv.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: help demo test lint clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 20

demo: .venv/installed  ## make small videos with known anomalies and run every step on them
	$(BIN)/c2fpl demo -o demo-run

test: .venv/installed  ## run the whole suite
	$(BIN)/pytest

lint: .venv/installed  ## check style, types and the layers of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests
	PYTHONPATH=.types $(BIN)/lint-imports  # the links show c2fpl as one tree

# torch and torchvision come together, chosen by pip as a matching pair.
.venv/installed: setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "c2fpl needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

clean:  ## remove what make and the demo wrote
	rm -rf .venv build dist *.egg-info demo-run

# `make demo` and `make test` work on a fresh machine with Python 3.11 or newer; both make .venv.
PYTHON ?= python3
BIN = .venv/bin

.PHONY: demo test lint clean

demo: .venv/installed
	$(BIN)/c2fpl demo -o demo-run

test: .venv/installed
	$(BIN)/pytest

lint: .venv/installed
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

clean:
	rm -rf .venv build dist *.egg-info demo-run

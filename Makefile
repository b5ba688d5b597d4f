# `make demo` and `make test` work on a fresh machine with Python 3.11 or newer; both make .venv.
PYTHON ?= python3
BIN = .venv/bin
# Processes that run the suite; 0 is this one alone. Each needs about 2 GB of memory.
WORKERS ?= 0

.PHONY: help demo test test-without-decord test-lowest platforms lock audit sbom docs lint clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 20

demo: .venv/installed  ## make small videos with known anomalies and run every step on them
	$(BIN)/c2fpl demo -o demo-run

test: .venv/installed  ## run the whole suite (WORKERS=2 in two processes)
	$(BIN)/pytest --numprocesses $(WORKERS)

test-without-decord: .venv/installed  ## run the whole suite as on ARM and macOS, where decord has no wheel
	$(BIN)/pytest --numprocesses $(WORKERS) --without-decord

test-lowest: .venv-lowest/installed  ## run the whole suite on the oldest dependencies that setup.cfg allows
	.venv-lowest/bin/pytest --numprocesses $(WORKERS)

platforms: .venv/installed  ## resolve the dependencies for every platform and Python that is promised
	UV=$(BIN)/uv .ci/platforms

lock: .venv/installed  ## renew requirements.lock, the exact environment
	$(BIN)/uv pip compile setup.cfg --extra test --universal --python-version 3.11 --generate-hashes \
		--upgrade --quiet --custom-compile-command "make lock" --output-file requirements.lock

audit: .venv/installed  ## look the locked dependencies up in the list of known vulnerabilities
	$(BIN)/uv tool run pip-audit --strict --requirement requirements.lock --disable-pip --require-hashes

sbom: .venv/installed  ## write what the lock file installs as a CycloneDX bill of materials
	mkdir -p dist
	$(BIN)/uv tool run --from cyclonedx-bom cyclonedx-py requirements requirements.lock --output-file dist/sbom.cdx.json

docs: .venv-docs/installed demo  ## build the documentation site in site/; a broken link is an error
	.venv-docs/bin/mkdocs build --strict --quiet

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

.venv-lowest/installed: .venv/installed
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-lowest
	$(BIN)/uv pip compile setup.cfg --extra test --resolution lowest-direct --quiet --output-file .venv-lowest/lowest.txt
	$(BIN)/uv pip install --quiet --python .venv-lowest --requirements .venv-lowest/lowest.txt
	$(BIN)/uv pip install --quiet --python .venv-lowest --no-deps --editable .
	touch $@

.venv-docs/installed: .venv/installed
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-docs
	$(BIN)/uv pip install --quiet --python .venv-docs 'mkdocs-material>=9.6,<10' 'latex2mathml>=3.77' 'mkdocstrings[python]>=0.29,<2'
	touch $@

clean:  ## remove what make and the demo wrote
	rm -rf .venv .venv-lowest .venv-docs site build dist *.egg-info demo-run

# `make run` and `make test` are all that a newcomer needs: Python 3.11+, git and make.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: run test quick lint format bench realism realism-web soak lock docs packages clean gallery ohif

# Where this is set, every process that starts compiles every module again: it doubles the time of `make test`.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= data
HOST ?= 127.0.0.1
PORTS ?= 11112
SHARED ?= ../shared
PERSONA ?= orthanc
PROBES ?= $(SHARED)/probes
# Tests that run at once: two more than there are cores, because they wait for sensors and clients much of the time.
JOBS ?= $(shell expr $$(nproc) + 2)

# The honeypot with its embedded hospital. HOST=0.0.0.0 exposes it: read the safety notes in README.md first.
run: $(VENV)/.runtime
	$(BIN)/dicomhawk serve --data $(DATA) --host $(HOST) $(addprefix --dicom-port ,$(PORTS))

test: $(VENV)/.dev packages lint
	$(BIN)/pytest -m "not soak" -n $(JOBS) --dist worksteal $(ARGS)

# Without system packages and linters, for the impatient.
quick: $(VENV)/.dev
	$(BIN)/pytest -m "not soak" -n $(JOBS) --dist worksteal -x -q $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Against Orthanc and dcmqrscp from Debian, side by side, and how images are made; writes the tables of
# docs/performance.md.
bench: $(VENV)/.dev packages
	$(BIN)/python tools/bench.py --shared $(SHARED) $(ARGS)
	$(BIN)/python tools/bench_images.py
	$(BIN)/python tools/bench_analyst.py

# Is a persona like the product it was measured from? PROBES has a battery of wire probes and the product's answers.
realism: $(VENV)/.dev packages
	@$(BIN)/python tools/realism.py $(PERSONA) --probes $(PROBES) \
		$(if $(wildcard $(DATA)),--note $(DATA)/persona-gate.json) $(ARGS)

# The same on the web, where the persona is Orthanc.
realism-web: $(VENV)/.dev packages
	@$(BIN)/python tools/realism_web.py --probes $(PROBES) $(ARGS)

# What takes longer than a coffee: a million mutated inputs, and the like.
soak: $(VENV)/.dev packages
	$(BIN)/pytest -m soak --timeout 7200 $(ARGS)

# Contact sheets of the default hospital, for docs/hospital.md. Look at them.
gallery: $(VENV)/.dev
	$(BIN)/python tools/gallery.py docs/gallery $(ARGS)

# The OHIF viewer for the web doors of DATA; without it they have their own.
ohif:
	@tools/install-ohif $(DATA)/ohif

docs: $(VENV)/.dev
	$(BIN)/python tools/state_diagram.py
	$(BIN)/python -m dicomhawk.evidence.describe docs/events.md
	$(BIN)/python -m dicomhawk.analyst.techniques.describe docs/techniques.md

# Programs that the tests use as clients and judges; where they can't be installed, those tests are skipped.
packages:
	@tools/system-packages

lock: $(VENV)/.dev
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		--group build pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
		-c requirements.lock --group dev pyproject.toml -o requirements-dev.lock

$(VENV)/bin/python:
	@tools/make-venv $(PYTHON) $(VENV)

$(VENV)/.runtime: $(VENV)/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) build dist bench-results .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13,$(if $(shell command -v $(name)),$(name))) python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTABLE := $(VENV)/.testable
TORCH := .venv-torch
COMPARABLE := $(TORCH)/.comparable
PIP := $(BIN)/python -m pip install --disable-pip-version-check --require-hashes --only-binary :all:
# of all that pip says, the files it downloads with their sizes
SHORT := | sed -un 's/^ *Downloading /  /p; s/^Installing collected packages:.*/  unpacking .../p'

LOCK := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

.DEFAULT_GOAL := help
.PHONY: help setup demo cpp cpp-sanitize test smoke fork lint bench images parity notebooks lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) is not there (Debian: apt-get install python3 python3-venv); name another with make PYTHON=..." >&2; exit 4; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { echo "error: $(PYTHON) is not Python 3.11, 3.12 or 3.13; name another with make PYTHON=..." >&2; exit 4; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing what requirements.lock pins (0.4 GB to download, 1.4 GB on the disk) ..."
	@$(PIP) -r requirements.lock $(SHORT)
	@touch $@

$(TESTABLE): $(READY) requirements-test.lock
	@echo "installing what the tests need beside it (another 1 GB on the disk) ..."
	@$(PIP) --no-deps -r requirements-test.lock $(SHORT)
	@touch $@

setup: $(READY)  ## make .venv with the pinned requirements

demo: $(READY)  ## the main job end to end: data, training, evaluation, export, boxes on an image
	$(BIN)/python tools/demo.py

test: $(TESTABLE)  ## the tests (minutes, CPU)
	KIT_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

cpp: $(READY)  ## build kit_infer, which runs exported models, into deploy/cpp/build
	@command -v cmake >/dev/null && command -v c++ >/dev/null || { echo "error: cmake or a C++ compiler is not there: apt-get install cmake g++" >&2; exit 4; }
	cmake -S deploy/cpp -B deploy/cpp/build -DKIT_PYTHON=$(CURDIR)/$(BIN)/python -DKIT_SANITIZE=OFF -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=10
	cmake --build deploy/cpp/build --parallel 2

cpp-sanitize: $(TESTABLE)  ## the C++ sources and their tests under the address and undefined-behaviour sanitizers
	$(BIN)/python -m pytest -m slow tests/deploy/test_sanitizers.py

smoke: $(TESTABLE)  ## every tiny twin trains, and the slow tests
	$(BIN)/python -m pytest -m slow

fork: $(TESTABLE)  ## a copied kit trains, inside the repository and outside it
	$(BIN)/python -m pytest tests/test_fork.py

lint: $(TESTABLE)  ## ruff, bandit, the conventions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/bandit -q -r -ll -c pyproject.toml common $(wildcard Paddle*) tools deploy benchmarks
	$(BIN)/python -m pytest tests/test_conventions.py

images: $(READY)  ## the images of the README, from the run of docs/tutorials/own_detector.md
	$(BIN)/python tools/images.py

bench: $(TESTABLE)  ## the measurements of benchmarks/, as ratios
	$(BIN)/python benchmarks/run.py

$(COMPARABLE): tests/parity/requirements.txt
	@test -x $(TORCH)/bin/python || $(PYTHON) -m venv $(TORCH)
	@echo "installing torch, torchvision and timm into $(TORCH) ..."
	@$(TORCH)/bin/python -m pip install --disable-pip-version-check --only-binary :all: -r tests/parity/requirements.txt $(SHORT)
	@touch $@

parity: $(READY) $(if $(KIT_TORCH_PYTHON),,$(COMPARABLE))  ## our networks answer as those of torchvision and timm do
	$(BIN)/python tests/parity/torch_parity.py
	$(BIN)/python tests/parity/detector_parity.py

notebooks: $(READY)  ## the notebooks of the kits as .ipynb, beside their scripts (needs jupytext)
	@$(BIN)/python -c 'import jupytext' 2>/dev/null || { echo "error: jupytext is not there: $(BIN)/python -m pip install jupytext notebook" >&2; exit 4; }
	$(BIN)/python -m jupytext --quiet --to ipynb Paddle*/notebooks/*.py

lock:  ## pin the requirements anew, for Python 3.11 to 3.13 (needs uv)
	@command -v uv >/dev/null || { echo "error: uv is not there: pip install uv" >&2; exit 4; }
	$(LOCK) -o requirements.lock requirements.in
	$(LOCK) -o requirements-test.lock requirements-test.in

clean:  ## remove what the targets made
	rm -rf $(VENV) $(TORCH) Paddle*/notebooks/*.ipynb output demo .ruff_cache deploy/cpp/build

# Everything below works in a fresh clone with Python 3.11 to 3.14, git and make.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
NODE := editors/vscode/node_modules/.made editors/codemirror/node_modules/.made
INSTALL := $(PIP) install --constraint constraints.txt --no-compile
# On all cores, where pip takes one. Some libraries bring templates that are no Python.
COMPILE := $(BIN)/python -m compileall -qq -j 0 .venv/lib archdsl || true

.PHONY: help demo test exhaustive quick lint references editors playground bench experiments docs clean

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 16

demo: .venv/.run ## check, draw, compile and train a small residual network
	rm -rf demo && mkdir demo
	$(BIN)/archdsl check specs/digits_resnet.arch
	$(BIN)/archdsl render specs/digits_resnet.arch -o demo/digits_resnet.svg
	$(BIN)/archdsl render resnet50 -o demo/resnet50.svg
	$(BIN)/archdsl compile specs/digits_resnet.arch -o demo/digits_resnet.py
	$(BIN)/archdsl train specs/digits_resnet.arch -o demo/run
	@echo
	@echo 'The network      specs/digits_resnet.arch'
	@echo 'Its diagram      demo/digits_resnet.svg, and that of a larger one: demo/resnet50.svg'
	@echo 'Its source       demo/digits_resnet.py'
	@echo 'The trained one  demo/run/weights.safetensors, how it went: demo/run/metrics.csv'

test: .venv/.dev ## lint, types, import contracts and all tests
	$(MAKE) --no-print-directory --jobs 2 lint references $(NODE)
	$(BIN)/python -m compileall -q archdsl  # tests start many processes, and Python may be told to keep no bytecode
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

exhaustive: .venv/.dev references $(NODE) playground ## the tests that `make test` leaves out: more of a kind that it has
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m exhaustive

quick: .venv/.dev ## style, and the tests that take a moment: under a minute
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -m 'not slow and not exhaustive'

lint: .venv/.dev ## style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

references: .references/.made ## install the libraries that parity tests compare with

editors: editors/vscode/node_modules/.made ## package the extension for Visual Studio Code
	cd editors/vscode && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent package

playground: playground/dist/.made ## build the page that runs the compiler in a browser

playground/node_modules/.made: playground/package-lock.json | .venv/.dev
	cd playground && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

PLAYGROUND := $(shell find archdsl grammars specs playground/src editors/codemirror/src -type f 2>/dev/null) playground/build.py playground/build.mjs
playground/dist/.made: playground/node_modules/.made $(PLAYGROUND)
	$(BIN)/python playground/build.py
	cd playground && PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent build
	@touch $@

bench: .venv/.dev references .peers/.made ## measure; rewrites benchmarks/RESULTS.md
	$(BIN)/python benchmarks/run.py

experiments: .venv/.dev ## test what the literature says about depth; rewrites docs/depth.md
	$(BIN)/python -m experiments
	$(BIN)/archdsl probe resnet20 plain20 plain56 resnet56 --batch 16 --points 32 --samples 8 -o docs/images/probe.svg

docs: .venv/.dev ## write the generated pages anew
	$(BIN)/python docs/generate.py
	$(BIN)/python editors/generate.py

clean: ## remove what make made
	rm -rf playground/node_modules playground/dist editors/*/node_modules editors/vscode/dist .venv .references .peers demo dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo 'archdsl needs Python 3.11 to 3.14, with venv. Say which: make PYTHON=/path/to/python3.12'; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.run: pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) --editable '.[train]'
	$(COMPILE)
	@touch $@

.venv/.dev: pyproject.toml constraints.txt | .venv/bin/python
	$(INSTALL) --editable '.[train,dev]'
	$(COMPILE)
	@touch .venv/.run $@

# Libraries that parity tests compare with, in a folder of their own: where torchvision is installed beside a
# PyTorch of another build, Lightning does not import.
.references/.made: tests/references.txt | .venv/.dev
	rm -rf .references
	$(PIP) install --no-deps --target .references --requirement tests/references.txt
	@touch $@

# Node and npm come with the development environment.
editors/%/node_modules/.made: editors/%/package-lock.json | .venv/.dev
	cd editors/$* && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# Programs that benchmarks compare with, in an environment of their own, and archdsl as its users have it in another.
.peers/.made: benchmarks/peers.txt pyproject.toml | .venv/bin/python
	rm -rf .peers && $(PYTHON) -m venv .peers/peers && $(PYTHON) -m venv .peers/archdsl
	.peers/peers/bin/python -m pip --disable-pip-version-check --quiet install --requirement benchmarks/peers.txt
	.peers/archdsl/bin/python -m pip --disable-pip-version-check --quiet install --constraint constraints.txt --editable .
	@touch $@

# Every task of the project. Needs Python >= 3.11 and cargo; all else is installed into .venv.
# pre-commit and .ci/run call these targets, so that a laptop and CI do the same.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA := .data
PEERS := .venv-peers
PYTHON_DIRS := $(wildcard python tests examples benches/peers)

RUST_SOURCES := $(shell find rust -name '*.rs' -o -name Cargo.toml) Cargo.toml Cargo.lock
PYTHON_SOURCES := $(shell find python -name '*.py' -o -name '*.pyi' -o -name py.typed)
MAX_WHEEL_BYTES := 10000000

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: install data ## Build, install, fetch Fashion-MNIST, train a classifier on it
	DLRS_DATA=$${DLRS_DATA:-$(CURDIR)/$(DATA)/usr/share/datasets} $(BIN)/python examples/fashion_mnist.py

.PHONY: test
test: lint test-rust test-python docs ## Lint, then all Rust and Python tests and the site

.PHONY: test-rust
test-rust: ## Rust unit, integration and documentation tests
	cargo test --workspace --locked

.PHONY: test-python
test-python: install ## Python tests and docstring examples, against the installed wheel
	DLRS_DATA=$${DLRS_DATA:-$(CURDIR)/$(DATA)/usr/share/datasets} $(BIN)/python -m pytest
	$(BIN)/python -m pytest --doctest-modules --pyargs dlrs -q

.PHONY: lint
lint: lint-rust lint-python ## rustfmt, clippy, ruff and mypy, changing nothing

.PHONY: lint-rust
lint-rust:
	@if cargo fmt --version >/dev/null 2>&1; then set -x; cargo fmt --all --check; \
	  else echo "lint: rustfmt is not installed (rustup component add rustfmt), skipped"; fi
	@if cargo clippy --version >/dev/null 2>&1; then set -x; cargo clippy --workspace --all-targets --locked -- -D warnings; \
	  else echo "lint: clippy is not installed (rustup component add clippy), skipped"; fi

.PHONY: lint-python
lint-python: $(VENV)/.ready
	$(BIN)/ruff check $(PYTHON_DIRS)
	$(BIN)/ruff format --check $(PYTHON_DIRS)
	$(BIN)/mypy

.PHONY: format
format: $(VENV)/.ready ## Rewrite Rust and Python sources in the project's format
	cargo fmt --all
	$(BIN)/ruff check --fix-only $(PYTHON_DIRS)
	$(BIN)/ruff format $(PYTHON_DIRS)

.PHONY: docs
docs: install ## Build the site into docs/_build; a warning is an error
	$(BIN)/python -m sphinx -q -E -W --keep-going -b html docs docs/_build

.PHONY: bench
bench: ## Time the kernels (criterion)
	cargo bench --workspace --locked

.PHONY: bench-peers
bench-peers: install $(PEERS)/.ready ## Race PyTorch and Keras, write docs/benchmarks.{json,md}
	$(BIN)/python benches/peers/race.py --peers-python $(PEERS)/bin/python

INTERRUPTIONS ?= 200
KILLS ?= 10000

.PHONY: campaign-crash
campaign-crash: install ## Trainings and saves that are killed: INTERRUPTIONS and KILLS of them, results in docs/campaign/crash.jsonl
	DLRS_INTERRUPTIONS=$(INTERRUPTIONS) DLRS_KILLS=$(KILLS) DLRS_CAMPAIGN_LOG=docs/campaign/crash.jsonl $(BIN)/python -m pytest -q \
	  tests/callbacks/test_resume.py tests/callbacks/test_killed_saves.py tests/callbacks/test_system_calls.py

.PHONY: campaign-scores
campaign-scores: install $(PEERS)/.ready ## BLEU and error rates of thousands of random corpora against sacreBLEU's and jiwer's
	for seed in 1 2 3 4 5; do \
	  DLRS_PEERS=$(abspath $(PEERS))/bin/python DLRS_SEED=$$seed $(BIN)/python -m pytest -q tests/text/test_scores.py; \
	done

BAD_CALLS ?= 100000

.PHONY: campaign
campaign: install campaign-crash ## Long tests: every instruction set and thread count, optimized Rust, many random cases
	cargo test --workspace --locked --release -- --include-ignored
	for isa in $$($(BIN)/python -c 'from dlrs import _dlrs; print(*_dlrs.supported_isas())'); do \
	  for threads in 1 2 3 5; do \
	    echo "== DLRS_ISA=$$isa DLRS_NUM_THREADS=$$threads"; \
	    DLRS_ISA=$$isa DLRS_NUM_THREADS=$$threads HYPOTHESIS_PROFILE=campaign $(BIN)/python -m pytest -q --timeout 1200; \
	  done; \
	done
	$(BIN)/python tests/bad_inputs/campaign.py --calls $(BAD_CALLS) --report docs/campaign/bad_inputs.md

FUZZ_RUNS ?= 5000000
FUZZ := rust/dlrs-io/fuzz

.PHONY: fuzz
fuzz: ## Fuzz the readers of files (needs cargo-fuzz and a nightly compiler); FUZZ_RUNS each, log in FUZZ/artifacts
	@mkdir -p $(FUZZ)/artifacts
	for target in json safetensors zip vector_text vector_binary npy lines; do \
	  (cd $(FUZZ) && cargo +nightly fuzz run $$target -- -runs=$(FUZZ_RUNS) -max_len=4096 -timeout=2 -rss_limit_mb=1024 \
	    -print_final_stats=1) 2>&1 | tee $(FUZZ)/artifacts/$$target.log; \
	done

.PHONY: keras-suite
keras-suite: install ## Keras's own tests against dlrs: passed / in scope of every file
	$(BIN)/python tests/keras_suite/run.py --summary

.PHONY: wheel
wheel: dist/.built ## Build the release wheel into dist/

.PHONY: install
install: $(VENV)/.installed ## Install the release wheel into .venv

.PHONY: develop
develop: $(VENV)/.ready ## Build in place, so that edits of Python files need no rebuild
	$(BIN)/maturin develop --release --locked
	@rm -f $(VENV)/.installed

.PHONY: data
data: $(DATA)/.ready ## Fetch Fashion-MNIST (Debian's package, no root needed)

.PHONY: clean
clean: ## Remove everything that can be built or fetched again
	rm -rf target dist $(VENV) $(PEERS) $(DATA) python/dlrs/_dlrs*.so
	find . -name __pycache__ -prune -exec rm -rf {} +

# Requirements are read from pyproject.toml, so that they stand in one place.
$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "dlrs needs Python 3.11 or newer, this is " + sys.version)'
	@command -v cargo >/dev/null || { echo "dlrs needs cargo (Rust 1.89 or newer)"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	  print(*p["dependencies"], *sum(p["optional-dependencies"].values(), []), sep="\n")' > $(VENV)/requirements.txt
	$(BIN)/python -m pip install --quiet --requirement $(VENV)/requirements.txt
	@touch $@

dist/.built: $(VENV)/.ready $(RUST_SOURCES) $(PYTHON_SOURCES) README.md LICENSE
	rm -rf dist
	$(BIN)/maturin build --release --locked --out dist
	@stat -c '%s %n' dist/*.whl | awk '{printf "%s: %.2f MB\n", $$2, $$1 / 1e6; if ($$1 > $(MAX_WHEEL_BYTES)) {print "the wheel is larger than 10 MB"; exit 1}}'
	@touch $@

$(VENV)/.installed: dist/.built
	$(BIN)/python -m pip install --quiet --force-reinstall --no-deps dist/*.whl
	@touch $@

# The package index may never have been fetched, and fetching it for the machine takes root: an index of our own will do.
APT_OWN := -o Dir::State::Lists=$(CURDIR)/$(DATA)/apt/lists -o Dir::Cache=$(CURDIR)/$(DATA)/apt/cache

$(DATA)/.ready:
	@mkdir -p $(DATA)/apt/lists/partial $(DATA)/apt/cache/archives/partial
	@if [ -d /usr/share/datasets/fashion-mnist ]; then \
	  echo "data: dataset-fashion-mnist is installed on this machine"; touch $@; \
	elif ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then \
	  echo "data: skipped, this machine has no apt (the loader will download from the publisher)"; \
	elif (cd $(DATA) && apt-get download -qq dataset-fashion-mnist 2>apt/log || \
	    { apt-get $(APT_OWN) -qq update && apt-get $(APT_OWN) -qq download dataset-fashion-mnist; } 2>>apt/log); then \
	  dpkg-deb -x $(DATA)/dataset-fashion-mnist_*.deb $(DATA) && rm -rf $(DATA)/*.deb $(DATA)/apt && touch $@ && \
	  echo "data: Fashion-MNIST is in $(DATA)/usr/share/datasets/fashion-mnist"; \
	else \
	  echo "data: skipped, apt-get could not download dataset-fashion-mnist:"; tail -n 3 $(DATA)/apt/log; \
	fi

$(PEERS)/.ready: benches/peers/install.sh
	bash benches/peers/install.sh $(PEERS) $(PYTHON)
	@touch $@

# Everything that a developer types. Needed beforehand: Python 3.11 or later with venv, make, git. No root, no Docker.
# The targets make `.venv` themselves and keep it in step with uv.lock; nothing outside this directory changes.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint format bench-quick simulate planted clean

UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
TESTS := -n auto --maxprocesses 4 --dist loadfile
# Interpreters to look for, in this order; `make test PYTHON=/usr/bin/python3.13` names one.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11

# What `.venv` holds is recorded in it by three empty files, so that it is filled again only when the lock changes.
# The demo's is kept apart from the tests': who only wants to hear a page needs no test tools.
UV_READY := $(VENV)/.uv-$(UV_VERSION)
DEMO_READY := $(VENV)/.demo-ready
TEST_READY := $(VENV)/.test-ready

# --system-certs: uv believes the certificates of the system only when told.
UV := UV_PROJECT_ENVIRONMENT=$(VENV) UV_PYTHON_DOWNLOADS=never $(BIN)/uv --quiet --system-certs
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
IS_PYTHON := 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'
IS_VENV := 'import pip, sys; sys.exit(sys.version_info < (3, 11))'

# Fill `.venv` from the lock: with uv, else (a mirror that only pip is told of) with pip, by the same hashes.
# $(1): which groups and extras. $(2): for uv alone; --inexact, so that a demo removes no test tools.
define fill
$(UV) sync --frozen $(1) $(2) || { \
	echo "uv could not; trying pip with the same versions" >&2; \
	$(UV) export --frozen --no-emit-project $(1) --output-file $(VENV)/requirements.txt >/dev/null && \
	$(PIP) --require-hashes --requirement $(VENV)/requirements.txt && \
	$(PIP) --no-deps --editable .; \
}
endef

help:  ## say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO_READY)  ## try everything on this machine: no account, no calls, nothing leaves it (ARGS="--help")
	@$(BIN)/escalator demo $(ARGS)

test: lint  ## everything that must hold: lint, then all tests (ARGS="-k acknowledge")
	$(BIN)/pytest $(TESTS) $(ARGS)

lint: $(TEST_READY)  ## format, lint, types, layers; changes nothing
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(TEST_READY)  ## format the code and mend what the linter can mend
	$(BIN)/ruff check --fix-only --quiet
	$(BIN)/ruff format

bench-quick: $(TEST_READY)  ## measure the hot paths for a minute or so
	$(BIN)/python tests/bench/quick.py $(ARGS)

simulate: $(TEST_READY)  ## many worlds of faults and crashes (SEEDS=500, SEED=7 for one of them, ARGS="--first 1000")
	$(BIN)/python tests/sim/run.py $(if $(SEED),--seed $(SEED) --trace,--seeds $(or $(SEEDS),100)) $(ARGS)

planted: $(TEST_READY)  ## plant faults in a copy of the tree, and see the tests fail (ARGS=token for some of them)
	$(BIN)/python tests/planted/run.py $(ARGS)

clean:  ## remove .venv, caches and builds; no data of a daemon
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage dist build
	find escalator tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(UV_READY):
	@$(BIN)/python -c $(IS_VENV) 2>/dev/null || { \
		found=; \
		for python in $(PYTHON); do \
			if "$$python" -c $(IS_PYTHON) 2>/dev/null; then found=$$python; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "No Python 3.11 or later with venv was found (looked for: $(PYTHON))." >&2; \
			echo "Install one (Debian, Ubuntu: apt install python3 python3-venv) or name it: make PYTHON=/path/to/python3" >&2; \
			exit 1; \
		fi; \
		echo "making $(VENV) with $$("$$found" --version)"; \
		"$$found" -m venv --clear $(VENV); \
	}
	@$(PIP) uv==$(UV_VERSION)
	@touch $@

$(DEMO_READY): $(UV_READY) pyproject.toml uv.lock
	@echo "installing escalator into $(VENV)"
	@$(call fill,--no-default-groups,--inexact)
	@touch $@

$(TEST_READY): $(UV_READY) pyproject.toml uv.lock
	@echo "installing escalator and its test tools into $(VENV)"
	@$(call fill,--all-extras --group dev)
	@touch $(DEMO_READY) $@

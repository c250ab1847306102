# Every target can be run first: it makes what it needs. Nothing needs an activated environment.
# `make setup PYTHON=/path/to/python3.13` picks the Python; else the newest one is found.

BIN := .venv/bin
export PYTHON
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help setup test attack escape faults fuzz lint format demo bench bench-long screenshots clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## Make .venv with a ready .venv/bin/keyhatch
	@.ci/setup

test: setup lint ## Lint, then run all tests
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal $(ARGS)

attack: setup ## Attack it and, for comparison, plain mitmproxy; print the table, some minutes
	@$(BIN)/python -m tests.attacks $(ROWS)

escape: setup ## Try to get out of the sandbox, as root and as a user; print the table, a minute
	@$(BIN)/python -m tests.escape $(ROWS)

faults: setup ## Kill it at hundreds of moments, fill its disk: no connection is lost, some minutes
	@KEYHATCH_LONG=1 $(BIN)/python -m pytest -q -rP tests/faults $(ARGS)

fuzz: setup ## Try every property that hostile input meets with FUZZ times the examples, half an hour
	@KEYHATCH_FUZZ=$(or $(FUZZ),20) $(BIN)/python -m pytest -q -n 2 -m hypothesis --timeout 3600 \
		tests/proxy tests/config $(ARGS)

lint: setup ## Check style and types (ruff, mypy strict)
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || \
		{ echo "hint: make format" >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary

format: setup ## Let ruff rewrite the code's layout
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

demo: setup ## See the main job done against a stand-in service, and proved
	@$(BIN)/python -m tests.e2e.demo

bench: setup ## Compare with plain mitmdump, and small with large; over a minute
	@$(BIN)/python -m bench
	@$(BIN)/python -m bench.scale

bench-long: setup ## The same with more and longer rounds, some minutes
	@$(BIN)/python -m bench --long

screenshots: setup ## Take the pictures of the settings page anew; needs chromium, nicer with fonts-inter
	@$(BIN)/python -m tests.browser.screenshots

clean: ## Remove the environment and everything that tools left behind
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .demo
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

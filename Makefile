# One verb a target. `make` alone lists them.
PYTHON ?= $(shell for p in python3.13 $(HOME)/.pyenv/versions/3.13*/bin/python; do "$$p" -c "" 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test check sim golden schema pins clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): requirements.txt requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.13 is missing. Install it with: pyenv install 3.13"; exit 1; }
	@command -v git >/dev/null || { echo "git is missing. Install it with: sudo apt-get install git"; exit 1; }
	@test -d .venv || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(READY) ## the published walkthrough and what it cannot do, on a simulated world
	@$(BIN)/python -m demo

test: $(READY) ## all tests
	@$(BIN)/python -m pytest -n auto --dist loadgroup

check: $(READY) ## formatting, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

sim: $(READY) ## the simulated world alone; prints the settings to copy
	@$(BIN)/python -m simulator

golden: $(READY) ## renew the golden files; read the diff before committing it
	@$(BIN)/python -m pytest tests/golden tests/wire/test_demo.py --renew-golden

schema: $(READY) ## renew the committed JSON Schemas
	@$(BIN)/egressctl schema --write schemas

pins: $(READY) ## pin the newest versions of the dependencies
	@$(BIN)/python -m pip install --quiet pip-tools
	@$(BIN)/pip-compile --quiet --upgrade --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --strip-extras -o requirements.txt requirements.in
	@$(BIN)/pip-compile --quiet --upgrade --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --strip-extras -o requirements-dev.txt requirements-dev.in

clean: ## remove everything that the targets made
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .state build *.egg-info

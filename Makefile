# One verb a target. `make` alone lists them.
PYTHON ?= $(shell for p in python3.13 $(HOME)/.pyenv/versions/3.13*/bin/python; do "$$p" -c "" 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
READY := .venv/.ready
MUTMUT := build/mutmut/bin/mutmut

.DEFAULT_GOAL := help
.PHONY: help demo test real check kube bench sim golden schema pins soak mutants mutants-machine clean

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
	@$(BIN)/python -m pytest -n auto --dist loadgroup --ignore tests/kube --ignore tests/bgp

real: $(READY) ## the suites that need a real kube-apiserver, BIRD and GoBGP; they say what to install
	@$(BIN)/python -m pytest -n auto --dist loadgroup tests/kube tests/bgp

check: $(READY) ## formatting, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

kube: $(READY) ## a real API server with Calico's CRDs, to try things on; prints how to reach it
	@$(BIN)/python -m kube

bench: $(READY) ## what a pass costs; WRITE=1 renews the figures of docs/benchmarks.md
	@$(BIN)/python -m bench $(if $(WRITE),--write)

sim: $(READY) ## the simulated world alone; prints the settings to copy
	@$(BIN)/python -m simulator

soak: $(READY) ## search histories on all cores: HISTORIES=1000 SEED=1000000; stories and coverage go to build/soak
	@$(BIN)/python -m search --histories $(or $(HISTORIES),1000) --seed $(or $(SEED),1000000) --out build/soak

mutants: $(READY) ## plant named mistakes, one at a time; ONLY=name tries that one; fails when one goes unnoticed
	@$(BIN)/python -m mutants $(ONLY)

mutants-machine: $(MUTMUT) ## mistakes that a machine thinks up in planning; SAMPLE=250 SEED=1 MINUTES=60
	@$(BIN)/python -m mutants.machine $(MUTMUT) $(or $(SAMPLE),250) $(or $(SEED),1) $(or $(MINUTES),60)

$(MUTMUT): mutants/requirements.txt $(READY)
	@$(BIN)/python -m venv build/mutmut
	@build/mutmut/bin/python -m pip install --quiet --disable-pip-version-check -r mutants/requirements.txt
	@$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > "$$(build/mutmut/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/project.pth"
	@touch $@

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

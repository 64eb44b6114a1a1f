# One verb a target. `make` alone lists them.
PYTHON ?= $(shell for p in python3.13 $(HOME)/.pyenv/versions/3.13*/bin/python; do "$$p" -c "" 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
READY := .venv/.ready
CHECKOV := build/checkov/bin/checkov

.DEFAULT_GOAL := help
.PHONY: help demo demo-pr demo-import test real check kube bench bench-kube serve sim golden schema pins soak sweep load load-hubs fuzz mutants mutants-machine teardown smoke flows clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): requirements.txt requirements-dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.13 is missing. Install it with: pyenv install 3.13"; exit 1; }
	@command -v git >/dev/null || { echo "git is missing. Install it with: sudo apt-get install git"; exit 1; }
	@test -d .venv || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(READY) ## the published walkthrough and what it cannot do, on a simulated world; KUBE=real has real API servers
	@$(BIN)/python -m demo $(if $(KUBE),--kube $(KUBE))

demo-pr: $(READY) ## three pull requests on a hub of 162 tenants, and the comments that reviewers see
	@$(BIN)/python -m demo.pull_requests

demo-import: $(READY) ## the published example, made by hand, imported and merged under traffic
	@$(BIN)/python -m demo.importing

test: $(READY) ## all tests; those against real programs say what to install, and fail without it where CI is set
	@$(BIN)/python -m real.kube build || true
	@$(BIN)/python -m pytest -n auto --dist loadgroup

real: $(READY) ## of these the suites against a real kube-apiserver, BIRD and GoBGP; KUBE_MINOR=1.35 chooses another Kubernetes
	@$(BIN)/python -m real.kube build || true
	@$(BIN)/python -m pytest -n auto --dist loadgroup tests/kube tests/bgp

check: $(READY) $(CHECKOV) ## formatting, lint, types, import contracts, terraform/; TF=real with the real providers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@TF=$(TF) $(BIN)/python -m terraform_provider.verifying

kube: $(READY) ## a real API server with Calico's CRDs, to try things on; prints how to reach it
	@$(BIN)/python -m real.kube

bench: $(READY) ## what a pass costs; WRITE=1 renews the figures of docs/benchmarks.md, ONLY="commit growth" some of them
	@$(BIN)/python -m bench --runs $(or $(RUNS),3) $(if $(WRITE),--write) $(if $(ONLY),--only $(ONLY))
	@$(if $(ONLY),,$(BIN)/python -m bench.answers --runs $(or $(RUNS),3) $(if $(WRITE),--write))

bench-kube: $(READY) ## beside kubectl and Flux's engine on a real API server; TENANTS=999 RUNS=1; WRITE=1 renews docs/benchmarks_kube.md
	@$(BIN)/python -m bench_kube --tenants $(or $(TENANTS),999) --runs $(or $(RUNS),1) $(if $(ONLY),--only $(ONLY)) $(if $(WRITE),--write)

serve: $(READY) ## the service at a desk: Azurite, simulated world, Git server, Azure's worker; prints what to type next
	@$(BIN)/python -m serve $(if $(PORT),--port $(PORT))

sim: $(READY) ## the simulated world alone; prints the settings to copy
	@$(BIN)/python -m simulator

soak: $(READY) ## search histories on all cores: HISTORIES=1000 SEED=1000000; stories and coverage go to build/soak
	@$(BIN)/python -m search --histories $(or $(HISTORIES),1000) --seed $(or $(SEED),1000000) --out build/soak

mutants: $(READY) ## plant named mistakes, ONLY=name tries that one; WRITE=1 renews docs/mutants.md; JOBS=2 side by side
	@$(BIN)/python -m mutants $(ONLY) $(if $(WRITE),--write) --jobs $(or $(JOBS),1)

mutants-machine: $(READY) ## mistakes that a machine thinks up in planning; SAMPLE=60 SEED=3 JOBS=1
	@$(BIN)/python -m mutants.machine $(or $(SAMPLE),60) $(or $(SEED),3) $(or $(JOBS),1)

$(CHECKOV): terraform_provider/checkov/requirements.txt $(READY)
	@$(BIN)/python -m venv build/checkov
	@build/checkov/bin/python -m pip install --quiet --disable-pip-version-check -r terraform_provider/checkov/requirements.txt
	@touch $@

sweep: $(READY) ## kill -9 the service at every call of a history; dealt out to PLAYINGS=20; JOBS=2 side by side, MINUTES=30 at most
	@$(BIN)/python -m sweep $(if $(PLAYINGS),--playings $(PLAYINGS)) $(if $(MINUTES),--minutes $(MINUTES)) --jobs $(or $(JOBS),1)

load: $(READY) ## five hundred webhooks in ten seconds while the firewall is written, in real time: some ten minutes
	@$(BIN)/python -m load

load-hubs: $(READY) ## hubs on 1, 2 and 4 workers; HUBS=20 TENANTS=200 WORKERS="1 2 4"; WRITE=1 renews docs/benchmarks.md
	@$(BIN)/python -m load hubs $(if $(HUBS),--hubs $(HUBS)) $(if $(TENANTS),--tenants $(TENANTS)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(WRITE),--write)

fuzz: $(READY) ## anything at all at the webhooks, for SECONDS=3600
	@EGRESS_FUZZ_SECONDS=$(or $(SECONDS),3600) $(BIN)/python -m pytest tests/service/test_fuzz.py

golden: $(READY) ## renew the golden files; read the diff before committing it
	@$(BIN)/python -m pytest tests/golden tests/wire/test_demo.py tests/bgp/test_bgp_page.py tests/review/test_comment.py tests/importing/test_classic.py tests/importing/test_classic_command.py --renew-golden

schema: $(READY) ## renew the committed JSON Schemas
	@$(BIN)/egressctl schema --write schemas

pins: $(READY) ## pin the newest versions of the dependencies
	@$(BIN)/python -m pip install --quiet pip-tools
	@$(BIN)/pip-compile --quiet --upgrade --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --strip-extras -o requirements.txt requirements.in
	@$(BIN)/pip-compile --quiet --upgrade --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --strip-extras -o requirements-dev.txt requirements-dev.in

teardown: $(READY) ## take down what the reconciler made, then what Terraform made: docs/terraform.md
	@deploy/teardown.sh

smoke: $(READY) ## the walkthrough on a real installation: SMOKE=yes RANGE=10.99.0.248/29 CLUSTER=spoke1-aks
	@SMOKE=$(SMOKE) RANGE=$(RANGE) CLUSTER=$(or $(CLUSTER),spoke1-aks) deploy/smoke.sh

flows: $(READY) ## EgressFlows held against `egressctl attribute` in a real workspace: WORKSPACE=GUID HOURS=6
	@WORKSPACE=$(WORKSPACE) HOURS=$(or $(HOURS),6) deploy/flows.sh

clean: ## remove everything that the targets made
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .state build *.egg-info

# `make` alone lists the targets. Every target does its own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   := .venv
BIN    := $(CURDIR)/$(VENV)/bin
STAMP  := $(VENV)/.ready
COLLECTIONS := $(CURDIR)/.ansible/collections

export PATH := $(BIN):$(PATH)
export ANSIBLE_COLLECTIONS_PATH := $(COLLECTIONS)
export PYTHONDONTWRITEBYTECODE := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-zA-Z_-]*:.*## /{printf "  \033[1m%-16s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## Put everything that is needed into .venv, versions and hashes locked

$(STAMP): requirements/dev.txt requirements/collections.txt cache_runtime/pyproject.toml tests/dtr_simulator/pyproject.toml tests/tools/setup.sh
	PYTHON=$(PYTHON) tests/tools/setup.sh $(VENV)
	@touch $@

.PHONY: demo
demo: $(STAMP) ## Deploy two chained caches on this machine and pull through them: no root, no Docker
	@python playbooks/demo/narrator.py

# These take more than six minutes each, even side by side: a release runs them.
LONG_SCENARIOS := upgrade_and_rollback swarm ca_rotation
SCENARIOS := $(filter-out default $(LONG_SCENARIOS),$(patsubst molecule/%/molecule.yml,%,$(wildcard molecule/*/molecule.yml)))

# Most of these keep one processor busy, so two lanes run side by side.
TESTS_OF_COLLECTION := lint sanity test-simulator test-plugins test-contract test-playbooks docs
TESTS_OF_CACHE := test-runtime test-page test-bench test-coverage test-endurance test-docs demo

.PHONY: test
test: $(STAMP) ## What CI runs: every test, and the scenarios with real Docker engines but for the longest three
	tests/tools/lanes.sh "$(TESTS_OF_COLLECTION)" "$(TESTS_OF_CACHE)"
	tests/tools/molecule.sh $(SCENARIOS)

.PHONY: test-release
test-release: test test-matrix test-import image test-image collection ## The same, the longest scenarios, the other ansible-cores, and what a release consists of
	tests/tools/molecule.sh $(LONG_SCENARIOS)
	$(ENDURE) --size full --minutes 30 --only "failed deployments" "killed plays" "two controllers" "one host of three"
	tests/tools/audit.sh $(AUDITED) || [ $$? -eq 3 ] # 3: its data cannot be reached from here, which it says

.PHONY: lint
lint: $(STAMP) ## Style, types and Ansible's own rules
	ruff check .
	mypy cache_runtime/src tests/dtr_simulator/src
	yamllint -s .
	ansible-lint --offline

.PHONY: test-runtime
test-runtime: $(STAMP) ## Tests of the cache runtime, real clients included
	@tests/tools/programs.sh skopeo containerd docker-registry promtool
	pytest -n 2 cache_runtime/tests --ignore cache_runtime/tests/page

.PHONY: test-page
test-page: $(STAMP) ## The status page and the fleet's report in a real browser; leaves pictures in build/page
	@tests/tools/programs.sh chromium
	pytest cache_runtime/tests/page

ROOMS_WITH_COVERAGE := cache_runtime/tests/storage cache_runtime/tests/admission cache_runtime/tests/delivery

.PHONY: test-coverage
test-coverage: $(STAMP) ## Every branch of storage, admission and delivery is taken by a test of its own room
	mkdir -p build/coverage
	coverage run -m pytest -q $(ROOMS_WITH_COVERAGE)
	coverage report
	coverage json -q -o build/coverage/coverage.json
	cd tests && python -m endurance.branches $(if $(PUBLISH),--publish)

.PHONY: test-mutation
test-mutation: $(STAMP) ## Would those tests notice a small mistake? Each is tried (half an hour; MUTANTS=200: a sample of them)
	pytest -q tests/mutation/tests
	cd tests && python -m mutation $(if $(MUTANTS),--mutants $(MUTANTS)) $(if $(PUBLISH),--publish)

.PHONY: test-simulator
test-simulator: $(STAMP) ## Tests of the DTR simulator against the official API
	pytest -n 2 tests/dtr_simulator/tests

.PHONY: test-plugins
test-plugins: $(STAMP) ## Unit tests of the collection's modules
	pytest -n 2 tests/unit

$(VENV)/.schemas: requirements/schemas.txt $(STAMP)
	python -m pip install --quiet --require-hashes -r requirements/schemas.txt
	@touch $@

.PHONY: test-contract
test-contract: $(STAMP) $(VENV)/.schemas ## What the collection and the runtime must agree on
	pytest tests/contract

.PHONY: test-playbooks
test-playbooks: $(STAMP) ## Every day of an operator, by the real playbooks on this machine; the tarball as others get it
	pytest -n 2 --dist loadfile tests/playbooks

.PHONY: test-matrix
test-matrix: $(STAMP) ## The collection with the oldest and the newest ansible-core
	tests/tools/test-matrix.sh

.PHONY: test-import
test-import: $(STAMP) ## The tarball as Ansible Galaxy's importer sees it
	tests/tools/galaxy-import.sh

$(VENV)/.docs: requirements/docs.txt $(STAMP)
	python -m pip install --quiet --require-hashes -r requirements/docs.txt
	@touch $@

.PHONY: docs
docs: $(STAMP) $(VENV)/.docs ## The documentation as a site, build/docs/index.html; a warning is a failure
	tests/tools/docs.sh

.PHONY: test-docs
test-docs: $(STAMP) ## Every command and file that the documentation shows, tried
	@tests/tools/programs.sh skopeo containerd
	pytest -n 2 --dist loadfile tests/docs

.PHONY: test-bench
test-bench: $(STAMP) ## Tests of the benchmark's own arithmetic and client
	pytest tests/bench/tests

.PHONY: bench
bench: $(STAMP) ## Measure beside docker-registry and nginx: minutes to an hour (BENCH=quick: under 4 minutes)
	cd tests && python -m bench $(if $(PUBLISH),--publish)

ENDURE := cd tests && PYTHONPATH=$(CURDIR)/cache_runtime/tests python -m endurance

.PHONY: test-endurance
test-endurance: $(STAMP) ## Kills, power cuts, rot, lies, forgeries: a few minutes of each, and the tests of the suite itself (BASE=7 for other cycles)
	@tests/tools/programs.sh nginx strace
	pytest tests/endurance/tests tests/mutation/tests
	$(ENDURE) --size ci $(if $(BASE),--base $(BASE))

.PHONY: replay
replay: $(STAMP) ## One cycle of the endurance suite again, as a broken one says (CAMPAIGN='power cuts' SEED=2026:7)
	$(ENDURE) --replay '$(CAMPAIGN)' '$(SEED)'

$(VENV)/.fuzz: requirements/fuzz.txt $(STAMP)
	python -m pip install --quiet --require-hashes -r requirements/fuzz.txt
	@touch $@

.PHONY: endurance
endurance: $(STAMP) $(VENV)/.fuzz ## The same for hours, to be interrupted and resumed (MINUTES=60: shared by all); writes docs/reliability.md
	@tests/tools/programs.sh nginx strace
	$(ENDURE) --size full $(if $(MINUTES),--minutes $(MINUTES)) --publish

.PHONY: molecule
molecule: $(STAMP) ## Scenarios with real Docker engines (SCENARIO="one another" for some)
	tests/tools/molecule.sh $(SCENARIO)

.PHONY: image
image: $(STAMP) ## Build the cache's container image
	tests/tools/build-image.sh

.PHONY: test-image
test-image: $(STAMP) ## Does the same commit give the same image, byte by byte? Builds HEAD twice
	tests/tools/image-twice.sh

.PHONY: wheel
wheel: $(STAMP) ## Build the cache as a wheel into build/wheel, a systemd unit included
	rm -rf build/wheel
	python -m build --wheel --no-isolation --outdir build/wheel cache_runtime

.PHONY: dependency-costs
dependency-costs: $(STAMP) ## What each library of the cache costs on disk and at a start
	@python tests/tools/dependency-costs.py

AUDITED := requirements/runtime.txt requirements/traces.txt

.PHONY: audit
audit: $(STAMP) ## Known vulnerabilities in what the image holds; says so where the data about them cannot be reached
	tests/tools/audit.sh $(AUDITED)

.PHONY: collection
collection: $(STAMP) ## Build the Galaxy tarball into build/
	mkdir -p build
	ansible-galaxy collection build --force --output-path build .

.PHONY: release
release: $(STAMP) ## Versions in step, changelog and notes from the fragments (VERSION=0.2.0; DRY=yes only shows)
	tests/tools/release.sh

.PHONY: sanity
sanity: $(STAMP) ## ansible-test sanity, no ignored entries
	tests/tools/sanity.sh

.PHONY: lock
lock: ## Resolve requirements/*.in anew (needs uv)
	for f in dev runtime traces schemas docs importer core-2.17 audit fuzz; do uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --upgrade -q requirements/$$f.in -o requirements/$$f.txt; done
	uv pip compile --universal --python-version 3.12 --generate-hashes --no-header --upgrade -q requirements/core-2.21.in -o requirements/core-2.21.txt
	uv pip compile --no-deps --python-version 3.11 --generate-hashes --no-header --upgrade -q requirements/collections.in -o requirements/collections.txt

.PHONY: clean
clean: ## Remove what make made
	-tests/tools/engine.sh stop
	rm -rf build .place .ansible .venv .cache

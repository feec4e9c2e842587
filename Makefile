# `make quickstart` and `make test` work on a bare machine; `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
USERS_PATH := $(PATH)
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help environment test-environment quickstart test test-full lint bench testbed-openstack testbed-dirac testbed-vm docs build clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 20

environment:
	@.ci/environment run

test-environment:
	@.ci/environment test

quickstart: environment  ## see it all work once: jobs of three VOs on VMs of the embedded cloud
	@PATH="$(USERS_PATH)" $(PY) -m vmdirac_py.cli quickstart

test: test-environment  ## units, the local thread, one smoke per bed (at most 25 minutes on two cores)
	@$(PY) -m pytest -m "not full" -n 2 --dist loadfile --durations 10

test-full: test-environment  ## every bed in depth (at most 85 minutes)
	@$(PY) -m pytest -n 2 --dist loadfile --durations 20

lint: test-environment  ## ruff, mypy, import-linter, vermin, ansible-lint, changelog
	ruff format --check .
	ruff check .
	mypy
	lint-imports
	vermin --quiet --violations --target=3.9- vmdirac_py/worker roles
	ansible-lint --offline -q
	cd collections/ansible_collections/vmdirac/cloud && antsibull-changelog lint
	$(PY) -m towncrier build --draft --version check >/dev/null

bench: test-environment  ## the figures of docs/performance.md, as JSON
	@$(PY) -m tests.bench

VERB ?= up
testbed-openstack: test-environment  ## a real OpenStack on loopback, for tests and by hand (VERB=up|down|status|wipe)
	@$(PY) -m tests.testbeds.openstack $(VERB)

testbed-dirac: test-environment  ## a real DIRAC on loopback, for tests and by hand (VERB=up|down|status|wipe)
	@$(PY) -m tests.testbeds.dirac $(VERB)

testbed-vm: test-environment  ## a Debian that really boots, in a container (VERB=tree|up|down|status|wipe)
	@$(PY) -m tests.testbeds.vm $(VERB)

docs: test-environment  ## check the pages: links, commands, tables made from code; and that module docs build
	@$(PY) -m tests.docs

build: test-environment  ## the wheel, with the collection inside
	$(PY) -m build --wheel --outdir dist

clean:  ## remove what these targets made
	rm -rf .venv build dist .vmdirac .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

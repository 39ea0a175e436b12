# The portal's commands. `make help` lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help

PORT ?= 8000
POLICIES ?= 40
# Process groups of the tests; 2 suits a small machine, `make test JOBS=auto` takes all cores.
JOBS ?= 2
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$python >/dev/null 2>&1 && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

# The virtual environment in the checkout, unless it belongs to another user (root made it and a plain user comes now, or
# the reverse): then one of our own beside it, or in our cache where the checkout can't be written.
VENV ?= $(shell \
	if [ -O .venv ] || { [ ! -e .venv ] && [ -w . ]; }; then echo .venv; \
	elif [ -O ".venv-$$(id -u)" ] || [ -w . ]; then echo ".venv-$$(id -u)"; \
	else echo "$${XDG_CACHE_HOME:-$$HOME/.cache}/portal-venv-$$(pwd -P | cksum | cut -d' ' -f1)"; fi)
BIN := $(VENV)/bin/python
# An environment whose Python has gone (upgraded, removed, the checkout copied from another machine) is made again.
BROKEN := $(shell if [ -e "$(VENV)/made.stamp" ] && ! "$(BIN)" -c '' 2>/dev/null; then rm -f "$(VENV)"/*.stamp; echo yes; fi)

# Commands end when make ends, even when it is killed.
export PORTAL_END_WITH_PARENT := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1

# Half a dozen processes import the same modules at every start: they must find them compiled, even where the
# environment forbids Python to keep what it compiles. On all cores it takes a third of pip's time.
unexport PYTHONDONTWRITEBYTECODE
INSTALL = "$(BIN)" -m pip install --quiet --require-hashes --no-deps --no-compile -r $(1) \
	&& { "$(BIN)" -m compileall -q -j 0 -x '/(tests?|testing|geodata|carrierdata|tzdata|locale)/' "$(VENV)/lib" >/dev/null || true; }

.PHONY: help install demo dev test lint bench lock system
demo dev bench: NEEDS := demo
test: NEEDS := test $(if $(TODAY),another-day)

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F'|' '{printf "%-16s %s\n", $$1, $$2}'

demo: $(VENV)/demo.stamp ## Start everything with an invented carrier's data [PORT=8000] [POLICIES=40]
	@exec "$(BIN)" manage.py demo --port $(PORT) --policies $(POLICIES)

dev: $(VENV)/dev.stamp ## Run the demo for developers: debug pages, and reload on every change [PORT=8000]
	@exec "$(BIN)" manage.py dev --port $(PORT) --policies $(POLICIES)

test: $(VENV)/dev.stamp ## Run the whole test suite [JOBS=2] [ARGS="-k certificate"] [TODAY="+400 days"]
	@exec "$(BIN)" $(if $(TODAY),-m tools.another_day "$(TODAY)") -m pytest -n $(JOBS) --dist worksteal $(ARGS)

lint: $(VENV)/dev.stamp ## Run every check of code, templates, types, layers, migrations and packages
	@exec "$(BIN)" -m tools.lint

bench: $(VENV)/dev.stamp ## Measure against the floors [ONLY=name]
	@exec "$(BIN)" manage.py bench $(if $(ONLY),--only $(ONLY))

install: $(VENV)/dev.stamp ## Install the locked packages, those for development too

lock: $(VENV)/dev.stamp ## Compile requirements/*.txt from pyproject.toml [UPGRADE=1]
	@exec "$(BIN)" -m tools.lock $(if $(UPGRADE),--upgrade)

# What the command needs of the system; installed where that may be done.
system:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or newer is missing: install it, for example as root with 'apt-get install python3'." >&2; exit 1; fi
	@exec "$(PYTHON)" -m core.system $(or $(NEEDS),install)

$(VENV)/made.stamp: | system
	@echo "Making the virtual environment $(VENV)"
	@mkdir -p "$(dir $(VENV))" && "$(PYTHON)" -m venv $(if $(BROKEN),--clear) "$(VENV)" && touch "$@"

$(VENV)/demo.stamp: requirements/demo.txt $(VENV)/made.stamp
	@echo "Installing the locked packages"
	@$(call INSTALL,requirements/demo.txt)
	@touch "$@"

$(VENV)/dev.stamp: requirements/dev.txt $(VENV)/made.stamp
	@echo "Installing the locked packages, those for development too"
	@$(call INSTALL,requirements/dev.txt)
	@touch "$@" "$(VENV)/demo.stamp"

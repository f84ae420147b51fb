# make lab    the course, open in JupyterLab          make test    everything that must pass
# make quick  the minute-long part of the tests       make help    all of it
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# With uv present, its --torch-backend keeps gigabytes of CUDA off machines without a GPU.
UV     := $(shell command -v uv 2>/dev/null)
ifdef UV
INSTALL = $(UV) pip install --python $(BIN)/python --torch-backend=$(or $(TORCH_BACKEND),cpu)
READY = $(BIN)/python -c ''
else
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
READY = $(BIN)/python -m pip --version
endif
# An environment whose Python is gone, as after an upgrade of the system, is set up again.
ifneq ($(shell $(BIN)/python -c 'print("runs")' 2>/dev/null),runs)
.PHONY: $(VENV)/.installed
endif

help:  ## this page
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

$(VENV)/.installed: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (once; about two minutes) ..."
	@$(PYTHON) -c 'import sys; sys.exit("Top Five needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
# Half an environment, as Debian without python3-venv leaves it, is completed or else made anew.
	@$(READY) >/dev/null 2>&1 || { $(BIN)/python -m ensurepip && $(READY); } >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) \
	  || { echo "$(VENV) could not be made; once what is missing is installed, give the same command again" >&2; exit 1; }
	@echo "  PyTorch ..."
	@$(INSTALL) -c constraints.txt torch
	@echo "  the course and JupyterLab ..."
	@$(INSTALL) -c constraints.txt -e '.[grade]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "  test tools ..."
	@$(INSTALL) -c constraints.txt -e '.[grade,hub,dev]'
	@touch $@

install: $(VENV)/.installed  ## the environment in .venv
install-dev: $(VENV)/.installed-dev  ## the same with test tools

lab: install  ## the course open in JupyterLab (homework/ is yours, never overwritten)
	@$(BIN)/python -m topfive lab

test: install-dev  ## everything that must pass without a browser (about 20 minutes)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
# Three processes on two cores: tests of grading wait for their kernels a good part of the time.
	@$(BIN)/python -m pytest -m 'not thorough and not browser' --numprocesses 3 --dist loadscope --no-loadscope-reorder

browser: install-dev  ## everything that must pass in a real JupyterLab: panels, attacks on clicks (about 15 minutes)
	@$(BIN)/python -m pytest tests/browser

thorough: install-dev  ## what takes hours: every notebook handed in and graded, more seeds for every exercise, every attack on a click and every kill of grading twenty times, a walk through each notebook
	@$(BIN)/python -m pytest -m thorough --timeout 1200
	@TOPFIVE_SEEDS=20 $(BIN)/python -m pytest tests/exercises --numprocesses 2 --dist loadscope
	@TOPFIVE_KILLS=20 $(BIN)/python -m pytest tests/grading/test_grade.py -k killed_at_any_moment --timeout 1200
	@TOPFIVE_CLASS=30 $(BIN)/python -m pytest tests/grading/test_four_ways.py -m thorough --timeout 3600
	@TOPFIVE_SURGERIES=all $(BIN)/python -m pytest tests/surgery/test_class.py --timeout 7200
	@$(BIN)/python -m tests.browser.chaos --times 20
	@$(BIN)/python -m tests.browser.walk

quick: install-dev  ## the minute-long part of the tests, for daily work
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -m 'not slow and not browser and not thorough'

data: install-dev  ## rebuild every derived file under data/ from seeds (about 45 minutes)
	@$(BIN)/python -m topfive.build.text
	@$(BIN)/python -m topfive.build.checkpoints

notebooks: install-dev  ## rebuild the notebooks whose source changed
	@$(BIN)/python -m topfive.build.notebooks
	@$(BIN)/python -m topfive.build.rehearsal

benchmarks: install-dev  ## speed, side by side with peers (about 10 minutes)
	@$(BIN)/python -m benchmarks

.PHONY: help install install-dev lab test browser thorough quick data notebooks benchmarks

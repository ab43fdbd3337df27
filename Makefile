# What a checkout is for: `make demo` answers the reference question, `make test` runs the tests. Everything that is made
# lies in .venv and indexes, is made once, and is made again only when what it was made from has changed.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.stamp-installed
INDEX := indexes/starter/CURRENT
INDEXED := corpus $(wildcard corpus/*.md) rag/clinical/lexicon.tsv $(wildcard rag/index/*.py rag/ingest/*.py rag/ingest/readers/*.py rag/language/*.py)

QUESTION := Should IVIG (Intravenous Immunoglobulin) be given to a patient with severe thrombocytopenia, cirrhosis, \
impaired renal function, and heparin-induced thrombocytopenia (HIT) who is on argatroban (argatroban)?

# Those that have a baseline.
SUITES := $(patsubst eval/baselines/%.json,%,$(wildcard eval/baselines/*.json))

# Open WebUI, which one slow test drives, in an environment of its own: it is a front end, not a part of Osler.
WEBUI_VERSION := 0.12.4
WEBUI := .tools/open-webui/.stamp-$(WEBUI_VERSION)

PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input
# More options for pytest, such as PYTEST_ARGS='-n 4' for four processes instead of two.
PYTEST_ARGS ?=

.PHONY: help demo test test-slow check bench gate index open-webui screenshots clean
.DEFAULT_GOAL := help

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

demo: $(INDEX)  ## set up, build the starter index, and answer the reference question
	@$(BIN)/osler ask "$(QUESTION)"

test: $(INSTALLED)  ## run the tests but for the slow ones
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist loadfile $(PYTEST_ARGS)

test-slow: $(INSTALLED) $(WEBUI)  ## run the slow tests
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

check: $(INSTALLED)  ## check format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(INDEX)  ## measure speed and quality
	$(BIN)/python -m eval.bench
	$(BIN)/python -m eval.building embedding
	$(BIN)/python -m eval.building memory --passages 10000 100000
	$(BIN)/python -m eval.sizes
	$(BIN)/python -m eval.load

gate: $(INDEX)  ## ask Osler the suites that ship, and fail where it falls below the committed baselines
	@for suite in $(SUITES); do \
	  $(BIN)/osler eval run $$suite --out eval-logs/$$suite.json \
	    && $(BIN)/osler eval gate eval-logs/$$suite.json --baseline eval/baselines/$$suite.json || exit 1; \
	done

index: $(INDEX)  ## build the starter index

screenshots: $(INDEX)  ## take the pictures of the page for docs
	$(BIN)/python -m tests.screenshots

open-webui: $(WEBUI)  ## install Open WebUI, which a slow test drives (2 minutes, 3 GB)

clean:  ## remove all that was made, and caches
	rm -rf $(VENV) *.egg-info build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf indexes/starter .tools
	find rag api eval tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The snapshot is named by its content, so a build that changes nothing leaves CURRENT as it was: hence the touch.
$(INDEX): $(INDEXED) | $(INSTALLED)
	@$(BIN)/osler index build corpus
	@touch $@

$(INSTALLED): requirements.lock pyproject.toml
	@python=$$($(find_python)) && echo "Setting up $(VENV) with $$python; the first time takes a few minutes." \
	  && "$$python" -m venv $(VENV)
	@$(PIP) -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

# The CPU build of torch where pip is pointed to one, as for Osler itself.
$(WEBUI): | $(INSTALLED)
	@rm -rf .tools/open-webui
	@python=$$($(find_python)) && "$$python" -m venv .tools/open-webui
	@.tools/open-webui/bin/python -m pip install -qq --disable-pip-version-check --no-input \
	  open-webui==$(WEBUI_VERSION) torch==$$(sed -n 's/^torch==//p' requirements.lock)
	@touch $@

# The first of these that is Python 3.11 or newer; what PYTHON names comes first, and alone when it was given.
CANDIDATES := $(PYTHON) $(if $(filter file,$(origin PYTHON)),python3.11 python3.12 python3.13 python3.14)
define find_python
for p in $(CANDIDATES); do \
  if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$$p"; exit 0; fi; \
done; \
echo "Python: none of $(CANDIDATES) is version 3.11 or newer; install one, or name it: make PYTHON=/path/to/python" >&2; \
exit 1
endef

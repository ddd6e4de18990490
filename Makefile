# Every target sets itself up first. Extra arguments travel in ARGS: make train ARGS="system=lcoins_small trainer=gpu"
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup train eval sweep colorize test faults check docs release

PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready

help:
	@echo 'make TARGET [ARGS="key=value ..."]'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## create .venv with lcoins and what training, coloring and tests need, unless it is up to date
	@echo "ready: $(BIN)/lcoins"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "lcoins needs Python 3.11 or newer, this is %d.%d: make setup PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --no-input --progress-bar off -c constraints.txt -e '.[dev]'
	@touch $@

train: $(READY) ## train on drawn scenes, or on what ARGS says
	$(BIN)/lcoins train $(ARGS)

eval: need-RUN $(READY) ## evaluate one run by the paper's protocol: RUN=runs/...
	$(BIN)/lcoins eval run="$$RUN" $(ARGS)

sweep: $(READY) ## train the full model and its four ablations, three seeds each, one run after the other
	$(BIN)/lcoins train experiment=ablations $(ARGS)

colorize: need-PHOTO need-CAPTION $(READY) ## color one photo: PHOTO=... CAPTION="..."; CHECKPOINT=... for other weights
	$(BIN)/lcoins colorize "$$PHOTO" "$$CAPTION" $${CHECKPOINT:+--checkpoint "$$CHECKPOINT"} $(ARGS)

test: $(READY) ## run the tests, one process per core, without a network or a GPU
	$(BIN)/python -m pytest -q -n auto $(ARGS)

faults: $(READY) ## kill, starve, race and mislead the commands for some minutes, and print what was counted
	$(BIN)/python -m pytest -q -m faults -n auto --dist worksteal tests/faults $(ARGS)

check: $(READY) ## check lint, format, types, spelling, imports, and one training step from a built wheel
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/typos
	$(BIN)/python -m pytest -q tests/test_layers.py tests/test_wheel.py

docs: .venv/.docs-ready ## build the documentation into site/ without a network, and check its links
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python docs/hooks/check_site.py site
	@echo "open site/index.html; with search: $(BIN)/python -m http.server --bind 127.0.0.1 --directory site"

release: .venv/.release-ready ## build wheel and sdist into dist/, check them, and try each in an environment of its own
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/twine check --strict dist/*
	$(BIN)/python .ci/try_release.py dist

.venv/.release-ready: $(READY)
	$(BIN)/python -m pip install --no-input --progress-bar off -c constraints.txt -e '.[release]'
	@touch $@

.venv/.docs-ready: $(READY)
	$(BIN)/python -m pip install --no-input --progress-bar off -c constraints.txt -e '.[docs]'
	@touch $@

# Asked for before anything is set up. The recipes above read the values from the environment, where quotes are safe.
need-RUN: example = RUN=runs/scenes-lcoins_tiny/default/seed=0
need-PHOTO: example = PHOTO=old.jpg
need-CAPTION: example = CAPTION="a woman in a red coat"
.PHONY: need-RUN need-PHOTO need-CAPTION
need-RUN need-PHOTO need-CAPTION: need-%:
	@test -n "$$$*" || { echo '$* is missing, for example $(example)' >&2; exit 2; }

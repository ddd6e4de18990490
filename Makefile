# Every target sets itself up first. Extra arguments travel in ARGS: make train ARGS="model=small trainer=gpu"
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup train eval sweep colorize test check

PYTHON ?= python3
BIN    := .venv/bin
READY  := .venv/.ready

help:
	@echo 'make TARGET [ARGS="key=value ..."]'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with the lcoins command in it; nothing when it is up to date
	@echo "ready: $(BIN)/lcoins"

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "lcoins needs Python 3.11 or newer, this is %d.%d: make setup PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --no-input --progress-bar off -c constraints.txt -e '.[dev,sweep]'
	@touch $@

train: $(READY) ## train on drawn scenes, or on what ARGS says
	$(BIN)/lcoins train $(ARGS)

eval: need-RUN $(READY) ## the paper's protocol for one run: RUN=runs/...
	$(BIN)/lcoins eval run="$$RUN" $(ARGS)

sweep: $(READY) ## the full model and its four ablations, three seeds each, one run after the other
	$(BIN)/lcoins train experiment=ablations $(ARGS)

colorize: need-PHOTO need-CAPTION need-CHECKPOINT $(READY) ## one photo in color: PHOTO=... CAPTION="..." CHECKPOINT=...
	$(BIN)/lcoins colorize "$$PHOTO" "$$CAPTION" --checkpoint "$$CHECKPOINT" $(ARGS)

test: $(READY) ## run the tests, without a network or a GPU
	$(BIN)/python -m pytest -q $(ARGS)

check: $(READY) ## lint, format, types, spelling, and one training step from a built wheel
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/typos
	$(BIN)/python -m pytest -q tests/test_layers.py tests/test_wheel.py

# Asked for before anything is set up. The recipes above read the values from the environment, where quotes are safe.
need-RUN: example = RUN=runs/scenes-tiny/default/seed=0
need-PHOTO: example = PHOTO=old.jpg
need-CAPTION: example = CAPTION="a woman in a red coat"
need-CHECKPOINT: example = CHECKPOINT=runs/scenes-tiny/default/seed=0/checkpoints/best.ckpt
.PHONY: need-RUN need-PHOTO need-CAPTION need-CHECKPOINT
need-RUN need-PHOTO need-CAPTION need-CHECKPOINT: need-%:
	@test -n "$$$*" || { echo '$* is missing, for example $(example)' >&2; exit 2; }

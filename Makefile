# make demo | test | test-ci | test-slow | test-all | mutate | fuzz | lint | docs | bench: each sets up what it needs, and is quick when nothing changed.
# make bench-gpu [SPEECH=FOLDER] [GPU_PYTHON=...] [BENCH="--parts ..."] sets up nothing: it takes a Python with its packages, and needs no network.
# make gpu-pack [SPEECH=FOLDER] lays out .gpu-pack/ for a machine with a GPU and without a network.
PYTHON ?= python3
GPU_PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
READY := $(VENV)/.ready

# One thread a worker: two pools of threads on the same cores wait for each other. Compiled tests are kept.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder --named-at-end

.PHONY: demo test test-ci test-slow test-all mutate fuzz lint docs bench bench-gpu gpu-pack clean

# Its minutes add up to four, which leaves one for the report and for start-up on a slow or busy machine: five in all.
demo: $(INSTALLED)
	at=runs/demo-$$(date +%Y%m%d-%H%M%S) && \
	$(BIN)/sslbench train-and-measure --minutes 1 --evaluate-minutes 1.25 --out $$at/efficient-tiny && \
	$(BIN)/sslbench compare --models efficient-tiny,essl,wav2vec2-base,hubert-base --minutes 1.75 --out $$at/compare && \
	$(BIN)/sslbench report $$at/efficient-tiny $$at/compare --out $$at/report

test: $(READY)
	$(PYTEST) -m "not slow"

# One test of each external tool.
test-ci: $(READY)
	$(PYTEST) -m ci

test-slow: $(READY)
	$(PYTEST) -m slow

test-all: $(READY)
	$(PYTEST) --hypothesis-profile drawn

# 300 changes of the source, one at a time, of which the tests must notice 90 %: an hour. `make mutate N=40 SEED=2 AREA=ratios`.
N ?= 300
SEED ?= 0
mutate: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python tests/mutate.py $(N) --seed $(SEED) $(if $(AREA),--area "$(AREA)")

# 2,000 changed documents for each reader of what comes from outside: `make fuzz`, `make fuzz N=100 SEED=3 READER=--config`.
fuzz: N = 2000
fuzz: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz.py $(N) --seed $(SEED) $(if $(READER),--reader="$(READER)")

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy docs/results examples
	$(BIN)/lint-imports

# A warning is an error; then every link inside the pages is followed. They begin at docs/_build/html/index.html.
docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --fresh-env --keep-going --quiet --builder html --doctree-dir docs/_build/doctrees docs docs/_build/html
	$(BIN)/python docs/internal_links.py docs/_build/html

bench: $(READY)
	$(BIN)/python tests/bench.py

bench-gpu:
	@$(GPU_PYTHON) tests/gpu_bench $(if $(SPEECH),--speech "$(SPEECH)") $(BENCH)

gpu-pack:
	@$(PYTHON) tests/gpu_bench/pack.py $(if $(SPEECH),--speech "$(SPEECH)") $(PACK)

# What a user runs. torch first and by the constraints: a later package would take a build of its own choice.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "sslbench needs Python 3.11 or newer: make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "python3 -m venv does not work here; on Debian and Ubuntu: apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -r constraints.txt
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

# What tests, lint and timings need beside it.
$(READY): $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) docs/_build docs/reference/generated .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .gpu-pack

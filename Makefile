# Two commands do everything on a fresh machine: "make research" and "make test".
TRIALS ?= 6
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: research race car-test browser-test ray-test slurm-test test check lint soak bench bench-search docs clean
.DEFAULT_GOAL := test

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "no $(PYTHON) on PATH; install Python 3.11 or newer"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$$($(PYTHON) --version 2>&1) is too old; install Python 3.11 or newer, or: make PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[box2d,dev,export,web]'
	@touch $@

research: $(INSTALLED)
	$(BIN)/python agent/autoresearch_controller.py --trials $(TRIALS) --agent ppo --min-timesteps 10000 --max-timesteps 20000

race: $(INSTALLED)
	$(BIN)/python agent/evaluate_champion.py --model bundled --race --track named --gif race $(RACE)
	@test ! -e agent/models/champion/model.zip || \
	  $(BIN)/python agent/evaluate_champion.py --race --gif race/study $(RACE)

test: $(INSTALLED)
	$(BIN)/python -m pytest -q -n auto

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

soak: $(INSTALLED)
	$(BIN)/python tests/soak.py $(SOAK)

bench: $(INSTALLED)
	@for bench in tests/benchmarks/bench_*.py; do $(BIN)/python $$bench || exit 1; done

SEARCH ?= --methods all --repeats 5 --trials 50
bench-search: $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[peers]'
	$(BIN)/python tests/benchmarks/bench_search.py $(SEARCH)

# donkeycar's real package, in an environment of its own: it needs older libraries than ours.
CAR := .venv-car
DONKEYCAR ?= donkeycar==5.3.0
GYM_DONKEYCAR ?= git+https://github.com/tawnkramer/gym-donkeycar@v25.10.06
$(CAR)/.installed: Makefile
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
	  { echo "donkeycar 5.3 needs Python 3.11; give PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv $(CAR)
	$(CAR)/bin/python -m pip install --quiet '$(DONKEYCAR)' '$(GYM_DONKEYCAR)' 'gym==0.22.0' \
	  'ai-edge-litert==2.3.0' 'opencv-contrib-python-headless==4.9.*'
	@touch $@

car-test: $(INSTALLED) $(CAR)/.installed
	DONKEYCAR_BIN=$(CURDIR)/$(CAR)/bin $(BIN)/python -m pytest -s -n 0 tests/deployment/test_on_a_car.py

browser-test: $(INSTALLED)
	@command -v chromium >/dev/null || { echo "no chromium on PATH; install it, on Debian: apt-get install chromium"; exit 2; }
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[browser,web]'
	$(BIN)/python -m pytest -q -n 0 -m browser tests

# Ray is large and its tests take minutes, so they have an environment of their own, which adds it to
# the packages of the first.
RAY := .venv-ray
$(RAY)/.installed: $(INSTALLED)
	$(PYTHON) -m venv $(RAY)
	$(RAY)/bin/python -m pip install --quiet -c constraints.txt ray
	$(RAY)/bin/python -m pip install --quiet --no-deps -e .
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > \
	  "$$($(RAY)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/first.pth"
	@touch $@

ray-test: $(RAY)/.installed
	$(RAY)/bin/python -m pytest -s -n 0 tests/executors/test_ray.py tests/executors/test_conformance.py

# A Slurm of one node, this machine, for as long as the tests run.
slurm-test: $(INSTALLED)
	@for program in slurmctld slurmd munged sbatch; do PATH="$$PATH:/usr/sbin" command -v $$program >/dev/null || \
	  { echo "no $$program on PATH; install it, on Debian: apt-get install slurmctld slurmd slurm-client munge"; exit 2; }; done
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[slurm]'
	AUTORESEARCH_SLURM=1 $(BIN)/python -m pytest -q -n 0 -k slurm tests/executors

docs: $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[docs]'
	$(BIN)/python -m sphinx -q -W --keep-going -c docs/site . build/docs
	@echo "build/docs/index.html"

clean:
	rm -rf $(VENV) $(CAR) $(RAY) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find agent experiments tests -name __pycache__ -type d -prune -exec rm -rf {} +

# make quickstart   the whole path on real film reviews, two to six minutes on two cores after the installation
# make test         the tests, in WORKERS processes of one thread each; ARGS="-n 0 tests/text" runs some, in one
# make lint         style, types, floors
# Each makes the virtual environment .venv and installs what it needs first.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
WORKERS ?= 2
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check

# Where this is set, as containers like to, each of the tests' hundreds of processes would compile the package again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: quickstart test test-slow lint environments clean

quickstart: $(VENV)/.quickstart
	@$(VENV)/bin/penjing quickstart $(ARGS)

test: $(VENV)/.dev $(VENV)/moto/.done
	OMP_NUM_THREADS=1 MOTO_SERVER=$(VENV)/moto/bin/moto_server $(VENV)/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-slow: $(VENV)/.dev
	$(VENV)/bin/python -m pytest -m slow $(ARGS)

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# What lint and test need; with --jobs=2 both are made at once.
environments: $(VENV)/.dev $(VENV)/moto/.done

clean:
	rm -rf $(VENV) build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Penjing needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Run make PYTHON=python3.11 …" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.quickstart: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing Penjing and what it needs into $(VENV) …" >&2
	@$(PIP) install --quiet --constraint constraints.txt --editable ".[quickstart]"
	@touch $@

# Not compiled: what the tests import of it is compiled then, and that is a part.
$(VENV)/.dev: $(VENV)/bin/python pyproject.toml constraints.txt
	@echo "Installing Penjing and what its tests need into $(VENV) …" >&2
	@$(PIP) install --quiet --no-compile --constraint constraints.txt --editable ".[all,dev]"
	@$(PIP) install --quiet --no-compile --constraint constraints.txt --no-deps trl peft accelerate psutil  # what tests compare with
	@touch $@ $(VENV)/.quickstart

# A server that speaks as S3 does, for tests; what it needs and what constraints.txt says do not fit together.
$(VENV)/moto/.done: $(VENV)/bin/python
	@echo "Installing a server for the tests of s3:// into $(VENV)/moto …" >&2
	@$(PYTHON) -m venv $(VENV)/moto
	@$(VENV)/moto/bin/python -m pip --disable-pip-version-check install --quiet --no-compile "moto[s3]>=5" flask flask-cors
	@touch $@

# make figures              set up .venv, run the default config on all cores: results/synthetic
# make test                 set up .venv, run all checks and tests
# make lint                 check style, types of the library, and the rules
# make docs                 write docs/config.md from the schema and the default config
# make environment          set up .venv from requirements.lock
# make benchmark            measure the forest against scikit-learn and the peers that are installed
# make benchmark-grid       measure the workflow against a plain script
# make benchmark-ingest     measure the reading of raw logs against the peers that are installed
# make benchmark-information  measure estimates of information against the peers that are installed
# make benchmark-selection  measure song selection on 20 million generated listenings
# make peers                install more peers, sklearnex, YDF, Polars, DuckDB, dit, infomeasure, into .venv
# make lock                 pin the newest allowed versions in requirements.lock
# make clean                remove .venv and all caches, but no results

PYTHON ?= python3

.PHONY: figures test lint docs environment benchmark benchmark-grid benchmark-information \
  benchmark-ingest benchmark-selection peers lock clean

figures: environment
	.venv/bin/snakemake --cores all

environment: .venv/complete

.venv/complete: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

test: lint
	.venv/bin/pytest --numprocesses auto --dist loadfile

lint: environment
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/snakefmt --check Snakefile rules
	.venv/bin/snakemake --lint
	.venv/bin/mypy

docs: environment
	.venv/bin/python docs/config.py

benchmark: environment
	.venv/bin/python benchmarks/forest.py

benchmark-grid: environment
	.venv/bin/python benchmarks/grid.py

benchmark-selection: environment
	.venv/bin/python benchmarks/selection.py

benchmark-information: environment
	.venv/bin/python benchmarks/information.py

benchmark-ingest: environment
	.venv/bin/python benchmarks/ingest.py

peers: environment
	.venv/bin/pip install --quiet --disable-pip-version-check -e '.[peers]'

lock:
	$(PYTHON) -m venv --clear .venv-lock
	.venv-lock/bin/pip install --quiet --disable-pip-version-check uv
	UV_CUSTOM_COMPILE_COMMAND="make lock" .venv-lock/bin/uv pip compile --quiet --upgrade \
	  --universal --python-version 3.11 --extra dev --generate-hashes \
	  --output-file requirements.lock pyproject.toml
	rm -rf .venv-lock

clean:
	rm -rf .venv .venv-lock .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist workflow/*.egg-info
	find workflow tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

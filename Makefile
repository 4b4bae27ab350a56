# make figures              set up .venv, run the default config on all cores: results/synthetic
# make report               put finished results into one page: results/synthetic/report.html
# make report CONFIGFILE=my.yaml  the same of another config's results; of several: 'a.yaml b.yaml'
# make test                 set up .venv, run all checks and tests
# make test-sanitized       the tests of what is in C, with checks of memory and arithmetic: needs gcc, Linux
# make test-slurm           the workflow on a Slurm cluster of this machine: as root, on Debian
# make lint                 check style, types of the library, and the rules
# make docs                 write docs/config.md from the schema, and the table of docs/reruns.md
# make environment          set up .venv from requirements.lock
# make benchmark            measure the forest against scikit-learn and the peers that are installed
# make benchmark-grid       measure the workflow against a plain script
# make benchmark-ingest     measure the reading of raw logs against the peers that are installed
# make benchmark-information  measure estimates of information against the peers that are installed
# make benchmark-dag        measure the planning of grids of 500 to 5,000 points
# make benchmark-selection  measure song selection on 20 million generated listenings
# make peers                install more peers, sklearnex, YDF, Polars, DuckDB, dit, infomeasure, into .venv
# make dag                  draw which rule needs which: docs/rulegraph.svg
# make lock                 pin the newest allowed versions in requirements.lock
# make clean                remove .venv and all caches, but no results

PYTHON ?= python3

.PHONY: figures report dag test test-slurm test-sanitized lint docs environment benchmark benchmark-grid benchmark-dag \
  benchmark-information benchmark-ingest benchmark-selection peers lock clean

# On a terminal with bars for its progress.
figures: environment
	.venv/bin/snakemake --cores all $$(test -t 2 && echo --logger rich)

CONFIGFILES = $(foreach file,$(CONFIGFILE),'$(file)')
LAID_OVER = $(if $(CONFIGFILE),--configfile $(CONFIGFILES))
DATASET_OF = import sys, yaml; configs = [yaml.safe_load(open(name)) or {} for name in sys.argv[1:]]; \
  print([config["dataset"] for config in configs if "dataset" in config][-1])

# Only of finished results, as else they would stand beside a config that is not theirs.
report: environment
	@plan=$$(.venv/bin/snakemake --dry-run $(LAID_OVER) 2>&1) || { echo "$$plan"; exit 1; }; \
	results=results/$$(.venv/bin/python -c '$(DATASET_OF)' config/config.yaml $(CONFIGFILES)); \
	echo "$$plan" | grep -q "^Nothing to be done" || { echo "$$results is not complete, or not of" \
	  "this config; run first: .venv/bin/snakemake --cores all $(LAID_OVER)"; exit 1; }; \
	.venv/bin/snakemake --report $$results/.partial-report.html $(LAID_OVER) && \
	mv $$results/.partial-report.html $$results/report.html && echo "see $$results/report.html"

# Without arrows that follow from others, and in a font that browsers know.
dag: environment
	@command -v dot > /dev/null && command -v tred > /dev/null || \
	  { echo "make dag needs dot and tred, which come with Graphviz"; exit 1; }
	graph=$$(.venv/bin/snakemake --rulegraph) && echo "$$graph" | tred | \
	  sed 's/fontname=sans,/fontname="Helvetica,Arial,sans-serif",/' | dot -Tsvg -o docs/rulegraph.svg

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

test-slurm: environment
	tests/slurm/install.sh
	.venv/bin/pip install --quiet --disable-pip-version-check -e '.[slurm]'
	.venv/bin/pytest -m slurm tests/slurm

# Without capturing, so that what ends the tests is told.
test-sanitized: environment
	@command -v gcc > /dev/null || { echo "make test-sanitized needs gcc"; exit 1; }
	LD_PRELOAD=$$(gcc -print-file-name=libasan.so) \
	  ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
	  .venv/bin/python -m pytest -p tests.sanitized --capture=no tests/forest tests/test_songs.py \
	  tests/test_scanning.py tests/test_crowdai.py tests/test_roc.py

lint: environment
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	git ls-files -- "*.c" "*.h" | xargs .venv/bin/clang-format --dry-run --Werror
	.venv/bin/snakefmt --check Snakefile rules
	.venv/bin/snakemake --lint
	.venv/bin/mypy

docs: environment
	.venv/bin/python docs/config.py
	.venv/bin/python -m tests.reruns --write

benchmark: environment
	.venv/bin/python benchmarks/forest.py

benchmark-grid: environment
	.venv/bin/python benchmarks/grid.py

benchmark-dag: environment
	.venv/bin/python -m benchmarks.dag

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
	  --universal --python-version 3.11 --extra dev --extra progress --generate-hashes \
	  --output-file requirements.lock pyproject.toml
	rm -rf .venv-lock

clean:
	rm -rf .venv .venv-lock .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist workflow/*.egg-info
	find workflow tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

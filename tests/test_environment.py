"""The conda environment of the scripts: what it holds and where they find the library."""

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "workflow/scripts"
# Snakemake appends its own search path to that of each script, and alone needs the other.
WITHOUT = {"snakemake", "smart-open"}
CONDA_NAMES = {"isal": "python-isal", "matplotlib": "matplotlib-base"}


def _environment():
    """Return {package: its version} of the conda environment, with what pip installs there."""
    text = (ROOT / "workflow/envs/fidelity.yaml").read_text(encoding="utf-8")
    *lines, pip, by_pip = yaml.safe_load(text)["dependencies"]
    assert pip == "pip"
    found = dict(line.split(maxsplit=1) for line in lines)
    return found | dict(line.replace("==", "=").split() for line in by_pip["pip"])


def _project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_it_has_the_packages_of_the_project_in_the_versions_of_the_lock():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"^([\w-]+)==(\S+) ;.*'linux'.* \\$", lock, re.MULTILINE))
    names = {Requirement(line).name for line in _project()["dependencies"]} - WITHOUT
    expected = {CONDA_NAMES.get(name, name): f"={pinned[name]}" for name in names}
    assert _environment() == expected | {"python": _project()["requires-python"]}


def test_a_script_finds_the_library_where_it_is_not_installed():
    """Python without site-packages, and the folder of the script as Snakemake appends it."""
    program = "import sys; sys.path.append(sys.argv[1]); import fidelity; print(fidelity.__file__)"
    command = [sys.executable, "-I", "-S", "-c", program, SCRIPTS]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert Path(run.stdout.strip()).resolve() == ROOT / "workflow/fidelity/__init__.py"


def test_what_rules_import_brings_no_heavy_package():
    """Snakemake's process lives as long as the run, on a cluster with each job."""
    rules = "\n".join(path.read_text() for path in ROOT.glob("rules/*.smk"))
    modules = sorted(set(re.findall(r"from (fidelity[\w.]*) import", rules)))
    assert "fidelity.emulation" in modules
    heavy = "pandas", "pyarrow", "sklearn", "scipy", "matplotlib", "joblib"
    found = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys, {', '.join(modules)}; print(*({set(heavy)} & sys.modules.keys()))",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.split() == []


def test_what_rules_replace_in_snakemake_is_there():
    """By these names alone: else a newer Snakemake would go on, slower, and nobody would know."""
    import snakemake.cli  # first, as those below import each other
    from snakemake.dag import DAG, ScriptProcessor
    from snakemake.iocontainers import Snakemake
    from snakemake.persistence import PersistenceBase
    from snakemake.script import PythonScript

    assert snakemake.cli
    arguments = inspect.signature(PythonScript.execute_script).parameters
    assert list(arguments) == ["self", "fname", "edit"]
    assert list(inspect.signature(ScriptProcessor.process_job).parameters) == ["self", "job"]
    assert "exclude_finished" in inspect.signature(DAG.needrun_jobs).parameters
    assert "import pandas" in inspect.getsource(Snakemake._safely_store_params)
    assert isinstance(vars(PersistenceBase)["_serialize_param"], property)
    serialize = PersistenceBase._serialize_param_builtin
    assert list(inspect.signature(serialize).parameters) == ["self", "value"]

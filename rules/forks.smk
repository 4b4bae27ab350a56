# On a workstation scripts run as forks of one process: workflow/forks.py.
import atexit
import contextlib
import sys
import tempfile
from pathlib import Path

from snakemake.benchmark import benchmarked
from snakemake.script import PythonScript

sys.path.append(str(Path(workflow.basedir, "workflow")))
from forks import Forks

# What Snakemake puts before a script, scripts with a job for every grid point, and the recommender.
FORKS = Forks(
    Path(workflow.basedir, "workflow/scripts"),
    [
        *("snakemake.logging", "snakemake.iocontainers"),
        *("train_models", "query_models", "cross_validate", "measure_leakage"),
        *("estimate_information", "ask_own_models", "ask_comparisons", "attack_users"),
        RECOMMENDER["estimator"].rpartition(".")[0],
    ],
)
START = PythonScript.execute_script


def is_forked(script):
    """Return if a `PythonScript` needs nothing of its own: another Python, threads, the terminal."""
    surroundings = script.conda_env, script.container_img, script.env_modules, script.shadow_dir
    return (
        not any(surroundings)
        and not workflow.execution_settings.debug
        and script.threads == 1
        and script.resources.get("tmpdir") == tempfile.gettempdir()
    )


def execute_script(script, name, edit=False):
    """Take the place of `PythonScript.execute_script`."""
    if not is_forked(script):
        START(script, name, edit)
        return

    def watch(pid):
        record = script.bench_record
        return contextlib.nullcontext() if record is None else benchmarked(pid, record)

    FORKS.run(name, watch)


if workflow.is_main_process:
    atexit.register(FORKS.close)
    PythonScript.execute_script = execute_script

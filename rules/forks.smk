# On a workstation scripts run as forks of one process: workflow/forks.py.
import atexit
import sys
import tempfile
import time
from pathlib import Path

from snakemake.script import PythonScript

sys.path.append(str(Path(workflow.basedir, "workflow")))
from forks import Forks


def imported_once():
    """Return what Snakemake puts before a script; scripts to run many times; the recommender.

    All of it only as far as this run needs it. Where jobs are submitted, none of the scripts runs
    beside Snakemake.
    """
    before = ["snakemake.logging", "snakemake.iocontainers"]
    if not workflow.local_exec:
        return before
    needed = {job.rule for job in workflow.dag.needrun_jobs(exclude_finished=False)}
    # Those of grid points are many; where there are none, figures may be.
    many = {one for one in needed if "common" in one.wildcard_names} or needed
    imported = sorted(Path(one.script).stem for one in many if one.script)
    if any(one.name in MODELS for one in needed):
        imported.append(RECOMMENDER["estimator"].rpartition(".")[0])
    return before + imported


FORKS = Forks(Path(workflow.basedir, "workflow/scripts"), imported_once)
START = PythonScript.execute_script


def is_forked(script):
    """Return if a `PythonScript` needs nothing of its own: another Python, threads, the terminal.

    Forks were tried on Linux alone.
    """
    surroundings = script.conda_env, script.container_img, script.env_modules, script.shadow_dir
    return (
        sys.platform == "linux"
        and not any(surroundings)
        and not workflow.execution_settings.debug
        and script.threads == 1
        and script.resources.get("tmpdir") == tempfile.gettempdir()
    )


def execute_script(script, name, edit=False):
    """Take the place of `PythonScript.execute_script`."""
    if not is_forked(script):
        START(script, name, edit)
        return
    start = time.time()
    used = FORKS.run(name)
    if script.bench_record is not None:
        keep(script.bench_record, time.time() - start, used)


def keep(record, seconds, used):
    """Fill a benchmark: exact numbers, where Snakemake samples what lives each half a second."""
    record.running_time = seconds
    record.cpu_time, record.cpu_usage = used.cpu, 100 * used.cpu
    record.max_rss, record.io_in, record.io_out = (
        size / 2**20 for size in (used.memory, used.read, used.written)
    )
    record.data_collected = True


if workflow.is_main_process:
    atexit.register(FORKS.close)
    PythonScript.execute_script = execute_script

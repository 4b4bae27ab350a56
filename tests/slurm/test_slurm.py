"""The workflow on a Slurm cluster, through profiles/slurm: `make test-slurm`."""

import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..project import SMALL as WITH_LARGER
from ..project import Project, copy_project
from . import cluster as slurm

pytestmark = pytest.mark.slurm

# Without the size that does not exist.
SMALL = WITH_LARGER | {"grid": WITH_LARGER["grid"] | {"target_size": [20, "max"]}}
PATIENCE = 600  # seconds, in which what never comes is given up
TABLES = "results/synthetic/findings.md"  # which needs every table
LEAKAGE = "results/synthetic/grid/common-1/target-20/leakage.csv"
# At the end of a run nobody waits for half a minute.
PROFILE = ["--workflow-profile", "profiles/slurm", "--max-jobs-per-timespan", "100/1s"]
# A submission holds fewer of these few jobs, so that there are some to run side by side.
SMALLER_GROUPS = ["--group-components", "logs=1", "points=2"]


class Run:
    """A run of the workflow that goes on."""

    def __init__(self, process, output):
        self.process = process
        self.output = output

    def wait_for(self, is_there):
        deadline = time.monotonic() + PATIENCE
        while not is_there():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.5)

    def end(self):
        """Wait for the end, which is to be a good one; return what the run said."""
        try:
            assert self.process.wait(PATIENCE) == 0, self.output.read_text()
        except subprocess.TimeoutExpired:
            pytest.fail(f"no end after {PATIENCE} s:\n{self.output.read_text()}")
        return self.output.read_text()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with slurm.running_cluster(tmp_path_factory.mktemp("cluster")):
        yield
    assert not slurm.CONFIG.exists()


@pytest.fixture(scope="module")
def submitted(cluster, tmp_path_factory):
    """Return a project and its run on the cluster, which goes on while other tests run."""
    project = _small_project(tmp_path_factory.mktemp("submitted") / "project")
    with _started(project, TABLES, *PROFILE, *SMALLER_GROUPS) as started:
        yield project, started


@pytest.fixture(scope="module")
def finished(submitted, tmp_path_factory):
    """Return a project after the same run on this machine alone."""
    project = _small_project(tmp_path_factory.mktemp("finished") / "project")
    project.make(TABLES)
    return project


def test_jobs_killed_by_the_memory_limit_or_by_scancel_are_retried(cluster, finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "project")
    project = Project(tmp_path / "project", "synthetic")
    shutil.copy2(Path(__file__).with_name("hungry.py"), project.folder / "workflow")
    bigram = {"estimator": "fidelity.bigram.BigramClassifier", "n_estimators": None}
    project.configure(SMALL | {"recommender": bigram})
    project.make(LEAKAGE)
    expected = (project.folder / LEAKAGE).read_bytes()
    project.configure(SMALL | {"recommender": bigram | {"estimator": "hungry.Hungry"}})

    with _started(project, LEAKAGE, *PROFILE) as started:
        started.wait_for(lambda: [job["%T"] for job in _submitted_by(project)][1:] == ["RUNNING"])
        slurm.run("scancel", _submitted_by(project)[1]["%i"])
        text = started.end()

    first, second, third = _submitted_by(project)
    assert "exceeded memory limit" in text
    assert first["%T"] not in ("COMPLETED", "RUNNING")
    assert (second["%T"], third["%T"]) == ("CANCELLED", "COMPLETED")
    memory = [int(job["%m"].removesuffix("M")) for job in (first, second, third)]
    assert memory == [memory[0], 2 * memory[0], 3 * memory[0]]
    assert memory[0] < 1500
    assert (project.folder / LEAKAGE).read_bytes() == expected


def test_the_cluster_makes_the_same_bytes_as_a_workstation(finished, submitted):
    project, started = submitted
    text = started.end()
    made, expected = project.tables(), finished.tables()
    assert len(expected) > 50
    assert made.keys() == expected.keys()
    assert [name for name in expected if made[name] != expected[name]] == []
    assert "36 of 36 steps (100%) done" in text
    # Two of logs, one of songs, one of the adversary's own models; nine parts of points by twos:
    # four points, information apart from answers where no users are common, three accuracies.
    assert len(_submitted_by(project)) == 2 + 1 + 1 + 5


def _small_project(folder):
    project = copy_project(folder, "synthetic")
    project.configure(SMALL)
    return project


@contextmanager
def _started(project, *arguments):
    """Start a run whose output goes into a file; end it, if nobody waited for its end."""
    with open(project.folder / "output", "w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            project.command(*arguments),
            cwd=project.folder,
            env=project.environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Run(process, Path(output.name))
        finally:
            process.terminate()
            process.wait()


def _submitted_by(project):
    jobs = slurm.submissions("%i %T %m %Z")
    return [job for job in jobs if job["%Z"] == str(project.folder)]


def test_a_cluster_that_the_tests_did_not_make_is_left_alone(tmp_path, monkeypatch):
    config = tmp_path / "slurm.conf"
    config.write_text("ClusterName=real\n")
    monkeypatch.setattr(slurm, "CONFIG", config)
    with pytest.raises(RuntimeError, match="is of a cluster that the tests did not make"):
        slurm.require_cluster()
    assert config.read_text() == "ClusterName=real\n"

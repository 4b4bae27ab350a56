import fcntl
import shutil

import pytest
from hypothesis import settings

from .project import Project, small_project

# No time limit an example: on a busy machine, or while something is compiled, it would decide.
settings.register_profile("fidelity", deadline=None)
settings.load_profile("fidelity")

# What Python runs in the workflow's scripts, not here; of two of one name pytest finds one.
collect_ignore = ["killing/sitecustomize.py", "filling/sitecustomize.py"]


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """Return a small project after a fresh run on two cores, to be left as it is.

    One for all workers that run tests side by side: the first makes it, the others wait.
    """
    root = tmp_path_factory.getbasetemp()
    root = root if worker_id == "master" else root.parent
    folder = root / "finished"
    with open(root / "finished.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            project = small_project(tmp_path_factory.mktemp("unfinished") / "project")
            project.make()
            project.folder.rename(folder)
    return Project(folder, "synthetic")


@pytest.fixture
def copy(finished, tmp_path):
    """Return a copy of the finished project, to be changed."""
    shutil.copytree(finished.folder, tmp_path / "project")
    return Project(tmp_path / "project", "synthetic")

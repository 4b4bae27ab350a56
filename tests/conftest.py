import shutil

import pytest
from hypothesis import settings

from .project import Project, small_project

# No time limit an example: on a busy machine, or while something is compiled, it would decide.
settings.register_profile("fidelity", deadline=None)
settings.load_profile("fidelity")


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Return a small project after a fresh run on two cores, to be left as it is."""
    project = small_project(tmp_path_factory.mktemp("finished") / "project")
    project.make()
    return project


@pytest.fixture
def copy(finished, tmp_path):
    """Return a copy of the finished project, to be changed."""
    shutil.copytree(finished.folder, tmp_path / "project")
    return Project(tmp_path / "project", "synthetic")

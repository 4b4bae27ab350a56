import hashlib
import re
import subprocess

import numpy as np
import pytest

from fidelity.versions import versions


def test_versions_are_those_of_the_modules(tmp_path):
    found = versions(tmp_path)
    assert found["numpy"] == np.__version__
    assert re.match(r"3\.\d+\.\d+, \w+", found["python"])
    assert not {"commit", "requirements.lock"} & found.keys()


def test_a_checkout_tells_its_commit_and_its_lock(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text("numpy==2\n")
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
    for command in (["init"], ["add", "."], [*identity, "commit", "--message", "first"]):
        subprocess.run(["git", "-C", tmp_path, *command], check=True, capture_output=True)
    found = versions(tmp_path)
    head = (tmp_path / ".git" / _ref(tmp_path)).read_text().strip()
    assert found["commit"] == head
    assert found["requirements.lock"].endswith(hashlib.sha256(b"numpy==2\n").hexdigest()[:16])
    lock.write_text("numpy==3\n")
    assert versions(tmp_path)["commit"] == f"{head}-dirty"


def _ref(folder):
    return (folder / ".git/HEAD").read_text().removeprefix("ref: ").strip()


@pytest.mark.parametrize("path", ["", None])
def test_a_commit_that_cannot_be_told_is_said_so(tmp_path, monkeypatch, path):
    (tmp_path / ".git").mkdir()
    if path is not None:
        monkeypatch.setenv("PATH", path)
    assert versions(tmp_path)["commit"].startswith("unknown: ")

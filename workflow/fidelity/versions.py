"""What results are made with: versions of the code and of the packages that make numbers."""

import hashlib
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    *("fidelity-leakages", "snakemake", "numpy", "scipy", "pandas", "pyarrow", "ziglang"),
    *("scikit-learn", "matplotlib"),
)


def versions(project):
    """Return {what: its version} of the installed packages and of a folder of the project.

    Of the folder that are the commit, where it is a checkout, with "-dirty" if files differ from
    it; and the SHA-256 of the lock, where there is one.

    Parameters
    ----------
    project : path
    """
    found = {"python": f"{platform.python_version()}, {platform.machine()}"}
    found |= {name: version(name) for name in PACKAGES}
    if Path(project, ".git").exists():
        found["commit"] = _commit(project)
    lock = Path(project, "requirements.lock")
    if lock.exists():
        found[lock.name] = f"SHA-256 {hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    return found


def _commit(project):
    """Return the commit of a checkout, or why git does not tell it."""
    command = ["git", "-C", project, "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        run = subprocess.run([*command, "--exclude", "*"], capture_output=True, text=True)
    except FileNotFoundError:
        return "unknown: git is not installed"
    return run.stdout.strip() or f"unknown: {run.stderr.strip()}"

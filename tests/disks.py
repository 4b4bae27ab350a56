"""Small and read-only disks."""

import os
import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def disk(folder, options):
    """Mount a disk in memory at a folder, as options of tmpfs say; only root can."""
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root can mount a disk of a given size, or a read-only one")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

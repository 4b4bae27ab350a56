"""Fills a disk when a script of the workflow is to write its first file, once for each script.

Python imports this when it starts, if its folder is on PYTHONPATH. BALLAST is the file that takes
all space that is left, until the next script starts; FILLED is a folder with a file for each script
to which that happened.
"""

import os
import re
import sys
from pathlib import Path

_touch = Path.touch


def _empty():
    Path(os.environ["BALLAST"]).unlink(missing_ok=True)


def _fill_and_touch(path):
    script = re.fullmatch(r".*/\.snakemake/scripts/\w+\.(\w+)\.py", sys.argv[0])
    filled = Path(os.environ["FILLED"], script[1]) if script else None
    if script and path.name.startswith(".partial-") and not filled.exists():
        _touch(filled)
        with open(os.environ["BALLAST"], "wb") as file:
            disk = os.fstatvfs(file.fileno())
            os.posix_fallocate(file.fileno(), 0, disk.f_bavail * disk.f_frsize)
    _touch(path)


# A script starts as a fork.
os.register_at_fork(after_in_child=_empty)
Path.touch = _fill_and_touch

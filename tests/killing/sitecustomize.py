"""Kills a run of the workflow in the middle of a job of each script, once for each.

Python imports this when it starts, if its folder is on PYTHONPATH. The run dies when the first
file of a script is to get its name, or the second one of the scripts in MANY: one half of that
file is there by then, the file before it is whole. KILLED is a folder with a file for each script
in which that happened.
"""

import os
import re
import signal
import sys
from pathlib import Path

_replace = os.replace
_whole = []


def _kill_or_replace(source, target):
    script = re.fullmatch(r".*/\.snakemake/scripts/\w+\.(\w+)\.py", sys.argv[0])
    if script and "/.partial-" in str(source):
        killed = Path(os.environ["KILLED"], script[1])
        n_before = int(script[1] in os.environ["MANY"].split())
        if len(_whole) == n_before and not killed.exists():
            killed.touch()
            os.truncate(source, os.path.getsize(source) // 2)
            os.killpg(0, signal.SIGKILL)
        _whole.append(target)
    _replace(source, target)


os.replace = _kill_or_replace

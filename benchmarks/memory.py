"""What a process has held."""

import resource
import sys
from pathlib import Path


def peak_memory():
    """Return the most memory, in bytes, that this program has held.

    On Linux, `getrusage` would count what the process held before it became this program.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak

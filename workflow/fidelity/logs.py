"""What a step of the workflow says, in its log file."""

import gc
import logging
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError, OutputError

log = logging.getLogger("fidelity")


@contextmanager
def logged(path, inputs, outputs):
    """Send what a step says to the file `path`; note its beginning and end, what it reads and made.

    An error ends the program: the file has the text of faulty input or of output that cannot be
    written, and the traceback of any other. That it was interrupted is noted and goes on.

    Parameters
    ----------
    path : path
    inputs, outputs : iterable of path
        The files of the step.
    """
    # In the place of a handler that some package has made when it was imported.
    form = "%(asctime)s %(message)s"
    logging.basicConfig(filename=path, filemode="w", format=form, force=True)
    log.setLevel(logging.INFO)  # of other packages warnings: one tells of each letter of a font
    logging.captureWarnings(True)
    gc.freeze()  # what was imported stays: there is no garbage to look for in it
    start = time.monotonic()
    log.info("begun, with %s to read", _sizes(inputs))
    try:
        yield
    except (InputError, OutputError) as error:
        log.error("%s", error)
        sys.exit(1)
    except Exception:
        log.exception("failed")
        sys.exit(1)
    except KeyboardInterrupt:
        log.error("interrupted")
        raise
    log.info("done in %.2f s, with %s made", time.monotonic() - start, _sizes(outputs))


def last_lines(path, n=20):
    """Return the last lines of a log as a text; empty if there is no log or nothing in it."""
    path = Path(path)
    if not path.is_file():
        return ""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-n:])


def ended_well(path):
    """Return if a log is that of a step which did what it is for."""
    return " done in " in last_lines(path, 1)


def _sizes(paths):
    sizes = [os.path.getsize(path) for path in paths]
    return f"{len(sizes)} file{'' if len(sizes) == 1 else 's'} ({sum(sizes):,} bytes)"

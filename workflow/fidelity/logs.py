"""What a step of the workflow says, in its log file."""

import logging
import sys
import time
from contextlib import contextmanager

from .errors import InputError

log = logging.getLogger("fidelity")


@contextmanager
def logged(path):
    """Send what a step says to the file `path`; note how it ended and how long it took.

    Faulty input ends the program with its text, other errors with their traceback.
    """
    logging.basicConfig(
        filename=path, filemode="w", format="%(asctime)s %(message)s", level=logging.INFO
    )
    logging.captureWarnings(True)
    start = time.monotonic()
    try:
        yield
    except InputError as error:
        log.error("%s", error)
        sys.exit(1)
    except Exception:
        log.exception("failed")
        raise
    log.info("done in %.2f s", time.monotonic() - start)

"""Files that appear whole or not at all."""

import errno
import os
import re
from contextlib import contextmanager
from pathlib import Path

from .errors import OutputError

_FULL = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
}
_CLOSED = {
    errno.EROFS: "make it writable, or run elsewhere",
    errno.EACCES: "get the right to write there, or run elsewhere",
    errno.EPERM: "get the right to write there, or run elsewhere",
}


@contextmanager
def whole_file(path):
    """Give a path to write to, whose file takes the name `path` if nothing is raised.

    The content is on the disk before it has the name, so that not even a loss of power leaves a
    part of it there. What an earlier attempt left is removed, also if another machine still writes
    it for a run that was given up.

    Parameters
    ----------
    path : path
        In a folder that exists.

    Raises
    ------
    OutputError
        If the disk is full, or the folder cannot be written to.
    """
    path = Path(path)
    partial = path.with_name(f".partial-{os.urandom(8).hex()}-{path.name}")
    try:
        _remove_leftovers(path)
        partial.touch()
    except OSError as error:
        _explain(path, error, _FULL | _CLOSED)
        raise
    try:
        yield partial
        _flush(partial)
        os.replace(partial, path)
    except OSError as error:
        # A place that is closed may be of what is read meanwhile.
        _explain(path, error, _FULL)
        raise
    finally:
        partial.unlink(missing_ok=True)


def require_writable(folder):
    """Raise an OutputError if files cannot be made in a folder, or where it is to be made."""
    import tempfile  # here alone: most who import this module are short jobs

    place = Path(folder).absolute()
    while not place.exists():
        place = place.parent
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"\0")
            file.flush()
    except OSError as error:
        _explain(place, error, _FULL | _CLOSED)
        raise


def _remove_leftovers(path):
    for name in os.listdir(path.parent):
        if re.fullmatch(rf"\.partial-[0-9a-f]{{16}}-{re.escape(path.name)}", name):
            path.with_name(name).unlink(missing_ok=True)


def _flush(path):
    # Not the folder too: where only the new name is lost, the next run makes the file again.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _explain(path, error, remedies):
    """Raise an OutputError in the place of an error of which it is known what to do."""
    if error.errno in remedies:
        raise OutputError(
            f"{path}: cannot be written ({os.strerror(error.errno)}); {remedies[error.errno]}, "
            "then run again"
        ) from error

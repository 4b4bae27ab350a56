"""Raw files as streams: plain or compressed, by themselves or in a tarball, never unpacked."""

import tarfile
import zlib
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from isal import igzip, isal_zlib

from .errors import InputError
from .logs import log

SUFFIXES = (".csv", ".csv.gz")
TARBALLS = (".tar.gz", ".tgz", ".tar")

_COMPRESSED = (".gz", ".tgz")
_READ_BYTES = 1 << 20
_MOST_BYTES = 64 << 20
_REMEDY = "bring a whole copy"
_DAMAGES: tuple = (EOFError, OSError, tarfile.TarError, zlib.error, isal_zlib.error)


def suffix_of(name):
    """Return what makes a file name one of a raw file or a tarball of them, else None.

    Hidden files are none: macOS leaves some beside others, with the same ending.
    """
    hidden = Path(name).name.startswith(".")
    return next((end for end in SUFFIXES + TARBALLS if name.endswith(end) and not hidden), None)


def find_logs(folder):
    """Return {shard: file} of the raw files and tarballs anywhere below a folder, in order.

    A shard is named by its path below the folder, without `.csv`, `.csv.gz`, `.tar.gz`, `.tgz`
    or `.tar`. Hidden files are left out.

    Raises
    ------
    InputError
        If the folder is missing or holds no such file, if a folder is named like one, or if two
        files make one shard.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder of logs")
    shards = {}
    for path in sorted(folder.rglob("*")):
        suffix = suffix_of(path.name)
        if suffix is None:
            continue
        if path.is_dir():
            raise InputError(f"{path}: a folder is named like a raw file; rename it")
        shard = path.relative_to(folder).as_posix().removesuffix(suffix)
        if shard in shards:
            raise InputError(f"{shards[shard]} and {path} are one shard; remove one of them")
        shards[shard] = path
    if not shards:
        *others, last = SUFFIXES + TARBALLS
        raise InputError(f"{folder}: holds no {', '.join(others)} or {last} file")
    return shards


def open_raw_files(path):
    """Yield (name, binary stream) of the raw file at a path, or of each in the tarball there.

    A name begins with that of the file at the path; after it comes that in the tarball.
    A stream is valid until the next is asked for, and must be read to its end by then.

    Raises
    ------
    InputError
        If the path cannot be opened, or a tarball is damaged between its files, or holds none.
    """
    path = Path(path)
    with ExitStack() as stack:
        try:
            file = stack.enter_context(open(path, "rb", buffering=0))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error})") from error
        stream = _inflated(file, path.name)
        if suffix_of(path.name) in TARBALLS:
            yield from _members(path, stream)
        else:
            yield path.name, stream


class Window:
    """What is in view of a stream of lines: it moves along, and grows if it must.

    Parameters
    ----------
    name : str
        Of the file, for messages.
    stream : binary stream
    size : int
        Bytes in view at first.

    Attributes
    ----------
    data : array of uint8
        The bytes in view.
    line : int
        Number, from 1, of the line that begins with them.
    at_end : bool
        Whether the file ends with them. Then the last of them, if any, is a line feed.
    """

    def __init__(self, name, stream, size):
        self.name, self.line, self.at_end = name, 1, False
        self._stream, self._filled = stream, 0
        self._buffer = bytearray(size + 1)

    @property
    def data(self):
        return np.frombuffer(self._buffer, dtype=np.uint8, count=self._filled)

    def fill(self):
        """Read on until the window is full or the file ends; a full one is made larger.

        Returns whether anything is in view.

        Raises
        ------
        InputError
            If the file is damaged, or the window would grow beyond 64 MiB.
        """
        if self._filled == len(self._buffer) - 1:
            self._grow()
        try:
            while not self.at_end and self._filled < len(self._buffer) - 1:
                count = self._stream.readinto(memoryview(self._buffer)[self._filled : -1])
                self._filled += count
                self.at_end = count == 0
        except _DAMAGES as error:
            raise self.fault_at(
                self._filled, f"cannot be read on, here or further down ({error}); {_REMEDY}"
            ) from error
        if self.at_end and self._filled and self._buffer[self._filled - 1] != ord("\n"):
            self._buffer[self._filled] = ord("\n")
            self._filled += 1
        return self._filled > 0

    def move(self, count):
        """Leave the first bytes behind."""
        self.line = self.line_at(count)
        left = self._filled - count
        self._buffer[:left] = self._buffer[count : self._filled]
        self._filled = left

    def find(self, byte):
        """Return where a byte first stands in view, -1 if it does not."""
        return self._buffer.find(byte, 0, self._filled)

    def line_at(self, place):
        """Return the number of the line that a byte in view stands in."""
        # Of bytes, the method `count` would be slower than this by far.
        return self.line + int(np.count_nonzero(self.data[:place] == ord("\n")))

    def fault_at(self, place, text):
        """Return an InputError that names the file and the line of a byte in view."""
        return InputError(f"{self.name}: line {self.line_at(place)}: {text}")

    def _grow(self):
        if self._filled >= _MOST_BYTES:
            raise InputError(
                f"{self.name}: line {self.line}: the row or session that begins here takes more "
                f"than {_MOST_BYTES >> 20} MiB"
            )
        self._buffer = self._buffer + bytearray(len(self._buffer))


def _inflated(file, name):
    return igzip.IGzipFile(fileobj=file) if name.endswith(_COMPRESSED) else file


def _members(path, stream):
    """Yield (name, stream) of each raw file in a tarball."""
    found, last = False, "its beginning"
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_READ_BYTES, tarinfo=_TarInfo) as tar:
            while member := tar.next():
                last = member.name
                if member.isreg() and suffix_of(member.name) in SUFFIXES:
                    found = True
                    yield f"{path.name}: {member.name}", _inflated(tar.extractfile(member), last)
                elif not member.isdir():
                    log.info("%s: %s is no raw file; left out", path, member.name)
        while stream.read(_READ_BYTES):  # up to the checksum
            pass
    except _DAMAGES as error:
        raise InputError(f"{path}: after {last}: cannot be read on ({error}); {_REMEDY}") from error
    if not found:
        raise InputError(f"{path}: holds no .csv or .csv.gz file")


class _TarInfo(tarfile.TarInfo):
    """A header in a tarball, of which a bad one is an error: tarfile takes it for the end."""

    @classmethod
    def fromtarfile(cls, tar):
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # there, if not documented
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(str(error)) from error

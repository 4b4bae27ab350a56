"""The raw logs of the CrowdAI (Spotify) sequential skip prediction challenge.

A file holds one row a listening, sorted by session and position, with the 21 columns of
`COLUMNS` in any order. It is read as a stream, a block at a time (`raw_files`), and its fields
where they stand (`scanning`); sessions that pass the filters (paper, section 5.1) are written to
a session table, without their raw ids.

Of every row these are checked: that it is text in UTF-8, the number of its fields, that the rows
of a session are together, their positions and lengths, and `not_skipped`. The other columns are
checked in the rows of sessions that are kept, as nothing is made of them elsewhere.
"""

import csv
import itertools
import json
import warnings
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from . import crowdai_columns
from .errors import InputError
from .files import whole_file
from .raw_files import Window, open_raw_files
from .scanning import HIGHEST, Splitter

# With the types of arrow.
COLUMNS = {name: pa.type_for_alias(kind) for name, kind in crowdai_columns.COLUMNS.items()}
_TEXT, _INTEGER, _BOOLEAN = pa.string(), pa.uint16(), pa.bool_()

_WORDS = (b"false", b"true")
_BLOCK_BYTES = 1 << 20
_GROUP_ROWS = 1 << 18  # of the session table, written at once
_LONGEST_TOLD = 80
_FINGERPRINTS = b"raw_files"


class Filters(NamedTuple):
    """Which sessions are kept: of exactly `length` listenings, at least `min_full_plays` of
    them played entirely, all of a context in `context_types`.
    """

    length: int
    min_full_plays: int
    context_types: tuple


def extract_sessions(raw, table, filters, timing):
    """Write the sessions of a raw file that pass the filters to a parquet session table.

    The table has one row a listening: session (from 0 in this file), position (from 1),
    track_id, and the timing columns as uint16. It appears whole or not at all. Its metadata hold
    what `require_distinct` compares. Memory does not depend on the size of the file, but for 8
    bytes a session of one raw file.

    Parameters
    ----------
    raw, table : path
        `raw` is a `.csv` or `.csv.gz` file, or a tarball of such files, whose sessions are
        numbered on from one to the next.
    filters : Filters
    timing : sequence of str
        Columns among `crowdai_columns.TIMING`.

    Returns
    -------
    DataFrame
        The funnel: filter, sessions, listenings. `read` counts all; `length`, `full_plays` and
        `context` what each dropped, first filter first; `kept` the rest.

    Raises
    ------
    InputError
        If the file is not as described above; the text names the file and the line.
    """
    schema = pa.schema(
        [("session", pa.int32()), ("position", pa.int16()), ("track_id", pa.string())]
        + [(name, pa.uint16()) for name in timing]
    )
    raw, funnel, fingerprints = Path(raw), Funnel(), []
    with whole_file(table) as partial, SessionTable(partial, schema) as sessions:
        for number, (name, stream) in enumerate(open_raw_files(raw)):
            log = RawLog(raw.parent / name, stream)
            for listenings, sizes in log.sessions():
                sessions.add(*funnel.sift(listenings, sizes, filters))
            if log.may_repeat_sessions():
                _require_together(raw, number)
            fingerprints.append([name, *log.fingerprint()])
        sessions.note(_FINGERPRINTS, fingerprints)
    return funnel.table()


def require_sessions(funnel):
    """Raise if no session of any file is left.

    Parameters
    ----------
    funnel : DataFrame
        Of one file or several: filter, sessions, listenings.

    Raises
    ------
    InputError
        It says which filter removed the most sessions.
    """
    sessions = funnel.groupby("filter")["sessions"].sum()
    if sessions["kept"] > 0:
        return
    dropped = sessions.drop(["read", "kept"])
    raise InputError(
        f"none of {sessions['read']} sessions is left: the filter {dropped.idxmax()} removed the "
        f"most, {dropped.max()}; relax it under sessions in the config, or bring other logs"
    )


def require_distinct(tables):
    """Raise if two raw files hold the same sessions, each of which would count as two users.

    It happens where a folder holds a tarball beside its files, or a file in two forms. Files are
    the same if they have as many rows and the same sum of the hashes of their session ids, in
    whatever order, under whatever names. Only the metadata of the tables are read.

    Parameters
    ----------
    tables : {shard: path}
        The session tables of all raw files, by what `raw_files.find_logs` calls these.

    Raises
    ------
    InputError
        It names both files.
    """
    seen = {}
    for shard, table in tables.items():
        noted = pq.read_metadata(table).metadata or {}  # not by tables of other logs
        for name, *fingerprint in json.loads(noted.get(_FINGERPRINTS, "[]")):
            file = str(PurePosixPath(shard).parent / name)
            if tuple(fingerprint) in seen and fingerprint[0] > 0:
                raise InputError(
                    f"{seen[tuple(fingerprint)]} and {file} hold the same sessions, and each would "
                    "count as two users; keep only one of them below the folder of logs"
                )
            seen[tuple(fingerprint)] = file


class Funnel:
    """Counts the sessions and listenings that each filter drops, first filter first."""

    def __init__(self):
        self.counts = {
            name: np.zeros(2, dtype=np.int64)
            for name in ("read", "length", "full_plays", "context", "kept")
        }

    def sift(self, listenings, sizes, filters):
        """Return (listenings, sizes) of the sessions that pass, and count all.

        `listenings` are of whole sessions of these sizes.
        """
        starts = np.cumsum(sizes) - sizes
        full = listenings.numbers("not_skipped")
        allowed = listenings.are_among("context_type", filters.context_types)
        tests = {
            "length": sizes == filters.length,
            "full_plays": np.add.reduceat(full, starts) >= filters.min_full_plays,
            "context": np.minimum.reduceat(allowed, starts),
        }
        left = np.ones(len(starts), dtype=bool)
        self._count("read", left, sizes)
        for name, passed in tests.items():
            self._count(name, left & ~passed, sizes)
            left &= passed
        self._count("kept", left, sizes)
        return listenings.take(np.repeat(left, sizes)), sizes[left]

    def table(self):
        rows = [(name, *counts) for name, counts in self.counts.items()]
        return pd.DataFrame(rows, columns=["filter", "sessions", "listenings"])

    def _count(self, name, sessions, sizes):
        self.counts[name] += [sessions.sum(), sizes[sessions].sum()]


class RawLog:
    """A raw file, read some whole sessions at a time.

    Parameters
    ----------
    name : path or str
        For messages.
    stream : binary stream
        Read once, from its beginning.

    Raises
    ------
    InputError
        If the header lacks a column, or is none.
    """

    def __init__(self, name, stream):
        self._window = Window(name, stream, _BLOCK_BYTES)
        self._header = _read_header(self._window)
        self._hashes, self._rows = [], 0

    def sessions(self):
        """Yield (listenings, sizes) of whole sessions; the listenings are valid until the next.

        Raises
        ------
        InputError
            If the file is damaged, a row has another number of fields, or positions or lengths
            do not fit.
        """
        window = self._window
        splitter = Splitter(len(self._header))
        while window.fill():
            rows, end, fault = splitter.split(window.data)
            _require_text(window, end)
            listenings = Listenings(rows, self._header, window)
            sizes = _session_sizes(listenings, window.at_end and not fault)
            if fault:
                raise window.fault_at(end, fault)
            whole = listenings.take(slice(0, sizes.sum()))
            if len(sizes):
                self._hashes.append(whole.take(np.cumsum(sizes) - sizes).hashes("session_id"))
                self._rows += len(whole)
                yield whole, sizes
            window.move(end if len(whole) == len(rows) else rows.start(len(whole)))

    def may_repeat_sessions(self):
        """Return whether two sessions, not side by side, seem to have one id (or one hash)."""
        hashes = np.sort(self._all_hashes())
        return bool((hashes[1:] == hashes[:-1]).any())

    def fingerprint(self):
        """Return (rows, sum of the hashes of the session ids modulo 2**64, in hex)."""
        return self._rows, f"{self._all_hashes().sum(dtype=np.uint64):016x}"

    def _all_hashes(self):
        return np.concatenate([np.empty(0, dtype=np.uint64), *self._hashes])


class Listenings:
    """Rows of a raw file in view, by the names of their columns.

    Parameters
    ----------
    rows : Rows
    header : list of str
        Names of all columns.
    window : Window
        That the rows are seen through.
    """

    def __init__(self, rows, header, window):
        self.rows, self.header, self.window = rows, header, window

    def __len__(self):
        return len(self.rows)

    def take(self, chosen):
        """Return some of the listenings, by number, mask or slice."""
        return Listenings(self.rows.take(chosen), self.header, self.window)

    def numbers(self, name):
        """Return a column of whole numbers or booleans, int32.

        Raises
        ------
        InputError
            If a value is none.
        """
        if COLUMNS[name] == _BOOLEAN:
            values, expected = self.rows.words(self._place(name), _WORDS), "true or false"
        else:
            values = self.rows.wholes(self._place(name))
            expected = f"a whole number from 0 to {HIGHEST}"
        self.require(
            values >= 0, lambda row: f"{name} is {self.text(name, row)!r}, expected {expected}"
        )
        return values

    def are_among(self, name, texts):
        """Return for each value of a column, as bool, whether it is one of these texts."""
        words = [text.encode() for text in texts]
        return self.rows.words(self._place(name), words) >= 0

    def texts(self, name):
        """Return a column of text, as an arrow array."""
        offsets, texts = self.rows.texts(self._place(name))
        return pa.StringArray.from_buffers(len(self), pa.py_buffer(offsets), pa.py_buffer(texts))

    def repeats(self, name):
        """Return for each value of a column, as bool, whether that before is the same."""
        return self.rows.repeats(self._place(name))

    def hashes(self, name):
        """Return a hash of each value of a column, uint64."""
        return self.rows.hashes(self._place(name))

    def text(self, name, row):
        """Return one value for a message, of which a long one is cut."""
        text = self.take([row]).texts(name)[0].as_py()
        return text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]}..."

    def require(self, valid, tell):
        """Raise an InputError for the first row that is not valid, with what is told of it."""
        if not valid.all():
            row = int(np.argmin(valid))
            raise self.fault(row, tell(row))

    def fault(self, row, text):
        """Return an InputError that names the file and the line of a row."""
        return self.window.fault_at(self.rows.start(row), text)

    def _place(self, name):
        return self.header.index(name)


class SessionTable:
    """A parquet file of sessions that is written a group of rows at a time.

    Parameters
    ----------
    path : path
    schema : pyarrow.Schema
        session, position, track_id, then the timing columns.
    """

    def __init__(self, path, schema):
        # A dictionary has room for all tracks of a group.
        self._writer = pq.ParquetWriter(
            path, schema, compression="zstd", dictionary_pagesize_limit=64 * _GROUP_ROWS
        )
        self._schema = schema
        self._waiting, self._rows, self._sessions = [], 0, 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._write()
        self._writer.close()

    def add(self, listenings, sizes):
        """Add the listenings of sessions of these sizes, numbered on."""
        if not len(sizes):
            return
        numbers = np.arange(self._sessions, self._sessions + len(sizes))
        tracks = listenings.texts("track_id_clean")
        listenings.require(
            pc.binary_length(tracks).to_numpy() > 0, lambda row: "track_id_clean is empty"
        )
        self._waiting.append(
            [
                np.repeat(numbers, sizes),
                listenings.numbers("session_position"),
                tracks,
                *(listenings.numbers(name) for name in self._schema.names[3:]),
            ]
        )
        self._sessions += len(sizes)
        self._rows += len(listenings)
        if self._rows >= _GROUP_ROWS:
            self._write()

    def note(self, key, value):
        """Leave a value in the metadata of the file, as JSON."""
        self._writer.add_key_value_metadata({key: json.dumps(value)})

    def _write(self):
        if self._waiting:
            columns = [_joined(parts) for parts in zip(*self._waiting, strict=True)]
            table = pa.table(columns, names=self._schema.names).cast(self._schema)
            self._writer.write_table(table, row_group_size=self._rows)
        self._waiting, self._rows = [], 0


def _joined(parts):
    return pa.chunked_array(parts) if isinstance(parts[0], pa.Array) else np.concatenate(parts)


def _read_header(window):
    """Return the names of the columns, and move behind them.

    Raises for a raw file without the columns of `COLUMNS`; warns of others.
    """
    while window.fill() and not (end := window.find(b"\n") + 1):
        pass
    if not len(window.data):
        raise InputError(f"{window.name}: is empty; remove it or bring a whole copy")
    try:
        line = window.data[:end].tobytes().decode("utf-8-sig")
        line = line.removesuffix("\n").removesuffix("\r")
        if "\r" in line:
            raise InputError(f"{window.name}: line 1: a carriage return that ends no line")
        header = next(csv.reader([line], strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{window.name}: line 1: is no header ({error})") from error
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise InputError(f"{window.name}: line 1: the column {missing[0]} is missing")
    repeated = [name for name in header if header.count(name) > 1]
    if repeated:
        raise InputError(f"{window.name}: line 1: the column {repeated[0]} stands there twice")
    extra = [name for name in header if name not in COLUMNS]
    if extra:
        warnings.warn(
            f"{window.name}: the column {extra[0]} is not of this format; ignored", stacklevel=4
        )
    window.move(end)
    return header


def _require_text(window, end):
    """Raise if what is in view is no text, up to a place where a row ends."""
    hole = window.find(b"\0")
    if hole >= 0:
        raise window.fault_at(
            hole, "holds bytes of zero, as files with holes do; bring a whole copy"
        )
    try:
        str(memoryview(window.data)[:end], "utf-8")
    except UnicodeDecodeError as error:
        raise window.fault_at(error.start, "bytes that are not UTF-8") from error


def _session_sizes(listenings, at_end):
    """Return the sizes of the sessions that end within listenings, and check these all.

    The last session is known to end there only at the end of the file.
    """
    n = len(listenings)
    starts = np.flatnonzero(~listenings.repeats("session_id"))
    sizes = np.diff(np.append(starts, n))
    position, length = (listenings.numbers(name) for name in ("session_position", "session_length"))

    def session(row):
        return f"session {listenings.text('session_id', row)}"

    expected = np.arange(n) - np.repeat(starts, sizes) + 1
    listenings.require(
        position == expected,
        lambda row: f"{session(row)} has position {position[row]}, expected {expected[row]}",
    )
    first = np.repeat(length[starts], sizes)
    listenings.require(
        length == first,
        lambda row: f"{session(row)} has length {length[row]}, and {first[row]} further up",
    )
    if not at_end:
        starts, sizes = starts[:-1], sizes[:-1]
    last = starts + sizes - 1
    listenings.take(last).require(
        length[last] == sizes,
        lambda i: f"{session(last[i])} ends after {sizes[i]} of {length[last[i]]} rows",
    )
    return sizes


def _require_together(raw, number):
    """Raise if a session of a raw file has rows further up already.

    Slow: it is called once two sessions have the same hash.
    """
    files = open_raw_files(raw)  # closed when it is forgotten
    name, stream = next(itertools.islice(files, number, None))
    log = RawLog(raw.parent / name, stream)
    seen = set()
    for listenings, sizes in log.sessions():
        starts = np.cumsum(sizes) - sizes
        ids = listenings.take(starts).texts("session_id").to_pylist()
        for row, session in zip(starts, ids, strict=True):
            if session in seen:
                raise listenings.fault(row, f"session {session} has rows further up already")
            seen.add(session)

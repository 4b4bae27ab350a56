"""The raw logs of the CrowdAI (Spotify) sequential skip prediction challenge.

A file holds one row a listening, sorted by session and position, with the 21 columns of
`COLUMNS` in any order. A file is read as a stream, a block at a time; only the columns that
are needed are parsed; sessions that pass the filters (paper, section 5.1) are written to a
session table, without their raw ids.
"""

import csv
import gzip
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from .errors import InputError
from .files import whole_file

_TEXT, _INTEGER, _BOOLEAN = pa.string(), pa.uint16(), pa.bool_()

# In the order of the published files.
COLUMNS = {
    "session_id": _TEXT,
    "session_position": _INTEGER,
    "session_length": _INTEGER,
    "track_id_clean": _TEXT,
    "skip_1": _BOOLEAN,
    "skip_2": _BOOLEAN,
    "skip_3": _BOOLEAN,
    "not_skipped": _BOOLEAN,
    "context_switch": _INTEGER,
    "no_pause_before_play": _INTEGER,
    "short_pause_before_play": _INTEGER,
    "long_pause_before_play": _INTEGER,
    "hist_user_behavior_n_seekfwd": _INTEGER,
    "hist_user_behavior_n_seekback": _INTEGER,
    "hist_user_behavior_is_shuffle": _BOOLEAN,
    "hour_of_day": _INTEGER,
    "date": _TEXT,
    "premium": _BOOLEAN,
    "context_type": _TEXT,
    "hist_user_behavior_reason_start": _TEXT,
    "hist_user_behavior_reason_end": _TEXT,
}
TIMING = tuple(
    name for name, kind in COLUMNS.items() if kind != _TEXT and not name.startswith("session_")
)
SUFFIXES = (".csv.gz", ".csv")

_ALWAYS_READ = (
    "session_id",
    "session_position",
    "session_length",
    "track_id_clean",
    "not_skipped",
    "context_type",
)
_BLOCK_BYTES = 8 << 20
_HIGHEST = 65_535


class Filters(NamedTuple):
    """Which sessions are kept: of exactly `length` listenings, at least `min_full_plays` of
    them played entirely, all of a context in `context_types`.
    """

    length: int
    min_full_plays: int
    context_types: tuple


def find_logs(folder):
    """Return {shard: file} of the raw files anywhere below a folder, in the order of shards.

    A shard is named by its path below the folder, without `.csv` or `.csv.gz`.

    Raises
    ------
    InputError
        If the folder is missing or holds no raw file, if a folder is named like a raw file, or
        if two files make one shard.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder of logs")
    shards = {}
    for path in sorted(folder.rglob("*")):
        suffix = next((suffix for suffix in SUFFIXES if path.name.endswith(suffix)), None)
        if suffix is None:
            continue
        if path.is_dir():
            raise InputError(f"{path}: a folder is named like a raw file; rename it")
        shard = path.relative_to(folder).as_posix().removesuffix(suffix)
        if shard in shards:
            raise InputError(f"{shards[shard]} and {path} are one shard; remove one of them")
        shards[shard] = path
    if not shards:
        raise InputError(f"{folder}: holds no .csv or .csv.gz file")
    return shards


def extract_sessions(raw, table, filters, timing):
    """Write the sessions of a raw file that pass the filters to a parquet session table.

    The table has one row a listening: session (from 0 in this file), position (from 1),
    track_id, and the timing columns as uint16. It appears whole or not at all. Memory does
    not depend on the size of the file, but for 8 bytes a session.

    Parameters
    ----------
    raw, table : path
    filters : Filters
    timing : sequence of str
        Columns among `TIMING`.

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
    raw = Path(raw)
    _check_header(raw)
    names = list(dict.fromkeys([*_ALWAYS_READ, *timing]))
    schema = pa.schema(
        [("session", pa.int32()), ("position", pa.int16()), ("track_id", pa.string())]
        + [(name, pa.uint16()) for name in timing]
    )
    funnel = Funnel()
    with (
        whole_file(table) as partial,
        pq.ParquetWriter(partial, schema, compression="zstd") as writer,
    ):
        for listenings, sizes in _read(raw, names):
            first = funnel.counts["kept"][0]
            kept, kept_sizes = funnel.sift(listenings, sizes, filters)
            if len(kept):
                writer.write_table(_session_table(kept, kept_sizes, first, schema))
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


class Funnel:
    """Counts the sessions and listenings that each filter drops, first filter first."""

    def __init__(self):
        self.counts = {
            name: np.zeros(2, dtype=np.int64)
            for name in ("read", "length", "full_plays", "context", "kept")
        }

    def sift(self, listenings, sizes, filters):
        """Return (listenings, sizes) of the sessions that pass, and count all.

        `listenings` is an arrow table of whole sessions of these sizes.
        """
        if not len(sizes):
            return listenings, sizes
        starts = np.cumsum(sizes) - sizes
        full = _numpy(listenings["not_skipped"]).astype(np.int64)
        allowed = pc.is_in(listenings["context_type"], pa.array(filters.context_types, pa.string()))
        tests = {
            "length": sizes == filters.length,
            "full_plays": np.add.reduceat(full, starts) >= filters.min_full_plays,
            "context": np.minimum.reduceat(_numpy(allowed), starts),
        }
        left = np.ones(len(starts), dtype=bool)
        self._count("read", left, sizes)
        for name, passed in tests.items():
            self._count(name, left & ~passed, sizes)
            left &= passed
        self._count("kept", left, sizes)
        return listenings.filter(pa.array(np.repeat(left, sizes))), sizes[left]

    def table(self):
        rows = [(name, *counts) for name, counts in self.counts.items()]
        return pd.DataFrame(rows, columns=["filter", "sessions", "listenings"])

    def _count(self, name, sessions, sizes):
        self.counts[name] += [sessions.sum(), sizes[sessions].sum()]


def _read(raw, names):
    """Yield what `_whole_sessions` does; what is wrong with the file is named with its line."""
    try:
        yield from _whole_sessions(raw, names)
    except (pa.ArrowInvalid, pa.ArrowKeyError, EOFError, OSError, ValueError) as error:
        raise InputError(f"{raw}: {_explain(raw, names) or error}") from error


def _whole_sessions(raw, names):
    """Yield (listenings, sizes of sessions) of a raw file, a block at a time.

    Raises
    ------
    InputError
        If positions or lengths do not fit, or a session's rows are not together.
    """
    seen = []
    rest = None
    for block in _blocks(raw, names):
        listenings = pa.Table.from_batches([block])
        if rest is not None:
            listenings = pa.concat_tables([rest, listenings]).combine_chunks()
        starts = _session_starts(listenings)
        rest = listenings.slice(starts[-1])
        yield _checked(listenings.slice(0, starts[-1]), starts[:-1], seen)
    if rest is not None:
        yield _checked(rest, np.zeros(1, dtype=np.int64), seen)
    hashes = np.concatenate(seen) if seen else np.empty(0)
    if len(np.unique(hashes)) < len(hashes):
        raise InputError("the rows of a session are not together")


def _blocks(raw, names):
    with pa.input_stream(str(raw), compression="gzip" if raw.suffix == ".gz" else None) as stream:
        yield from pyarrow.csv.open_csv(
            stream,
            read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=names,
                column_types={name: COLUMNS[name] for name in names},
                true_values=["true"],
                false_values=["false"],
                null_values=[],
                strings_can_be_null=False,
            ),
        )


def _session_starts(listenings):
    ids = listenings["session_id"].combine_chunks()
    changes = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1))
    return np.append(0, np.flatnonzero(_numpy(changes)) + 1)


def _checked(listenings, starts, seen):
    sizes = np.diff(np.append(starts, len(listenings)))
    if len(starts):
        position = _numpy(listenings["session_position"])
        expected = np.arange(len(listenings)) - np.repeat(starts, sizes) + 1
        length = _numpy(listenings["session_length"])
        if (position != expected).any() or (length != np.repeat(sizes, sizes)).any():
            raise InputError("positions or lengths of a session do not fit")
        ids = listenings["session_id"].take(pa.array(starts)).to_numpy()
        seen.append(pd.util.hash_array(ids, categorize=False))
    return listenings, sizes


def _session_table(kept, sizes, first, schema):
    """Return sessions of these sizes as rows of a session table, numbered from `first`."""
    columns = {
        "session": np.repeat(np.arange(first, first + len(sizes)), sizes),
        "position": _numpy(kept["session_position"]),
        "track_id": kept["track_id_clean"],
    }
    for name in schema.names[3:]:
        columns[name] = _numpy(kept[name]).astype(np.uint16)
    return pa.table(columns).cast(schema)


def _numpy(column):
    return (
        column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy()
    )


def _lines(raw):
    """Yield the lines of a raw file one by one, so that a bad one has a number."""
    opener = gzip.open if raw.suffix == ".gz" else open
    with opener(raw, "rb") as file:
        for line in file:
            yield line.decode("utf-8")


def _check_header(raw):
    """Raise for a raw file without the columns of `COLUMNS`; warn of others."""
    try:
        header = next(csv.reader(_lines(raw)), None)
    except (EOFError, OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{raw}: cannot be read ({error}); bring a whole copy") from error
    if header is None:
        raise InputError(f"{raw}: is empty; remove it or bring a whole copy")
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise InputError(f"{raw}, line 1: the column {missing[0]} is missing")
    repeated = [name for name in header if header.count(name) > 1]
    if repeated:
        raise InputError(f"{raw}, line 1: the column {repeated[0]} stands there twice")
    extra = [name for name in header if name not in COLUMNS]
    if extra:
        warnings.warn(f"{raw}: the column {extra[0]} is not of this format; ignored", stacklevel=3)


def _explain(raw, names):
    """Return what is wrong with a raw file, and on which line, or None if nothing is found.

    Slow: it is called once something is known to be wrong.
    """
    reader = csv.reader(_lines(raw))
    try:
        return _first_fault(reader, names)
    except UnicodeDecodeError:
        return f"line {reader.line_num + 1}: bytes that are not UTF-8"
    except (EOFError, OSError) as error:
        return f"after line {reader.line_num}: the file breaks off ({error}); bring a whole copy"
    except csv.Error as error:
        return f"line {reader.line_num}: {error}"


def _first_fault(reader, names):
    header = next(reader)
    seen = set()
    current, position, length = None, 0, 0
    for row in reader:
        line = reader.line_num
        if not row:
            continue
        if len(row) != len(header):
            return f"line {line}: {len(row)} fields instead of {len(header)}"
        values = dict(zip(header, row, strict=True))
        for name in names:
            expected = _misfit(name, values[name])
            if expected:
                return f"line {line}: {name} is {values[name]!r}, expected {expected}"
        session = values["session_id"]
        if session != current:
            if position != length:
                return _misfit_length(line - 1, current, position, length)
            if session in seen:
                return f"line {line}: session {session} has rows further up already"
            seen.add(session)
            current, position = session, 0
        position, length = position + 1, int(values["session_length"])
        if int(values["session_position"]) != position:
            return (
                f"line {line}: session {session} has position "
                f"{values['session_position']}, expected {position}"
            )
    if position != length:
        return _misfit_length(reader.line_num, current, position, length)
    return None


def _misfit(name, value):
    """Return what was expected of a value, or None if it is as expected."""
    if COLUMNS[name] == _BOOLEAN and value not in ("true", "false"):
        return "true or false"
    whole = value.isascii() and value.isdigit()
    if COLUMNS[name] == _INTEGER and not (whole and int(value) <= _HIGHEST):
        return f"a whole number from 0 to {_HIGHEST}"
    return None


def _misfit_length(line, session, position, length):
    return f"line {line}: session {session} ends after {position} of {length} rows"

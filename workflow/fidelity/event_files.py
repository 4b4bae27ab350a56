"""Event logs in files: any table with a user, an item and a time column, CSV or parquet.

A file is read a block at a time, and only the columns that the config names. What is wrong with
it is told by the number of the row, never by what stands there, since that may be a user's id.
"""

import csv
import io
import re
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from .errors import InputError
from .event_settings import SEPARATORS, TIME_UNITS, suffix_of

MISSING = ["", "\\N", "NULL", "null", "NaN", "nan", "NA", "None"]

_BLOCK_BYTES = 8 << 20
_FIRST_YEAR, _END_YEAR = 1970, 2100
_END = int(datetime(_END_YEAR, 1, 1, tzinfo=UTC).timestamp()) * 10**6
_HIGHEST = 65_535
_SECONDS_OF_NOW = 3 * 10**9  # more than have passed since 1970


def check_columns(files, layout):
    """Raise an InputError if a file lacks a column of the layout, or has it twice."""
    for file in files:
        names = _column_names(file, layout)
        for name in layout.columns():
            if names.count(name) != 1:
                # Without the names, which are the first row of values if there is no header.
                fault = "is missing" if name not in names else "stands there twice"
                split = "" if _is_parquet(file) else f", split at {_separator(file, layout)!r}"
                raise InputError(
                    f"{file}: the column {name} {fault} among {len(names)}{split}; give the file "
                    "a header, or mend columns or separator in the config"
                )


def read_plays(files, layout):
    """Return the plays in files, and how many rows were read and how many lack a value.

    Parameters
    ----------
    files : sequence of paths
    layout : event_settings.Layout

    Returns
    -------
    pyarrow.Table
        One row a play, in the order of the files: user and item (dictionary of text), time
        (int64, microseconds since 1970), and the timing columns (uint16; true is 1).
    Counter
        read, missing: rows, and those dropped because a value of the layout's columns is missing
        (null, or one of `MISSING`).

    Raises
    ------
    InputError
        If a file cannot be read, or a value is not what its column must hold. It names the file
        and the row; in CSV and TSV the header is row 1. If there is no row in any file, or all
        times are seconds where milliseconds are asked for.
    """
    check_columns(files, layout)
    counts = Counter(read=0, missing=0)
    tables = [_no_plays(layout)]
    for file in files:
        reader = _parquet_batches if _is_parquet(file) else _text_batches
        first = 1 if _is_parquet(file) else 2
        for batch in reader(file, layout):
            plays = _convert(batch, layout, file, first)
            whole = pc.is_valid(plays["user"])
            for name in plays.column_names[1:]:
                whole = pc.and_(whole, pc.is_valid(plays[name]))
            first += len(plays)
            kept = plays.filter(whole)
            counts.update(read=len(plays), missing=len(plays) - len(kept))
            tables.append(_encoded(kept))
    plays = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    if not counts["read"]:
        raise InputError(f"{files[0]}: there is no row below the header; bring a log with plays")
    if layout.time_unit == "milliseconds" and len(plays):
        _require_days(plays["time"], files[0])
    return plays, counts


def _require_days(time, file):
    """Raise an InputError if times are taken for milliseconds that rather are seconds."""
    if pc.max(time).as_py() < _SECONDS_OF_NOW * 10**3:
        raise InputError(
            f"{file}: taken for milliseconds since 1970, all times lie in its first weeks; set "
            "time_unit: seconds, or count from 1970"
        )


def _is_parquet(file):
    return suffix_of(file) == ".parquet"


def _column_names(file, layout):
    try:
        if _is_parquet(file):
            return pq.ParquetFile(file).schema_arrow.names
        with _open(file) as stream:
            text = io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
            header = next(csv.reader(text, delimiter=_separator(file, layout)), None)
    except (pa.ArrowException, csv.Error, EOFError, OSError) as error:
        raise InputError(f"{file}: cannot be read ({error}); bring a whole copy") from None
    if not header:
        raise InputError(f"{file}: is empty, or begins with an empty line; its header is missing")
    return header


def _separator(file, layout):
    return layout.separator or SEPARATORS[suffix_of(file)]


def _open(file):
    return pa.input_stream(
        str(file), compression="gzip" if suffix_of(file).endswith(".gz") else None
    )


def _text_batches(file, layout):
    """Yield the named columns of a CSV or TSV file, as bytes."""
    names = list(dict.fromkeys(layout.columns()))
    last_row = 1
    try:
        with _open(file) as stream:
            for batch in pyarrow.csv.open_csv(
                stream,
                read_options=pyarrow.csv.ReadOptions(block_size=_BLOCK_BYTES, use_threads=False),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter=_separator(file, layout),
                    newlines_in_values=True,
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=names,
                    column_types=dict.fromkeys(names, pa.binary()),
                    null_values=MISSING,
                    strings_can_be_null=True,
                ),
            ):
                yield batch
                last_row += len(batch)
    except (EOFError, OSError) as error:
        raise InputError(
            f"{file}: breaks off or is damaged ({error}); bring a whole copy"
        ) from None
    except pa.ArrowInvalid as error:
        raise InputError(f"{file}, {_explain(str(error), last_row)}") from None


def _explain(message, last_row):
    """Return which row is at fault, but not what stands in it, from Arrow's message.

    `last_row` is the number of the last that was read.
    """
    fields = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", message)
    if fields:
        row, expected, found = fields.groups()
        return (
            f"row {row}: {found} fields instead of {expected}; mend the row, or separator in the "
            "config"
        )
    return (
        f"after row {last_row}: cannot be split into rows; a row is longer than {_BLOCK_BYTES:,} "
        "bytes, or a quotation mark is never closed"
    )


def _parquet_batches(file, layout):
    names = list(dict.fromkeys(layout.columns()))
    try:
        yield from pq.ParquetFile(file).iter_batches(1 << 18, columns=names, use_threads=False)
    except (pa.ArrowException, OSError):
        raise InputError(f"{file}: cannot be read as parquet; bring a whole copy") from None


def _convert(batch, layout, file, first_row):
    """Return a batch as the columns of `read_plays`, with nulls where a value is missing.

    `first_row` is the number of its first row in the file.
    """
    kinds = {
        "user": (layout.user, _as_id, "text in UTF-8, or whole numbers", "columns"),
        "item": (layout.item, _as_id, "text in UTF-8, or whole numbers", "columns"),
        "time": (
            layout.time,
            lambda column: _as_microseconds(column, layout.time_unit),
            f"a time in {layout.time_unit} from {_FIRST_YEAR} to {_END_YEAR - 1}",
            "columns or time_unit",
        ),
        **{
            name: (name, _as_timing, f"true, false, or a whole number up to {_HIGHEST}", "timing")
            for name in layout.timing
        },
    }
    columns = {}
    for name, (source, convert, expected, setting) in kinds.items():
        column = batch.column(source)
        columns[name] = convert(column)
        fault = f"{source} is not {expected}; mend it, or {setting} in the config"
        if columns[name] is None:
            raise InputError(f"{file}: {fault}; its type is {column.type}")
        bad = pc.and_(pc.is_valid(column), pc.is_null(columns[name]))
        bad = np.flatnonzero(pc.and_(bad, pc.invert(_is_missing(column))))
        if len(bad):
            raise InputError(f"{file}, row {first_row + bad[0]}: {fault}")
    return pa.table(columns)


def _is_missing(column):
    """Return which values say that nothing is there, as an array without nulls."""
    if pa.types.is_floating(column.type):
        return pc.fill_null(pc.is_nan(column), False)
    if not _is_text(column.type):
        return pa.repeat(False, len(column))
    missing = pa.array([text.encode() for text in MISSING], pa.binary())
    return pc.is_in(_bytes(column), missing)


def _is_text(kind):
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _bytes(column):
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return column.cast(kind).cast(pa.binary())


def _as_id(column):
    """Return ids as text, null where they are missing or no text; None for other types."""
    if pa.types.is_integer(column.type):
        return column.cast(pa.string())
    return _as_text(column) if _is_text(column.type) else None


def _as_text(column):
    """Return text, null where it is missing or not in UTF-8."""
    octets = _bytes(column)
    octets = pc.if_else(_is_missing(octets), pa.scalar(None, pa.binary()), octets)
    try:
        return octets.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_decoded(value) for value in octets.to_pylist()], pa.string())


def _decoded(octets):
    try:
        return None if octets is None else octets.decode()
    except UnicodeDecodeError:
        return None


def _as_microseconds(column, time_unit):
    """Return int64 microseconds since 1970, null where that is impossible; None for other types."""
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        instants = column.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False)
        return _in_range(instants.cast(pa.int64()))
    unit = TIME_UNITS[time_unit]
    if unit is None:
        return _in_range(_parse_iso8601(_as_text(column))) if _is_text(kind) else None
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        numbers = column.cast(pa.float64(), safe=False)
    elif _is_text(kind):
        numbers = _numbers(_as_text(column), r"^[+-]?[0-9]+(\.[0-9]+)?$")
    else:
        return None
    microseconds = pc.round(pc.multiply(numbers, float(unit)))
    return _in_range(microseconds).cast(pa.int64())


def _parse_iso8601(text):
    # pandas takes more for a time, also the word now.
    fits = pc.match_substring_regex(text, r"^[0-9]{4}-?[0-9]{2}-?[0-9]{2}([T ][0-9]|$)")
    text = pc.if_else(fits, text, pa.scalar(None, pa.string()))
    instants = pd.to_datetime(
        text.to_pandas(), format="ISO8601", utc=True, errors="coerce"
    ).dt.as_unit("us")
    return pa.array(instants).cast(pa.int64())


def _in_range(microseconds):
    fits = pc.and_(pc.greater_equal(microseconds, 0), pc.less(microseconds, _END))
    return pc.if_else(fits, microseconds, pa.scalar(None, microseconds.type))


def _as_timing(column):
    """Return uint16, null where that is impossible; None for other types."""
    if pa.types.is_boolean(column.type):
        return column.cast(pa.uint16())
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        numbers = column.cast(pa.float64(), safe=False)
    elif _is_text(column.type):
        text = pc.utf8_lower(_as_text(column))
        for name, number in (("true", "1"), ("false", "0")):
            text = pc.if_else(pc.equal(text, name), number, text)
        numbers = _numbers(text, r"^[0-9]+(\.0+)?$")
    else:
        return None
    fits = pc.and_(pc.less_equal(numbers, _HIGHEST), pc.greater_equal(numbers, 0))
    fits = pc.and_(fits, pc.equal(pc.round(numbers), numbers))
    return pc.if_else(fits, numbers, pa.scalar(None, pa.float64())).cast(pa.uint16())


def _numbers(text, pattern):
    """Return the numbers that text says, null where it does not match the pattern."""
    fits = pc.match_substring_regex(text, pattern)
    return pc.if_else(fits, text, pa.scalar(None, pa.string())).cast(pa.float64())


def _encoded(plays):
    for name in ("user", "item"):
        place = plays.schema.get_field_index(name)
        plays = plays.set_column(place, name, plays[name].combine_chunks().dictionary_encode())
    return plays


def _no_plays(layout):
    ids = pa.dictionary(pa.int32(), pa.string())
    return pa.schema(
        [("user", ids), ("item", ids), ("time", pa.int64())]
        + [(name, pa.uint16()) for name in layout.timing]
    ).empty_table()

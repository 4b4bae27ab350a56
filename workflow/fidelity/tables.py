"""Tables in files: columns as parquet, rows as CSV, each file whole or not there.

Only numpy and pyarrow are imported, so that a short job stays short; arrays pass between the
two in ways that do not make pyarrow import pandas, which takes as long as both.
"""

import csv
import io
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .files import whole_file

_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # so that the same tables make the same bytes


def read_columns(path, names=None):
    """Return {name: array} of the numeric columns of a parquet table, all of them by default.

    Raises
    ------
    BufferError
        If a column has missing values.
    """
    table = pq.ParquetFile(path).read(names, use_threads=False).combine_chunks()
    return {
        name: np.from_dlpack(table[name].chunk(0))
        if len(table)
        else np.empty(0, table.schema.field(name).type.to_pandas_dtype())
        for name in table.column_names
    }


def write_columns(path, columns, types):
    """Write {name: array} as a parquet table; the same columns make the same bytes.

    Parameters
    ----------
    path : path
    columns : dict of arrays
        A column that is None holds nothing but nulls.
    types : dict
        {name: type} of every column, in order: names of numpy's numeric types and of bool; or a
        list of texts, of which the column holds the places.

    Raises
    ------
    OverflowError
        If a number does not fit its type.
    """
    write_arrow(path, _arrow_table(columns, types))


def write_groups(path, groups, types):
    """Write tables of {name: array} as the row groups of one parquet file, one after the other.

    Parameters
    ----------
    path : path
    groups : iterable of dict
        Each as `columns` in `write_columns`; only one at a time is in memory.
    types : dict of str
        As in `write_columns`.
    """
    schema = _arrow_table({name: np.empty(0) for name in types}, types).schema
    with (
        whole_file(path) as partial,
        pq.ParquetWriter(partial, schema, compression="zstd") as writer,
    ):
        for columns in groups:
            table = _arrow_table(columns, types)
            writer.write_table(table, row_group_size=max(len(table), 1))
            del columns, table  # before the next is made


def read_groups(path, name, value, names=None):
    """Yield {name: array} of the row groups whose rows all have a value in one column.

    A column of nulls is None. Other groups are not read, nor other columns than `names`, if given.
    """
    file = pq.ParquetFile(path)
    column = file.schema.names.index(name)
    for i in range(file.num_row_groups):
        statistics = file.metadata.row_group(i).column(column).statistics
        if not statistics.min == statistics.max == value:
            continue
        table = file.read_row_group(i, names, use_threads=False).combine_chunks()
        yield {
            name: None if column.null_count else np.from_dlpack(column.chunk(0))
            for name, column in zip(table.column_names, table.columns, strict=True)
        }


def write_arrow(path, table):
    """Write an arrow Table as parquet."""
    with whole_file(path) as partial:
        pq.write_table(table, partial, compression="zstd")


def write_table(path, table):
    """Write a pandas DataFrame as parquet or CSV, as the name of the file says."""
    with whole_file(path) as partial:
        if str(path).endswith(".parquet"):
            table.to_parquet(partial, index=False, compression="zstd")
        else:
            table.to_csv(partial, index=False, lineterminator="\n")


def write_rows(path, names, rows):
    """Write rows of numbers and text as CSV, floats in the fewest digits that say them exactly.

    Parameters
    ----------
    path : path
    names : sequence of str
        The columns, in order.
    rows : iterable of dict
        A value that is None, and a column that a row lacks, make an empty cell.

    Raises
    ------
    ValueError
        If a row has a column that is not among the names.
    """
    with whole_file(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        _write_csv(file, names, rows)


def write_zip(path, tables):
    """Write several tables into one zip, each as `write_rows` does, by the name "{name}.csv".

    Parameters
    ----------
    path : path
    tables : dict
        {name: (names of columns, rows)}.

    Raises
    ------
    ValueError
        As `write_rows`.
    """
    with whole_file(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for name, (columns, rows) in tables.items():
            text = io.StringIO(newline="")
            _write_csv(text, columns, rows)
            member = zipfile.ZipInfo(f"{name}.csv", date_time=_ZIP_DATE)
            archive.writestr(member, text.getvalue(), zipfile.ZIP_DEFLATED)


def _write_csv(file, names, rows):
    writer = csv.DictWriter(file, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _arrow_table(columns, types):
    n_rows = next(len(values) for values in columns.values() if values is not None)
    arrays = [_arrow_array(columns[name], kind, n_rows) for name, kind in types.items()]
    return pa.Table.from_arrays(arrays, names=list(types))


def _arrow_array(values, kind, n_rows):
    if isinstance(kind, list):
        return _arrow_texts(kind).take(_arrow_array(values, "int32", n_rows))
    arrow = pa.from_numpy_dtype(kind)
    if values is None:
        return pa.nulls(n_rows, arrow)
    narrow = np.ascontiguousarray(values, dtype=kind)
    if narrow.dtype.kind in "iu" and not np.array_equal(narrow, values):
        raise OverflowError(f"a number does not fit {kind}")
    if narrow.dtype == bool:
        narrow = np.packbits(narrow, bitorder="little")
    return pa.Array.from_buffers(arrow, n_rows, [None, pa.py_buffer(narrow)])


def _arrow_texts(texts):
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(texts), buffers)

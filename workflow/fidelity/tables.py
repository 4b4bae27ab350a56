"""Tables in files: columns as parquet, rows as CSV, each file whole or not there.

Only numpy and pyarrow are imported, so that a short job stays short; arrays pass between the
two in ways that do not make pyarrow import pandas, which takes as long as both.
"""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .files import whole_file


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
    types : dict of str
        {name: type} of every column, in order: names of numpy's numeric types.

    Raises
    ------
    OverflowError
        If a number does not fit its type.
    """
    n_rows = next(len(values) for values in columns.values() if values is not None)
    arrays = [_arrow_array(columns[name], np.dtype(kind), n_rows) for name, kind in types.items()]
    write_arrow(path, pa.Table.from_arrays(arrays, names=list(types)))


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
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _arrow_array(values, kind, n_rows):
    arrow = pa.from_numpy_dtype(kind)
    if values is None:
        return pa.nulls(n_rows, arrow)
    narrow = np.ascontiguousarray(values, dtype=kind)
    if kind.kind in "iu" and not np.array_equal(narrow, values):
        raise OverflowError(f"a number does not fit {kind}")
    return pa.Array.from_buffers(arrow, n_rows, [None, pa.py_buffer(narrow)])

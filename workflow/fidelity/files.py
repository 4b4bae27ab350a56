"""Files that appear whole or not at all, and the two kinds of tables in them.

Only numpy and pyarrow are imported, so that a short job stays short.
"""

import csv
import os
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


@contextmanager
def whole_file(path):
    """Give a path to write to, whose file takes the name `path` if nothing is raised."""
    path = Path(path)
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_columns(path, names=None):
    """Return {name: array} of a parquet table's columns, all of them by default."""
    table = pq.read_table(path, columns=names, use_threads=False)
    return {name: table[name].to_numpy() for name in table.column_names}


def write_columns(path, columns, types):
    """Write {name: array} as a parquet table; the same columns make the same bytes.

    Parameters
    ----------
    path : path
    columns : dict of arrays
        A column that is None holds nothing but nulls.
    types : dict of str
        {name: type}, as pyarrow names it, of every column, in order.
    """
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in types.items()])
    n_rows = next(len(values) for values in columns.values() if values is not None)
    arrays = [
        pa.nulls(n_rows, kind)
        if columns[name] is None
        else pa.array(columns[name], from_pandas=False).cast(kind)
        for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    with whole_file(path) as partial:
        pq.write_table(pa.Table.from_arrays(arrays, schema=schema), partial, compression="zstd")


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

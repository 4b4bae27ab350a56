import weakref
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fidelity.summary import read_table, read_zip
from fidelity.tables import (
    read_columns,
    read_groups,
    write_arrow,
    write_columns,
    write_groups,
    write_rows,
    write_zip,
)


def test_columns_come_back_with_their_types(tmp_path):
    path = tmp_path / "table.parquet"
    columns = {"user": np.array([3, 1]), "p": np.array([0.1, 1 / 3]), "rank": None}
    write_columns(path, columns, {"user": "int32", "p": "float64", "rank": "int32"})
    assert pq.read_schema(path).types == [pa.int32(), pa.float64(), pa.int32()]
    back = read_columns(path, ["user", "p"])
    assert back["user"].tolist() == [3, 1]
    assert back["p"].tolist() == [0.1, 1 / 3]
    assert pq.read_table(path)["rank"].null_count == 2


def test_a_number_too_large_for_its_column_is_refused(tmp_path):
    with pytest.raises(OverflowError, match="int32"):
        write_columns(tmp_path / "t.parquet", {"user": np.array([2**31])}, {"user": "int32"})
    assert list(tmp_path.iterdir()) == []


def test_a_table_without_rows_keeps_its_types(tmp_path):
    path = tmp_path / "table.parquet"
    write_columns(path, {"user": np.empty(0), "p": np.empty(0)}, {"user": "int32", "p": "float64"})
    back = read_columns(path)
    assert [(len(values), values.dtype) for values in back.values()] == [
        (0, "int32"),
        (0, "float64"),
    ]


def test_an_arrow_table_is_read_back_whole_from_many_chunks(tmp_path):
    path = tmp_path / "table.parquet"
    part = pa.table({"song": pa.array([1, 2], pa.int32()), "hour": pa.array([3, 4], pa.uint16())})
    write_arrow(path, pa.concat_tables([part, part]))
    back = read_columns(path)
    assert back["song"].tolist() == [1, 2, 1, 2]
    assert {name: values.dtype.name for name, values in back.items()} == {
        "song": "int32",
        "hour": "uint16",
    }
    assert list(tmp_path.iterdir()) == [path]


def test_rows_leave_a_cell_empty_for_none(tmp_path):
    path = tmp_path / "table.csv"
    write_rows(path, ["c", "tpr", "fpr"], [{"c": "0", "tpr": None, "fpr": 1 / 3}, {"c": "1"}])
    assert path.read_bytes() == b"c,tpr,fpr\n0,,0.3333333333333333\n1,,\n"
    with pytest.raises(ValueError, match="extra"):
        write_rows(path, ["c"], [{"extra": 1}])
    assert path.read_bytes().startswith(b"c,tpr,fpr")


def test_tables_in_a_zip_are_those_of_single_files_and_always_of_the_same_bytes(tmp_path):
    tables = {"a": (["x", "y"], [{"x": 0.1, "y": None}, {"x": 1}]), "b": (["z"], [])}
    for name in ("1.zip", "2.zip"):
        write_zip(tmp_path / name, tables)
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    for name, (columns, rows) in tables.items():
        write_rows(tmp_path / f"{name}.csv", columns, rows)
        with zipfile.ZipFile(tmp_path / "1.zip") as archive:
            assert archive.read(f"{name}.csv") == (tmp_path / f"{name}.csv").read_bytes()
        assert read_zip(tmp_path / "1.zip", name).equals(read_table(tmp_path / f"{name}.csv"))


def test_groups_are_read_by_a_value_and_no_others(tmp_path):
    path = tmp_path / "table.parquet"
    types = {"repeat": "int32", "p": "float32", "rank": "int32"}
    groups = [
        {"repeat": np.full(n, repeat), "p": np.linspace(0, 1, n), "rank": rank}
        for repeat, n, rank in ((0, 3, np.arange(3)), (0, 2, None), (1, 4, None))
    ]
    write_groups(path, groups, types)
    first, second = read_groups(path, "repeat", 0)
    assert first["p"].tolist() == [0, 0.5, 1]
    assert first["rank"].tolist() == [0, 1, 2]
    assert (second["p"].tolist(), second["rank"]) == ([0, 1], None)
    assert [len(group["p"]) for group in read_groups(path, "repeat", 1)] == [4]
    assert list(read_groups(path, "repeat", 2)) == []
    assert pq.read_table(path)["rank"].null_count == 6


def test_a_group_is_gone_before_the_next_is_made(tmp_path):
    alive = []

    def make(repeat):
        array = np.full(4, repeat, dtype=np.int32)
        alive.append(weakref.ref(array))
        return {"repeat": array}

    def groups():
        for repeat in range(3):
            assert all(array() is None for array in alive)
            yield make(repeat)

    write_groups(tmp_path / "table.parquet", groups(), {"repeat": "int32"})
    assert len(alive) == 3


def test_no_groups_make_a_table_without_rows(tmp_path):
    path = tmp_path / "table.parquet"
    write_groups(path, [], {"repeat": "int32"})
    assert list(read_groups(path, "repeat", 0)) == []
    assert len(read_columns(path)["repeat"]) == 0


def test_texts_and_truths_are_written_from_numbers(tmp_path):
    path = tmp_path / "table.parquet"
    rng = np.random.default_rng(0)
    columns = {"score": rng.integers(3, size=21), "member": rng.random(21) < 0.5}
    names = ["matches", "Übereinstimmung", ""]
    write_columns(path, columns, {"score": names, "member": "bool"})
    back = pq.read_table(path)
    assert back["score"].to_pylist() == [names[i] for i in columns["score"]]
    assert back["member"].to_pylist() == columns["member"].tolist()

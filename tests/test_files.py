"""Files that appear whole or not at all, and what is told where they cannot be written."""

import os

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from fidelity import tables
from fidelity.crowdai import Filters, extract_sessions
from fidelity.crowdai_columns import TIMING
from fidelity.errors import OutputError
from fidelity.figures import draw, save
from fidelity.files import require_writable, whole_file
from fidelity.recommender import save_models, train
from fidelity.synthetic import write_logs

from .disks import disk
from .made_up import leakage_table


def _contents(folder):
    return {file.name: file.read_text() for file in folder.iterdir()}


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_file_appears_whole_or_not_at_all(tmp_path, error):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def break_off():
        with whole_file(path) as partial:
            partial.write_text("half")
            raise error

    with pytest.raises(error):
        break_off()
    assert _contents(tmp_path) == {"table.csv": "old"}
    with whole_file(path) as partial:
        partial.write_text("new")
    assert _contents(tmp_path) == {"table.csv": "new"}


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda file: seen.append(os.fstat(file).st_size))
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda *names: seen.append("named") or replace(*names))
    with whole_file(tmp_path / "table.csv") as partial:
        partial.write_text("whole")
    assert seen == [5, "named"]


def test_what_killed_processes_left_of_a_file_is_removed_and_nothing_else(tmp_path):
    number, other = "0123456789abcdef", "f" * 16
    kept = {f".partial-{number}-{other}-a.csv": "half", f".partial-{number}-b.csv": "half"}
    for name in (*kept, f".partial-{number}-a.csv", f".partial-{other}-a.csv"):
        (tmp_path / name).write_text("half")
    with whole_file(tmp_path / "a.csv") as partial:
        partial.write_text("whole")
    assert _contents(tmp_path) == {"a.csv": "whole", **kept}


def test_an_error_of_what_is_read_is_not_of_the_file_that_is_written(tmp_path):
    with pytest.raises(PermissionError, match=r"raw\.csv"), whole_file(tmp_path / "table.csv"):
        raise PermissionError(13, "Permission denied", "raw.csv")


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory):
    with disk(tmp_path_factory.mktemp("small"), "size=8k") as folder:
        yield folder


@pytest.fixture(scope="module")
def closed_disk(tmp_path_factory):
    with disk(tmp_path_factory.mktemp("closed"), "ro") as folder:
        yield folder


NUMBERS = np.random.default_rng(0).random(20_000)
SHARD = "training_set/log_0_20180715_000000000000"
OWN, OTHER = "fidelity.forest.RandomForestClassifier", "sklearn.tree.DecisionTreeClassifier"


def _train(estimator):
    X, y = (NUMBERS * 200).astype(np.uint16).reshape(-1, 2), np.arange(10_000) % 200
    return train({"estimator": estimator}, X, y, 0)


def _extract_sessions(raw, path):
    most = Filters(length=20, min_full_plays=0, context_types=("user_collection",))
    extract_sessions(raw, path, most, TIMING)


def _save_figure(path):
    style = {"width_mm": 120, "font_pt": 8}
    figure = draw("leakage", {"leakage": leakage_table()}, style)
    with whole_file(path) as partial:
        save(figure, partial, style, "")


@pytest.fixture(scope="module")
def writers(tmp_path_factory):
    """Return {name of a file: what writes it}, one for each way that a file is written."""
    raw = tmp_path_factory.mktemp("raw") / "log.csv.gz"
    write_logs(raw, SHARD, 2000, 1)
    columns, types = {"number": NUMBERS}, {"number": "float64"}
    frame = pd.DataFrame(columns)
    rows = [{"number": number} for number in NUMBERS.tolist()]
    return {
        "columns.parquet": lambda path: tables.write_columns(path, columns, types),
        "groups.parquet": lambda path: tables.write_groups(path, [columns], types),
        "arrow.parquet": lambda path: tables.write_arrow(path, pa.table(columns)),
        "frame.parquet": lambda path: tables.write_table(path, frame),
        "frame.csv": lambda path: tables.write_table(path, frame),
        "rows.csv": lambda path: tables.write_rows(path, ["number"], rows),
        "log.csv.gz": lambda path: write_logs(path, SHARD, 2000, 1),
        "sessions.parquet": lambda path: _extract_sessions(raw, path),
        "own.zip": lambda path: save_models(path, [_train(OWN)], {"estimator": OWN}),
        "other.zip": lambda path: save_models(path, [_train(OTHER)], {"estimator": OTHER}),
        "figure.pdf": _save_figure,
        "figure.png": _save_figure,
        "figure.svg": _save_figure,
    }


WRITTEN = [
    *("columns.parquet", "groups.parquet", "arrow.parquet", "frame.parquet", "frame.csv"),
    *("rows.csv", "log.csv.gz", "sessions.parquet", "own.zip", "other.zip"),
    *("figure.pdf", "figure.png", "figure.svg"),
]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_full_disk_is_told_and_nothing_is_left_on_it(small_disk, writers, tmp_path, name):
    writers[name](tmp_path / name)
    assert (tmp_path / name).stat().st_size > 8192
    with pytest.raises(OutputError) as error:
        writers[name](small_disk / name)
    expected = f"{small_disk / name}: cannot be written (No space left on device); free some space"
    assert str(error.value).startswith(expected)
    assert list(small_disk.iterdir()) == []


def test_a_read_only_disk_is_told(closed_disk):
    with pytest.raises(OutputError, match=r"a\.csv: .*\(Read-only file system\); make it writable"):
        tables.write_rows(closed_disk / "a.csv", [], [])
    with pytest.raises(OutputError, match=f"^{closed_disk}: cannot be written"):
        require_writable(closed_disk / "results/plays")


def test_a_place_that_can_be_written_is_left_as_it_is(tmp_path):
    require_writable(tmp_path / "results/plays")
    assert list(tmp_path.iterdir()) == []

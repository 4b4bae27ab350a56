import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fidelity import crowdai
from fidelity.crowdai import COLUMNS, Filters, extract_sessions, find_logs

REAL_ROWS = Path(__file__).parents[2] / "shared" / "data" / "mssd_real_rows.csv"
FILTERS = Filters(length=3, min_full_plays=2, context_types=("user_collection",))
TIMING = ("skip_1", "hour_of_day")


def rows(session, length=3, full=3, context="user_collection"):
    """Return the rows of one session, its first `full` listenings played entirely."""
    return pd.DataFrame(
        {
            "session_id": f"0_{session}",
            "session_position": np.arange(1, length + 1),
            "session_length": length,
            "track_id_clean": [f"t_{session}_{i}" for i in range(length)],
            "skip_1": ["false" if i < full else "true" for i in range(length)],
            "skip_2": "false",
            "skip_3": "false",
            "not_skipped": ["true" if i < full else "false" for i in range(length)],
            "context_switch": 0,
            "no_pause_before_play": 1,
            "short_pause_before_play": 0,
            "long_pause_before_play": 0,
            "hist_user_behavior_n_seekfwd": 0,
            "hist_user_behavior_n_seekback": 0,
            "hist_user_behavior_is_shuffle": "false",
            "hour_of_day": 13,
            "date": "2018-07-15",
            "premium": "true",
            "context_type": context,
            "hist_user_behavior_reason_start": "trackdone",
            "hist_user_behavior_reason_end": "trackdone",
        }
    )[list(COLUMNS)]


GOOD = [
    rows("a"),
    rows("b", length=2),
    rows("c", full=1),
    rows("d", full=2),
    rows("e", context="radio"),
    rows("f", length=2, full=0, context="radio"),
]


def write(path, sessions, **options):
    text = pd.concat(sessions).to_csv(index=False, **options)
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="") as file:
        file.write(text)
    return path


def extract(raw, filters=FILTERS, timing=TIMING):
    table = raw.parent / "table.parquet"
    funnel = extract_sessions(raw, table, filters, timing)
    return pd.read_parquet(table), funnel.set_index("filter")


def test_sessions_and_funnel_by_hand(tmp_path):
    table, funnel = extract(write(tmp_path / "log.csv", GOOD))
    assert funnel["sessions"].to_dict() == {
        "read": 6, "length": 2, "full_plays": 1, "context": 1, "kept": 2,
    }  # fmt: skip
    assert funnel["listenings"].to_dict() == {
        "read": 16, "length": 4, "full_plays": 3, "context": 3, "kept": 6,
    }  # fmt: skip
    assert table["session"].tolist() == [0, 0, 0, 1, 1, 1]
    assert table["position"].tolist() == [1, 2, 3, 1, 2, 3]
    assert table["track_id"].tolist() == [f"t_{s}_{i}" for s in "ad" for i in range(3)]
    assert table["skip_1"].tolist() == [0, 0, 0, 0, 0, 1]
    assert table["hour_of_day"].tolist() == [13] * 6


def test_raw_ids_stay_behind(tmp_path):
    table, _ = extract(write(tmp_path / "log.csv", GOOD))
    assert table.columns.tolist() == ["session", "position", "track_id", *TIMING]


@pytest.mark.parametrize(
    "options",
    [{"lineterminator": "\r\n"}, {"quoting": 1}, {"columns": list(reversed(COLUMNS))}],
    ids=["CRLF", "quoted", "reordered"],
)
@pytest.mark.parametrize("name", ["log.csv", "log.csv.gz"])
def test_other_ways_to_write_the_same(tmp_path, name, options):
    expected, expected_funnel = extract(write(tmp_path / "plain.csv", GOOD))
    table, funnel = extract(write(tmp_path / name, GOOD, **options))
    pd.testing.assert_frame_equal(table, expected)
    pd.testing.assert_frame_equal(funnel, expected_funnel)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_sessions_may_straddle_blocks(tmp_path_factory, sessions):
    """Read in blocks of a few rows, the result is that of one block."""
    folder = tmp_path_factory.mktemp("logs")
    raw = write(
        folder / "log.csv",
        [rows(i, length, min(full, length)) for i, (length, full) in enumerate(sessions)],
    )
    expected, expected_funnel = extract(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crowdai, "_BLOCK_BYTES", 1000)
        table, funnel = extract(raw)
    pd.testing.assert_frame_equal(table, expected)
    pd.testing.assert_frame_equal(funnel, expected_funnel)
    kept = [i for i, (length, full) in enumerate(sessions) if length == 3 and full >= 2]
    assert table["track_id"].tolist() == [f"t_{i}_{j}" for i in kept for j in range(3)]


def test_a_file_without_a_surviving_session_is_fine(tmp_path):
    table, funnel = extract(write(tmp_path / "log.csv", [rows("b", length=2)]))
    assert len(table) == 0
    assert table.columns.tolist() == ["session", "position", "track_id", *TIMING]
    assert funnel.loc["read", "sessions"] == 1


def test_no_session_in_any_file_is_an_error():
    funnel = pd.DataFrame(
        [("read", 9, 90), ("length", 2, 20), ("full_plays", 6, 60), ("context", 1, 10)],
        columns=["filter", "sessions", "listenings"],
    )
    none = pd.concat([funnel, pd.DataFrame([("kept", 0, 0)], columns=funnel.columns)])
    with pytest.raises(ValueError, match=r"none of 18 sessions is left: .*full_plays .* 12"):
        crowdai.require_sessions(pd.concat([none, none]))
    some = pd.concat([funnel, pd.DataFrame([("kept", 1, 20)], columns=funnel.columns)])
    crowdai.require_sessions(pd.concat([none, some]))


def test_a_file_of_nothing_but_a_header_is_fine(tmp_path):
    table, funnel = extract(write(tmp_path / "log.csv", [rows("a", length=0)]))
    assert len(table) == funnel["sessions"].sum() == 0


def spoil(column, row, value):
    table = pd.concat(GOOD, ignore_index=True).astype(object)
    table.loc[row, column] = value
    return table


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (spoil("session_position", 4, "x"), "line 6: session_position is 'x'"),
        (spoil("session_position", 1, 1), "line 3: session 0_a has position 1, expected 2"),
        (spoil("session_position", 1, -2), "line 3: session_position is '-2'"),
        (spoil("not_skipped", 7, "yes"), "line 9: not_skipped is 'yes', expected true or false"),
        (spoil("hour_of_day", 0, ""), "line 2: hour_of_day is ''"),
        (spoil("session_length", 2, 4), "line 4: session 0_a ends after 3 of 4 rows"),
        (pd.concat([*GOOD, rows("b", 2)]), "line 18: session 0_b has rows further up already"),
        (pd.concat(GOOD).drop(columns="premium"), "line 1: the column premium is missing"),
    ],
)
def test_bad_values_are_named_with_their_line(tmp_path, table, message):
    raw = write(tmp_path / "log.csv", [table])
    with pytest.raises(ValueError, match=message) as error:
        extract(raw)
    assert "log.csv" in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


def bad_bytes(whole, spoilt):
    lines = whole.split(b"\n")
    lines[4] = spoilt(lines[4])
    return b"\n".join(lines)


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (lambda line: line.rsplit(b",", 1)[0], "line 5: 20 fields instead of 21"),
        (lambda line: line.replace(b"t_b_0", b"t_\xff"), "line 5: bytes that are not UTF-8"),
        (lambda line: line + b",1", "line 5: 22 fields instead of 21"),
    ],
)
def test_bad_lines_are_named(tmp_path, spoilt, message):
    raw = write(tmp_path / "log.csv", GOOD)
    raw.write_bytes(bad_bytes(raw.read_bytes(), spoilt))
    with pytest.raises(ValueError, match=message) as error:
        extract(raw)
    assert "log.csv" in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_gz_is_named(tmp_path, share):
    raw = write(tmp_path / "log.csv.gz", [rows(i) for i in range(500)])
    whole = raw.read_bytes()
    raw.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"log\.csv\.gz: .*"):
        extract(raw)
    assert [path.name for path in tmp_path.iterdir()] == ["log.csv.gz"]


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "log.csv").touch()
    with pytest.raises(ValueError, match=r"log\.csv: is empty"):
        extract(tmp_path / "log.csv")


def test_a_table_that_cannot_be_written_is_no_fault_of_the_raw_file(tmp_path):
    raw = write(tmp_path / "log.csv", GOOD)
    with pytest.raises(FileNotFoundError, match="absent"):
        extract_sessions(raw, tmp_path / "absent" / "table.parquet", FILTERS, TIMING)


def test_an_extra_column_is_a_warning(tmp_path):
    raw = write(tmp_path / "log.csv", [pd.concat(GOOD).assign(mood=1)])
    with pytest.warns(UserWarning, match="the column mood is not of this format"):
        table, _ = extract(raw)
    assert len(table) == 6


def test_logs_are_found_at_any_depth(tmp_path):
    for name in ("b/log_1.csv", "a/log_0.csv.gz", "log_2.csv", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(find_logs(tmp_path)) == ["a/log_0", "b/log_1", "log_2"]


def test_odd_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no such folder"):
        find_logs(tmp_path / "absent")
    with pytest.raises(ValueError, match=r"holds no \.csv"):
        find_logs(tmp_path)
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(ValueError, match="a folder is named like a raw file"):
        find_logs(tmp_path)
    os.rmdir(tmp_path / "x.csv")
    (tmp_path / "x.csv").touch()
    (tmp_path / "x.csv.gz").touch()
    with pytest.raises(ValueError, match=r"x\.csv and .*x\.csv\.gz are one shard"):
        find_logs(tmp_path)


@pytest.mark.skipif(not REAL_ROWS.exists(), reason="the real rows are not at hand")
def test_real_rows_are_read(tmp_path):
    filters = Filters(20, 5, ("user_collection", "radio", "catalog", "editorial_playlist"))
    funnel = extract_sessions(REAL_ROWS, tmp_path / "t.parquet", filters, crowdai.TIMING)
    assert funnel.set_index("filter").loc["read"].tolist() == [11, 191]
    table = pd.read_parquet(tmp_path / "t.parquet")
    raw = pd.read_csv(REAL_ROWS)
    grouped = raw.groupby("session_id")
    kept = (
        (grouped.size() == 20)
        & (grouped["not_skipped"].sum() >= 5)
        & grouped["context_type"].agg(lambda context: set(context) <= set(filters.context_types))
    )
    expected = raw[raw["session_id"].isin(kept.index[kept])]
    assert table["track_id"].tolist() == expected["track_id_clean"].tolist()
    for name in crowdai.TIMING:
        assert table[name].tolist() == expected[name].astype(int).tolist()

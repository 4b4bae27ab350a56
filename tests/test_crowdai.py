import csv
import gzip
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fidelity import crowdai, crowdai_columns, raw_files
from fidelity.crowdai import COLUMNS, Filters, extract_sessions
from fidelity.errors import InputError

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


def oracle(raw):
    """Return what `extract` should for a faultless file, by plain means."""
    with open(raw, encoding="utf-8-sig", newline="") as file:
        header, *lines = [line for line in csv.reader(file) if line]
    log = pd.DataFrame(lines, columns=header)
    grouped = log.groupby("session_id", sort=False)
    sizes = grouped.size()
    passed = {
        "length": sizes == FILTERS.length,
        "full_plays": grouped["not_skipped"].agg(lambda of: (of == "true").sum() >= 2),
        "context": grouped["context_type"].agg(lambda of: set(of) <= set(FILTERS.context_types)),
    }
    left, sessions = pd.Series(True, index=sizes.index), {"read": sizes.index}
    for name, passes in passed.items():
        sessions[name] = sizes.index[left & ~passes.astype(bool)]
        left &= passes.astype(bool)
    sessions["kept"] = sizes.index[left]
    funnel = pd.DataFrame(
        {
            name: {"sessions": len(ids), "listenings": sizes[ids].sum()}
            for name, ids in sessions.items()
        }
    ).T.astype("int64")
    kept = log[log["session_id"].isin(sessions["kept"])]
    table = {
        "session": pd.factorize(kept["session_id"])[0].astype("int32"),
        "position": kept["session_position"].astype("int16"),
        "track_id": kept["track_id_clean"],
    }
    for name in TIMING:
        table[name] = kept[name].replace({"true": 1, "false": 0}).astype("uint16")
    return pd.DataFrame(table).reset_index(drop=True), funnel.rename_axis("filter")


def assert_as_oracle(raw, extracted):
    for found, expected in zip(extracted, oracle(raw), strict=True):
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)


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


@settings(max_examples=40)
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
        (spoil("session_length", 2, 4), "line 4: session 0_a has length 4, and 3 further up"),
        (spoil("session_length", [0, 1, 2], 4), "line 4: session 0_a ends after 3 of 4 rows"),
        (pd.concat(GOOD).iloc[:-1], "line 16: session 0_f ends after 1 of 2 rows"),
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


def test_an_empty_track_id_of_a_kept_session_is_told(tmp_path):
    raw = write(tmp_path / "log.csv", [spoil("track_id_clean", 1, "")])
    with pytest.raises(ValueError, match=r"log\.csv: line 3: track_id_clean is empty"):
        extract(raw)


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
    assert list(raw_files.find_logs(tmp_path)) == ["a/log_0", "b/log_1", "log_2"]


def test_odd_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no such folder"):
        raw_files.find_logs(tmp_path / "absent")
    with pytest.raises(ValueError, match=r"holds no \.csv"):
        raw_files.find_logs(tmp_path)
    (tmp_path / "x.csv").mkdir()
    with pytest.raises(ValueError, match="a folder is named like a raw file"):
        raw_files.find_logs(tmp_path)
    os.rmdir(tmp_path / "x.csv")
    (tmp_path / "x.csv").touch()
    (tmp_path / "x.csv.gz").touch()
    with pytest.raises(ValueError, match=r"x\.csv and .*x\.csv\.gz are one shard"):
        raw_files.find_logs(tmp_path)


def edited(text, edits):
    """Return text with edits: (share of the text where, bytes to put there, bytes to drop)."""
    for where, new, dropped in edits:
        place = int(where * len(text))
        text = text[:place] + new + text[place + dropped :]
    return text


EDITS = st.tuples(
    st.floats(0, 1),
    st.one_of(
        st.sampled_from(
            [b"", b",", b"\n", b"\r\n", b"\r", b'"', b'""', b"\0", b" ", b"7", b"\xff"]
        ),
        st.binary(max_size=3),
        st.sampled_from([b"true", b"\xc3\xa9", b"\xef\xbb\xbf"]),
    ),
    st.sampled_from([0, 0, 1, 1, 2, 40, 5000]),
)


def outcome(raw, block):
    """Return what `extract` does with blocks of a size, or its InputError."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(crowdai, "_BLOCK_BYTES", block)
        try:
            return extract(raw)
        except InputError as error:
            return error


@settings(max_examples=400)
@given(edits=st.lists(EDITS, min_size=1, max_size=3), quoting=st.sampled_from([0, 1]))
def test_an_edited_file_is_read_whole_or_refused(tmp_path_factory, edits, quoting):
    """Nothing is lost in silence, whatever the bytes and however blocks cut them."""
    raw = write(tmp_path_factory.mktemp("logs") / "log.csv", GOOD, quoting=quoting)
    raw.write_bytes(edited(raw.read_bytes(), edits))
    results = [outcome(raw, block) for block in (50, 700, 1 << 20)]
    faults = [result for result in results if isinstance(result, InputError)]
    assert len(faults) in (0, 3)
    assert all("log.csv" in str(fault) for fault in faults)
    for table, funnel in results if not faults else ():
        assert_as_oracle(raw, (table, funnel))
        assert funnel.loc["read"].equals(funnel.drop("read").sum())


def lines_of(sessions):
    return pd.concat(sessions).to_csv(index=False).encode().splitlines(keepends=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [*lines[:-1], lines[-1].rstrip()],
        lambda lines: [b"\xef\xbb\xbf", *lines],
        lambda lines: [line for each in lines for line in (each, b"\n", b"\r\n")],
        lambda lines: [line.replace(b",13,", b",00013,") for line in lines],
        lambda lines: [line.replace(b"t_a_0", "t_\u00e9".encode()) for line in lines],
        lambda lines: [line.replace(b"2018-07-15", b'"15 July, 2018"') for line in lines],
        lambda lines: [line.replace(b"2018-07-15", b"x" * 100_000) for line in lines],
        lambda lines: [b",".join([*line[:-1].split(b",")[::-1]]) + b"\n\n" for line in lines],
        lambda lines: lines[:1],
        lambda lines: [lines[0].rstrip()],
    ],
    ids=[
        "no last line feed", "byte order mark", "empty lines", "leading zeros", "not ASCII",
        "comma in quotation marks", "long rows", "reversed, with empty lines",
        "header alone", "nothing but a header",
    ],
)  # fmt: skip
@pytest.mark.parametrize("block", [50, 1 << 20])
def test_odd_files_are_read(tmp_path, monkeypatch, block, change):
    monkeypatch.setattr(crowdai, "_BLOCK_BYTES", block)
    raw = tmp_path / "log.csv"
    raw.write_bytes(b"".join(change(lines_of(GOOD))))
    assert_as_oracle(raw, extract(raw))


def test_sessions_of_one_listening_are_read(tmp_path):
    filters = Filters(length=1, min_full_plays=0, context_types=("radio", "user_collection"))
    one = write(tmp_path / "one.csv", [rows("a", length=1)])
    assert extract(one, filters)[0]["track_id"].tolist() == ["t_a_0"]
    many = write(tmp_path / "many.csv", [rows(i, length=1, context="radio") for i in range(9)])
    assert extract(many, filters)[0]["session"].tolist() == list(range(9))


@pytest.mark.parametrize("value", ["+1", " 1", "1 ", "1.0", "0x1", "65536", "1e3", "", "\u0663"])
@pytest.mark.parametrize("column", ["session_position", "session_length", "hour_of_day"])
def test_only_whole_numbers_are_whole_numbers(tmp_path, column, value):
    raw = write(tmp_path / "log.csv", [spoil(column, 1, value)])
    with pytest.raises(InputError) as error:
        extract(raw)
    assert f"log.csv: line 3: {column} is {value!r}, expected a whole number" in str(error.value)


def test_a_file_with_a_hole_is_refused(tmp_path):
    raw = write(tmp_path / "log.csv", GOOD)
    raw.write_bytes(edited(raw.read_bytes(), [(0.4, 300 * b"\0", 300)]))
    with pytest.raises(InputError, match=r"log\.csv: line 6: holds bytes of zero"):
        extract(raw)


def test_a_long_value_is_not_told_whole(tmp_path):
    raw = write(tmp_path / "log.csv", [spoil("hour_of_day", 0, 10**6 * "x")])
    with pytest.raises(InputError, match=r"line 2: hour_of_day is 'x{80}\.\.\.', expected"):
        extract(raw)


@pytest.mark.parametrize("value", ["True", "1", "", "false "])
def test_only_true_and_false_are_booleans(tmp_path, value):
    for column in ("not_skipped", "skip_1"):
        raw = write(tmp_path / "log.csv", [spoil(column, 1, value)])
        with pytest.raises(InputError, match=f"line 3: {column} is '{value}', expected true or"):
            extract(raw)


def test_what_nothing_is_made_of_is_not_checked(tmp_path):
    """The values of a dropped session that decide nothing may be anything."""
    raw = write(tmp_path / "log.csv", [spoil("hour_of_day", 3, "noon")])
    assert_as_oracle(raw, extract(raw))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda line: line.replace(b"t_b_0", b't_"b_0'), "line 5: a quotation mark inside"),
        (lambda line: line.replace(b"t_b_0", b'"t_b_0'), "line 5: a quotation mark inside"),
        (lambda line: line.replace(b"t_b_0", b'"t_""b"'), "line 5: a quotation mark inside"),
        (lambda line: line.replace(b"t_b_0", b't_\rb'), "line 5: a carriage return that ends no"),
        (lambda line: b" ", "line 5: 1 fields instead of 21"),
    ],
)  # fmt: skip
def test_what_the_format_never_needs_is_refused(tmp_path, change, message):
    raw = write(tmp_path / "log.csv", GOOD)
    raw.write_bytes(bad_bytes(raw.read_bytes(), change))
    with pytest.raises(InputError, match=message):
        extract(raw)


def test_line_ends_of_old_macs_are_refused(tmp_path):
    raw = write(tmp_path / "log.csv", GOOD, lineterminator="\r")
    with pytest.raises(InputError, match=r"log\.csv: line 1: a carriage return that ends no line"):
        extract(raw)


def test_a_row_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "_MOST_BYTES", 1 << 20)
    raw = write(tmp_path / "log.csv", GOOD)
    raw.write_bytes(raw.read_bytes() + 3_000_000 * b"x")
    with pytest.raises(InputError, match=r"line 16: the row or session .* more than 1 MiB"):
        extract(raw)


def test_equal_hashes_are_no_fault(tmp_path, monkeypatch):
    raw = write(tmp_path / "log.csv", GOOD)
    monkeypatch.setattr(
        crowdai.Listenings, "hashes", lambda self, name: np.zeros(len(self), dtype=np.uint64)
    )
    assert_as_oracle(raw, extract(raw))


def test_equal_files_make_equal_tables(tmp_path):
    raw = write(tmp_path / "log.csv", GOOD)
    for name in ("one", "other"):
        extract_sessions(raw, tmp_path / name, FILTERS, TIMING)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_tables_are_written_in_groups(tmp_path, monkeypatch):
    raw = write(tmp_path / "log.csv", [rows(i) for i in range(50)])
    whole, _ = extract(raw)
    monkeypatch.setattr(crowdai, "_BLOCK_BYTES", 1000)
    monkeypatch.setattr(crowdai, "_GROUP_ROWS", 20)
    grouped, _ = extract(raw)
    pd.testing.assert_frame_equal(grouped, whole)
    assert pq.read_metadata(tmp_path / "table.parquet").num_row_groups > 5


def tables_of(files):
    """Return {shard: session table} of {shard: raw file}, made beside them."""
    tables = {shard: raw.with_name(f"{raw.name}.parquet") for shard, raw in files.items()}
    for shard, raw in files.items():
        extract_sessions(raw, tables[shard], FILTERS, TIMING)
    return tables


def test_distinct_files_are_fine(tmp_path):
    raw = {
        f"a/log_{i}": write(tmp_path / f"log_{i}.csv", [rows(f"{i}{j}") for j in range(3)])
        for i in range(3)
    }
    raw |= {f"none_{i}": write(tmp_path / f"none_{i}.csv", [rows("a", length=0)]) for i in "ab"}
    crowdai.require_distinct(tables_of(raw))


def test_a_file_in_two_forms_is_named(tmp_path):
    one = write(tmp_path / "log_0.csv", GOOD)
    other = write(tmp_path / "copy.csv.gz", GOOD, lineterminator="\r\n")
    tables = tables_of({"a/log_0": one, "b/copy": other})
    with pytest.raises(
        InputError, match=r"a/log_0\.csv and b/copy\.csv\.gz hold the same sessions"
    ):
        crowdai.require_distinct(tables)


@pytest.mark.skipif(not REAL_ROWS.exists(), reason="the real rows are not at hand")
def test_real_rows_are_read(tmp_path):
    filters = Filters(20, 5, ("user_collection", "radio", "catalog", "editorial_playlist"))
    funnel = extract_sessions(REAL_ROWS, tmp_path / "t.parquet", filters, crowdai_columns.TIMING)
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
    for name in crowdai_columns.TIMING:
        assert table[name].tolist() == expected[name].astype(int).tolist()

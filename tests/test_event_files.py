import csv
import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fidelity import event_files
from fidelity.errors import InputError
from fidelity.event_files import MISSING, read_plays
from fidelity.event_settings import Layout, find_event_files

LAYOUT = Layout("who", "what", "when", timing=("device",))
PLAYS = pd.DataFrame(
    {
        "who": ["ann", "bob", "ann", "cy"],
        "other": ["x", "y, z", 'a "b"', ""],
        "what": ["s1", "s2", "s1", "é"],
        "when": [1_403_195_755, 1_403_195_756, 0, 4_102_444_799],
        "device": [0, 3, 65_535, 1],
    }
)


def read(path, layout=LAYOUT):
    plays, counts = read_plays(find_event_files(path), layout)
    return plays.to_pandas(), dict(counts)


def write(folder, name, table=PLAYS, **options):
    path = folder / name
    if name.endswith(".parquet"):
        table.to_parquet(path)
    else:
        text = table.to_csv(index=False, sep="\t" if ".tsv" in name else ",", **options)
        opener = gzip.open if name.endswith(".gz") else open
        with opener(path, "wt", newline="", encoding="utf-8") as file:
            file.write(text)
    return path


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.tsv", "p.tsv.gz", "p.parquet"])
def test_every_form_of_file(tmp_path, name):
    plays, counts = read(write(tmp_path, name))
    assert counts == {"read": 4, "missing": 0}
    assert plays["user"].tolist() == PLAYS["who"].tolist()
    assert plays["item"].tolist() == PLAYS["what"].tolist()
    assert plays["time"].tolist() == [10**6 * time for time in PLAYS["when"]]
    assert plays["device"].tolist() == PLAYS["device"].tolist()
    assert plays["device"].dtype == np.uint16


@pytest.mark.parametrize(
    "options",
    [{"lineterminator": "\r\n"}, {"quoting": csv.QUOTE_ALL}, {"columns": PLAYS.columns[::-1]}],
    ids=["CRLF", "quoted", "reordered"],
)
def test_other_ways_to_write_the_same(tmp_path, options):
    expected, _ = read(write(tmp_path, "plain.csv"))
    found, _ = read(write(tmp_path, "other.csv", **options))
    pd.testing.assert_frame_equal(found, expected)


def test_another_separator(tmp_path):
    path = tmp_path / "p.csv"
    PLAYS.to_csv(path, sep="|", index=False)
    plays, _ = read(path, LAYOUT._replace(separator="|"))
    assert plays["user"].tolist() == PLAYS["who"].tolist()


def test_a_folder_is_one_log_in_the_order_of_its_files(tmp_path):
    (tmp_path / "day").mkdir()
    write(tmp_path, "b.csv", PLAYS[:1])
    write(tmp_path / "day", "c.parquet", PLAYS[2:])
    write(tmp_path, "a.tsv.gz", PLAYS[1:2])
    (tmp_path / "._a.tsv.gz").touch()
    plays, counts = read(tmp_path)
    assert plays["user"].tolist() == ["bob", "ann", "ann", "cy"]
    assert counts["read"] == 4


@pytest.mark.parametrize(
    ("unit", "text", "microseconds"),
    [
        ("seconds", "1.5", 1_500_000),
        ("seconds", "1403195755", 1_403_195_755_000_000),
        ("milliseconds", "1403195755123", 1_403_195_755_123_000),
        ("iso8601", "1970-01-01T00:00:01Z", 1_000_000),
        ("iso8601", "1970-01-01 01:00:00.25+01:00", 250_000),
        ("iso8601", "2014-06-19", 1_403_136_000_000_000),
    ],
)
def test_units_of_time(tmp_path, unit, text, microseconds):
    path = write(tmp_path, "p.csv", PLAYS[:1].assign(when=text))
    assert read(path, LAYOUT._replace(time_unit=unit))[0]["time"].tolist() == [microseconds]


@pytest.mark.parametrize(
    "kind", [pa.timestamp("ns"), pa.timestamp("s", "Europe/Brussels"), pa.float64(), pa.string()]
)
def test_types_of_time_in_parquet(tmp_path, kind):
    seconds = pa.array([1, 1_403_195_755], pa.int64())
    if pa.types.is_timestamp(kind):
        seconds = seconds.cast(pa.timestamp("s")).cast(pa.timestamp(kind.unit))
    table = {"who": [7, 8], "what": pa.array(["a", "b"]).dictionary_encode()}
    table |= {"when": seconds.cast(kind), "device": [True, False]}
    pq.write_table(pa.table(table), tmp_path / "p.parquet")
    plays, _ = read(tmp_path / "p.parquet")
    assert plays["user"].tolist() == ["7", "8"]
    assert plays["item"].tolist() == ["a", "b"]
    assert plays["time"].tolist() == [1_000_000, 1_403_195_755_000_000]
    assert plays["device"].tolist() == [1, 0]


@pytest.mark.parametrize("column", ["who", "what", "when", "device"])
@pytest.mark.parametrize("text", MISSING)
def test_rows_that_lack_a_value_are_counted(tmp_path, column, text):
    table = PLAYS.astype({column: object})
    table.loc[1, column] = text
    plays, counts = read(write(tmp_path, "p.csv", table, na_rep="NULL"))
    assert counts == {"read": 4, "missing": 1}
    assert plays["user"].tolist() == ["ann", "ann", "cy"]


@pytest.mark.parametrize("column", ["who", "what", "when", "device"])
def test_nulls_in_parquet_are_counted(tmp_path, column):
    table = PLAYS.convert_dtypes()
    table.loc[1, column] = pd.NA
    plays, counts = read(write(tmp_path, "p.parquet", table))
    assert counts == {"read": 4, "missing": 1}
    assert len(plays) == 3


@pytest.mark.parametrize("name", ["p.csv", "p.parquet"])
@pytest.mark.parametrize(
    ("column", "value", "unit", "message"),
    [
        ("when", "soon", "seconds", "when is not a time in seconds from 1970 to 2099"),
        ("when", "-1", "seconds", "when is not a time in seconds from 1970 to 2099"),
        ("when", "4102444800", "seconds", "when is not a time in seconds"),
        ("when", "1403195755123", "seconds", "when is not a time in seconds"),
        ("when", "2014-13-01", "iso8601", "when is not a time in iso8601"),
        ("when", "2100-01-01T00:00:00Z", "iso8601", "when is not a time in iso8601"),
        ("when", "1969-12-31T23:59:59Z", "iso8601", "when is not a time in iso8601"),
        ("when", "now", "iso8601", "when is not a time in iso8601"),
        ("when", "2014", "iso8601", "when is not a time in iso8601"),
        ("when", "2014/06/19", "iso8601", "when is not a time in iso8601"),
        ("when", "1e9", "seconds", "when is not a time in seconds"),
        ("device", "phone", "seconds", "device is not true, false, or a whole number up to 65535"),
        ("device", "65536", "seconds", "device is not true, false, or a whole number"),
        ("device", "-1", "seconds", "device is not true, false, or a whole number"),
        ("device", "0.5", "seconds", "device is not true, false, or a whole number"),
    ],
)
def test_bad_values_are_told_by_row_and_not_by_id(tmp_path, name, column, value, unit, message):
    good = "2014-06-19T10:00:00Z" if unit == "iso8601" else "1403195755"
    table = PLAYS.assign(when=good).astype(str)
    table.loc[2, column] = value
    with pytest.raises(InputError, match=message) as error:
        read(write(tmp_path, name, table), LAYOUT._replace(time_unit=unit))
    row = 4 if name == "p.csv" else 3
    assert f"{name}, row {row}: " in str(error.value)
    for text in (*PLAYS["who"], *PLAYS["what"]):
        assert f" {text} " not in str(error.value)
    setting = {"when": "columns or time_unit", "device": "timing"}[column]
    assert str(error.value).endswith(f"; mend it, or {setting} in the config")


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (b"ann,x,s1,1\n", "row 3: 4 fields instead of 5"),
        (b"ann,x,s1,1,2,3\n", "row 3: 6 fields instead of 5"),
        (b"a\xffn,x,s1,1,2\n", "row 3: who is not text in UTF-8"),
        (b'"ann,x,s1,1,2\n', "row 3: 1 fields instead of 5"),
    ],
)
def test_bad_rows_are_told(tmp_path, spoilt, message):
    path = tmp_path / "p.csv"
    path.write_bytes(b"who,other,what,when,device\nann,x,s1,1,2\n" + spoilt + b"ann,x,s1,1,2\n")
    with pytest.raises(InputError, match=message) as error:
        read(path)
    assert "ann" not in str(error.value).replace(str(path), "")


def test_rows_are_numbered_on_over_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(event_files, "_BLOCK_BYTES", 64)
    table = pd.concat([PLAYS] * 50, ignore_index=True).astype({"when": str})
    table.loc[150, "when"] = "x"
    with pytest.raises(InputError, match="row 152: when"):
        read(write(tmp_path, "p.csv", table))


def test_a_row_longer_than_a_block(tmp_path, monkeypatch):
    monkeypatch.setattr(event_files, "_BLOCK_BYTES", 64)
    with pytest.raises(InputError, match="cannot be split into rows"):
        read(write(tmp_path, "p.csv", PLAYS.assign(other="x" * 200)))


@pytest.mark.parametrize("name", ["p.csv.gz", "p.parquet"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_files_that_break_off(tmp_path, name, share):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.integers(1000, size=(5000, 5)), columns=PLAYS.columns)
    path = write(tmp_path, name, table)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match=name):
        read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("who,what,when\n", "the column device is missing"),
        ("who,what,when,device,who\n", "the column who stands there twice"),
        (
            "who;what;when;device\n",
            "the column who is missing among 1, split at ','; give the file a",
        ),
    ],
)
def test_bad_headers(tmp_path, text, message):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "p.csv")


def test_columns_of_other_types(tmp_path):
    for name in PLAYS.columns[[0, 2, 3, 4]]:
        path = write(tmp_path, "p.parquet", PLAYS.assign(**{name: [[1]] * 4}))
        with pytest.raises(InputError, match=f"{name} is not .* its type is list"):
            read(path)


def test_no_files(tmp_path):
    with pytest.raises(InputError, match="there is no such file or folder"):
        find_event_files(tmp_path / "absent.csv")
    with pytest.raises(InputError, match=r"is or holds no \.csv"):
        find_event_files(tmp_path)
    write(tmp_path, "a.csv")
    (tmp_path / "b.csv.bz2").touch()
    with pytest.raises(InputError, match=r"b\.csv\.bz2: is or holds no \.csv"):
        find_event_files(tmp_path)


def test_suffixes_in_capitals(tmp_path):
    write(tmp_path, "p.csv.gz").rename(tmp_path / "p.CSV.GZ")
    assert read(tmp_path)[1]["read"] == 4


def test_values_are_not_told_where_a_header_is_missing(tmp_path):
    (tmp_path / "p.csv").write_text("zebra-1,s1,1403195755,1\nzebra-2,s1,1403195755,1\n")
    with pytest.raises(InputError, match="the column who is missing among 4") as error:
        read(tmp_path / "p.csv")
    assert "zebra" not in str(error.value)


def test_a_time_that_is_not_a_number_in_parquet_is_missing(tmp_path):
    table = PLAYS.astype({"when": float})
    table.loc[1, "when"] = np.nan
    pq.write_table(pa.Table.from_pandas(table, safe=False), tmp_path / "p.parquet")
    arrow = pa.table({name: table[name].to_numpy() for name in table})
    pq.write_table(arrow, tmp_path / "q.parquet")
    assert read(tmp_path)[1] == {"read": 8, "missing": 2}


def test_a_header_alone_beside_a_file_with_rows(tmp_path):
    write(tmp_path, "a.csv", PLAYS[:0])
    write(tmp_path, "b.csv")
    plays, counts = read(tmp_path)
    assert len(plays) == 4
    assert counts == {"read": 4, "missing": 0}


FIELDS = st.one_of(
    st.sampled_from(["ann", "7", "1403195755", "-5", "", "NULL", '"', '"a,b"', "é", "\n", "x\ny"]),
    st.text(max_size=4),
)


@settings(max_examples=300)
@given(
    st.lists(st.lists(FIELDS, min_size=1, max_size=5), max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.binary(max_size=3),
)
def test_no_row_is_lost_without_a_word(tmp_path_factory, rows, newline, quoted, junk):
    """Any text is refused with a clear error, or all its rows are kept or counted."""
    path = tmp_path_factory.mktemp("fuzz") / "p.csv"
    out = io.StringIO(newline="")
    if quoted:
        csv.writer(out, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(rows)
    else:
        out.write(newline.join(",".join(row) for row in rows))
    text = "who,what,when,device" + newline + out.getvalue()
    path.write_bytes(text.encode(errors="surrogatepass") + junk)
    plays, counts, refusal = None, None, str(path)
    try:
        plays, counts = read(path)
    except InputError as error:
        refusal = str(error)
    assert refusal.startswith(str(path))
    if plays is None:
        return
    assert len(plays) + counts["missing"] == counts["read"]
    read_by_csv = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    assert counts["read"] == sum(row != [] for row in read_by_csv[1:])
    whole = [row for row in read_by_csv[1:] if row and not set(row) & set(MISSING)]
    assert plays["user"].tolist() == [row[0] for row in whole]
    assert plays["item"].tolist() == [row[1] for row in whole]


@pytest.mark.skipif(
    not (Path(__file__).parents[2] / "shared/data/30music_plays.csv").exists(),
    reason="the plays of 30Music are not at hand",
)
def test_real_plays_are_read():
    path = Path(__file__).parents[2] / "shared/data/30music_plays.csv"
    plays, counts = read(path, Layout("UserId", "ArtistId", "Time"))
    expected = pd.read_csv(path)
    assert counts == {"read": 118_342, "missing": 0}
    assert (plays["user"].astype(int) == expected["UserId"]).all()
    assert (plays["item"].astype(int) == expected["ArtistId"]).all()
    assert (plays["time"] == 10**6 * expected["Time"]).all()


def test_seconds_that_are_called_milliseconds_are_refused(tmp_path):
    path = write(tmp_path, "p.csv", PLAYS.assign(when=1_403_195_755))
    with pytest.raises(InputError, match=r"p\.csv: taken for milliseconds .* time_unit: seconds"):
        read(path, LAYOUT._replace(time_unit="milliseconds"))


def test_a_log_without_rows_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"p\.csv: there is no row below the header"):
        read(write(tmp_path, "p.csv", PLAYS[:0]))


def test_a_column_that_is_missing_tells_how_rows_were_split(tmp_path):
    path = write(tmp_path, "p.tsv", PLAYS)
    expected = r"p\.tsv: the column who is missing among 1, split at ';'; give the file a header"
    with pytest.raises(InputError, match=expected):
        read(path, LAYOUT._replace(separator=";"))

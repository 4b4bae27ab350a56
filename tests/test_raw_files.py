import gzip
import io
import logging
import tarfile

import numpy as np
import pandas as pd
import pytest

from fidelity import crowdai
from fidelity.crowdai import extract_sessions, require_distinct
from fidelity.errors import InputError
from fidelity.raw_files import find_logs

from .test_crowdai import FILTERS, GOOD, TIMING, extract, rows, spoil, write

FILES = {
    "training_set/log_0.csv": GOOD,
    "training_set/log_1.csv": [rows("g"), rows("h", full=2)],
    "deeper/still/log_2.csv": [rows("i", length=1), rows("j")],
}


def text_of(sessions):
    return pd.concat(sessions).to_csv(index=False).encode()


def pack(path, members):
    """Write a tarball of {name: bytes}; a name with a slash at its end is a folder."""
    mode = "w:gz" if path.name.endswith("gz") else "w"
    with tarfile.open(path, mode) as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            info.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            tar.addfile(info, io.BytesIO(content))
    return path


def pack_files(path, files=FILES):
    return pack(path, {name: text_of(sessions) for name, sessions in files.items()})


@pytest.fixture
def expected(tmp_path):
    """What the sessions of all files give, in their order."""
    (tmp_path / "plain").mkdir()
    sessions = [each for of_file in FILES.values() for each in of_file]
    return extract(write(tmp_path / "plain/log.csv", sessions))


@pytest.mark.parametrize("name", ["logs.tar.gz", "logs.tgz", "logs.tar"])
@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("block", [700, 1 << 20])
def test_a_tarball_is_read_as_its_files(tmp_path, monkeypatch, expected, name, compressed, block):
    monkeypatch.setattr(crowdai, "_BLOCK_BYTES", block)
    members = {"training_set/": b""}
    for file, sessions in FILES.items():
        text = text_of(sessions)
        members |= {f"{file}.gz": gzip.compress(text)} if compressed else {file: text}
    table, funnel = extract(pack(tmp_path / name, members))
    pd.testing.assert_frame_equal(table, expected[0])
    pd.testing.assert_frame_equal(funnel, expected[1])
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, "plain", "table.parquet"]


def test_what_is_no_raw_file_is_left_out_and_noted(tmp_path, caplog, expected):
    members = {"README.md": b"hello", "training_set/": b"", "training_set/._log_0.csv": b"\0\5"}
    members |= {name: text_of(sessions) for name, sessions in FILES.items()}
    with caplog.at_level(logging.INFO, "fidelity"):
        table, _ = extract(pack(tmp_path / "logs.tar.gz", members))
    pd.testing.assert_frame_equal(table, expected[0])
    assert "README.md is no raw file; left out" in caplog.text
    assert "._log_0.csv is no raw file; left out" in caplog.text


def test_a_link_in_a_tarball_is_left_out(tmp_path, caplog):
    path = pack_files(tmp_path / "logs.tar")
    with tarfile.open(path, "a") as tar:
        info = tarfile.TarInfo("link.csv")
        info.type, info.linkname = tarfile.LNKTYPE, "training_set/log_0.csv"
        tar.addfile(info)
    with caplog.at_level(logging.INFO, "fidelity"):
        extract(path)
    assert "link.csv is no raw file" in caplog.text


@pytest.mark.parametrize("members", [{}, {"README": b"hello"}, {"logs/": b""}])
def test_a_tarball_of_no_raw_file_is_refused(tmp_path, members):
    with pytest.raises(InputError, match=r"logs\.tar\.gz: holds no \.csv or \.csv\.gz file"):
        extract(pack(tmp_path / "logs.tar.gz", members))


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("sessions", "message"),
    [
        ([spoil("session_position", 4, "x")], "line 6: session_position is 'x'"),
        ([*GOOD, rows("b", 2)], "line 18: session 0_b has rows further up already"),
        ([pd.concat(GOOD).drop(columns="premium")], "line 1: the column premium is missing"),
    ],
)
def test_faults_name_the_tarball_the_file_and_the_line(tmp_path, compressed, sessions, message):
    text, name = text_of(sessions), "set/log_1.csv"
    if compressed:
        text, name = gzip.compress(text), "set/log_1.csv.gz"
    raw = pack(tmp_path / "logs.tar.gz", {"set/log_0.csv": text_of([rows("z")]), name: text})
    with pytest.raises(InputError, match=rf"logs\.tar\.gz: {name}[:,] {message}"):
        extract(raw)
    assert [path.name for path in tmp_path.iterdir()] == ["logs.tar.gz"]


@pytest.mark.parametrize("name", ["logs.tar.gz", "logs.tar"])
@pytest.mark.parametrize("share", np.linspace(0, 0.99, 12))
def test_a_truncated_tarball_is_named(tmp_path, name, share):
    files = {f"log_{i}.csv": [rows(f"{i}_{j}") for j in range(20)] for i in range(4)}
    raw = pack_files(tmp_path / name, files)
    whole = raw.read_bytes()
    end = len(whole) if name.endswith("gz") else len(whole.rstrip(b"\0"))
    raw.write_bytes(whole[: int(share * end)])
    with pytest.raises(InputError, match=name.replace(".", r"\.")) as error:
        extract(raw)
    assert "bring a whole copy" in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_where_a_tarball_breaks_off_is_told(tmp_path):
    raw = pack_files(tmp_path / "logs.tar")
    with tarfile.open(raw) as tar:
        second = tar.getmembers()[1]
    whole = raw.read_bytes()
    raw.write_bytes(whole[: second.offset_data + 500])
    with pytest.raises(
        InputError, match=r"logs\.tar: training_set/log_1\.csv: line 1: cannot be read on"
    ):
        extract(raw)
    raw.write_bytes(whole[: second.offset])
    with pytest.raises(InputError, match=r"logs\.tar: after training_set/log_0\.csv: "):
        extract(raw)


def test_a_damaged_header_is_not_the_end(tmp_path):
    raw = pack_files(tmp_path / "logs.tar")
    with tarfile.open(raw) as tar:
        place = tar.getmembers()[1].offset
    damaged = bytearray(raw.read_bytes())
    damaged[place + 5] ^= 1
    raw.write_bytes(damaged)
    with pytest.raises(InputError, match=r"logs\.tar: after training_set/log_0\.csv: .*checksum"):
        extract(raw)


@pytest.mark.parametrize("name", ["log.csv.gz", "logs.tar.gz"])
def test_a_wrong_checksum_is_a_fault(tmp_path, name):
    path = tmp_path / name
    raw = pack_files(path) if name == "logs.tar.gz" else write(path, GOOD)
    damaged = bytearray(raw.read_bytes())
    damaged[-6] ^= 1
    raw.write_bytes(damaged)
    with pytest.raises(InputError, match="cannot be read on"):
        extract(raw)


@pytest.mark.parametrize("name", ["log.csv.gz", "logs.tar.gz", "logs.tar"])
def test_what_is_not_what_its_name_says_is_a_fault(tmp_path, name):
    (tmp_path / name).write_bytes(text_of(GOOD))
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        extract(tmp_path / name)


def test_an_empty_file_in_a_tarball_is_named(tmp_path):
    raw = pack(tmp_path / "logs.tar.gz", {"log_0.csv": text_of(GOOD), "log_1.csv": b""})
    with pytest.raises(InputError, match=r"logs\.tar\.gz: log_1\.csv: is empty"):
        extract(raw)


def test_a_file_that_is_absent_is_a_fault(tmp_path):
    with pytest.raises(InputError, match=r"log\.csv: cannot be read"):
        extract(tmp_path / "log.csv")


def test_a_gz_may_have_several_parts(tmp_path):
    text = text_of(GOOD)
    raw = tmp_path / "log.csv.gz"
    raw.write_bytes(gzip.compress(text[:700]) + gzip.compress(text[700:]))
    assert extract(raw)[1].loc["read", "sessions"] == 6


def test_tarballs_are_found_hidden_files_are_not(tmp_path):
    for name in ("b/log_1.csv.gz", "training_set_0.tar.gz", "b/x.tgz", "b/y.tar", "b/._log_1.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert list(find_logs(tmp_path)) == ["b/log_1", "b/x", "b/y", "training_set_0"]


def distinct(folder):
    """Run what the workflow does with a folder, up to the comparison of its files."""
    tables = {}
    for shard, raw in find_logs(folder).items():
        tables[shard] = folder.with_name("tables") / f"{shard}.parquet"
        tables[shard].parent.mkdir(parents=True, exist_ok=True)
        extract_sessions(raw, tables[shard], FILTERS, TIMING)
    require_distinct(tables)


def test_a_tarball_beside_its_files_is_named(tmp_path):
    folder = tmp_path / "logs"
    for name, sessions in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write(folder / name, sessions)
    distinct(folder)
    pack_files(folder / "set.tar.gz", dict(list(FILES.items())[1:2]))
    with pytest.raises(InputError) as error:
        distinct(folder)
    assert str(error.value).startswith(
        "set.tar.gz: training_set/log_1.csv and training_set/log_1.csv hold the same sessions"
    )


def test_the_large_tarball_beside_a_small_one_is_named(tmp_path):
    (tmp_path / "logs").mkdir()
    pack_files(tmp_path / "logs/20181113_training_set.tar.gz")
    distinct(tmp_path / "logs")
    pack_files(tmp_path / "logs/training_set_0.tar.gz", dict(list(FILES.items())[2:]))
    with pytest.raises(InputError, match=r"20181113_training_set\.tar\.gz: .* and training_set_0"):
        distinct(tmp_path / "logs")


def test_a_file_twice_in_a_tarball_is_named(tmp_path):
    (tmp_path / "logs").mkdir()
    files = {"a/log.csv": GOOD, "b/log.csv": GOOD}
    pack_files(tmp_path / "logs/set.tar", files)
    with pytest.raises(InputError, match=r"set\.tar: a/log\.csv and set\.tar: b/log\.csv hold"):
        distinct(tmp_path / "logs")


def test_a_file_twice_under_one_name_in_a_tarball_is_named(tmp_path):
    (tmp_path / "logs").mkdir()
    path = write(tmp_path / "log.csv", GOOD)
    with tarfile.open(tmp_path / "logs/set.tar", "w") as tar:
        for _ in range(2):
            tar.add(path, "a/log.csv")
    with pytest.raises(InputError, match=r"set\.tar: a/log\.csv and set\.tar: a/log\.csv hold"):
        distinct(tmp_path / "logs")

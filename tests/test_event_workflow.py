"""The real workflow on a small event log whose user ids are easily found again."""

import gzip
import re
import zipfile
import zlib

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from fidelity.summary import read_table

from .project import copy_project

MARK = "zebra"  # in each user id
N_USERS = 60
CONFIG = {
    "dataset": "plays",
    "datasets": {
        "plays": {
            "format": "events",
            "logs": "plays.csv",
            "columns": {"user": "listener", "item": "track", "time": "at"},
            "time_unit": "iso8601",
            "timing": ["mobile"],
            "windows": "user",
        }
    },
    "sessions": {"length": 10},
    "songs": 30,
    "min_songs": 10,
    "features": ["song", "hour_of_day", "since_previous", "is_repeat", "mobile"],
    "information": {"cells": ["song", "next_song"]},
    "grid": {"common_fraction": [0.5], "target_size": [20, "max"], "repeats": 2},
    "recommender": {"n_estimators": 3},
    "keep_models": True,
}


def make_plays():
    rng = np.random.default_rng(0)
    rows = 3000
    start = rng.integers(0, 10**7, size=rows).astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "at": pd.Timestamp("2020-01-01", tz="UTC") + pd.TimedeltaIndex(start),
            "listener": [f"{MARK}-{i:03}@example.org" for i in rng.integers(N_USERS, size=rows)],
            "track": [f"track {i}" for i in rng.geometric(0.05, size=rows)],
            "mobile": rng.integers(2, size=rows).astype(bool),
        }
    )


def config_with(**settings):
    return {**CONFIG, "datasets": {"plays": {**CONFIG["datasets"]["plays"], **settings}}}


def start(folder, **settings):
    project = copy_project(folder, "plays")
    project.configure(config_with(**settings))
    make_plays().to_csv(project.folder / "plays.csv", index=False)
    return project


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    project = start(tmp_path_factory.mktemp("events") / "project", keep_user_ids=True)
    project.make()
    return project


def contents(path):
    """Yield all that a file holds, also what is compressed in it."""
    whole = path.read_bytes()
    yield path.name.encode()
    yield whole
    if path.suffix == ".gz":
        yield gzip.decompress(whole)
    if path.suffix == ".parquet":
        yield str(pq.read_table(path).to_pydict()).encode()
        yield str(pq.read_metadata(path).metadata).encode()
    if path.suffix == ".pdf":
        for stream in re.findall(rb"stream\r?\n(.*?)endstream", whole, re.DOTALL):
            yield zlib.decompressobj().decompress(stream)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield archive.read(name)


def files_with(mark, folder):
    return [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and any(mark.encode() in part for part in contents(path))
    ]


def test_the_findings_tell_what_was_asked_of_an_event_log(finished):
    lines = finished.result("findings.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith(("| `sessions`", "| `events`"))]
    assert rows == [
        "| `sessions` | length: 10 |",
        "| `events` | gap: 30min, previous_bins: [60, 300, 1800], reduce: items, "
        "timing: ['mobile'], windows: user |",
    ]


def test_snakemake_finds_no_fault_in_the_rules_of_event_logs(finished):
    """Those of the default config are looked at by `make lint`."""
    run = finished.run("--lint")
    assert run.returncode == 0, run.stdout + run.stderr


def test_only_the_mapping_holds_raw_user_ids(finished):
    finished.make("--report", "results/plays/report.html")
    hits = files_with(MARK, finished.folder)
    assert sorted(hits) == ["plays.csv", "results/plays/sessions/users.parquet"]
    # What is looked for in the same way, and must be found.
    assert "results/plays/sessions/songs.parquet" in files_with("track 7", finished.folder)


def test_the_mapping_is_right(finished):
    users = pd.read_parquet(finished.result("sessions/users.parquet"))
    assert users["user"].tolist() == list(range(N_USERS))
    transitions = pd.read_parquet(finished.result("sessions/transitions.parquet"))
    songs = pd.read_parquet(finished.result("sessions/songs.parquet"))
    plays = make_plays().drop_duplicates().sort_values("at", kind="stable")
    plays = plays[plays["track"].isin(songs["track_id"])]
    ids = users.set_index("user")["user_id"]
    for user, own in transitions.groupby("user"):
        history = plays.loc[plays["listener"] == ids[user], "track"].tolist()
        runs = [history[i : i + 10] for i in range(0, len(history) - 9, 10)]
        expected = [track for run in runs for track in run[:-1]]
        assert songs["track_id"].to_numpy()[own["song"]].tolist() == expected


def test_the_mapping_is_written_only_when_asked_for(tmp_path):
    project = start(tmp_path / "project")
    project.make("results/plays/sessions/transitions.parquet")
    assert files_with(MARK, project.folder) == ["plays.csv"]
    project.configure(config_with(keep_user_ids=True))
    assert project.plan()["extract_events"] == 1


def test_the_mapping_of_an_earlier_run_is_not_left_lying(finished):
    finished.configure(config_with(keep_user_ids=False))
    run = finished.run("--dry-run")
    finished.configure(config_with(keep_user_ids=True))
    assert run.returncode != 0
    assert "users.parquet tells the user ids of an earlier run" in run.stdout + run.stderr


def test_every_row_is_kept_or_counted(finished):
    funnel = read_table(finished.result("sessions/funnel.csv")).set_index("filter")["listenings"]
    assert list(funnel.index) == ["read", "missing", "duplicate", "items", "remainder", "kept"]
    assert funnel["read"] == 3000 == funnel.drop("read").sum()
    transitions = pd.read_parquet(finished.result("sessions/transitions.parquet"))
    assert len(transitions) == funnel["kept"] // 10 * 9
    assert transitions.columns.tolist() == [
        *("user", "session", "position", "song", "next_song"),
        *("hour_of_day", "weekday", "since_previous", "is_repeat", "mobile"),
    ]


def test_a_run_killed_in_every_script_goes_on_to_the_same_bytes(finished, tmp_path):
    project = start(tmp_path / "project", keep_user_ids=True)
    killed = list(project.make_with_kills("results/plays/sessions/transitions.parquet"))
    assert killed == ["extract_events", "select_events"]
    expected = finished.files()
    made = {name: data for name, data in expected.items() if name.startswith("sessions/")}
    assert project.files() == made


def test_users_and_not_sessions_are_dealt(finished):
    transitions = pd.read_parquet(finished.result("sessions/transitions.parquet"))
    deals = pd.read_parquet(finished.result("emulation/common-0.5.parquet"))
    assert transitions["session"].nunique() > transitions["user"].nunique()
    assert set(deals["user"]) == set(transitions["user"])
    leakage = read_table(finished.result("tables/leakage.csv"))
    first = leakage[leakage["target_size"] == 20].iloc[0]
    sessions = transitions.groupby("user")["session"].nunique()
    target = deals[(deals["repeat"] == 0) & deals["target_rank"].between(0, 19)]["user"]
    assert first["target_sessions"] == sessions[target].sum() > 20
    assert first["common_users"] == 10


def test_other_items_do_not_read_the_log_again(finished):
    plan = finished.plan("--config", "songs=25")
    assert "extract_events" not in plan
    assert plan["select_songs"] == 1


def test_the_rule_of_the_crowdai_logs_and_a_folder(tmp_path):
    project = start(
        tmp_path / "project", logs="parts", reduce="densest", windows="session", gap="9d"
    )
    plays = make_plays()
    (project.folder / "parts").mkdir()
    plays[:1000].to_csv(project.folder / "parts/a.tsv.gz", index=False, sep="\t")
    plays[1000:].to_parquet(project.folder / "parts/b.parquet")
    project.make("results/plays/sessions/transitions.parquet", "--config", "songs=densest")
    funnel = read_table(project.result("sessions/funnel.csv")).set_index("filter")
    assert funnel.loc["read", "listenings"] == 3000
    assert funnel["listenings"].drop("read").sum() == 3000
    assert funnel.loc["songs", "sessions"] > 0


def test_a_bad_row_is_told_by_its_number(tmp_path):
    project = start(tmp_path / "project")
    path = project.folder / "plays.csv"
    lines = path.read_text().splitlines()
    lines[41] = lines[41].replace(lines[41].split(",")[0], f"{MARK}-time")
    path.write_text("\n".join(lines))
    run = project.run("--cores", "1")
    assert run.returncode != 0
    said = run.stdout + run.stderr
    assert "plays.csv, row 42: at is not a time in iso8601 from 1970 to 2099; mend it" in said
    assert MARK not in said
    assert files_with(MARK, project.folder) == ["plays.csv"]

"""The default config on the stand-in: what the paper reports must come out."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from fidelity.summary import POINT, mean_with_interval, read_table

ROOT = Path(__file__).parents[1]
TABLES = ("figure2", "figure3", "figure4", "information", "accuracy", "in_sample_accuracy")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("default")
    names = [f"results/synthetic/tables/{name}.csv" for name in TABLES]
    command = [sys.executable, "-m", "snakemake", *names, "--cores", "all", "--directory", folder]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    results = folder / "results/synthetic"
    found = {name: read_table(results / f"tables/{name}.csv") for name in TABLES}
    found["songs"] = pd.read_parquet(results / "sessions/songs.parquet")
    found["transitions"] = pd.read_parquet(results / "sessions/transitions.parquet")
    return found


def _by_fraction(table):
    """Return the means, one row a size, one column a fraction in ascending order."""
    means = table.pivot(index="target_size", columns="common_fraction", values="mean")
    return means[sorted(means, key=float)]


def test_about_as_many_sessions_and_songs_are_left_as_in_the_paper(tables):
    assert len(tables["songs"]) == 229
    assert 10_700 < tables["transitions"]["session"].nunique() < 11_600


def test_accuracy_and_how_much_is_remembered(tables):
    accuracy, in_sample = (
        mean_with_interval(tables[name], "accuracy").set_index(POINT)["mean"]
        for name in ("accuracy", "in_sample_accuracy")
    )
    largest = accuracy["1"].index.max()
    assert 0.55 < accuracy["1"][largest] < 0.65
    assert 0 < in_sample["1"][largest] - accuracy["1"][largest] < 0.15
    grown = accuracy["1"].sort_index()
    assert grown.is_monotonic_increasing
    assert grown.iloc[0] > 10 / 229


def test_true_positives_grow_with_the_common_fraction_and_with_size(tables):
    means = _by_fraction(tables["figure2"])
    assert (means["0"].dropna() == 0).all()
    for fraction in means.columns[1:]:
        assert means[fraction].dropna().is_monotonic_increasing
    for _, row in means.iterrows():
        assert row.dropna().is_monotonic_increasing


def test_false_positives_shrink_with_the_common_fraction(tables):
    """At each size where the users in common are a share that stands out of the noise of deals.

    FP = FPR (1 - common users / |A|). Up to 500 users of the target at most 5 % of the
    adversary's are common, less than deals differ by.
    """
    means = _by_fraction(tables["figure3"]).loc[1000:]
    assert (means.notna().sum(axis=1) > 1).sum() >= 5
    for _, row in means.iterrows():
        assert row.dropna().is_monotonic_decreasing


def test_information_falls_with_size(tables):
    means = _by_fraction(tables["figure4"])
    for fraction in means:
        assert means[fraction].dropna().is_monotonic_decreasing
    assert means["1"].iloc[-1] == 0
    assert (means.iloc[0] > 0.1).all()


def test_the_information_of_the_paper_is_what_chance_gives(tables):
    """Both hold users of one population: as much as where users are dealt anew, within 5 %.

    But for c = 1, where all of the target's users are the adversary's and nobody is dealt anew.
    """
    table = tables["information"]
    own = table[(table["cells"] == "song next_song") & (table["estimator"] == "plug-in")]
    own = own[own["common_fraction"] != "1"].groupby(POINT)[["value", "null_mean"]].mean()
    assert len(own) > 20
    assert own["value"].to_numpy() == pytest.approx(own["null_mean"].to_numpy(), rel=0.05)


def test_answers_tell_of_members_more_than_chance(tables):
    table = tables["information"]
    own = table[(table["cells"] == "match") & (table["estimator"] == "plug-in")]
    assert (own["value"] > 10 * own["null_95"]).all()
    assert (own["p_value"] < 0.01).all()

"""Where the plug-in estimate is asked for alone: the script, and the workflow on a small config."""

import runpy

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon

from fidelity.emulation import GridPoint, deal_users
from fidelity.information.report import TABLES
from fidelity.summary import read_table

from .project import ROOT, SMALL, small_project

PLUG_IN = SMALL | {"information": {"estimates": "plug-in"}}
BESIDE = ["ci_low", "ci_high", "null_mean", "null_95", "p_value"]
POINT = "results/synthetic/grid/common-1/target-20/information.csv"


@pytest.fixture
def estimate():
    script = ROOT / "workflow/scripts/estimate_plug_in.py"
    return runpy.run_path(str(script))["estimate_plug_in"]


@pytest.fixture
def tables(tmp_path):
    """Return (transitions, deals at c = .5): 40 users of 10 to 14 each, two repeats."""
    rng = np.random.default_rng(1)
    user = np.repeat(np.arange(40), rng.integers(10, 15, 40))
    song, next_song = rng.integers(0, 4, (2, len(user)))
    transitions = pd.DataFrame({"user": user, "song": song, "next_song": next_song})
    transitions.to_parquet(tmp_path / "transitions.parquet")
    deals = [pd.DataFrame(deal_users(np.arange(40), "0.5", rng)._asdict()) for _ in range(2)]
    deals = pd.concat([deal.assign(repeat=i) for i, deal in enumerate(deals)])
    deals.to_parquet(tmp_path / "deals.parquet")
    return transitions, deals


@pytest.mark.parametrize("cells", [["song", "next_song"], ["next_song"]])
def test_the_estimate_is_the_divergence_of_both_histograms(estimate, tables, tmp_path, cells):
    transitions, deals = tables
    paths = [tmp_path / name for name in ("transitions.parquet", "deals.parquet", "found.csv")]
    estimate(*paths, point=GridPoint("0.5", "9", "full", False), cells=cells)
    found = pd.read_csv(paths[-1])
    assert found.columns.tolist() == ["repeat", *TABLES["information"]]
    assert found["repeat"].tolist() == [0, 1]
    number = transitions.groupby(cells).ngroup()
    for _, row in found.iterrows():
        deal = deals[deals["repeat"] == row["repeat"]]
        sides = deal["adversary_rank"] >= 0, deal["target_rank"].between(0, 8)
        own = [number[transitions["user"].isin(deal["user"][side])] for side in sides]
        counts = [np.bincount(side, minlength=number.max() + 1) for side in own]
        assert row["value"] == pytest.approx(jensenshannon(*counts, 2) ** 2, abs=1e-15)
        assert [row["n_adversary"], row["n_target"]] == [len(side) for side in own]
    assert found[["secret", "estimator", "cells"]].drop_duplicates().to_numpy().tolist() == [
        ["holder", "plug-in", " ".join(cells)]
    ]
    assert found[BESIDE].isna().all(axis=None)


def test_a_size_that_does_not_exist_has_no_rows(estimate, tables, tmp_path):
    paths = [tmp_path / name for name in ("transitions.parquet", "deals.parquet", "found.csv")]
    estimate(*paths, point=GridPoint("0.5", "99", "full", False), cells=["song"])
    assert paths[-1].read_text() == ",".join(["repeat", *TABLES["information"]]) + "\n"


def test_it_waits_for_no_model(tmp_path):
    project = small_project(tmp_path / "project")
    project.configure(PLUG_IN)
    assert project.plan(POINT) == {
        "make_logs": 2,
        "extract_sessions": 2,
        "select_songs": 1,
        "deal_users": 1,
        "estimate_information": 1,
    }


def test_a_run_killed_in_it_ends_with_the_numbers_of_a_run_of_all(finished, copy):
    copy.configure(PLUG_IN)
    jobs = {"tabulate_information": 1, "draw_figure": 1, "write_findings": 1, "all": 1}
    assert copy.plan() == {"estimate_information": 6, **jobs}
    assert copy.plan("--forceall")["draw_figure"] == 12
    assert list(copy.make_with_kills(POINT)) == ["estimate_plug_in"]
    copy.make()
    assert copy.plan() == {}

    before, after = finished.files(), copy.files()
    changed = {name for name in before if before[name] != after[name]}
    assert {name for name in changed if not name.startswith("grid/")} == {
        *("findings.md", "findings.html", "tables/information.csv"),
        *(f"figures/figure4.{kind}" for kind in ("pdf", "png", "svg")),
    }
    found, whole = (
        read_table(project.result("tables/information.csv")) for project in (copy, finished)
    )
    whole = whole[(whole["estimator"] == "plug-in") & (whole["secret"] == "holder")]
    whole = whole[whole["cells"] == "song next_song"].reset_index(drop=True)
    one, other = (table.drop(columns=BESIDE) for table in (found, whole))
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert found[BESIDE].isna().all(axis=None)
    findings = after["findings.md"].decode()
    assert "| `information` | cells: ['song', 'next_song'], estimates: plug-in |" in findings

    copy.configure(SMALL | {"information": {"estimates": "plug-in", "permutations": 7}})
    assert copy.plan() == {}  # which it makes no use of
    copy.configure(SMALL)
    assert copy.plan() == {"estimate_information": 6, **jobs, "draw_figure": 3}

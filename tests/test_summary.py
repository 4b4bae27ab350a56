import numpy as np
import pandas as pd
import pytest
import scipy.stats

from fidelity.errors import InputError
from fidelity.summary import (
    difference_with_interval,
    join_points,
    mean_with_interval,
    rate_with_interval,
    read_table,
)


def _table(**columns):
    return pd.DataFrame({"common_fraction": "0.5", "target_size": 100, **columns})


def test_interval_is_that_of_scipy():
    values = np.random.default_rng(0).normal(size=7)
    found = mean_with_interval(_table(tp=values), "tp").iloc[0]
    low, high = scipy.stats.t.interval(0.95, 6, values.mean(), scipy.stats.sem(values))
    assert found["mean"] == pytest.approx(values.mean(), abs=1e-15)
    assert (found["ci_low"], found["ci_high"]) == pytest.approx((low, high), abs=1e-12)
    assert found["repeats"] == 7


def test_one_value_has_no_interval_and_a_missing_one_no_row():
    table = pd.concat([_table(tpr=[0.25]), _table(tpr=[np.nan]).assign(target_size=200)])
    found = mean_with_interval(table, "tpr")
    assert found["target_size"].tolist() == [100]
    assert found.loc[0, ["mean", "repeats"]].tolist() == [0.25, 1]
    assert found.loc[0, ["ci_low", "ci_high"]].isna().all()


def test_points_are_joined_in_numeric_order_without_touching_the_text(tmp_path):
    paths = []
    for i, (fraction, size) in enumerate([("1", 100), ("0.25", 1000), ("0.25", 200), ("0", 9)]):
        paths.append(tmp_path / f"{i}.csv")
        _table(x=[i]).assign(common_fraction=fraction, target_size=size).to_csv(
            paths[-1], index=False
        )
    empty = _table(x=[0]).iloc[:0]
    joined = join_points([empty, *map(read_table, paths)])
    assert joined["common_fraction"].tolist() == ["0", "0.25", "0.25", "1"]
    assert joined["target_size"].tolist() == [9, 200, 1000, 100]


def test_a_grid_without_any_point_is_refused():
    with pytest.raises(InputError, match=r"grid\.target_size"):
        join_points([_table(x=[0]).iloc[:0]])


def test_intervals_of_rates_and_differences_stay_in_their_range():
    """.02, .5, .98: .5 -+ 4.3027 * .48 / sqrt(3), which is -.69 to 1.69."""
    table = pd.DataFrame({"common_fraction": "1", "target_size": 9, "rate": [0.02, 0.5, 0.98]})
    wide, rate, difference = (
        summary(table, "rate").iloc[0]
        for summary in (mean_with_interval, rate_with_interval, difference_with_interval)
    )
    assert (wide["ci_low"], wide["ci_high"]) == pytest.approx((-0.6924, 1.6924), abs=1e-4)
    assert (rate["ci_low"], rate["ci_high"]) == (0, 1)
    assert (difference["ci_low"], difference["ci_high"]) == pytest.approx((-0.6924, 1), abs=1e-4)

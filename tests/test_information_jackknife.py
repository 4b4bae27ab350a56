import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.folds import deal_folds
from fidelity.information import count_held, plug_in
from fidelity.information.estimators import GROUPS, estimate_perceived
from fidelity.information.hypothetical import hypothetical_bits
from fidelity.information.jackknife import counts_without, interval

from .made_up_holders import draw_holders, made_up

N_DRAWS = 200


@given(made_up(), st.integers(1, 60), st.integers(0, 2**32))
def test_each_group_leaves_both_holders_in_turn(case, n_groups, seed):
    holders, _, _ = case
    groups = deal_folds(len(holders.first), n_groups, np.random.default_rng(seed))
    found = list(counts_without(holders, groups, holders.cell))
    assert len(found) == min(n_groups, len(holders.first))
    for group, counts in enumerate(found):
        stays = groups != group
        rest = holders._replace(first=holders.first & stays, second=holders.second & stays)
        assert counts.tolist() == count_held(rest).tolist()


def test_interval_by_hand():
    """s^2 = 2/3 (1 + 0 + 1), about the value, which is not the mean."""
    reach = 1.959963984540054 * math.sqrt(4 / 3)
    assert interval(7, [1, 2, 3]) == pytest.approx((7 - reach, 7 + reach), abs=1e-12)


def test_interval_of_a_mean_is_that_of_its_standard_error():
    """Without one of n values in turn, s is the standard deviation over sqrt(n)."""
    values = np.random.default_rng(0).normal(size=30)
    without = [np.delete(values, i).mean() for i in range(30)]
    low, high = interval(values.mean(), without)
    standard_error = values.std(ddof=1) / math.sqrt(30)
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * standard_error, abs=1e-12)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, math.nan]])
def test_too_few_groups_give_no_interval(values):
    assert interval(0.5, values) == (None, None)


def hypothetical_interval(holders, rng):
    value = plug_in(*count_held(holders)).value
    groups = deal_folds(len(holders.first), GROUPS, rng)
    without = counts_without(holders, groups, holders.cell)
    return value, *interval(value, [hypothetical_bits(c, c.sum(axis=1)) for c in without])


def perceived_interval(holders, rng):
    found = estimate_perceived(holders, rng)
    return found.value, found.ci_low, found.ci_high


@pytest.mark.parametrize("estimate", [hypothetical_interval, perceived_interval])
@pytest.mark.parametrize("shift", [0, 3])
def test_intervals_cover_the_expectation_of_the_estimator(estimate, shift):
    """The mean of all draws stands for the expectation, holders alike and not."""
    rng = np.random.default_rng(shift)
    first = 1 / np.arange(3, 23)
    first /= first.sum()
    drawn = np.array(
        [
            estimate(draw_holders(rng, first, np.roll(first, shift), 60, per_user=8), rng)
            for _ in range(N_DRAWS)
        ]
    )
    value, low, high = drawn.T
    covered = np.mean((low <= value.mean()) & (value.mean() <= high))
    assert covered >= 0.9
    # Not by being far too wide.
    assert np.mean(high - low) / 2 < 4 * value.std()

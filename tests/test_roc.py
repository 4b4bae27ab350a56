from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import roc_auc_score, roc_curve

from fidelity.estimates import Estimate, proportion
from fidelity.roc import (
    area,
    area_with_interval,
    best_advantage,
    cross_fitted_error,
    draw_users,
    precision_at,
    resampled_areas,
    roc,
    true_positive_rate_at,
)

tied = st.integers(-3, 3).map(float)
untied = st.floats(-1e6, 1e6)


def labelled(elements, max_size=40):
    """Return scores of users, of whom the first is a member and the second is none."""
    scores = st.integers(2, max_size).flatmap(lambda n: arrays(float, n, elements=elements))
    return scores.flatmap(
        lambda value: arrays(bool, len(value) - 2).map(
            lambda rest: (value, np.append([True, False], rest))
        )
    )


both = st.one_of(labelled(tied), labelled(untied))


@given(both)
def test_area_is_that_of_mann_whitney(case):
    value, member = case
    found = area(value, member)
    u = mannwhitneyu(value[member], value[~member], method="asymptotic").statistic
    assert found == pytest.approx(u / (member.sum() * (~member).sum()), abs=1e-12)
    assert found == pytest.approx(roc_auc_score(member, value), abs=1e-12)


@given(both)
def test_area_of_the_opposite_score_is_the_rest(case):
    value, member = case
    assert area(-value, member) == pytest.approx(1 - area(value, member), abs=1e-12)
    assert area(value, ~member) == pytest.approx(1 - area(value, member), abs=1e-12)


@given(both)
def test_corners_are_those_of_scikit_learn(case):
    value, member = case
    steps = roc(value, member)
    fpr, tpr, threshold = roc_curve(member, value, drop_intermediate=False)
    assert steps.threshold.tolist() == threshold.tolist()
    assert np.allclose(steps.false_positives / (~member).sum(), fpr, atol=1e-12)
    assert np.allclose(steps.true_positives / member.sum(), tpr, atol=1e-12)


@given(both, st.sampled_from(["0.5", "0.3", "0.7", "0.1", "0.05", "0.29", "1"]))
def test_true_positive_rate_is_a_step(case, level):
    value, member = case
    others = value[~member]
    hits = [
        np.count_nonzero(value[member] >= threshold)
        for threshold in np.append(value, np.inf)
        if np.count_nonzero(others >= threshold) <= Fraction(level) * len(others)
    ]
    found = true_positive_rate_at(roc(value, member), float(level))
    if len(others) * Fraction(level) < 1:
        assert found == Estimate(None)
    else:
        assert found == proportion(max(hits), member.sum())


@pytest.mark.parametrize(("others", "level"), [(1000, 0.001), (10, 0.1), (100, 0.01), (20, 0.05)])
def test_a_rate_is_resolved_from_one_other_user_up(others, level):
    # The most suspicious other is above half of the members, so two thresholds tell.
    value = np.append(np.arange(others), [others - 0.5, others - 1.5])
    member = np.arange(others + 2) >= others
    assert true_positive_rate_at(roc(value, member), level).value == 1
    assert true_positive_rate_at(roc(value[1:], member[1:]), level) == Estimate(None)


def test_true_positive_rate_by_hand():
    value = np.array([9, 8, 8, 7, 6, 5, 4, 3, 2, 1])
    member = np.array([1, 1, 0, 1, 0, 1, 0, 0, 0, 0], dtype=bool)
    # At most 1.5 of 6 others: from 7 up there are 3 of 4 members and one other.
    assert true_positive_rate_at(roc(value, member), 0.25).value == 0.75
    assert true_positive_rate_at(roc(value, member), 0.34).value == 1


def test_no_threshold_splits_equal_scores():
    value, member = np.array([1.0, 1, 1, 1, 0]), np.array([1, 1, 0, 0, 0], dtype=bool)
    # Two of three others come at once; one would be allowed.
    assert true_positive_rate_at(roc(value, member), 0.5).value == 0


@settings(max_examples=50)
@given(labelled(tied, max_size=6), st.sampled_from([0.01, 0.2, 0.5, 0.75, 1.0]))
def test_precision_is_the_mean_over_the_orders_of_equal_scores(case, share):
    value, member = case
    length = max(1, round(share * len(value)))
    found = []
    for order in permutations(range(len(value))):
        if np.all(np.diff(value[list(order)]) <= 0):
            found.append(member[list(order[:length])].mean())
    estimate = precision_at(roc(value, member), share)
    assert estimate.value == pytest.approx(np.mean(found), abs=1e-12)
    assert 0 <= estimate.ci_low <= estimate.value <= estimate.ci_high <= 1


def test_precision_by_hand():
    value, member = np.array([5, 4, 4, 4, 1]), np.array([1, 0, 1, 1, 0], dtype=bool)
    steps = roc(value, member)
    assert precision_at(steps, 0.2) == proportion(1, 1)
    # One of the three that have 4 has place, and two of them are members.
    assert precision_at(steps, 0.4).value == pytest.approx((1 + 2 / 3) / 2)
    assert precision_at(steps, 0.8) == proportion(3, 4)
    assert precision_at(steps, 0.001) == proportion(1, 1)


@given(both)
def test_best_advantage_is_the_largest_over_thresholds(case):
    value, member = case
    gaps = [
        np.mean(value[member] >= threshold) - np.mean(value[~member] >= threshold)
        for threshold in np.append(value, np.inf)
    ]
    assert best_advantage(roc(value, member)) == pytest.approx(max(gaps), abs=1e-12)


weighted = both.flatmap(
    lambda case: st.tuples(
        st.just(case), arrays(np.int16, (len(case[0]), 3), elements=st.integers(0, 3))
    )
)


@given(weighted)
def test_areas_of_draws_are_those_of_the_users_drawn(case):
    (value, member), weights = case
    found = resampled_areas(value, member, weights)
    for drawn, count in zip(found, weights.T, strict=True):
        repeated = np.repeat(member, count)
        if repeated.all() or not repeated.any():
            assert np.isnan(drawn)
        else:
            expected = roc_auc_score(repeated, np.repeat(value, count))
            assert drawn == pytest.approx(expected, abs=1e-12)


@given(both)
def test_area_of_everybody_once_is_the_area(case):
    value, member = case
    (found,) = resampled_areas(value, member, np.ones((len(value), 1), np.int16))
    assert found == pytest.approx(area(value, member), abs=1e-12)


def test_areas_of_draws_do_not_depend_on_the_layout():
    rng = np.random.default_rng(0)
    value, member = rng.random(40), rng.random(40) < 0.5
    weights = draw_users(40, 5, rng)
    found = resampled_areas(value, np.repeat(member, 2)[::2], np.asfortranarray(weights))
    np.testing.assert_array_equal(found, resampled_areas(value, member, weights))


@given(st.integers(1, 50), st.integers(1, 20), st.integers(0, 2**32))
def test_every_draw_has_as_many_users(n_users, n_draws, seed):
    weights = draw_users(n_users, n_draws, np.random.default_rng(seed))
    assert weights.shape == (n_users, n_draws)
    assert weights.min() >= 0
    assert weights.sum(axis=0).tolist() == [n_users] * n_draws


def test_draws_are_multinomial():
    """Each user comes B(n, 1/n) times: mean 1 and variance 1 - 1/n, to 4 standard errors."""
    n_users, n_draws = 20, 20_000
    weights = draw_users(n_users, n_draws, np.random.default_rng(0))
    variance = 1 - 1 / n_users
    assert np.allclose(weights.mean(axis=1), 1, atol=4 * np.sqrt(variance / n_draws))
    # The fourth central moment of a binomial is about 3 v^2 + v.
    error = np.sqrt((2 * variance**2 + variance) / n_draws)
    assert np.allclose(weights.var(axis=1), variance, atol=4 * error)


def delong_error(value, member):
    """Return the standard error of the area by DeLong et al. 1988, from pairs."""
    wins = np.sign(value[member][:, None] - value[~member]) / 2 + 0.5
    parts = [wins.mean(axis=axis).var(ddof=1) / wins.shape[1 - axis] for axis in (0, 1)]
    return np.sqrt(sum(parts))


def draw_normal(rng, n_members, n_others, shift):
    value = rng.normal(size=n_members + n_others)
    member = np.arange(len(value)) < n_members
    value[member] += shift
    return value, member


def test_bootstrap_interval_is_as_wide_as_that_of_delong():
    rng = np.random.default_rng(1)
    value, member = draw_normal(rng, 300, 500, 0.7)
    found = area_with_interval(value, member, draw_users(800, 4000, rng))
    assert found.value == area(value, member)
    assert found.ci_low < found.value < found.ci_high
    width = 2 * norm.ppf(0.975) * delong_error(value, member)
    assert found.ci_high - found.ci_low == pytest.approx(width, rel=0.1)


@pytest.mark.parametrize("n", [1, 20])
def test_members_and_others_apart_leave_a_bound_of_as_many_trials(n):
    """No draw tells how far from 1 the area may be: of n users none was misplaced."""
    value = np.arange(60 + n, dtype=float)
    member, weights = value >= 60, np.ones((60 + n, 3), np.int16)
    assert area_with_interval(value, member, weights) == proportion(n, n)
    assert area_with_interval(-value, member, weights) == proportion(0, n)


def test_bootstrap_interval_covers_the_area():
    """P(x > y) of normal scores is Phi(shift / sqrt 2); 95 % of intervals hold it, to 4 errors."""
    n_cases, shift = 300, 1.0
    rng = np.random.default_rng(2)
    true = norm.cdf(shift / np.sqrt(2))
    covered = 0
    for _ in range(n_cases):
        value, member = draw_normal(rng, 60, 80, shift)
        found = area_with_interval(value, member, draw_users(140, 400, rng))
        covered += found.ci_low <= true <= found.ci_high
    assert abs(covered / n_cases - 0.95) < 4 * np.sqrt(0.95 * 0.05 / n_cases)


def test_cross_fitted_error_by_hand():
    """The first half says 3 and above, the second 5 and above.

    So of the second half 5 is found, 4 wrongly accused and 2 right: 1/2 (1/2 + 0). Of the first
    3 is missed and nobody accused: 1/2 (0 + 1).
    """
    value = np.array([3.0, 1, 5, 4, 2])
    member = np.array([True, False, True, False, False])
    half = np.array([True, True, False, False, False])
    assert cross_fitted_error(value, member, half) == (0.25 + 0.5) / 2


def test_cross_fitted_error_of_chance_is_a_half():
    """Unlike 1/2 less half of the largest TPR - FPR, which is chosen; to 4 standard errors."""
    rng = np.random.default_rng(4)
    errors, chosen = [], []
    for _ in range(300):
        value, member = draw_normal(rng, 30, 30, 0)
        errors.append(cross_fitted_error(value, member, np.arange(60) % 2 == 0))
        chosen.append((1 - best_advantage(roc(value, member))) / 2)
    assert abs(np.mean(errors) - 0.5) < 4 * np.std(errors) / np.sqrt(300)
    assert np.mean(chosen) < 0.45

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.information.divergences import bhattacharyya, chernoff, jensen_shannon, smooth_counts
from fidelity.information.observations import (
    Evidence,
    Observations,
    bhattacharyya_necessary,
    bhattacharyya_sufficient,
    chernoff_number,
    error_bounds,
    error_on_consecutive,
    error_on_independent_draws,
    fano_bound,
    held_out_log_ratios,
    most_observations_bound,
    reciprocal_of_information,
)

N_MAX = 6
TOLERANCE = 1e-12
ERRORS = (0.1, 0.05, 0.01)
BINARY_SYMMETRIC = (np.array([0.243, 0.757]), np.array([0.757, 0.243]))
ERASURE = (np.array([0.2, 0, 0.8]), np.array([0, 0.2, 0.8]))
aims = st.floats(0.001, 0.499)
shares = st.floats(0.001, 0.999)


def exact_errors(p, q, n_max):
    """Error of the best test on N independent draws, by enumeration of all sequences."""
    of_p = of_q = np.ones(1)
    errors = []
    for _ in range(n_max):
        of_p, of_q = (np.outer(of, one).ravel() for of, one in ((of_p, p), (of_q, q)))
        errors.append(np.minimum(of_p, of_q).sum() / 2)
    return np.array(errors)


@cache
def random_pairs():
    """1,000 pairs on 2 to 4 cells, half of them with zeros, with their errors, N <= 6.

    A few are disjoint, and a few equal: both on one cell.
    """
    rng = np.random.default_rng(1)
    pairs = []
    while len(pairs) < 1000:
        weights = rng.exponential(size=(2, rng.integers(2, 5))) ** rng.choice([0.3, 1, 3])
        if len(pairs) % 2:
            weights *= rng.random(weights.shape) < 0.6
        if weights.any(axis=1).all():
            p, q = weights / weights.sum(axis=1, keepdims=True)
            pairs.append((p, q, exact_errors(p, q, N_MAX)))
    return pairs


def test_random_pairs_are_of_all_kinds():
    kinds = {
        (bool(p.all() and q.all()), bool((p * q).any()), bool((p == q).all()))
        for p, q, _ in random_pairs()
    }
    full, sparse, disjoint, equal = (1, 1, 0), (0, 1, 0), (0, 0, 0), (0, 1, 1)
    assert kinds == {full, sparse, disjoint, equal}


def test_necessary_numbers_are_at_most_that_of_the_exact_error():
    checked = 0
    for p, q, errors in random_pairs():
        information, rho = jensen_shannon(p, q), bhattacharyya(p, q)
        for n, error in enumerate(errors + TOLERANCE, 1):
            if error < 0.5:
                checked += 1
                assert fano_bound(error, information) <= n
                assert bhattacharyya_necessary(error, rho) <= n
    assert checked > 5800


def test_exact_errors_are_within_their_bounds():
    n = np.arange(1, N_MAX + 1)
    for p, q, errors in random_pairs():
        lowest, highest = error_bounds(bhattacharyya(p, q), n)
        assert (lowest <= errors + TOLERANCE).all()
        assert (errors <= highest + TOLERANCE).all()
    lowest, highest = error_bounds(0.8, 6)
    assert highest == pytest.approx(0.8**6 / 2)
    assert lowest == pytest.approx((1 - np.sqrt(1 - 0.8**12)) / 2)


def test_sufficient_numbers_are_at_least_that_of_the_exact_error():
    checked = 0
    for p, q, errors in random_pairs():
        rho, information = bhattacharyya(p, q), chernoff(p, q).information
        for n, error in enumerate(errors - TOLERANCE, 1):
            if error > 0:
                checked += 1
                assert bhattacharyya_sufficient(error, rho) >= n
            # Chernoff's, with the factor 1/2 that its exponent leaves out
            if 0 < error < 0.25:
                assert chernoff_number(2 * error, information) >= n
    assert checked > 5000


def test_bounds_are_reached():
    """Necessary: by the binary symmetric channel at N = 1; sufficient: by erasures at all N."""
    rho, error = bhattacharyya(*BINARY_SYMMETRIC), 0.243
    assert fano_bound(error, jensen_shannon(*BINARY_SYMMETRIC)) == pytest.approx(1, abs=1e-12)
    assert bhattacharyya_necessary(error, rho) == pytest.approx(1, abs=1e-12)
    for n, error in enumerate(exact_errors(*ERASURE, N_MAX), 1):
        sufficient = bhattacharyya_sufficient(error, bhattacharyya(*ERASURE))
        assert sufficient == pytest.approx(n, abs=1e-12)


def test_no_test_gets_below_the_error_up_to_the_bound():
    checked = 0
    for p, q, errors in random_pairs():
        information = jensen_shannon(p, q)
        for error in ERRORS:
            n = min(most_observations_bound(error, information), N_MAX)
            checked += n > 0
            assert np.all(errors[:n] >= error - TOLERANCE)
    assert checked > 500


def test_exponent_is_approached():
    """-log2(Pe_N) / N falls towards C, and is above it by less than 5 / N here."""
    errors = exact_errors(*BINARY_SYMMETRIC, 15)
    information = chernoff(*BINARY_SYMMETRIC).information
    excess = -np.log2(errors) - information * np.arange(1, 16)
    assert np.all((excess >= 1) & (excess < 5))


def test_worked_example():
    """The numbers in the docstring of the module."""
    errors = exact_errors(*BINARY_SYMMETRIC, 19)
    assert jensen_shannon(*BINARY_SYMMETRIC) == pytest.approx(0.2, abs=1e-5)
    told = {1: 0.243, 3: 0.148, 5: 0.096, 7: 0.064, 9: 0.044, 10: 0.044}
    assert {n: round(errors[n - 1], 3) for n in told} == told
    assert {n: round(errors[n - 1], 4) for n in (17, 18)} == {17: 0.0102, 18: 0.0102}
    np.testing.assert_allclose(errors[1::2], errors[:-1:2], atol=1e-14)
    assert [int(np.argmax(errors <= error)) + 1 for error in ERRORS] == [5, 9, 19]
    rho = bhattacharyya(*BINARY_SYMMETRIC)
    assert fano_bound(0.05, 0.2) == pytest.approx(3.57, abs=0.005)
    assert bhattacharyya_necessary(0.05, rho) == pytest.approx(5.41, abs=0.005)
    assert bhattacharyya_sufficient(0.05, rho) == pytest.approx(15.01, abs=0.005)
    assert reciprocal_of_information(0.2) == 5
    assert jensen_shannon(*ERASURE) == pytest.approx(0.2, abs=1e-15)
    erasures = exact_errors(*ERASURE, 10)
    np.testing.assert_allclose(erasures, 0.8 ** np.arange(1, 11) / 2, atol=1e-14)
    assert (round(erasures[4], 2), round(erasures[9], 3)) == (0.16, 0.054)


def test_nothing_tells_equal_distributions_apart():
    assert fano_bound(0.1, 0.0) == math.inf
    assert reciprocal_of_information(0.0) == math.inf
    assert bhattacharyya_necessary(0.1, 1.0) == bhattacharyya_sufficient(0.1, 1.0) == math.inf
    assert chernoff_number(0.1, 0.0) == math.inf
    assert most_observations_bound(0.1, 0.0) == math.inf


def test_one_observation_tells_disjoint_distributions_apart():
    assert fano_bound(0.1, 1.0) < 1
    assert bhattacharyya_necessary(0.1, 0.0) == bhattacharyya_sufficient(0.1, 0.0) == 0
    assert chernoff_number(0.1, math.inf) == 0
    assert most_observations_bound(0.1, 1.0) == most_observations_bound(0.1, 1.5) == 0


def test_numbers_by_hand():
    """rho = 1/2, Pe = 1/8, C = 1/4 bit: ln(16/7) / ln 4, ln 4 / ln 2, 3 bits by 1/4."""
    assert bhattacharyya_necessary(1 / 8, 0.5) == pytest.approx(math.log(16 / 7, 4), abs=1e-15)
    assert bhattacharyya_sufficient(1 / 8, 0.5) == pytest.approx(2, abs=1e-15)
    assert chernoff_number(1 / 8, 0.25) == 12
    three_quarters = 0.75 * math.log2(3)  # 1 - h(1/4) = 3/4 log2(3) - 1
    assert fano_bound(1 / 4, 0.5) == pytest.approx(2 * (three_quarters - 1), abs=1e-15)


def test_bound_stays_finite_for_an_information_that_rounds_rho_to_one():
    assert 1e17 < most_observations_bound(0.1, 1e-18) < 1e19


@pytest.mark.parametrize("error", [0, 0.5, 0.7, -0.1, math.nan])
@pytest.mark.parametrize(
    "number",
    [
        fano_bound,
        bhattacharyya_necessary,
        bhattacharyya_sufficient,
        chernoff_number,
        most_observations_bound,
    ],
)
def test_errors_out_of_range_are_refused(number, error):
    with pytest.raises(ValueError, match=r"within \(0, 0.5\)"):
        number(error, 0.5)


@given(aims, shares)
def test_necessary_is_at_most_sufficient(error, rho):
    assert bhattacharyya_necessary(error, rho) <= bhattacharyya_sufficient(error, rho)


@given(aims, aims, shares)
def test_a_smaller_error_takes_more(one, other, each):
    small, large = sorted((one, other))
    for number in (
        fano_bound,
        bhattacharyya_necessary,
        bhattacharyya_sufficient,
        chernoff_number,
        most_observations_bound,
    ):
        assert number(small, each) >= number(large, each)


@given(aims, shares)
def test_most_observations_bound_is_just_below_the_larger_bound(error, information):
    bound = max(fano_bound(error, information), bhattacharyya_necessary(error, 1 - information))
    n = most_observations_bound(error, information)
    assert isinstance(n, int)
    assert n - 1e-9 <= bound <= n + 1 + 1e-9


def test_simulated_errors_are_the_exact_ones():
    worst = 0
    for seed, (p, q, errors) in enumerate(random_pairs()[:40]):
        found = error_on_independent_draws(p, q, N_MAX, 4000, np.random.default_rng(seed))
        worst = max(worst, np.max(np.abs(found.error - errors) / found.standard_error))
        assert np.all(found.n_adversary == 4000)
        assert np.all(found.n_target == 4000)
    # Below, the standard errors would be far too large.
    assert 1.5 < worst < 4


def test_simulated_ties_count_half():
    """An even N is no better than N - 1 where only the majority counts."""
    found = error_on_independent_draws(*BINARY_SYMMETRIC, 10, 20000, np.random.default_rng(0))
    errors = exact_errors(*BINARY_SYMMETRIC, 10)
    assert np.all(np.abs(found.error - errors) < 4 * found.standard_error)


def test_simulation_of_equal_and_disjoint_distributions():
    rng = np.random.default_rng(0)
    half = np.array([0.5, 0.5, 0.0])
    assert error_on_independent_draws(half, half, 3, 10, rng).error.tolist() == [0.5] * 3
    other = np.array([0.0, 0.0, 1.0])
    found = error_on_independent_draws(half, other, 3, 98, rng)
    assert found.error.tolist() == [0] * 3
    # Rates of 1/100 stand in for 0: sqrt(2 x .01 x .99 / 98) / 2
    np.testing.assert_allclose(found.standard_error, math.sqrt(0.0198 / 98) / 2)


def test_simulation_repeats_itself():
    first, second = (
        error_on_independent_draws(*BINARY_SYMMETRIC, 5, 100, np.random.default_rng(3))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first.error, second.error)


def test_consecutive_observations_by_hand():
    """Users 5 and 2 of A with sums (1, -1, 1) and (-1,), user 7 of T with (0, 3, -1)."""
    adversary = Evidence(np.array([5, 2, 5, 5]), np.array([1.0, -1.0, -2.0, 2.0]))
    target = Evidence(np.array([7, 7, 7]), np.array([0.0, 3.0, -4.0]))
    found = error_on_consecutive(adversary, target, 4)
    np.testing.assert_array_equal(found.error, [0.5, 1, 0, np.nan])
    np.testing.assert_array_equal(np.isnan(found.standard_error), [False, False, False, True])
    assert found.n_adversary.tolist() == [2, 1, 1, 0]
    assert error_on_consecutive(adversary, target, 3).error.tolist() == [0.5, 1, 0]
    assert found.n_target.tolist() == [1, 1, 1, 0]


def test_observations_of_many_users_between_one_another_stay_in_order():
    rng = np.random.default_rng(6)
    evidence = Evidence(rng.integers(50, size=1000), rng.choice([-1.0, 1.0], 1000))
    wrong = []
    for user in range(50):
        first = evidence.log_ratio[evidence.user == user][:5]
        wrong.append(np.where(np.cumsum(first) == 0, 0.5, np.cumsum(first) < 0))
    right = Evidence(np.zeros(5, dtype=int), np.full(5, -1.0))
    found = error_on_consecutive(evidence, right, 5)
    np.testing.assert_allclose(found.error, np.mean(wrong, axis=0) / 2, atol=1e-15)


def test_ties_lost_to_rounding_count_half():
    tie = Evidence(np.zeros(3, dtype=int), np.array([0.1, 0.2, -0.3]))
    right = Evidence(np.zeros(3, dtype=int), np.full(3, -1.0))
    assert np.cumsum(tie.log_ratio)[2] != 0
    assert error_on_consecutive(tie, right, 3).error.tolist() == [0, 0, 0.25]


def test_consecutive_independent_observations_have_the_exact_error():
    p, q, errors = random_pairs()[0]
    rng = np.random.default_rng(2)
    log_ratio = np.log(p / q)
    user = np.repeat(rng.permutation(4000), N_MAX)
    adversary, target = (
        Evidence(user, rng.choice(log_ratio, len(user), p=drawn_from)) for drawn_from in (p, q)
    )
    found = error_on_consecutive(adversary, target, N_MAX)
    assert np.all(np.abs(found.error - errors) < 4 * found.standard_error)


def make_holders(rng, n_users, n_cells):
    """Observations of two holders that have a third of the users in common."""
    user = rng.integers(n_users, size=60)
    cell = rng.integers(n_cells, size=60)
    return [
        Observations(user[rows], cell[rows])
        for rows in (user < 2 * n_users // 3, user >= n_users // 3)
    ]


def test_held_out_log_ratios_one_by_one():
    rng = np.random.default_rng(4)
    holders = make_holders(rng, 12, 5)
    fold = rng.permutation(12) % 3
    found = held_out_log_ratios(*holders, fold)
    users = [set(holder.user.tolist()) for holder in holders]
    for evidence, holder, other in zip(found, holders, users[::-1], strict=True):
        expected = []
        for user, cell in zip(*holder, strict=True):
            if user in other:
                continue
            known = [
                np.bincount(part.cell[fold[part.user] != fold[user]], minlength=5)
                for part in holders
            ]
            p, q = smooth_counts(*known)
            expected.append((user, math.log(p[cell] / q[cell])))
        assert evidence.user.tolist() == [user for user, _ in expected]
        np.testing.assert_allclose(evidence.log_ratio, [value for _, value in expected])
        assert len(expected) > 5


def test_a_model_does_not_know_the_users_it_is_asked_about():
    """Each user has a cell of its own, so that nothing is known about it: the error is 1/2."""
    user = np.repeat(np.arange(20), 3)
    adversary, target = (Observations(user[rows], user[rows]) for rows in (user < 10, user >= 10))
    found = held_out_log_ratios(adversary, target, np.arange(20) % 5)
    assert error_on_consecutive(*found, 3).error.tolist() == [0.5] * 3


def test_holders_that_differ_are_told_apart_and_others_are_not():
    rng = np.random.default_rng(5)
    user = np.repeat(np.arange(4000), 4)
    fold = rng.permutation(4000) % 10
    first = user < 2000
    cell = np.where(rng.random(len(user)) < 0.243, first, ~first).astype(int)
    noise = rng.integers(2, size=len(user))
    for cells, expected in (
        (cell, exact_errors(*BINARY_SYMMETRIC, 4)),
        (noise, np.full(4, 0.5)),
    ):
        holders = (Observations(user[rows], cells[rows]) for rows in (first, ~first))
        found = error_on_consecutive(*held_out_log_ratios(*holders, fold), 4)
        assert np.all(np.abs(found.error - expected) < 4 * found.standard_error)


def test_users_of_both_holders_are_not_asked_about():
    same = Observations(np.array([0, 1, 1]), np.array([0, 1, 0]))
    found = held_out_log_ratios(same, same, np.array([0, 1]))
    assert [len(evidence.user) for evidence in found] == [0, 0]
    assert np.isnan(error_on_consecutive(*found, 2).error).all()


def test_all_observations_in_one_fold_are_refused():
    one = Observations(np.array([0, 1]), np.array([0, 1]))
    with pytest.raises(ValueError, match="observations"):
        held_out_log_ratios(one, one, np.array([0, 0]))

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from fidelity.information.divergences import (
    bhattacharyya,
    chernoff,
    jensen_shannon,
    kullback_leibler,
    smooth_counts,
    total_variation,
)

counts = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 50), min_size=n, max_size=n).filter(any)] * 2)
)
distributions = counts.map(lambda pair: tuple(np.array(n) / sum(n) for n in pair))
EQUAL = (np.array([0.2, 0.3, 0.5]),) * 2
DISJOINT = (np.array([0.5, 0.5, 0]), np.array([0, 0, 1.0]))
FLIP = 0.243
BINARY_SYMMETRIC = (np.array([FLIP, 1 - FLIP]), np.array([1 - FLIP, FLIP]))


def log_sum(p, q, s):
    """log2 sum p^s q^(1 - s) over the cells of both."""
    common = (p > 0) & (q > 0)
    return math.log2(np.sum(p[common] ** s * q[common] ** (1 - s)))


def test_equal_distributions():
    assert kullback_leibler(*EQUAL) == jensen_shannon(*EQUAL) == total_variation(*EQUAL) == 0
    assert bhattacharyya(*EQUAL) == 1
    assert chernoff(*EQUAL) == (0, 0.5)


def test_disjoint_distributions():
    assert kullback_leibler(*DISJOINT) == kullback_leibler(*DISJOINT[::-1]) == math.inf
    assert jensen_shannon(*DISJOINT) == total_variation(*DISJOINT) == 1
    assert bhattacharyya(*DISJOINT) == 0
    assert chernoff(*DISJOINT) == (math.inf, 0.5)


def test_binary_symmetric_channel():
    h = -FLIP * math.log2(FLIP) - (1 - FLIP) * math.log2(1 - FLIP)
    assert jensen_shannon(*BINARY_SYMMETRIC) == pytest.approx(1 - h, abs=1e-15)
    assert jensen_shannon(*BINARY_SYMMETRIC) == pytest.approx(0.2, abs=1e-5)
    rho = 2 * math.sqrt(FLIP * (1 - FLIP))
    assert bhattacharyya(*BINARY_SYMMETRIC) == pytest.approx(rho, abs=1e-15)
    assert total_variation(*BINARY_SYMMETRIC) == pytest.approx(1 - 2 * FLIP, abs=1e-15)
    divergence = (1 - 2 * FLIP) * math.log2((1 - FLIP) / FLIP)
    assert kullback_leibler(*BINARY_SYMMETRIC) == pytest.approx(divergence, abs=1e-15)
    found = chernoff(*BINARY_SYMMETRIC)
    assert found.information == pytest.approx(-math.log2(rho), abs=1e-15)
    assert found.exponent == pytest.approx(0.5, abs=1e-12)


def test_chernoff_information_is_found_at_an_end():
    """p = (1, 0), q = (1/4, 3/4): the sum is (1/4)^(1 - s), least at s = 0, where C = 2 bits."""
    p, q = np.array([1.0, 0.0]), np.array([0.25, 0.75])
    assert chernoff(p, q) == (2, 0)
    assert chernoff(q, p) == (2, 1)


def test_chernoff_information_inside_though_supports_differ():
    """Half of each is its own, the rest is a binary symmetric channel: C = 1 - log2 rho."""
    own = np.eye(2) / 2
    pair = np.hstack([np.array(BINARY_SYMMETRIC) / 2, own])
    expected = 1 - math.log2(bhattacharyya(*BINARY_SYMMETRIC))
    assert chernoff(*pair).information == pytest.approx(expected, abs=1e-14)


@given(distributions)
def test_chernoff_information_is_the_least_that_scipy_finds(pair):
    found = chernoff(*pair)
    if not np.any((pair[0] > 0) & (pair[1] > 0)):
        assert found.information == math.inf
        return
    best = minimize_scalar(
        lambda s: log_sum(*pair, s), bounds=(0, 1), method="bounded", options={"xatol": 1e-10}
    )
    # scipy's does not try the ends themselves.
    expected = -min(best.fun, log_sum(*pair, 0), log_sum(*pair, 1))
    assert found.information == pytest.approx(expected, abs=1e-12)
    assert -log_sum(*pair, found.exponent) == pytest.approx(found.information, abs=1e-12)


@given(distributions)
def test_kullback_leibler_is_scipys(pair):
    expected = entropy(*pair, base=2)
    assert kullback_leibler(*pair) == pytest.approx(expected, abs=1e-12)


@given(distributions)
def test_jensen_shannon_is_scipys(pair):
    assert jensen_shannon(*pair) == pytest.approx(jensenshannon(*pair, 2) ** 2, abs=1e-12)


@given(distributions)
def test_symmetry(pair):
    swapped = pair[::-1]
    for divergence in (jensen_shannon, total_variation, bhattacharyya):
        assert divergence(*swapped) == pytest.approx(divergence(*pair), abs=1e-15)
    assert chernoff(*swapped).information == pytest.approx(chernoff(*pair).information, abs=1e-12)


@given(distributions)
def test_inequalities_between_divergences(pair):
    information, rho, distance = (
        divergence(*pair) for divergence in (jensen_shannon, bhattacharyya, total_variation)
    )
    assert rho >= 1 - information - 1e-14
    assert 1 - distance <= rho + 1e-14
    assert rho**2 + distance**2 <= 1 + 1e-14
    assert chernoff(*pair).information >= (-math.log2(rho) if rho else math.inf) - 1e-14


def test_least_rho_for_its_information_is_that_of_an_erasure_channel():
    pair = (np.array([0.2, 0, 0.8]), np.array([0, 0.2, 0.8]))
    assert jensen_shannon(*pair) == pytest.approx(0.2, abs=1e-15)
    assert bhattacharyya(*pair) == pytest.approx(0.8, abs=1e-15)


@pytest.mark.parametrize("seed", range(20))
def test_no_rounding_at_the_ends(seed):
    p = np.random.default_rng(seed).dirichlet(np.ones(1000))
    nothing = np.zeros(1000)
    assert bhattacharyya(p, p) == 1
    assert chernoff(p, p) == (0, 0.5)
    disjoint = np.append(p, nothing), np.append(nothing, p)
    assert bhattacharyya(*disjoint) == 0
    assert 1 - 1e-14 < jensen_shannon(*disjoint) <= 1
    assert 1 - 1e-14 < total_variation(*disjoint) <= 1
    rounded = p / np.sum(p[::-1])
    assert 0 <= kullback_leibler(p, rounded) < 1e-14
    assert 0 <= chernoff(p, rounded).information < 1e-14
    above = np.nextafter(p, 1)
    assert 0 <= chernoff(above, np.nextafter(above, 1)).information < 1e-14


def test_smoothed_by_hand():
    """n_A = (2, 0, 0), n_T = (1, 1, 0): pooled (3/4, 1/4, 0)."""
    p, q = smooth_counts(np.array([2, 0, 0]), np.array([1, 1, 0]))
    np.testing.assert_allclose(p, [2.75 / 3, 0.25 / 3, 0], atol=1e-15)
    np.testing.assert_allclose(q, [1.75 / 3, 1.25 / 3, 0], atol=1e-15)


@given(counts)
def test_smoothed_are_distributions_with_finite_divergences(pair):
    p, q = smooth_counts(*map(np.array, pair))
    assert p.sum() == pytest.approx(1, abs=1e-14)
    assert q.sum() == pytest.approx(1, abs=1e-14)
    assert math.isfinite(kullback_leibler(p, q))
    assert math.isfinite(kullback_leibler(q, p))


def test_a_holder_without_observations_gets_the_pooled_histogram():
    p, q = smooth_counts(np.array([0, 0]), np.array([1, 3]))
    np.testing.assert_array_equal(p, [0.25, 0.75])
    np.testing.assert_allclose(q, p, atol=1e-15)


def test_no_observations_at_all_are_refused():
    with pytest.raises(ValueError, match="observations"):
        smooth_counts(np.array([0, 0]), np.array([0, 0]))

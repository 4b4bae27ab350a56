import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import digamma
from scipy.stats import entropy

from fidelity.information.entropies import (
    chao_shen,
    grassberger,
    james_stein,
    maximum_likelihood,
    miller_madow,
)

COUNTS = np.array([4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1])
counts_lists = st.lists(st.integers(0, 30), min_size=1, max_size=20).filter(any)


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (maximum_likelihood, 1.9683824),
        (miller_madow, 2.1525929),
        (chao_shen, 2.2011371),
        (grassberger, 2.1446264),
    ],
)
def test_known_values(estimate, expected):
    assert estimate(COUNTS) == pytest.approx(expected, abs=5e-8)


@given(counts_lists)
def test_maximum_likelihood_is_the_entropy_of_the_frequencies(counts):
    assert maximum_likelihood(np.array(counts)) == pytest.approx(entropy(counts), abs=1e-12)


@given(counts_lists)
def test_grassberger_by_the_digamma_function(counts):
    """G(n) = psi(n) + (-1)^n / 2 (psi((n + 1) / 2) - psi(n / 2)), his equation 28."""
    n = np.array([count for count in counts if count])
    g = digamma(n) + (-1.0) ** n / 2 * (digamma((n + 1) / 2) - digamma(n / 2))
    expected = math.log(sum(counts)) - np.sum(n * g) / sum(counts)
    assert grassberger(np.array(counts)) == pytest.approx(expected, abs=1e-10)


def plain_chao_shen(counts):
    size, once = sum(counts), counts.count(1)
    coverage = 1 - (size - 1 if once == size else once) / size
    q = [coverage * count / size for count in counts if count]
    return -sum(x * math.log(x) / (1 - (1 - x) ** size) for x in q)


def plain_james_stein(counts):
    size, support = sum(counts), len(counts)
    p = [count / size for count in counts]
    spread = (size - 1) * sum((1 / support - x) ** 2 for x in p)
    weight = min(1, (1 - sum(x * x for x in p)) / spread) if spread else 1
    shrunk = [weight / support + (1 - weight) * x for x in p]
    return -sum(x * math.log(x) for x in shrunk if x)


@given(counts_lists)
def test_chao_shen_is_the_formula(counts):
    assert chao_shen(np.array(counts)) == pytest.approx(plain_chao_shen(counts), abs=1e-10)


@given(counts_lists)
def test_james_stein_is_the_formula(counts):
    assert james_stein(np.array(counts)) == pytest.approx(plain_james_stein(counts), abs=1e-10)


def test_james_stein_lies_between_the_frequencies_and_the_support():
    assert maximum_likelihood(COUNTS) < james_stein(COUNTS) < math.log(len(COUNTS))
    assert james_stein(np.array([1, 1, 0, 0])) == pytest.approx(math.log(4), abs=1e-12)


@pytest.mark.parametrize("estimate", [miller_madow, grassberger, chao_shen, james_stein])
def test_many_draws_give_the_entropy(estimate):
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(30))
    assert estimate(rng.multinomial(1_000_000, p)) == pytest.approx(entropy(p), abs=0.005)


@pytest.mark.parametrize("estimate", [miller_madow, grassberger, chao_shen, james_stein])
def test_corrections_take_most_of_the_bias_off(estimate):
    """Three draws a cell, from a distribution near enough to the uniform one to shrink to."""
    rng = np.random.default_rng(1)
    p = rng.dirichlet(np.full(30, 8.0))
    draws = rng.multinomial(90, p, size=300)
    plain, corrected = (
        np.mean([function(own) for own in draws]) - entropy(p)
        for function in (maximum_likelihood, estimate)
    )
    assert plain < -0.1
    assert abs(corrected) < abs(plain) / 3

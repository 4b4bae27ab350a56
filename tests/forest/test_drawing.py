import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.forest.drawing import count_draws

SEEDS = st.integers(0, 2**32 - 1)


def numpy_counts(seed, population, n_drawn):
    drawn = np.random.RandomState(seed).randint(0, population, n_drawn)
    return np.bincount(drawn, minlength=population)


@given(SEEDS, st.integers(1, 5000), st.integers(0, 5000))
def test_draws_are_those_of_numpy(seed, population, n_drawn):
    counts = count_draws(seed, population, n_drawn)
    assert counts.dtype == np.int64
    np.testing.assert_array_equal(counts, numpy_counts(seed, population, n_drawn))


@pytest.mark.parametrize("population", [1, 2, 2**16 - 1, 2**16, 2**16 + 1, 2**21 + 1])
def test_draws_are_those_of_numpy_where_bits_change(population):
    for seed in (0, 1, 2**31 - 1, 2**32 - 1):
        counts = count_draws(seed, population, 1000)
        np.testing.assert_array_equal(counts, numpy_counts(seed, population, 1000))

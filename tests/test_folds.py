import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fidelity.folds import deal_folds

seeds = st.integers(0, 2**32)


@given(st.integers(1, 100), st.integers(2, 12), seeds)
def test_folds_differ_by_one_user_at_most(n_users, n_folds, seed):
    fold = deal_folds(n_users, n_folds, np.random.default_rng(seed))
    sizes = np.bincount(fold)
    assert len(fold) == n_users
    assert len(sizes) == min(n_folds, n_users)
    assert sizes.max() - sizes.min() <= 1


def test_folds_are_of_random_users():
    """Users 0 and 1 of 4 are in the same of two folds with probability 1/3."""
    together = [
        fold[0] == fold[1]
        for fold in (deal_folds(4, 2, np.random.default_rng(seed)) for seed in range(2000))
    ]
    assert abs(np.mean(together) - 1 / 3) < 4 * np.sqrt(2 / 9 / 2000)

"""Dealing users to folds, or to any other groups of nearly equal size."""

import numpy as np


def deal_folds(n_users: int, n_folds: int, rng: np.random.Generator) -> np.ndarray:
    """Return the fold of each user, from 0, of min(n_folds, n_users) whose sizes differ by 1."""
    return rng.permutation(n_users) % min(n_folds, n_users)

"""Dealing users to folds, or to any other groups of nearly equal size."""


def deal_folds(n_users, n_folds, rng):
    """Return the fold of each user, from 0, of min(n_folds, n_users) whose sizes differ by 1."""
    return rng.permutation(n_users) % min(n_folds, n_users)

"""Deal one population of users to two providers, the adversary A and the target T.

At full size both have s(c) = floor(n / (2 - c)) of the n users, round(c s) of them in common
(paper, sections 5 and 8). Each has its users in a random order such that every prefix of
length k holds round(c k) common users, the same ones, in the same order, in both. A smaller
database is a prefix, so databases of a repeat grow into one another.

Arithmetic on c is exact, on the fraction that its text says; halves round to even.
"""

from fractions import Fraction

import numpy as np
import pandas as pd

ABSENT = -1


def full_size(n_users, common_fraction):
    """Return s(c) = floor(n / (2 - c)), the most users that both providers can have.

    Parameters
    ----------
    n_users : int
    common_fraction : str or number
        c in [0, 1], as in the config.
    """
    return int(n_users / (2 - Fraction(str(common_fraction))))


def count_common(size, common_fraction):
    """Return round(c k), how many of the first `size` users are common; halves to even.

    `size` is a whole number or an array of them.
    """
    numerator, denominator = Fraction(str(common_fraction)).as_integer_ratio()
    below, rest = divmod(numerator * size, denominator)
    is_half, is_odd = 2 * rest == denominator, below % 2 == 1
    return below + ((2 * rest > denominator) | (is_half & is_odd))


def resolve_size(size, n_users, common_fraction):
    """Return a database size as a number of users, `max` being s(c)."""
    return full_size(n_users, common_fraction) if size == "max" else int(size)


def deal_users(users, common_fraction, rng):
    """Return where each user stands at the two providers.

    Parameters
    ----------
    users : shape (n,)
        Distinct users.
    common_fraction : str or number
        c in [0, 1].
    rng : numpy.random.Generator

    Returns
    -------
    DataFrame
        One row a user, in the order of `users`: user, adversary_rank, target_rank (int32), the
        place in the provider's order from 0, or -1 for a user that it does not have.
    """
    n_users = len(users)
    size = full_size(n_users, common_fraction)
    places = np.arange(size)
    is_common = np.diff(count_common(np.arange(size + 1), common_fraction)) > 0
    n_common = int(is_common.sum())
    shuffled = rng.permutation(n_users)
    shared, rest = shuffled[:n_common], shuffled[n_common:]
    n_own = size - n_common
    adversary = np.full(n_users, ABSENT, dtype=np.int32)
    target = np.full(n_users, ABSENT, dtype=np.int32)
    adversary[shared] = target[shared] = places[is_common]
    adversary[rest[:n_own]] = places[~is_common]
    target[rest[n_own : 2 * n_own]] = places[~is_common]
    return pd.DataFrame({"user": users, "adversary_rank": adversary, "target_rank": target})


def first_users(deal, provider, size):
    """Return the users in a provider's prefix of `size` users, in its order.

    Parameters
    ----------
    deal : DataFrame
        From `deal_users`, of one repeat.
    provider : {"adversary", "target"}
    size : int
    """
    rank = deal[f"{provider}_rank"].to_numpy()
    chosen = np.flatnonzero((rank >= 0) & (rank < size))
    return deal["user"].to_numpy()[chosen[np.argsort(rank[chosen])]]

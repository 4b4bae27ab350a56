"""Deal one population of users to two providers, the adversary A and the target T.

At full size both have s(c) = floor(n / (2 - c)) of the n users, round(c s) of them in common
(paper, sections 5 and 8). Each has its users in a random order such that every prefix of
length k holds round(c k) common users, the same ones, in the same order, in both. A smaller
database is a prefix, so databases of a repeat grow into one another.

Arithmetic on c is exact, on the fraction that its text says; halves round to even.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from .logs import log

ABSENT = -1


class Deal(NamedTuple):
    """Where each user stands at the two providers: one entry a user in each array.

    `adversary_rank` and `target_rank` (int32) are the place in the provider's order from 0,
    or -1 for a user that it does not have.
    """

    user: np.ndarray
    adversary_rank: np.ndarray
    target_rank: np.ndarray


class GridPoint(NamedTuple):
    """Which databases are compared: c, and the number of users of D_T and of D_A.

    `common_fraction` is c as text. `target_size` is a number, or "max" for s(c); where
    `max_in_grid`, a number that happens to be s(c) is left to the point "max".
    `adversary_size` is a number, "full" for s(c), or "matched" for the target's size.
    """

    common_fraction: str
    target_size: str
    adversary_size: str
    max_in_grid: bool


class Databases(NamedTuple):
    """The users of D_A and of D_T at a grid point, ascending, in one repeat."""

    repeat: int
    adversary: np.ndarray
    target: np.ndarray


def fraction_text(fraction):
    """Return a fraction as it stands in paths and seeds: at most six digits, 0.5 not 0.50."""
    return format(fraction + 0, "g")  # -0.0 + 0 is 0


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


def deal_users(users, common_fraction, rng):
    """Return the `Deal` of a population.

    Parameters
    ----------
    users : shape (n,)
        Distinct users.
    common_fraction : str or number
        c in [0, 1].
    rng : numpy.random.Generator
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
    return Deal(users, adversary, target)


def first_users(users, rank, size):
    """Return the users in a provider's prefix of `size` users, in the order of `users`.

    Parameters
    ----------
    users, rank : shape (n,)
        As in `Deal`.
    size : int
    """
    return users[(rank >= 0) & (rank < size)]


def resolve_sizes(point, n_users):
    """Return (users of D_A, users of D_T) at a `GridPoint`; None if there are not so many."""
    largest = full_size(n_users, point.common_fraction)
    t = largest if point.target_size == "max" else int(point.target_size)
    by_name = {"full": largest, "matched": t}
    a = (
        by_name[point.adversary_size]
        if point.adversary_size in by_name
        else int(point.adversary_size)
    )
    left_to_max = t == largest and point.target_size != "max" and point.max_in_grid
    exist = min(a, t) >= 1 and max(a, t) <= largest
    return (a, t) if exist and not left_to_max else None


def count_groups(point, n_users):
    """Return (members, others) among the users of D_A at a `GridPoint`; None if it is none.

    Members are common users: min(round(c a), round(c t)) of the a users of D_A.
    """
    sizes = resolve_sizes(point, n_users)
    if sizes is None:
        return None
    members = count_common(min(sizes), point.common_fraction)
    return members, sizes[0] - members


def largest_shared_size(numbers, smallest_fraction, n_users):
    """Return the largest of these numbers of users that providers have at every c.

    s(c) grows with c, so the smallest c decides; where it has none of the numbers, its s(c) is
    what every c has.
    """
    largest = full_size(n_users, smallest_fraction)
    return max((number for number in numbers if number <= largest), default=largest)


def split_repeats(deals):
    """Return [(repeat, `Deal`)] from the columns of a table of deals.

    Parameters
    ----------
    deals : dict of arrays
        repeat, user, adversary_rank, target_rank.
    """
    repeats = []
    for repeat in np.unique(deals["repeat"]).tolist():
        rows = deals["repeat"] == repeat
        repeats.append((repeat, Deal(*(deals[name][rows] for name in Deal._fields))))
    return repeats


def make_databases(deals, point):
    """Yield the `Databases` of each repeat at a `GridPoint`; none if there is no such size.

    The repeat is noted in the log, so that what is said after it is known to be of it.

    Parameters
    ----------
    deals : dict of arrays
        As in `split_repeats`.
    point : GridPoint
    """
    repeats = split_repeats(deals)
    n_users = len(repeats[0][1].user)
    sizes = resolve_sizes(point, n_users)
    if sizes is None:
        log.info("no rows: %d users do not make up this grid point, or it is that of max", n_users)
        return
    for repeat, deal in repeats:
        log.info("repeat %d: %d users of the adversary, %d of the target", repeat, *sizes)
        yield Databases(
            repeat,
            first_users(deal.user, deal.adversary_rank, sizes[0]),
            first_users(deal.user, deal.target_rank, sizes[1]),
        )


def rows_of(chosen, user):
    """Return which observations are of the chosen users, bool like `user`.

    Parameters
    ----------
    chosen : shape (k,)
        Distinct users, numbers from 0.
    user : shape (observations,)
    """
    is_chosen = np.zeros(max(chosen.max(initial=-1), user.max(initial=-1)) + 1, dtype=bool)
    is_chosen[chosen] = True
    return is_chosen[user]

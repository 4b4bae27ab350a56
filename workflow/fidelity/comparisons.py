"""Models of other databases that the target's model is compared with.

*Reference models* are what the adversary can train by itself: on halves of its own users, so
that each user has models with and without it. Two others only the evaluator can train: one of
users whom only the target's provider has (a control, which knows none of the adversary's users),
and one where common users gave place to others of the adversary's (a counterfactual).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .emulation import Deal, GridPoint, count_groups, resolve_sizes

MIN_GROUP = 20  # users in D_T, and outside of it, that an attack on users needs
TARGET_ONLY, SWAPPED = -1, -2  # the numbers of these two models; reference models count from 0


class Swap(NamedTuple):
    """A target's database in which common users are replaced; users ascending.

    `left` are the common users that are gone, `joined` as many of the adversary's that came.
    """

    database: np.ndarray
    left: np.ndarray
    joined: np.ndarray


def is_attackable(point: GridPoint, n_users: int) -> bool:
    """Return if both groups of D_A's users hold at least `MIN_GROUP` at a `GridPoint`."""
    groups = count_groups(point, n_users)
    return groups is not None and min(groups) >= MIN_GROUP


def is_reference_size(point: GridPoint, larger: Sequence[GridPoint], n_users: int) -> bool:
    """Return if a grid point is one of the two at which reference models are trained by default.

    These are the largest size of the target where users can be attacked, and the largest one
    with reference models of that size, t <= floor(a / 2).

    Parameters
    ----------
    point : GridPoint
    larger : sequence of GridPoint
        The next larger size in the grid and "max", as far as there are such.
    n_users : int
    """
    if not is_attackable(point, n_users):
        return False
    larger = [other for other in larger if is_attackable(other, n_users)]
    return not larger or (
        _has_matching_references(point, n_users)
        and not any(_has_matching_references(other, n_users) for other in larger)
    )


def _has_matching_references(point: GridPoint, n_users: int) -> bool:
    adversary_size, target_size = resolve_sizes(point, n_users)
    return not are_references_smaller(target_size, adversary_size)


def draw_references(
    users: np.ndarray, size: int, n_references: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the users that each reference model is trained on, shape (references, k).

    Each pair of models, 2i and 2i + 1, has the two halves of another random order of the users,
    floor(n / 2) each; a model is trained on the first k = `reference_size` of its half.

    Parameters
    ----------
    users : shape (n,)
        Of the adversary, at least 2.
    size : int
        Users of the target.
    n_references : int
        Even.
    rng : numpy.random.Generator
    """
    half = len(users) // 2
    k = reference_size(size, len(users))
    chosen = []
    for _ in range(n_references // 2):
        order = rng.permutation(users)
        chosen += [np.sort(order[:k]), np.sort(order[half : half + k])]
    return np.array(chosen)


def reference_size(target_size: int, adversary_size: int) -> int:
    """Return how many users a reference model knows: min(t, floor(a / 2))."""
    return min(target_size, adversary_size // 2)


def are_references_smaller(target_size: int, adversary_size: int) -> bool:
    """Return if reference models know fewer users than the target's: t > floor(a / 2).

    Then they match less often without knowing a user, and promises made by them fail.
    """
    return reference_size(target_size, adversary_size) < target_size


def pick_target_only(deal: Deal, adversary: np.ndarray, size: int) -> np.ndarray:
    """Return the first `size` users of the target's provider that D_A has not, ascending.

    All of them where they are fewer. Also such as are not in D_T: a control as large as
    reference models differs from them in nothing but that it knows none of D_A's users.

    Parameters
    ----------
    deal : Deal
    adversary : shape (a,)
        Users of D_A.
    size : int
    """
    is_own = (deal.target_rank >= 0) & ~np.isin(deal.user, adversary)
    order = np.argsort(deal.target_rank[is_own])
    return np.sort(deal.user[is_own][order[:size]])


def swap_members(adversary: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> Swap:
    """Return the `Swap` of as many common users as the adversary has others, or all.

    So the same users can be asked about with and without them in a database of equal size, and
    others as well, from the same population: no difference between users is in the comparison.

    Parameters
    ----------
    adversary, target : shapes (a,), (t,)
        Distinct users.
    rng : numpy.random.Generator
    """
    common = np.intersect1d(adversary, target)
    others = np.setdiff1d(adversary, target)
    n = min(len(common), len(others))
    left, joined = (np.sort(rng.choice(users, n, replace=False)) for users in (common, others))
    return Swap(np.union1d(np.setdiff1d(target, left), joined), left, joined)

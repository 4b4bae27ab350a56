"""Models of other databases that the target's model is compared with.

*Reference models* are what the adversary can train by itself: on halves of its own users, so
that each user has models with and without it. Two others only the evaluator can train: one of
the target's own users alone (a control, which knows none of the adversary's users), and one
where common users gave place to others of the adversary's (a counterfactual).
"""

from typing import NamedTuple

import numpy as np

from .recommender import query, train
from .scores import Responses

TARGET_ONLY, SWAPPED = -1, -2  # the numbers of these two models; reference models count from 0


class Swap(NamedTuple):
    """A target's database in which common users are replaced; users ascending.

    `left` are the common users that are gone, `joined` as many of the adversary's that came.
    """

    database: np.ndarray
    left: np.ndarray
    joined: np.ndarray


def draw_references(users, size, n_references, rng):
    """Return the users that each reference model is trained on, shape (references, k).

    Each pair of models, 2i and 2i + 1, has the two halves of another random order of the users,
    floor(n / 2) each; a model is trained on the first k = min(size, floor(n / 2)) of its half.

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
    k = min(size, half)
    chosen = []
    for _ in range(n_references // 2):
        order = rng.permutation(users)
        chosen += [np.sort(order[:k]), np.sort(order[half : half + k])]
    return np.array(chosen)


def are_references_smaller(target_size, adversary_size):
    """Return if reference models know fewer users than the target's: t > floor(a / 2).

    Then they match less often without knowing a user, and promises made by them fail.
    """
    return target_size > adversary_size // 2


def swap_members(adversary, target, rng):
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


def ask_model(recommender, known, asked, random_state):
    """Return the `Responses` to transitions of a model trained on others.

    Parameters
    ----------
    recommender : dict
    known, asked : pairs (X, y)
        As in `recommender.train`.
    random_state : int
    """
    X, y = asked
    label, probability, rank = query(train(recommender, *known, random_state), X, y)
    return Responses(label == y, probability, rank)


def ask_own_models(recommender, X, y, fold_of, seed):
    """Return `Responses` about each transition from models that do not know its fold.

    Parameters
    ----------
    recommender : dict
    X, y
        As in `recommender.train`.
    fold_of : int, shape (transitions,)
        Folds from 0, of users; at least two.
    seed : callable
        seed(fold) returns the random state of a fold's model.
    """
    parts = []
    for fold in range(fold_of.max() + 1):
        held_out = fold_of == fold
        known, asked = ((X[rows], y[rows]) for rows in (~held_out, held_out))
        parts.append(ask_model(recommender, known, asked, seed(fold)))
    place = np.argsort(np.argsort(fold_of, kind="stable"), kind="stable")
    return Responses(*(_join(values, place) for values in zip(*parts, strict=True)))


def deal_folds(n_users, n_folds, rng):
    """Return the fold of each user, from 0, of min(n_folds, n_users) whose sizes differ by 1."""
    return rng.permutation(n_users) % min(n_folds, n_users)


def _join(values, place):
    return None if values[0] is None else np.concatenate(values)[place]

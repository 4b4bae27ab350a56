"""How well a score tells members from others: ROC steps and what is read off them.

Larger scores are more suspicious: a user is called a member from some threshold up. Everything
is counted in users, of which `member` are in D_T. The ROC is a step function; between its
steps there is no threshold, and nothing is interpolated. So the order of equal scores is nothing to
care for: sorts that need not keep it take a fifth of the time.
"""

from typing import NamedTuple

import numpy as np

from .compiling import Compiled
from .estimates import CONFIDENCE, Estimate, proportion

_compiled = Compiled(__file__)


class Roc(NamedTuple):
    """Users called members at each threshold, from the strictest: shape (thresholds + 1,).

    `threshold` descends from infinity, where nobody is called one; `false_positives` and
    `true_positives` count others and members whose score is at least that.
    """

    threshold: np.ndarray
    false_positives: np.ndarray
    true_positives: np.ndarray


def roc(value: np.ndarray, member: np.ndarray) -> Roc:
    """Return the `Roc` of scores.

    Parameters
    ----------
    value : shape (users,)
    member : bool, shape (users,)

    Examples
    --------
    >>> import numpy as np
    >>> steps = roc(np.array([3, 2, 2, 1]), np.array([True, True, False, False]))
    >>> steps.true_positives.tolist(), steps.false_positives.tolist()
    ([0, 1, 2, 2], [0, 0, 1, 2])
    """
    order = np.argsort(-value)
    is_last = np.append(np.diff(value[order]) != 0, True)
    hits = np.cumsum(member[order])[is_last]
    called = np.flatnonzero(is_last) + 1
    return Roc(
        np.append(np.inf, value[order][is_last]),
        np.append(0, called - hits),
        np.append(0, hits),
    )


def area(value: np.ndarray, member: np.ndarray) -> float:
    """Return the area under the ROC: P(member's score > other's) + P(equal) / 2.

    The Mann-Whitney statistic over the number of pairs. Shapes as in `roc`.
    """
    steps = roc(value, member)
    heights = steps.true_positives[1:] + steps.true_positives[:-1]
    pairs = int(steps.true_positives[-1]) * int(steps.false_positives[-1])
    return float(np.diff(steps.false_positives) @ heights) / (2 * pairs)


def area_with_interval(value: np.ndarray, member: np.ndarray, weights: np.ndarray) -> Estimate:
    """Return the area under the ROC with its interval from a bootstrap of users.

    The percentiles 2.5 and 97.5 of the areas among the users drawn; draws without a member or
    without another are left out. Where members and others are wholly apart no draw differs: there
    the bound is that of as many hits in as many trials as the smaller group has users.

    Parameters
    ----------
    value, member
        As in `roc`.
    weights : int16, shape (users, draws)
        How often each draw has each user, as from `draw_users`. Scores that share it can be
        compared draw by draw.
    """
    found = area(value, member)
    if found in (0, 1):
        n = min(np.count_nonzero(member), np.count_nonzero(~member))
        return proportion(int(found) * n, n)
    areas = resampled_areas(value, member, weights)
    low, high = np.nanpercentile(areas, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return Estimate(found, float(low), float(high))


def draw_users(n_users: int, n_draws: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each of `n_draws` bootstrap draws has each user, (users, draws)."""
    # Narrow, as reading them takes most of the time: no user is drawn 32,768 times of so many.
    counts = np.empty((n_draws, n_users), dtype=np.int16)
    for draw in counts:
        draw[:] = np.bincount(rng.integers(n_users, size=n_users), minlength=n_users)
    return np.ascontiguousarray(counts.T)


def resampled_areas(value: np.ndarray, member: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the area under the ROC in each draw, shape (draws,); NaN where a group is empty.

    It is the share of pairs of a member and another user in which the member has the higher score,
    half of the equal ones counted (Mann and Whitney, 1947). Parameters as in `area_with_interval`.
    """
    order = np.argsort(value)
    ordered = value[order]
    ends = np.append(np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, len(order))
    member, weights = np.ascontiguousarray(member), np.ascontiguousarray(weights)
    n_draws = weights.shape[1]
    others, wins = np.zeros(n_draws, dtype=np.int32), np.zeros(n_draws, dtype=np.int64)
    _compiled.count_wins(order, ends, len(ends), member, weights, n_draws, others, wins)
    members = weights[member].sum(axis=0, dtype=float)
    pairs = members * others
    return np.divide(wins / 2, pairs, out=np.full(n_draws, np.nan), where=pairs > 0)


def true_positive_rate_at(steps: Roc, false_positive_rate: float) -> Estimate:
    """Return the largest TPR whose FPR is at most that given, with Clopper-Pearson bounds.

    The value is None where that FPR cannot be resolved, as there are fewer than
    1 / false_positive_rate others. The interval is that of the members for a threshold that
    was given; it does not tell how the threshold, set on the others, varies.
    """
    members, others = steps.true_positives[-1], steps.false_positives[-1]
    # The tolerance is for rates such as 0.1, which no double is.
    allowed = np.floor(others * false_positive_rate * (1 + 1e-12))
    if allowed < 1:
        return Estimate(None)
    last = np.searchsorted(steps.false_positives, allowed, side="right") - 1
    return proportion(steps.true_positives[last], members)


def best_advantage(steps: Roc) -> float:
    """Return the largest TPR - FPR over all thresholds; too high on average, as it is chosen."""
    rates = steps.true_positives / steps.true_positives[-1]
    return float(np.max(rates - steps.false_positives / steps.false_positives[-1]))


def cross_fitted_error(value: np.ndarray, member: np.ndarray, half: np.ndarray) -> float:
    """Return the error (FPR + 1 - TPR) / 2 of calling users members, both kinds being as likely.

    The threshold is that of the largest TPR - FPR among one half of the users, the error that
    among the other half: the mean of both ways, so that no luck of the choice is in it.

    Parameters
    ----------
    value, member
        As in `roc`.
    half : bool, shape (users,)
        The first half of the users; either holds members and others.
    """
    order = np.argsort(-value)
    is_last = np.append(np.diff(value[order]) != 0, True)
    # How many of each half and kind are called members at each threshold, from the strictest.
    called = {
        (first, kind): np.append(
            0, np.cumsum((half == first)[order] & (member == kind)[order])[is_last]
        )
        for first in (True, False)
        for kind in (True, False)
    }
    rates = {key: counts / counts[-1] for key, counts in called.items()}
    errors = []
    for first in (True, False):
        best = np.argmax(rates[first, True] - rates[first, False])
        errors.append((rates[not first, False][best] + 1 - rates[not first, True][best]) / 2)
    return float(np.mean(errors))


def precision_at(steps: Roc, share: float) -> Estimate:
    """Return the share of members among the most suspicious users, with Clopper-Pearson bounds.

    Of users with equal scores at the end of the list as many count as there is room for, and
    as members in the proportion of all of them: the mean over their orders.

    Parameters
    ----------
    steps : Roc
    share : float
        Of all users; the list holds round(share x users) of them, at least one.
    """
    called = steps.true_positives + steps.false_positives
    length = max(1, round(share * int(called[-1])))
    last = np.searchsorted(called, length, side="right") - 1
    hits = steps.true_positives[last]
    if called[last] < length:
        ties = called[last + 1] - called[last]
        among = steps.true_positives[last + 1] - hits
        hits = hits + among * (length - called[last]) / ties
    return proportion(hits, length)

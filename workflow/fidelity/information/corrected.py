"""MI(H; O) from entropies corrected for finite samples, on holders made comparable.

The corrections assume independent draws, for both holders equally many. Deals are not like
this: common users' observations are at both, and the holders' sizes differ. So common users
leave both, and the larger holder is thinned, by user, to the observations of the smaller.
"""

import math

import numpy as np

from .estimate import Information
from .histograms import count_at, select_users

THINNINGS = 10


def corrected(holders, entropies, rng):
    """Return {name: `Information`} by corrected entropies, means of the same `THINNINGS` thinnings.

    MI = H(O) - (H(O | first) + H(O | second)) / 2, with H(O) the entropy of the sum of both
    counts, which are equally large. Each of the three has the bias of `entropy`; that of H(O),
    with twice the observations, is the smallest, so MI errs the other way than H does on
    average, too high where entropies are too low. It is about holders without their common users,
    larger than MI with them where they are the same share of both. It can be below 0 or above 1.
    It fails where most cells are seen once, or where a user's observations repeat each other:
    then N says more than there is.

    The value is None where a holder has no users of its own. There is no interval: the
    thinnings are of one pair of databases and say nothing of others.

    Parameters
    ----------
    holders : Holders
    entropies : dict of callable
        {name: one of the module `entropies`}, from counts, shape (cells,), to nats. The support
        are the cells that either holder has after thinning.
    rng : numpy.random.Generator

    References
    ----------
    Those of `entropies`.
    """
    values, size = {name: [] for name in entropies}, 0
    for counts in thinned_counts(holders, rng):
        size = int(counts[0].sum())
        for name, entropy in entropies.items():
            values[name].append(mutual_information(counts, entropy))
    return {
        name: Information(float(np.mean(own)) if own else None, size, size)
        for name, own in values.items()
    }


def mutual_information(counts, entropy):
    """Return H(O) - (H(O | first) + H(O | second)) / 2 in bits; counts int, shape (2, cells).

    The two must have equally many observations; cells that neither has do not count.
    """
    total = counts[0] + counts[1]
    support = np.flatnonzero(total)
    given = sum(entropy(own[support]) for own in counts) / 2
    return (entropy(total[support]) - given) / math.log(2)


def thinned_counts(holders, rng):
    """Yield counts of the two holders, int (2, cells), with as many observations in both.

    Of the larger holder's own users a random order is taken, whole, as far as the smaller
    has observations, and of the next one as many observations as are missing, drawn without
    replacement. Nothing is yielded if a holder has no users of its own; one pair only if the
    two are equal, as thinning would leave all of them alike.
    """
    own = [select_users(holders, is_held & ~holders.common) for is_held in holders[-2:]]
    sizes = [int(tally.count.sum()) for tally in own]
    if min(sizes) == 0:
        return
    n_cells = holders.cell.max() + 1
    smaller, larger = np.argsort(sizes, kind="stable")
    counts = np.empty((2, n_cells), dtype=np.int64)
    counts[smaller] = count_at(own[smaller].cell, own[smaller].count, n_cells)
    for _ in range(THINNINGS if sizes[0] != sizes[1] else 1):
        kept = _thin(own[larger], sizes[smaller], rng)
        counts[larger] = count_at(own[larger].cell, kept, n_cells)
        yield counts


def _thin(tally, size, rng):
    """Return how much of the count of each row is kept, to `size` observations in all."""
    observations = count_at(tally.user, tally.count, tally.user[-1] + 1)
    users = rng.permutation(np.flatnonzero(observations))
    ends = np.cumsum(observations[users])
    n_whole = np.searchsorted(ends, size, side="right")
    is_whole = np.zeros(len(observations), dtype=bool)
    is_whole[users[:n_whole]] = True
    kept = tally.count * is_whole[tally.user]
    rest = size - int(observations[users[:n_whole]].sum())
    if rest > 0:
        first, last = np.searchsorted(tally.user, [users[n_whole], users[n_whole] + 1])
        rows = np.repeat(np.arange(first, last), tally.count[first:last])
        kept += np.bincount(rng.permutation(rows)[:rest], minlength=len(kept))
    return kept

"""The permutation null: what eHI would be if the holders did not differ."""

from typing import NamedTuple

import numpy as np

from .histograms import count_at
from .hypothetical import hypothetical_bits

# Deals that give equal histograms, or mirrored ones, may differ in the last bits.
TOLERANCE = 1e-12
_EXACT_BITS = 53  # whole numbers below 2^53 are exact as doubles


class Null(NamedTuple):
    """eHI of users dealt anew: its mean and 95 % point in bits, and the p-value of the deal.

    None where nobody can be dealt anew.
    """

    mean: float | None
    upper_95: float | None
    p_value: float | None


class Deal(NamedTuple):
    """What is dealt anew, and what stays, over the cells that both holders may come to have.

    `cell` and `count` are rows of users that are not common, in the order of users, who have
    `rows` of them each, and `observations` in all cells together. `kept`, shape (cells,), is
    what common users have, at both holders; `n_kept` is it in all cells.
    """

    cell: np.ndarray
    count: np.ndarray  # type: ignore[assignment]  # in the place of the tuple's method
    rows: np.ndarray
    observations: np.ndarray
    kept: np.ndarray
    n_kept: int


def permutation_null(holders, rng, n_permutations):
    """Return the `Null` of eHI.

    Users that are not common are dealt anew to the two holders, as many to each as they had;
    common users stay common. The p-value is (1 + #{null >= eHI}) / (1 + permutations), which
    is valid for users that are exchangeable: P(p <= alpha) <= alpha if the holders draw theirs
    from one population. A user's observations need not be independent. Where one holder has only
    common users, each deal is the one at hand, and there is no null.

    Parameters
    ----------
    holders : Holders
    rng : numpy.random.Generator
    n_permutations : int

    References
    ----------
    Phipson and Smyth (2010), Permutation p-values should never be zero.
    """
    deal = _split_common(holders)
    first = holders.first[~holders.common]
    if first.all() or not first.any():
        return Null(None, None, None)
    observed = _bits_of_deals(deal, first[None])[0]
    n_at_once = _deals_at_once(deal)
    null = np.concatenate(
        [
            _bits_of_deals(deal, _draw_deals(first, min(n_at_once, n_permutations - done), rng))
            for done in range(0, n_permutations, n_at_once)
        ]
    )
    exceed = int(np.sum(null >= observed - TOLERANCE))
    p_value = (1 + exceed) / (1 + n_permutations)
    return Null(float(null.mean()), float(np.quantile(null, 0.95)), p_value)


def _split_common(holders):
    is_dealt = ~holders.common
    of_dealt = is_dealt[holders.user]
    n_users, n_cells = len(is_dealt), holders.cell.max() + 1
    kept = count_at(holders.cell[~of_dealt], holders.count[~of_dealt], n_cells)
    # A cell of one user alone is always one holder's, and tells nothing of the deal.
    may_share = (np.bincount(holders.cell[of_dealt], minlength=n_cells) > 1) | (kept > 0)
    rows = np.flatnonzero(of_dealt & may_share[holders.cell])
    return Deal(
        (np.cumsum(may_share) - 1)[holders.cell[rows]],
        holders.count[rows],
        np.bincount(holders.user[rows], minlength=n_users)[is_dealt],
        count_at(holders.user, holders.count, n_users)[is_dealt],
        kept[may_share],
        int(kept.sum()),
    )


def _draw_deals(first, n_deals, rng):
    """Return who is the first holder's in each deal, bool, shape (deals, users)."""
    labels = np.zeros((n_deals, len(first)), dtype=bool)
    for own in labels:
        own[rng.choice(len(first), first.sum(), replace=False, shuffle=False)] = True
    return labels


def _bits_of_deals(deal, labels):
    """Return eHI in bits of each of a few deals, shape (deals,)."""
    everything = count_at(deal.cell, deal.count, len(deal.kept)) + 2 * deal.kept
    n_everything = deal.observations.sum() + 2 * deal.n_kept
    bits = []
    for own, counts in zip(labels, _count_first(deal, labels), strict=True):
        first, n_first = counts + deal.kept, deal.observations[own].sum() + deal.n_kept
        sizes = n_first, n_everything - n_first
        bits.append(hypothetical_bits((first, everything - first), sizes))
    return bits


def _count_first(deal, labels):
    """Yield what each deal gives to the first holder, int, shape (cells,).

    The deals are counted in one pass, each in binary digits of its own of the same number.
    """
    width = _digits(deal)
    code = (1 << width * np.arange(len(labels))) @ labels
    packed = count_at(deal.cell, np.repeat(code, deal.rows) * deal.count, len(deal.kept))
    for i in range(len(labels)):
        yield packed >> width * i & (1 << width) - 1


def _deals_at_once(deal):
    return max(_EXACT_BITS // _digits(deal), 1)


def _digits(deal):
    """Return how many binary digits the largest count of a cell needs, at least 1."""
    largest = count_at(deal.cell, deal.count, len(deal.kept)).max(initial=1)
    return int(largest).bit_length()

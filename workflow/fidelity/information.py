"""How much an observation tells about its holder, the adversary or the target, in bits.

The holder H is A or T with equal priors, an observation O falls into one cell of a histogram
(paper, section 7). MI(H; O) is about which holder an observation came from. It does not bound
what an attack on the model m_T learns about membership.
"""

import math
from typing import NamedTuple

import numpy as np

from .codes import distinct_rows


class Information(NamedTuple):
    """An estimate of MI(H; O): `value` in bits, and how many observations it stands on.

    The other fields belong to estimators that give an interval (`ci_low`, `ci_high`) or
    compare with users dealt anew (`null_mean`, `null_95`, `p_value`); None for one that does
    not.
    """

    value: float
    n_adversary: int
    n_target: int
    ci_low: float | None = None
    ci_high: float | None = None
    null_mean: float | None = None
    null_95: float | None = None
    p_value: float | None = None


def number_cells(columns):
    """Return the cell of each observation, numbers from 0 without gaps.

    Parameters
    ----------
    columns : sequence of arrays, each of shape (observations,)
        Whole numbers, not negative; observations equal in all of them share a cell.
    """
    _, cell = distinct_rows(np.column_stack(columns))
    return cell


def count_cells(cell_adversary, cell_target):
    """Return (counts of A, counts of T) over the cells numbered from 0, of equal length."""
    n_cells = max(cell_adversary.max(initial=-1), cell_target.max(initial=-1)) + 1
    return tuple(np.bincount(cell, minlength=n_cells) for cell in (cell_adversary, cell_target))


def plug_in(counts_adversary, counts_target):
    """Return the `Information` of two histograms taken for the distributions themselves.

    MI(H; O) = 1 + sum_h 1/2 sum_o p(o | h) log2 p(h | o), with p(o | h) the relative
    frequencies: the Jensen-Shannon divergence of the two. From finite data it is too high on
    average, also where both holders draw from one population, and falls with their size.

    Parameters
    ----------
    counts_adversary, counts_target : shape (cells,)

    Raises
    ------
    ValueError
        If a holder has no observation.

    Examples
    --------
    >>> import numpy as np
    >>> plug_in(np.array([1, 1]), np.array([2, 2])).value
    0.0
    >>> plug_in(np.array([3, 0]), np.array([0, 1])).value
    1.0

    References
    ----------
    Danhier, Massart and Standaert, "Fidelity Leakages", section 7. Lin (1991), Divergence
    measures based on the Shannon entropy.
    """
    n_adversary, n_target = int(counts_adversary.sum()), int(counts_target.sum())
    if n_adversary == 0 or n_target == 0:
        raise ValueError("both holders must have observations")
    p_adversary, p_target = counts_adversary / n_adversary, counts_target / n_target
    both = p_adversary + p_target
    terms = sum(_weighted_log(p, both) for p in (p_adversary, p_target))
    # Rounding may leave the range by the last bit.
    value = min(max(1 + math.fsum(terms) / 2, 0.0), 1.0)
    return Information(value, n_adversary, n_target)


def observations_needed(mutual_information):
    """Return 1 / MI, the paper's estimate of how many observations tell the holders apart.

    Infinite for 0 bits (paper, section 7).
    """
    return 1 / mutual_information if mutual_information > 0 else math.inf


# Each makes a row of information.csv.
ESTIMATORS = {"plug-in": plug_in}


def _weighted_log(p, both):
    """Return p log2(p / both), 0 where p is 0."""
    terms = np.zeros(len(p))
    present = p > 0
    terms[present] = p[present] * np.log2(p[present] / both[present])
    return terms

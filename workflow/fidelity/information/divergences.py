"""How far apart two distributions over the same cells are.

p and q are arrays of shape (cells,), not negative, each adding to 1: what one observation of the
adversary's records and one of the target's may be. Logarithms are to the base 2, so divergences
are in bits. What each says about telling p from q with N observations is in `observations`.
"""

import math
from typing import NamedTuple

import numpy as np

_HALVINGS = 50  # of [0, 1], down to the rounding of a double


class Chernoff(NamedTuple):
    """Chernoff information in bits, and the `exponent` s in [0, 1] where it is found."""

    information: float
    exponent: float


def smooth_counts(counts_adversary, counts_target):
    """Return (p, q), the histograms of two holders, either mixed with the pooled one.

    (n_h + pooled) / (N_h + 1), where n_h are the counts of holder h, N_h their sum, and pooled is
    (n_A + n_T) / (N_A + N_T): the pooled histogram has the weight of one observation. So neither
    is 0 where the other is not; both are 0 in a cell that nobody has.

    Parameters
    ----------
    counts_adversary, counts_target : whole numbers, not negative, shape (cells,)
        One of them may be empty of observations; its histogram is then the pooled one.

    Raises
    ------
    ValueError
        If neither has an observation.
    """
    both = counts_adversary + counts_target
    n_both = both.sum()
    if n_both == 0:
        raise ValueError("there must be observations")
    pooled = both / n_both
    return tuple((n + pooled) / (n.sum() + 1) for n in (counts_adversary, counts_target))


def kullback_leibler(p, q):
    """Return D(p || q) = sum p log2(p / q) in bits, infinite where q is 0 and p is not.

    Not symmetric: what an observation drawn from p says on average for p and against q. It is
    finite both ways for the histograms of `smooth_counts`.

    Examples
    --------
    >>> import numpy as np
    >>> p, q = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    >>> kullback_leibler(p, q), kullback_leibler(q, p)
    (1.0, inf)

    References
    ----------
    Kullback and Leibler (1951), On information and sufficiency.
    """
    present = p > 0
    p, q = p[present], q[present]
    if not q.all():
        return math.inf
    # Rounding may leave the range by the last bit.
    return max(float(p @ np.log2(p / q)), 0.0)


def jensen_shannon(p, q):
    """Return (D(p || m) + D(q || m)) / 2 in bits, m = (p + q) / 2; between 0 and 1.

    It is MI(H; O) of a holder H with equal priors and one observation O of its records.

    References
    ----------
    Lin (1991), Divergence measures based on the Shannon entropy.
    """
    middle = (p + q) / 2
    return min((kullback_leibler(p, middle) + kullback_leibler(q, middle)) / 2, 1.0)


def total_variation(p, q):
    """Return sum |p - q| / 2, between 0 and 1.

    With one observation and equal priors the best test errs with probability (1 - TV) / 2.
    """
    return min(float(np.abs(p - q).sum()) / 2, 1.0)


def bhattacharyya(p, q):
    """Return rho = sum sqrt(p q), between 0 (disjoint) and 1 (equal).

    That of N independent observations is rho^N. As 1 - TV <= rho <= sqrt(1 - TV^2), it bounds
    the error of the best test from both sides.

    rho >= 1 - MI, where MI is `jensen_shannon` in bits: under m = (p + q) / 2 let x = p / (2 m),
    then 1 - MI is the mean of h(x), the binary entropy, and rho that of 2 sqrt(x (1 - x)), which
    is never below h(x). Equality where x is 0, 1/2 or 1 everywhere.

    References
    ----------
    Kailath (1967), The divergence and Bhattacharyya distance measures in signal selection.
    Lin (1991), Divergence measures based on the Shannon entropy, for h(x) <= 2 sqrt(x (1 - x)).
    """
    overlap = float(np.sqrt(p) @ np.sqrt(q))
    if overlap < 0.5:
        return overlap
    # The same, but 1 to the last bit where p = q, as the other is 0 where they are disjoint.
    return 1 - float(((np.sqrt(p) - np.sqrt(q)) ** 2).sum()) / 2


def chernoff(p, q):
    """Return `Chernoff`: C = -min over s in [0, 1] of log2 sum p^s q^(1 - s), in bits.

    The error of the best test on N independent observations falls as 2^(-C N), for any priors.
    The sum is over cells that both have, so that it is continuous at the ends; it is convex in s.
    C is infinite where there is no such cell, and 0 where p = q; s is then 1/2, as good as any.

    References
    ----------
    Chernoff (1952), A measure of asymptotic efficiency for tests of a hypothesis based on the sum
    of observations. Cover and Thomas, Elements of Information Theory, section 11.9.
    """
    common = (p > 0) & (q > 0)
    if not common.any():
        return Chernoff(math.inf, 0.5)
    if np.array_equal(p, q):
        return Chernoff(0.0, 0.5)
    q = q[common]
    log_ratio = np.log(p[common]) - np.log(q)
    exponent = _minimise_convex(lambda s: float(log_ratio @ (q * np.exp(s * log_ratio))))
    smallest = float((q * np.exp(exponent * log_ratio)).sum())
    return Chernoff(max(-math.log2(smallest), 0.0), exponent)


def _minimise_convex(slope):
    """Return where in [0, 1] a convex function of this slope is least."""
    if slope(0) > 0:
        return 0.0
    if slope(1) < 0:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        steepness = slope(middle)
        if steepness == 0:
            return middle
        low, high = (low, middle) if steepness > 0 else (middle, high)
    return middle

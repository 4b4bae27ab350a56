"""Entropy of a distribution from counts of independent draws, in nats.

Each function takes counts by cell, whole numbers not all 0, of shape (cells,). Cells without
an observation count only for `james_stein`, which needs to know what could have been seen.
The module `corrected` makes two holders comparable before it uses them: common users leave both,
and the larger holder is thinned, by user. With n_i the counts, N their sum and p_i = n_i / N:
"""

import numpy as np

EULER_GAMMA = float(np.euler_gamma)


def maximum_likelihood(counts):
    """Return -sum p_i ln p_i, the entropy of the relative frequencies.

    Too low on average, by about (cells - 1) / (2 N).

    Examples
    --------
    >>> import numpy as np
    >>> round(maximum_likelihood(np.array([4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1])), 7)
    1.9683824
    """
    n, cells = _count_counts(counts)
    return float(np.log(counts.sum()) - np.sum(cells * n * np.log(n)) / counts.sum())


def miller_madow(counts):
    """Return the plug-in entropy + (cells seen - 1) / (2 N).

    The first term of the bias is taken off, for the cells that were seen; too low where many
    were not, so it fails for N below the number of cells.

    Examples
    --------
    >>> import numpy as np
    >>> round(miller_madow(np.array([4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1])), 7)
    2.1525929

    References
    ----------
    Miller (1955), Note on the bias of information estimates.
    """
    seen, size = int(np.count_nonzero(counts)), int(counts.sum())
    return maximum_likelihood(counts) + (seen - 1) / (2 * size)


def grassberger(counts):
    """Return ln N - 1/N sum n_i G(n_i).

    G(1) = -gamma - ln 2, G(2) = 2 - gamma - ln 2, G(2k + 1) = G(2k) and
    G(2k + 2) = G(2k) + 2 / (2k + 1). Its bias is far below Miller and Madow's where cells are
    seen a few times each; it still is too low where most that occur were never seen.

    Examples
    --------
    >>> import numpy as np
    >>> round(grassberger(np.array([4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1])), 7)
    2.1446264

    References
    ----------
    Grassberger (2003), Entropy estimates from insufficient samplings, arXiv:physics/0307138.
    """
    n, cells = _count_counts(counts)
    steps = 2 / np.arange(1, n.max() + 1, 2)
    g = np.append(0, np.cumsum(steps))[n // 2] - EULER_GAMMA - np.log(2)
    return float(np.log(counts.sum()) - np.sum(cells * n * g) / counts.sum())


def chao_shen(counts):
    """Return -sum q_i ln q_i / (1 - (1 - q_i)^N) over the cells seen, q_i = C p_i.

    C = 1 - (cells seen once) / N is Good and Turing's estimate of how much of the distribution
    was seen (if all were seen once, one of them is not counted, or C would be 0), and the
    denominator the chance that a cell is seen at all. Close to unbiased where C is not small,
    of large variance otherwise: it fails where nearly all cells are seen once.

    Examples
    --------
    >>> import numpy as np
    >>> round(chao_shen(np.array([4, 2, 3, 0, 2, 4, 0, 0, 2, 1, 1])), 7)
    2.2011371

    References
    ----------
    Chao and Shen (2003), Nonparametric estimation of Shannon's index of diversity when there
    are unseen species in sample.
    """
    n, cells = _count_counts(counts)
    size = int(counts.sum())
    once = int(cells[0]) if n[0] == 1 else 0
    coverage = 1 - min(once, size - 1) / size
    q = coverage * n / size
    # 1 - (1 - q)^N, also where q is 1.
    seen = 1.0 - np.power(1 - q, size)
    return float(-np.sum(cells * q * np.log(q) / seen))


def james_stein(counts):
    """Return the entropy of relative frequencies shrunk towards the uniform distribution.

    p_i' = w / K + (1 - w) p_i over the K cells of `counts`, those without an observation
    included, with w = (1 - sum p_i^2) / ((N - 1) sum (1/K - p_i)^2), at most 1. So K, the
    support, has to be known. Too high where the distribution is far from uniform and N small:
    then it fails, as it gives ln K.

    References
    ----------
    Hausser and Strimmer (2009), Entropy inference and the James-Stein estimator, with
    application to nonlinear gene association networks.
    """
    n, cells = _count_counts(counts)
    support, size = len(counts), int(counts.sum())
    n, cells = np.append(n, 0), np.append(cells, support - cells.sum())
    p = n / size
    squares = np.sum(cells * (1 / support - p) ** 2)
    spread = (size - 1) * squares
    weight = min(1.0, float((1 - np.sum(cells * p**2)) / spread)) if spread > 0 else 1.0
    shrunk = weight / support + (1 - weight) * p
    possible = shrunk > 0
    return float(-np.sum((cells * shrunk)[possible] * np.log(shrunk[possible])))


def _count_counts(counts):
    """Return (the distinct counts above 0, ascending; how many cells have each)."""
    return np.unique(counts[counts > 0], return_counts=True)

"""The plug-in estimate eHI, the empirical hypothetical information: the paper's own."""

import math

import numpy as np

from .estimate import Information


def plug_in(counts_adversary, counts_target):
    """Return the `Information` of two histograms taken for the distributions themselves.

    MI(H; O) = 1 + sum_h 1/2 sum_o p(o | h) log2 p(h | o), with p(o | h) the relative
    frequencies: the Jensen-Shannon divergence of the two. It is exactly the information on
    which of two stored databases a record was drawn from. About the populations behind them
    it is at least MI in expectation, so too high, also where both holders draw from one
    population, and falls with their size. It fails where most cells are seen once: then it
    tends to 1 whatever the populations; and where a few users have most observations, as the
    histogram is then not that of the population on average, and may be too low.

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
    measures based on the Shannon entropy. Bronchain, Hendrickx, Massart, Olshevsky and
    Standaert (2019), Leakage certification revisited.
    """
    counts = np.stack([counts_adversary, counts_target])
    n_adversary, n_target = sizes = counts.sum(axis=1)
    if min(sizes) == 0:
        raise ValueError("both holders must have observations")
    return Information(hypothetical_bits(counts, sizes), int(n_adversary), int(n_target))


def hypothetical_bits(counts, sizes):
    """Return eHI in bits; NaN if a holder has no observation.

    Parameters
    ----------
    counts : shape (2, cells)
        Cells that only one holder has may be missing, as their log2 p(h | o) is 0.
    sizes : shape (2,)
        All observations of each holder.
    """
    if min(sizes) == 0:
        return math.nan
    # What only one holder has adds half of its share of that holder: log2 (2 p / (p + 0)) is 1.
    shared = np.flatnonzero((counts[0] > 0) & (counts[1] > 0))
    held = [own[shared] for own in counts]
    alone = sum((size - int(own.sum())) / size for own, size in zip(held, sizes, strict=True))
    p, q = (own / size for own, size in zip(held, sizes, strict=True))
    both = (p + q) / 2
    # So equal histograms give 0 to the last bit: the logarithms are 0, and nothing is alone.
    terms = p * np.log2(p / both) + q * np.log2(q / both)
    return min(max(float(terms.sum() + alone) / 2, 0.0), 1.0)

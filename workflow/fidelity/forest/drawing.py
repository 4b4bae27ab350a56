"""Draw the rows, or the groups of rows, that a tree is grown from.

They are those that scikit-learn draws for a tree of the same seed, by NumPy's
`RandomState(seed).randint(0, population, drawn)`, in less than half its time: words of 32 bits of
the Mersenne twister, of which the lowest bits that the population needs are kept, and those dropped
that are still too high.
"""

import numpy as np

from ..compiling import Compiled

_compiled = Compiled(__file__)


def count_draws(seed, population, n_drawn):
    """Return how often each of a population is drawn, with replacement; int64, (population,).

    Parameters
    ----------
    seed : int
        In [0, 2**32).
    population : int
        In [1, 2**32).
    n_drawn : int
    """
    highest = population - 1
    mask = (1 << highest.bit_length()) - 1
    counts = np.zeros(mask + 1, dtype=np.int64)
    _compiled.count_draws(seed, highest, mask, n_drawn, counts)
    return counts[:population]

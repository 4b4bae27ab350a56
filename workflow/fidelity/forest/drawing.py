"""Draw the rows, or the groups of rows, that a tree is grown from.

They are those that scikit-learn draws for a tree of the same seed, by NumPy's
`RandomState(seed).randint(0, population, drawn)`, in 2/5 of its time: words of 32 bits of the
Mersenne twister, of which the lowest bits that the population needs are kept, and those dropped
that are still too high. Numba's `random` is the same generator, seeded in the same way.
"""

import random

import numpy as np

from ..compiling import numba


@numba.njit(cache=True, nogil=True, error_model="numpy")
def count_draws(seed, population, n_drawn):
    """Return how often each of a population is drawn, with replacement; int64, (population,).

    Numba's `random`, which is another in each thread, goes on from the seed afterwards.

    Parameters
    ----------
    seed : int
        In [0, 2**32).
    population : int
        In [1, 2**32).
    n_drawn : int
    """
    random.seed(seed)
    highest = np.uint32(population - 1)
    mask = highest
    for shift in (1, 2, 4, 8, 16):
        mask |= mask >> np.uint32(shift)
    # What is dropped is counted, too, behind the others: no branch to mispredict.
    counts = np.zeros(np.int64(mask) + 1, dtype=np.int64)
    n = np.int64(0)
    while n < n_drawn:
        drawn = np.uint32(random.getrandbits(32)) & mask
        counts[drawn] += 1
        n += drawn <= highest
    return counts[:population]

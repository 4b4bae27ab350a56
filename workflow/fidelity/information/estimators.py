"""The estimators of MI(H; O), each from `Holders` and a generator to an `Information`."""

from functools import partial

from ..folds import deal_folds
from . import entropies
from .corrected import corrected
from .estimate import Information
from .histograms import count_held
from .hypothetical import hypothetical_bits, plug_in
from .jackknife import counts_without, interval
from .perceived import find_slots, perceived, perceived_bits
from .permutation import permutation_null

FOLDS, GROUPS = 10, 50


def estimate_hypothetical(holders, rng):
    """Return eHI, with its jackknife interval and the permutation null; see `plug_in`."""
    found = plug_in(*count_held(holders))
    groups = deal_folds(len(holders.first), GROUPS, rng)
    low, high = interval(
        found.value,
        [
            hypothetical_bits(counts, counts.sum(axis=1))
            for counts in counts_without(holders, groups, holders.cell)
        ],
    )
    null = permutation_null(holders, rng)
    return found._replace(
        ci_low=low,
        ci_high=high,
        null_mean=null.mean,
        null_95=null.upper_95,
        p_value=null.p_value,
    )


def estimate_perceived(holders, rng):
    """Return ePI of `FOLDS` folds of users, with its jackknife interval; see `perceived`.

    The folds stay as they are while a group of users is left out.
    """
    n_users = len(holders.first)
    folds, groups = (deal_folds(n_users, number, rng) for number in (FOLDS, GROUPS))
    slots = find_slots(holders, folds)
    value = perceived(holders, folds)
    without = counts_without(holders, groups, slots.of_row)
    low, high = interval(value, [perceived_bits(held, slots) for held in without])
    n_first, n_second = count_held(holders).sum(axis=1).tolist()
    return Information(value, n_first, n_second, low, high)


# Each makes a row of information.csv.
ESTIMATORS = {
    "plug-in": estimate_hypothetical,
    "cross-validated": estimate_perceived,
    "Miller-Madow": partial(corrected, entropy=entropies.miller_madow),
    "Grassberger": partial(corrected, entropy=entropies.grassberger),
    "Chao-Shen": partial(corrected, entropy=entropies.chao_shen),
    "James-Stein": partial(corrected, entropy=entropies.james_stein),
}

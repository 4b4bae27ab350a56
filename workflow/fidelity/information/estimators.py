"""The estimators of MI(H; O), from `Holders` to `Information`."""

from ..folds import deal_folds
from . import entropies
from .corrected import corrected
from .estimate import Information
from .histograms import count_held
from .hypothetical import hypothetical_bits, plug_in
from .jackknife import counts_without, interval
from .perceived import count_slots, find_slots, perceived_bits
from .permutation import permutation_null

FOLDS, GROUPS = 10, 50
PLUG_IN, CROSS_VALIDATED = "plug-in", "cross-validated"
ENTROPIES = {
    "Miller-Madow": entropies.miller_madow,
    "Grassberger": entropies.grassberger,
    "Chao-Shen": entropies.chao_shen,
    "James-Stein": entropies.james_stein,
}


def estimate_hypothetical(holders, n_permutations, rng):
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
    null = permutation_null(holders, rng, n_permutations)
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
    value = perceived_bits(count_slots(holders, slots), slots)
    without = counts_without(holders, groups, slots.of_row)
    low, high = interval(value, [perceived_bits(held, slots) for held in without])
    n_first, n_second = count_held(holders).sum(axis=1).tolist()
    return Information(value, n_first, n_second, low, high)


def estimate_all(holders, n_permutations, rng_of):
    """Return {name: `Information`}: eHI, ePI, and by each of `ENTROPIES`; each makes a row.

    Parameters
    ----------
    holders : Holders
    n_permutations : int
        Of the null of eHI.
    rng_of : callable
        rng_of(name) returns a generator.
    """
    return {
        PLUG_IN: estimate_hypothetical(holders, n_permutations, rng_of(PLUG_IN)),
        CROSS_VALIDATED: estimate_perceived(holders, rng_of(CROSS_VALIDATED)),
        **corrected(holders, ENTROPIES, rng_of("corrected")),
    }

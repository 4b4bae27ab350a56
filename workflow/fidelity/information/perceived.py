"""The cross-validated estimate ePI, the empirical perceived information."""

from typing import NamedTuple

import numpy as np

from .histograms import count_at, split_rows


class Slots(NamedTuple):
    """The distinct pairs (fold, cell) that have an observation: slots, ordered by fold.

    `of_row` is the slot of each row of the holders; `cell` the cell of each slot; `per_fold`
    the number of slots in each fold.
    """

    of_row: np.ndarray
    cell: np.ndarray
    per_fold: np.ndarray


def find_slots(holders, fold_of):
    """Return the `Slots` of `Holders` whose users are in the given folds, shape (users,)."""
    fold = fold_of[holders.user]
    of_row = np.empty(len(fold), dtype=np.int64)
    cells = []
    n_slots = 0
    for number in range(fold_of.max() + 1):
        rows = np.flatnonzero(fold == number)
        occurs = np.bincount(holders.cell[rows]) > 0
        of_row[rows] = (np.cumsum(occurs) - 1)[holders.cell[rows]] + n_slots
        cells.append(np.flatnonzero(occurs))
        n_slots += len(cells[-1])
    return Slots(of_row, np.concatenate(cells), np.array([len(own) for own in cells]))


def perceived(holders, fold_of):
    """Return ePI in bits: what models of the holders, of other users, tell of an observation.

    PI(H; O) = 1 + sum_h 1/2 mean over h's observations of log2 p(h | o), each observation
    asked of histograms of the other folds: p_h(o) = (n_h(o) + pooled(o)) / (N_h + 1), with
    pooled(o) the relative frequency among both holders' observations, so one observation of
    weight, and p(h | o) = p_h(o) / (p_1(o) + p_2(o)). A cell that no other fold has gives 1/2.

    In expectation it is at most MI, whatever the model, since a held-out user is independent
    of it, if users have equally many observations. Answers of one trained model to different
    users are independent given that model alone: of membership it is about this model. It is
    below 0 where a model misleads. It fails where most cells are seen once: then it is far below
    0, whatever the populations, which says that there is not enough data to tell. A common user,
    held out from both at once, never adds to it.

    Parameters
    ----------
    holders : Holders
    fold_of : int, shape (users,)
        Folds from 0, none empty, as from `deal_folds`. One fold alone leaves no other to
        learn from, and gives 0.

    References
    ----------
    Bronchain, Hendrickx, Massart, Olshevsky and Standaert (2019), Leakage certification
    revisited. Masure, Cassiers, Hendrickx and Standaert (2022), Information bounds and
    convergence rates for side-channel security evaluators.
    """
    slots = find_slots(holders, fold_of)
    return perceived_bits(count_slots(holders, slots), slots)


def count_slots(holders, slots):
    """Return the observations of each holder in `Slots`, int, shape (2, slots)."""
    n_slots = len(slots.cell)
    return np.stack([count_at(slots.of_row, rows, n_slots) for rows in split_rows(holders)])


def perceived_bits(held, slots):
    """Return ePI in bits from the observations of each holder in `Slots`, shape (2, slots).

    NaN if a holder has no observation. The training data of a fold are all that is not in it.
    """
    sizes = held.sum(axis=1)
    if min(sizes) == 0:
        return float("nan")
    n_cells = slots.cell.max() + 1
    seen = [count_at(slots.cell, own, n_cells)[slots.cell] - own for own in held]
    starts = np.cumsum(slots.per_fold) - slots.per_fold
    n_seen = sizes[:, None] - np.add.reduceat(held, starts, axis=1)
    either = seen[0] + seen[1]
    pooled = either * np.repeat(1 / np.maximum(n_seen.sum(axis=0), 1), slots.per_fold)
    ratio = np.repeat((n_seen[0] + 1) / (n_seen[1] + 1), slots.per_fold)
    # The odds of the second holder; 1, which nothing is known of, where no other fold has it.
    odds = np.ones(len(either))
    np.divide((seen[1] + pooled) * ratio, seen[0] + pooled, out=odds, where=either > 0)
    # log2 p(first | o) = -log2(1 + odds), log2 p(second | o) = log2(odds) - log2(1 + odds)
    second = held[1] / sizes[1]
    terms = second * np.log2(odds) - (held[0] / sizes[0] + second) * np.log2(1 + odds)
    return 1 + float(terms.sum()) / 2

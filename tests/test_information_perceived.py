import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.folds import deal_folds
from fidelity.information import count_held, plug_in
from fidelity.information.jackknife import counts_without
from fidelity.information.perceived import find_slots, perceived, perceived_bits

from .made_up_holders import (
    BOTH,
    FIRST,
    SECOND,
    cells_of,
    draw_holders,
    hold,
    kept_users,
    made_up,
    mutual_information,
)

seeds = st.integers(0, 2**32)


def plain_perceived(pairs, place, fold_of):
    """ePI by the formula, observation by observation; fold_of[user]."""
    means = []
    for holder in (0, 1):
        held_out = [(fold_of[user], cell) for user, cell in pairs if place[user][holder]]
        logs = [math.log2(probability(pairs, place, fold_of, *o)[holder]) for o in held_out]
        means.append(sum(logs) / len(logs))
    return 1 + sum(means) / 2


def probability(pairs, place, fold_of, fold, cell):
    """Return p(h | o) of both holders by the other folds."""
    others = [pair for pair in pairs if fold_of.get(pair[0]) != fold]
    counts = [Counter(cells_of(others, place, holder)) for holder in (0, 1)]
    sizes = [sum(own.values()) for own in counts]
    seen = counts[0][cell] + counts[1][cell]
    if not seen:
        return 0.5, 0.5
    pooled = seen / sum(sizes)
    p = [(own[cell] + pooled) / (size + 1) for own, size in zip(counts, sizes, strict=True)]
    return p[0] / sum(p), p[1] / sum(p)


def deal(case, n_folds, seed):
    """Return (fold of each of the holders' users, {user: fold})."""
    holders, pairs, place = case
    folds = deal_folds(len(holders.first), n_folds, np.random.default_rng(seed))
    return folds, dict(zip(kept_users(pairs, place), folds.tolist(), strict=True))


@given(made_up(), st.integers(1, 10), seeds)
def test_it_is_the_formula(case, n_folds, seed):
    holders, pairs, place = case
    folds, fold_of = deal(case, n_folds, seed)
    expected = plain_perceived(pairs, place, fold_of)
    assert perceived(holders, folds) == pytest.approx(expected, abs=1e-12)


@given(made_up(), st.integers(2, 5), st.integers(2, 5), seeds)
def test_without_a_group_of_users_it_is_the_formula_in_the_same_folds(
    case, n_folds, n_groups, seed
):
    holders, pairs, place = case
    folds, fold_of = deal(case, n_folds, seed)
    groups, group_of = deal(case, n_groups, seed + 1)
    slots = find_slots(holders, folds)
    for group, held in enumerate(counts_without(holders, groups, slots.of_row)):
        rest = [(user, cell) for user, cell in pairs if group_of.get(user) != group]
        found = perceived_bits(held, slots)
        if all(cells_of(rest, place, holder) for holder in (0, 1)):
            expected = plain_perceived(rest, place, fold_of)
            assert found == pytest.approx(expected, abs=1e-12)
        else:
            assert math.isnan(found)


@given(made_up(), st.integers(1, 10), seeds)
def test_the_order_of_the_holders_does_not_matter(case, n_folds, seed):
    holders, _, _ = case
    folds, _ = deal(case, n_folds, seed)
    swapped = holders._replace(first=holders.second, second=holders.first)
    assert perceived(holders, folds) == pytest.approx(perceived(swapped, folds), abs=1e-12)


@given(made_up(places=[BOTH]), st.integers(1, 10), seeds)
def test_common_users_tell_nothing(case, n_folds, seed):
    holders, _, _ = case
    folds, _ = deal(case, n_folds, seed)
    assert holders.common.all()
    assert perceived(holders, folds) <= 1e-12


def test_cells_that_no_other_fold_has_give_a_half():
    holders = hold([(user, user) for user in range(6)], [FIRST] * 3 + [SECOND] * 3)
    assert perceived(holders, np.arange(6) % 3) == pytest.approx(0, abs=1e-15)


def test_disjoint_holders_with_enough_data_tell_nearly_everything():
    pairs = [(user, int(user >= 20)) for user in range(40) for _ in range(50)]
    holders = hold(pairs, [FIRST] * 20 + [SECOND] * 20)
    found = perceived(holders, np.arange(40) % 10)
    assert 0.999 < found < 1


@pytest.mark.parametrize("n_users", [10, 30, 90])
def test_perceived_and_hypothetical_information_enclose_the_mutual_information(n_users):
    """E[ePI] <= MI <= E[eHI] over 200 draws, allowing 4 standard errors."""
    rng = np.random.default_rng(2)
    first, second = rng.dirichlet(np.full(12, 2.0), size=2)
    truth = mutual_information(first, second)
    draws = []
    for _ in range(200):
        holders = draw_holders(rng, first, second, n_users, per_user=5)
        low = perceived(holders, deal_folds(2 * n_users, 10, rng))
        draws.append((low, plug_in(*count_held(holders)).value))
    low, high = np.mean(draws, axis=0)
    low_error, high_error = np.std(draws, axis=0, ddof=1) / math.sqrt(200)
    assert low <= truth + 4 * low_error
    assert high >= truth - 4 * high_error
    # They close in, or this would say little.
    assert high - low < 4 / n_users

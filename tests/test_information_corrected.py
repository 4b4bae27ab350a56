import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.information import Information, count_held, plug_in
from fidelity.information.corrected import (
    THINNINGS,
    corrected,
    mutual_information,
    thinned_counts,
)
from fidelity.information.entropies import (
    chao_shen,
    grassberger,
    james_stein,
    maximum_likelihood,
    miller_madow,
)

from . import made_up_holders
from .made_up_holders import BOTH, FIRST, SECOND, cells_of, draw_holders, hold, made_up

seeds = st.integers(0, 2**32)


@given(made_up(), seeds)
def test_thinned_holders_are_equal_and_without_common_users(case, seed):
    holders, pairs, place = case
    held = sorted({cell for user, cell in pairs if any(place[user])})
    own = [pair for pair in pairs if not all(place[pair[0]])]
    full = [Counter(cells_of(own, place, holder)) for holder in (0, 1)]
    full = np.array([[counts[cell] for cell in held] for counts in full])
    sizes = full.sum(axis=1)
    found = [counts.copy() for counts in thinned_counts(holders, np.random.default_rng(seed))]
    assert len(found) == (0 if min(sizes) == 0 else 1 if sizes[0] == sizes[1] else THINNINGS)
    for counts in found:
        assert counts.sum(axis=1).tolist() == [min(sizes)] * 2
        assert (counts <= full).all()


@given(st.lists(st.integers(1, 9), min_size=2, max_size=8), st.integers(1, 9), seeds)
def test_users_leave_as_a_whole_but_for_one(observations, size, seed):
    """Each user has a cell of its own, so that its count says how much of it is left."""
    pairs = [(user, user) for user, n in enumerate(observations) for _ in range(n)]
    n_users = len(observations)
    pairs += [(n_users, n_users)] * size
    holders = hold(pairs, [FIRST] * n_users + [SECOND])
    for counts in thinned_counts(holders, np.random.default_rng(seed)):
        if sum(observations) < size:
            assert counts[0].tolist() == [*observations, 0]
        else:
            left = counts[0, :-1]
            in_part = (left > 0) & (left < observations)
            assert in_part.sum() <= 1


def test_every_user_is_as_likely_to_stay():
    pairs = [(user, user) for user in range(6) for _ in range(3)] + [(6, 6)] * 7
    holders = hold(pairs, [FIRST] * 6 + [SECOND])
    rng = np.random.default_rng(0)
    found = np.mean(
        [next(thinned_counts(holders, rng))[0, :6].copy() for _ in range(2_000)], axis=0
    )
    # 7 of 18; a count of 0, 1 or 3 has a standard deviation below 1.5
    assert found.sum() == pytest.approx(7, abs=1e-9)
    assert np.allclose(found, 7 / 6, atol=4 * 1.5 / math.sqrt(2_000))


def test_the_user_that_stays_in_part_is_thinned_without_replacement():
    """Three of the observations (0, 0, 1, 1, 2) of one user: 6/5 of each twin on average."""
    pairs = [(0, cell) for cell in (0, 0, 1, 1, 2)] + [(1, 3)] * 3
    holders = hold(pairs, [FIRST, SECOND])
    rng = np.random.default_rng(0)
    drawn = np.array([next(thinned_counts(holders, rng))[0].copy() for _ in range(2_000)])
    assert (drawn <= [2, 2, 1, 0]).all()
    assert np.allclose(drawn.mean(axis=0), [1.2, 1.2, 0.6, 0], atol=4 * 0.6 / math.sqrt(2_000))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1), seeds)
def test_with_plain_entropies_it_is_the_plug_in_estimate(pairs, seed):
    first, second = np.array(pairs).T
    counts = np.stack([np.append(first, second.sum()), np.append(second, first.sum())])
    if counts.sum():
        found = mutual_information(counts, maximum_likelihood)
        assert found == pytest.approx(plug_in(*counts).value, abs=1e-12)


def test_cells_that_neither_has_do_not_count():
    counts = np.array([[3, 1, 0], [1, 3, 0]])
    with_gap = mutual_information(counts, james_stein)
    assert with_gap == pytest.approx(mutual_information(counts[:, :2], james_stein), abs=1e-15)


@pytest.mark.parametrize("place", [[BOTH, BOTH], [BOTH, FIRST]])
def test_without_own_users_of_both_there_is_no_value(place):
    holders = hold([(0, 0), (1, 1)], place)
    found = corrected(holders, {"it": grassberger}, np.random.default_rng(0))
    assert found == {"it": Information(None, 0, 0)}


def test_it_is_the_mean_of_the_thinnings():
    rng = np.random.default_rng(0)
    holders = draw_holders(rng, np.full(4, 0.25), np.array([0.4, 0.3, 0.2, 0.1]), 10, 3)
    smaller = holders._replace(second=holders.second & (np.arange(20) < 14))
    found = corrected(smaller, {"it": grassberger}, np.random.default_rng(1))["it"]
    thinnings = [
        mutual_information(counts, grassberger)
        for counts in thinned_counts(smaller, np.random.default_rng(1))
    ]
    assert len(set(thinnings)) > 1
    assert found.value == pytest.approx(sum(thinnings) / THINNINGS, abs=1e-15)
    assert (found.n_adversary, found.n_target) == (12, 12)


@pytest.mark.parametrize("entropy", [miller_madow, grassberger, chao_shen, james_stein])
def test_corrections_are_nearer_to_the_truth_than_the_plug_in_estimate(entropy):
    rng = np.random.default_rng(0)
    first, second = rng.dirichlet(np.full(20, 4.0), size=2)
    truth = made_up_holders.mutual_information(first, second)
    drawn = [draw_holders(rng, first, second, 25, per_user=4) for _ in range(200)]
    plain = np.mean([plug_in(*count_held(holders)).value for holders in drawn])
    better = np.mean([corrected(holders, {"it": entropy}, rng)["it"].value for holders in drawn])
    assert plain > truth + 0.04
    assert abs(better - truth) < abs(plain - truth) / 2

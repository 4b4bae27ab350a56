import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fidelity.information import count_held, make_holders, plug_in, tally_users
from fidelity.information.permutation import permutation_null

from .made_up_holders import BOTH, FIRST, SECOND, draw_holders, hold, made_up


def value_of(holders):
    return plug_in(*count_held(holders)).value


def redeal(holders, own_first):
    """Return the holders with these of the users that are not common at the first."""
    is_first = np.zeros(len(holders.first), dtype=bool)
    is_first[np.flatnonzero(~holders.common)[own_first]] = True
    common = holders.common
    return holders._replace(first=common | is_first, second=common | ~is_first)


@given(made_up(), st.integers(0, 2**32), st.integers(1, 30))
def test_it_is_the_estimate_of_users_dealt_anew(case, seed, n_permutations):
    holders, _, _ = case
    own = ~holders.common
    rng = np.random.default_rng(seed)
    n_first = holders.first[own].sum()
    assume(0 < n_first < own.sum())
    expected = np.array(
        [
            value_of(redeal(holders, rng.choice(own.sum(), n_first, replace=False, shuffle=False)))
            for _ in range(n_permutations)
        ]
    )
    found = permutation_null(holders, np.random.default_rng(seed), n_permutations)
    assert found.mean == pytest.approx(expected.mean(), abs=1e-12)
    assert found.upper_95 == pytest.approx(np.quantile(expected, 0.95), abs=1e-12)
    exceed = np.sum(expected >= value_of(holders) - 1e-12)
    assert found.p_value == (1 + exceed) / (1 + n_permutations)


def test_every_deal_is_as_likely():
    """Four own users of two holders and a common one: six deals, three by symmetry."""
    pairs = [(0, 0), (0, 1), (1, 0), (2, 1), (2, 1), (3, 2), (4, 2), (4, 0)]
    holders = hold(pairs, [FIRST, SECOND, FIRST, SECOND, BOTH])
    deals = [list(chosen) for chosen in itertools.combinations(range(4), 2)]
    values = np.array([value_of(redeal(holders, chosen)) for chosen in deals])
    found = permutation_null(holders, np.random.default_rng(0), n_permutations=4_000)
    assert abs(found.mean - values.mean()) < 4 * values.std() / np.sqrt(4_000)
    share = np.mean(values >= value_of(holders) - 1e-12)
    assert 0 < share < 1
    assert abs(found.p_value - share) < 4 * np.sqrt(share * (1 - share) / 4_000)


@pytest.mark.parametrize(
    "place", [[BOTH] * 3, [BOTH, BOTH, FIRST], [FIRST, FIRST, BOTH]], ids=["all", "two", "one"]
)
def test_where_nobody_can_be_dealt_anew_there_is_none(place):
    holders = hold([(0, 0), (1, 1), (1, 0), (2, 2)], place)
    assert permutation_null(holders, np.random.default_rng(0), 20) == (None, None, None)


def test_large_counts_are_exact():
    """Counts of 30 binary digits, of which no two fit into one double."""
    user = np.arange(6)
    tally = tally_users(user, np.array([0, 1, 0, 1, 0, 1]))._replace(
        count=np.array([2**29, 3, 5, 2**29, 7, 11])
    )
    holders = make_holders(tally, user < 3, user >= 3)
    deals = itertools.combinations(range(6), 3)
    values = {round(value_of(redeal(holders, list(chosen))), 11) for chosen in deals}
    drawn = {
        round(permutation_null(holders, np.random.default_rng(seed), 1).mean, 11)
        for seed in range(200)
    }
    assert drawn == values
    assert len(values) > 2


def test_p_values_are_valid_where_both_draw_from_one_population():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(10))
    n_trials = 300
    p_values = np.array(
        [
            permutation_null(draw_holders(rng, p, p, 12, per_user=4), rng, 59).p_value
            for _ in range(n_trials)
        ]
    )
    for alpha in (0.05, 0.1, 0.3, 0.5):
        error = np.sqrt(alpha * (1 - alpha) / n_trials)
        assert np.mean(p_values <= alpha) <= alpha + 4 * error
        assert np.mean(p_values <= alpha) >= alpha - 4 * error  # nor do they hide anything


def test_holders_of_two_populations_are_told_apart():
    rng = np.random.default_rng(0)
    p = np.array([0.6, 0.2, 0.1, 0.1])
    holders = draw_holders(rng, p, p[::-1], 40, per_user=5)
    found = permutation_null(holders, rng, 99)
    assert found.p_value == 0.01
    assert found.mean <= found.upper_95 < value_of(holders)

import numpy as np
import pytest
from hypothesis import given, settings

from fidelity.information import count_held, estimate_all, plug_in
from fidelity.information.corrected import corrected
from fidelity.information.entropies import grassberger
from fidelity.information.permutation import permutation_null

from .made_up_holders import BOTH, FIRST, SECOND, draw_holders, hold, made_up

EVEN, UNEVEN = np.full(8, 1 / 8), np.arange(1, 9) / 36


@pytest.fixture
def holders():
    return draw_holders(np.random.default_rng(0), EVEN, UNEVEN, 40, per_user=6)


NAMES = ["plug-in", "cross-validated", "Miller-Madow", "Grassberger", "Chao-Shen", "James-Stein"]


def estimate(holders, seed=0):
    return estimate_all(holders, 200, lambda _: np.random.default_rng(seed))


@pytest.mark.parametrize("name", NAMES)
def test_one_generator_gives_one_number(holders, name):
    first, again, other = (estimate(holders, seed)[name] for seed in (1, 1, 2))
    assert first == again
    assert first.value == pytest.approx(other.value, abs=0.1)
    assert (first.n_adversary, first.n_target) == (240, 240)


@settings(max_examples=20)
@given(made_up())
def test_every_estimator_takes_any_holders(case):
    holders, _, _ = case
    sizes = tuple(count_held(holders).sum(axis=1))
    estimates = estimate(holders)
    assert list(estimates) == NAMES
    for name in NAMES[:2]:
        found = estimates[name]
        assert (found.n_adversary, found.n_target) == sizes
        if found.ci_low is not None:
            assert found.ci_low <= found.value <= found.ci_high
    has_own = min((is_held & ~holders.common).sum() for is_held in holders[-2:]) > 0
    for name in NAMES[2:]:
        assert (estimates[name].value is not None) == has_own


def test_the_plug_in_estimate_comes_with_an_interval_and_a_null(holders):
    found = estimate(holders)["plug-in"]
    assert found.value == plug_in(*count_held(holders)).value
    assert found.ci_low < found.value < found.ci_high
    assert 0 < found.null_mean < found.null_95 < found.value
    assert found.p_value == 1 / 201
    assert found.net == found.value - found.null_mean
    alike = permutation_null(holders, np.random.default_rng(5), 200)
    assert found.null_mean == pytest.approx(alike.mean, rel=0.1)


def test_the_corrected_estimates_are_those_of_their_entropies(holders):
    estimates = estimate(holders)
    (found,) = corrected(holders, {"it": grassberger}, np.random.default_rng(0)).values()
    assert estimates["Grassberger"] == found
    assert len({found.value for found in estimates.values()}) == len(NAMES)


def test_an_interval_needs_two_users_of_each_holder():
    holders = hold([(0, 0), (1, 1), (1, 0), (2, 1)], [FIRST, FIRST, SECOND])
    estimates = estimate(holders)
    for name in NAMES[:2]:
        assert estimates[name].ci_low is None
        assert estimates[name].ci_high is None


def test_holders_with_the_same_users_do_not_differ():
    holders = hold([(0, 0), (1, 1), (1, 0), (2, 1)], [BOTH] * 3)
    found = estimate(holders)["plug-in"]
    assert found[:1] + found[3:] == (0, 0, 0, None, None, None)
    assert estimate(holders)["cross-validated"].value <= 0

import numpy as np
import pytest
from hypothesis import given, settings

from fidelity.information import ESTIMATORS, count_held, plug_in
from fidelity.information.corrected import corrected
from fidelity.information.entropies import grassberger
from fidelity.information.permutation import permutation_null

from .made_up_holders import BOTH, FIRST, SECOND, draw_holders, hold, made_up

EVEN, UNEVEN = np.full(8, 1 / 8), np.arange(1, 9) / 36


@pytest.fixture
def holders():
    return draw_holders(np.random.default_rng(0), EVEN, UNEVEN, 40, per_user=6)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_one_generator_gives_one_number(holders, name):
    first, again, other = (
        ESTIMATORS[name](holders, rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first.value == pytest.approx(other.value, abs=0.1)
    assert (first.n_adversary, first.n_target) == (240, 240)


@settings(max_examples=20)
@given(made_up())
def test_every_estimator_takes_any_holders(case):
    holders, _, _ = case
    sizes = tuple(count_held(holders).sum(axis=1))
    for name in ("plug-in", "cross-validated"):
        found = ESTIMATORS[name](holders, np.random.default_rng(0))
        assert (found.n_adversary, found.n_target) == sizes
        if found.ci_low is not None:
            assert found.ci_low <= found.value <= found.ci_high
    for name in ESTIMATORS.keys() - {"plug-in", "cross-validated"}:
        found = ESTIMATORS[name](holders, rng=np.random.default_rng(0))
        has_own = min((is_held & ~holders.common).sum() for is_held in holders[-2:]) > 0
        assert (found.value is not None) == has_own


def test_the_plug_in_estimate_comes_with_an_interval_and_a_null(holders):
    found = ESTIMATORS["plug-in"](holders, np.random.default_rng(0))
    assert found.value == plug_in(*count_held(holders)).value
    assert found.ci_low < found.value < found.ci_high
    assert 0 < found.null_mean < found.null_95 < found.value
    assert found.p_value == 1 / 201
    assert found.net == found.value - found.null_mean
    alike = permutation_null(holders, np.random.default_rng(5))
    assert found.null_mean == pytest.approx(alike.mean, rel=0.1)


def test_the_corrected_estimates_are_those_of_their_entropies(holders):
    found = ESTIMATORS["Grassberger"](holders, rng=np.random.default_rng(0))
    assert found == corrected(holders, grassberger, np.random.default_rng(0))
    values = {estimate(holders, rng=np.random.default_rng(0)) for estimate in ESTIMATORS.values()}
    assert len(values) == len(ESTIMATORS)


def test_an_interval_needs_two_users_of_each_holder():
    holders = hold([(0, 0), (1, 1), (1, 0), (2, 1)], [FIRST, FIRST, SECOND])
    for name in ("plug-in", "cross-validated"):
        found = ESTIMATORS[name](holders, np.random.default_rng(0))
        assert found.ci_low is None
        assert found.ci_high is None


def test_holders_with_the_same_users_do_not_differ():
    holders = hold([(0, 0), (1, 1), (1, 0), (2, 1)], [BOTH] * 3)
    found = ESTIMATORS["plug-in"](holders, np.random.default_rng(0))
    assert found[:1] + found[3:] == (0, 0, 0, 0, 0, 1)
    assert ESTIMATORS["cross-validated"](holders, np.random.default_rng(0)).value <= 0

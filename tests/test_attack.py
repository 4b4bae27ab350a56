import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.dummy import DummyClassifier
from sklearn.metrics import confusion_matrix

from fidelity.attack import measure_leakage
from fidelity.emulation import GridPoint, deal_users, make_databases, rows_of
from fidelity.recommender import query
from fidelity.seeding import generator

guesses = st.integers(1, 60).flatmap(
    lambda n: st.tuples(arrays(bool, n), arrays(bool, n)),
)


@given(guesses)
def test_shares_are_those_of_the_confusion_matrix_and_add_to_one(case):
    match, member = case
    leakage = measure_leakage(match, member)
    (tn, fp), (fn, tp) = confusion_matrix(member, match, labels=[False, True]) / len(match)
    assert (leakage.tp, leakage.fp, leakage.tn, leakage.fn) == (tp, fp, tn, fn)
    assert leakage.tp + leakage.fp + leakage.tn + leakage.fn == pytest.approx(1, abs=1e-15)
    assert leakage.success == pytest.approx(np.mean(match == member), abs=1e-15)


@given(guesses)
def test_rates_are_conditional_means(case):
    match, member = case
    leakage = measure_leakage(match, member)
    assert leakage.tpr == (match[member].mean() if member.any() else None)
    assert leakage.fpr == (match[~member].mean() if not member.all() else None)
    if member.any() and not member.all():
        assert leakage.leakage == leakage.tpr - leakage.fpr
    else:
        assert leakage.leakage is None


@given(st.integers(2, 80), st.integers(0, 2**32), st.data())
def test_nobody_is_common_at_0_and_everybody_at_1(n_users, seed, data):
    """Whatever the model answers, to whichever transitions."""
    user = np.array(data.draw(st.lists(st.integers(0, n_users - 1), min_size=1)))
    match = data.draw(arrays(bool, len(user)))
    for c, target_size in (("0", str(n_users // 2)), ("0", "max"), ("1", "max")):
        deal = deal_users(np.arange(n_users), c, generator(seed, "emulation", c))
        columns = deal._asdict() | {"repeat": np.zeros(n_users)}
        (databases,) = make_databases(columns, GridPoint(c, target_size, "full", False))
        asked = rows_of(databases.adversary, user)
        if not asked.any():
            continue
        leakage = measure_leakage(match[asked], rows_of(databases.target, user)[asked])
        if c == "0":
            assert (leakage.tp, leakage.fn, leakage.tpr, leakage.leakage) == (0, 0, None, None)
        else:
            assert (leakage.fp, leakage.tn, leakage.fpr, leakage.leakage) == (0, 0, None, None)


def test_random_songs_leak_nothing():
    """The paper's remark: a recommender that answers at random has equal rates for both groups."""
    rng = np.random.default_rng(0)
    n_users, songs = 2_000, 20
    user = np.repeat(np.arange(n_users), 19)
    X, y = np.arange(len(user))[:, None], rng.integers(songs, size=len(user))
    deal = deal_users(np.arange(n_users), "0.5", generator(1, "emulation"))
    columns = deal._asdict() | {"repeat": np.zeros(n_users)}
    (databases,) = make_databases(columns, GridPoint("0.5", "max", "full", True))
    own, asked = rows_of(databases.target, user), rows_of(databases.adversary, user)
    model = DummyClassifier(strategy="uniform", random_state=2).fit(X[own], y[own])
    match = query(model, X[asked], y[asked])[0] == y[asked]
    member = own[asked]
    leakage = measure_leakage(match, member)
    chance = 1 / songs
    variance = chance * (1 - chance) * (1 / member.sum() + 1 / (~member).sum())
    assert abs(leakage.leakage) < 4 * np.sqrt(variance)
    assert abs(leakage.fpr - chance) < 4 * np.sqrt(chance * (1 - chance) / (~member).sum())


def test_no_transition_is_refused():
    with pytest.raises(ValueError, match="no transition"):
        measure_leakage(np.empty(0, bool), np.empty(0, bool))

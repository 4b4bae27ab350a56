import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.bigram import BigramClassifier
from fidelity.comparisons import (
    are_references_smaller,
    draw_references,
    is_attackable,
    is_reference_size,
    pick_target_only,
    reference_size,
    swap_members,
)
from fidelity.emulation import Deal, GridPoint, deal_users, first_users
from fidelity.folds import deal_folds
from fidelity.recommender import ask_model, ask_own_models, query, train

BIGRAM = {"estimator": "fidelity.bigram.BigramClassifier"}
FOREST = {"estimator": "fidelity.forest.RandomForestClassifier", "n_estimators": 3}
LABELS_ONLY = {"estimator": "sklearn.linear_model.RidgeClassifier"}

distinct = st.lists(st.integers(0, 200), unique=True, max_size=40).map(np.array)
seeds = st.integers(0, 2**32)


@given(distinct.filter(lambda users: len(users) > 1), st.integers(1, 50), st.integers(1, 4), seeds)
def test_pairs_of_references_know_complementary_users(users, size, n_pairs, seed):
    chosen = draw_references(users, size, 2 * n_pairs, np.random.default_rng(seed))
    half = len(users) // 2
    assert chosen.shape == (2 * n_pairs, min(size, half))
    for one, other in zip(chosen[::2], chosen[1::2], strict=True):
        together = np.concatenate([one, other]).tolist()
        assert len(set(together)) == len(together)
        assert set(together) <= set(users.tolist())
        assert one.tolist() == sorted(one)
        assert other.tolist() == sorted(other)
        if len(users) % 2 == 0 and size >= half:
            assert sorted(together) == sorted(users.tolist())


def test_every_user_is_as_likely_in_any_reference():
    """Of 7 users 2 are in each model: 2/7 of 4,000 models have each, to 4 standard errors."""
    chosen = draw_references(np.arange(7), 2, 4000, np.random.default_rng(0))
    share = np.bincount(chosen.ravel()) / len(chosen)
    assert np.allclose(share, 2 / 7, atol=4 * np.sqrt(2 / 7 * 5 / 7 / len(chosen)))


def test_references_are_smaller_than_a_target_of_more_than_half():
    found = [are_references_smaller(t, a) for t, a in [(5, 10), (6, 10), (5, 11), (6, 11)]]
    assert found == [False, True, False, True]
    references = draw_references(np.arange(11), 6, 2, np.random.default_rng(0))
    assert references.shape[1] < 6


@given(st.integers(1, 60), st.sampled_from(["0", "0.25", "0.5", "1"]), st.integers(1, 40), seeds)
def test_control_knows_the_first_users_that_the_adversary_has_not(n_users, common, size, seed):
    deal = deal_users(np.arange(100, 100 + n_users), common, np.random.default_rng(seed))
    adversary = first_users(deal.user, deal.adversary_rank, size)
    found = pick_target_only(deal, adversary, size)
    by_rank = {rank: u for u, rank in zip(deal.user, deal.target_rank, strict=True) if rank >= 0}
    own = [by_rank[rank] for rank in sorted(by_rank) if by_rank[rank] not in adversary]
    assert found.tolist() == sorted(own[:size])


def test_control_is_as_large_as_references_beyond_the_targets_own_users():
    """Of the target's 4 first users 2 are common: the control has 2 that are not in D_T."""
    deal = Deal(
        np.arange(10), *np.array([[0, -1, 2, -1] + 6 * [-1], [0, 1, 2, 3, 7, 6, 5, 4, 8, 9]])
    )
    adversary = np.array([0, 2])
    assert pick_target_only(deal, adversary, 4).tolist() == [1, 3, 6, 7]


@given(st.integers(1, 30), st.integers(2, 30))
def test_references_are_as_large_as_they_are_said_to_be(target_size, adversary_size):
    rng = np.random.default_rng(0)
    chosen = draw_references(np.arange(adversary_size), target_size, 2, rng)
    assert chosen.shape[1] == reference_size(target_size, adversary_size)
    assert are_references_smaller(target_size, adversary_size) == (chosen.shape[1] < target_size)


@given(distinct, distinct, seeds)
def test_swap_replaces_common_users_by_others(adversary, target, seed):
    adversary, target = adversary.astype(int), target.astype(int)
    found = swap_members(adversary, target, np.random.default_rng(seed))
    a, t, left, joined = (set(users.tolist()) for users in (adversary, target, *found[1:]))
    assert len(left) == len(joined) == min(len(a & t), len(a - t))
    assert len(found.left) == len(left)
    assert left <= a & t
    assert joined <= a - t
    assert found.database.tolist() == sorted((t - left) | joined)
    assert len(found.database) == len(target)
    assert found.left.tolist() == sorted(left)
    assert found.joined.tolist() == sorted(joined)


def test_every_common_user_is_as_likely_to_leave():
    """Common are 0..5, others 6..8: half of the former leave, to 4 standard errors."""
    left = np.zeros(6)
    for seed in range(2000):
        rng = np.random.default_rng(seed)
        left[swap_members(np.arange(9), np.arange(6), rng).left] += 1
    assert np.allclose(left / 2000, 0.5, atol=4 * np.sqrt(0.25 / 2000))


def make_transitions(seed, n=240, n_users=12, songs=8):
    """Return (X, y, user): songs that mostly lead to the next, of users in random order."""
    rng = np.random.default_rng(seed)
    user = rng.integers(n_users, size=n)
    song = rng.integers(songs, size=n)
    y = np.where(rng.random(n) < 0.6, (song + 1) % songs, rng.integers(songs, size=n))
    return np.column_stack([song, rng.integers(3, size=n)]), y, user


def place_of(y, table, classes):
    """Return the rank of a song: after the more probable, and equals in class order."""
    order = sorted(range(len(classes)), key=lambda i: (-table[i], i))
    return 1 + [classes[i] for i in order].index(y)


def test_own_models_do_not_know_the_fold():
    """Against a bigram model of the other folds, transition by transition."""
    X, y, user = make_transitions(0)
    fold_of = deal_folds(12, 5, np.random.default_rng(1))[user]
    found = ask_own_models(BIGRAM, X, y, fold_of, lambda fold: fold)
    for j, fold in enumerate(fold_of):
        model = BigramClassifier().fit(X[fold_of != fold], y[fold_of != fold])
        (table,) = model.predict_proba(X[j : j + 1])
        classes = model.classes_.tolist()
        assert found.match[j] == (model.predict(X[j : j + 1])[0] == y[j])
        assert found.probability[j] == pytest.approx(table[classes.index(y[j])], abs=1e-15)
        assert found.rank[j] == place_of(y[j], table, classes)


def test_own_models_are_seeded_by_fold_and_answer_in_order():
    X, y, user = make_transitions(2)
    fold_of = deal_folds(12, 3, np.random.default_rng(3))[user]
    found = ask_own_models(FOREST, X, y, fold_of, lambda fold: 100 + fold)
    for fold in range(3):
        rows = fold_of == fold
        model = train(FOREST, X[~rows], y[~rows], 100 + fold)
        label, probability, rank = query(model, X[rows], y[rows])
        assert found.match[rows].tolist() == (label == y[rows]).tolist()
        assert found.probability[rows].tolist() == probability.tolist()
        assert found.rank[rows].tolist() == rank.tolist()


@pytest.mark.parametrize("recommender", [BIGRAM, FOREST], ids=["bigram", "forest"])
def test_order_of_transitions_does_not_matter_to_others(recommender):
    """One user's transitions are asked in another order, and answered in that order."""
    X, y, user = make_transitions(4)
    fold_of = (user % 2).astype(int)
    within = np.arange(len(y))
    zeros = np.flatnonzero(fold_of == 0)
    within[zeros] = zeros[::-1]  # of fold 0 alone, and so its model remains the same
    plain, mixed = (
        ask_own_models(recommender, X[rows], y[rows], fold_of[rows], lambda fold: 7)
        for rows in (np.arange(len(y)), within)
    )
    assert mixed.match[zeros].tolist() == plain.match[within][zeros].tolist()
    assert mixed.probability[zeros].tolist() == plain.probability[within][zeros].tolist()


def test_a_model_is_asked_about_others_than_it_knows():
    X, y, user = make_transitions(5)
    known, asked = user < 6, user >= 6
    found = ask_model(FOREST, (X[known], y[known]), (X[asked], y[asked]), 3)
    label, probability, rank = query(train(FOREST, X[known], y[known], 3), X[asked], y[asked])
    assert found.match.dtype == bool
    assert found.match.tolist() == (label == y[asked]).tolist()
    assert found.probability.tolist() == probability.tolist()
    assert found.rank.tolist() == rank.tolist()


def test_a_model_without_probabilities_tells_labels_alone():
    X, y, user = make_transitions(6)
    found = ask_own_models(LABELS_ONLY, X, y, user % 3, lambda fold: fold)
    assert found.probability is None
    assert found.rank is None
    for fold in range(3):
        rows = user % 3 == fold
        label = train(LABELS_ONLY, X[~rows], y[~rows], fold).predict(X[rows])
        assert found.match[rows].tolist() == (label == y[rows]).tolist()


def point(common, target, adversary="full", max_in_grid=True):
    return GridPoint(common, target, adversary, max_in_grid)


def test_users_are_attackable_where_both_groups_hold_twenty():
    # 247 users, c = 1: members t, others 247 - t.
    assert [is_attackable(point("1", str(t)), 247) for t in (19, 20, 227, 228)] == [0, 1, 1, 0]
    assert not is_attackable(point("1", "max"), 247)
    assert not is_attackable(point("1", "5000"), 247)
    assert not is_attackable(point("0", "100"), 247)
    # c = .5, s = 164: at t = 100 there are 50 common users.
    assert is_attackable(point("0.5", "100"), 247)
    assert not is_attackable(point("0.5", "38"), 247)  # 19 of them
    assert not is_attackable(point("0.5", "100", adversary="30"), 247)  # 15 common users


@pytest.mark.parametrize(
    ("common", "adversary", "expected"),
    [
        # s = 10,955: the largest with others is 7,500, and half of 10,955 is 5,477.
        ("1", "full", ["5000", "7500"]),
        # s = 7,303: its half is 3,651.
        ("0.5", "full", ["3000", "max"]),
        # s = 5,477.
        ("0", "full", []),
        # a = t: references are always smaller.
        ("0.5", "matched", ["max"]),
        # round(1000 / 2) common users of D_A at any t of 1,000 or more: half of a is 500.
        ("0.5", "1000", ["500", "max"]),
    ],
)
def test_reference_sizes_are_the_largest_and_the_largest_that_matches(common, adversary, expected):
    sizes = [*map(str, (100, 200, 500, 1000, 2000, 3000, 4000, 5000, 7500)), "max"]
    chosen = []
    for place, size in enumerate(sizes):
        larger = [point(common, other, adversary) for other in sizes[place + 1 :][:1] + ["max"]]
        larger = larger if size != "max" else []
        if is_reference_size(point(common, size, adversary), larger, 10_955):
            chosen.append(size)
    assert chosen == expected

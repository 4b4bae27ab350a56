from functools import cache, partial
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import false_discovery_control
from scipy.stats import t as student

from fidelity.comparisons import draw_references
from fidelity.emulation import rows_of
from fidelity.recommender import ask_model
from fidelity.responses import Responses, take
from fidelity.roc import area
from fidelity.scores import (
    SCORES,
    VERDICT_SCORES,
    BigramWithoutUser,
    Knowledge,
    References,
)
from fidelity.verdicts import estimate_shared_users, list_users, null_scores, p_values

from .made_up_users import SETTINGS, deal_halves, draw_case, take_transitions

seeds = st.integers(0, 2**32)
FOREST = {"estimator": "fidelity.forest.RandomForestClassifier", "n_estimators": 3}

tied = st.one_of(st.integers(-3, 3).map(float), st.floats(-10, 10))


@given(
    st.lists(st.one_of(tied, st.just(np.nan)), min_size=1, max_size=20),
    st.lists(tied, max_size=30),
)
def test_p_values_count_the_null_scores_at_least_as_large(value, null):
    found = p_values(np.array(value), np.array(null))
    for x, p in zip(value, found, strict=True):
        if np.isnan(x):
            assert np.isnan(p)
        else:
            assert p == (1 + sum(score >= x for score in null)) / (1 + len(null))


@pytest.mark.parametrize("n_null", [19, 25, 400])
def test_p_values_of_the_null_are_rarely_small(n_null):
    """P(p <= a) is floor(a (n + 1)) / (n + 1), at most a: of 2,000 cases, to 4 errors."""
    rng = np.random.default_rng(n_null)
    p = np.array([p_values(rng.random(1), rng.random(n_null))[0] for _ in range(2000)])
    for level in (0.05, 0.1, 0.5):
        exact = np.floor(level * (n_null + 1) + 1e-9) / (n_null + 1)
        error = np.sqrt(exact * (1 - exact) / len(p))
        assert exact <= level
        assert abs(np.mean(p <= level) - exact) <= 4 * error


def test_p_values_of_equal_scores_are_conservative():
    """Of a coin's scores half are 1, and their p is near .5, never below."""
    rng = np.random.default_rng(3)
    p = p_values(rng.integers(2, size=5000).astype(float), rng.integers(2, size=999).astype(float))
    assert np.mean(p <= 0.4) == 0
    assert set(np.round(p, 1)) == {0.5, 1.0}


chances = arrays(float, st.integers(1, 30), elements=st.floats(0.001, 1))


@given(chances, st.sampled_from([0.05, 0.1, 0.3]))
def test_listed_users_are_those_of_scipy(p, rate):
    adjusted = false_discovery_control(p, method="bh")
    # At the bound itself rounding decides.
    assume(np.all(np.abs(adjusted - rate) > 1e-12))
    assert list_users(p, rate).tolist() == (adjusted <= rate).tolist()


@given(chances, st.integers(1, 5), seeds)
def test_users_without_a_p_are_not_listed_nor_counted(p, n_missing, seed):
    p = p / 5  # so that some are listed
    place = np.random.default_rng(seed).permutation(len(p) + n_missing)
    found = list_users(np.append(p, np.full(n_missing, np.nan))[place], 0.1)
    assert found.tolist() == np.append(list_users(p, 0.1), [False] * n_missing)[place].tolist()


def test_listed_users_by_hand():
    # 2 of 4 at .1: .05 / 4 x 2 = .05; the first would not pass alone, the third does not.
    assert list_users(np.array([0.04, 0.9, 0.05, 0.08]), 0.1).tolist() == [1, 0, 1, 0]
    # The last passes, and so do all before it.
    assert list_users(np.array([0.09, 0.1, 0.099]), 0.1).tolist() == [1, 1, 1]
    assert list_users(np.array([0.5, 0.2]), 0.1).tolist() == [0, 0]
    assert list_users(np.array([np.nan, np.nan]), 0.1).tolist() == [0, 0]


def some_bigram(knowledge, rows):
    """Return a stand-in of a bigram model that depends on all the rows that it is made of."""
    return knowledge.bigram[rows] / (1 + np.arange(np.count_nonzero(rows)))


def null_of(name, knowledge):
    return null_scores(SCORES[name], knowledge, SETTINGS, partial(some_bigram, knowledge))


@pytest.mark.parametrize("name", VERDICT_SCORES)
@examples(max_examples=5)
@given(seeds)
def test_null_scores_are_of_users_outside_each_reference(name, seed):
    _, knowledge = draw_case(seed, n_pairs=4)
    said, knows = knowledge.references
    expected = []
    for r in range(len(knows)):
        rows = np.array([j for j, u in enumerate(knowledge.user) if not knows[r, u]])
        asked = take(Responses(*(values[r] for values in said)), rows)
        others = take_transitions(knowledge, rows)
        others = others._replace(bigram=others.bigram / (1 + np.arange(len(rows))))
        value = SCORES[name].of_users(asked, others, SETTINGS).value
        outside = [value[u] for u in range(knowledge.n_users) if not knows[r, u]]
        expected += [x for x in outside if not np.isnan(x)]
    assert np.allclose(null_of(name, knowledge), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", sorted(SCORES.keys() - set(VERDICT_SCORES)))
def test_scores_that_compare_with_models_of_the_adversarys_users_have_no_null(name):
    _, knowledge = draw_case(9)
    with pytest.raises(ValueError, match="has no null"):
        null_of(name, knowledge)


@examples(max_examples=20)
@given(seeds)
def test_null_of_matches_is_the_share_of_matches(seed):
    """From plain loops over models, users and transitions."""
    _, knowledge = draw_case(seed)
    said, knows = knowledge.references
    expected = [
        np.mean([said.match[r, j] for j in np.flatnonzero(knowledge.user == u)])
        for r in range(len(knows))
        for u in range(knowledge.n_users)
        if not knows[r, u]
    ]
    found = null_of("matches", knowledge)
    assert np.allclose(found, expected, atol=1e-12)


def test_null_scores_leave_out_who_has_none():
    _, knowledge = draw_case(10)
    knowledge = knowledge._replace(n_users=8)
    said, knows = knowledge.references
    knows = np.column_stack([knows, np.zeros(len(knows), bool)])  # a user without transitions
    knowledge = knowledge._replace(references=References(said, knows))
    found = null_of("matches", knowledge)
    assert len(found) == np.count_nonzero(~knows[:, :7])
    assert not np.isnan(found).any()


# Matches as coins, whose rates are known.


def plant_matches(rng, user, is_member, tpr, fpr):
    return rng.random(len(user)) < np.where(is_member[user], tpr, fpr)


def plant_case(rng, share, tpr, fpr, n_users=200, n_each=15, n_pairs=5):
    """Return (the target's matches, knowledge) where members match with probability tpr."""
    user = np.repeat(np.arange(n_users), n_each)
    knows = deal_halves(rng, n_users, n_pairs)
    match = np.array([plant_matches(rng, user, known, tpr, fpr) for known in knows])
    references = References(Responses(match, None, None), knows)
    is_member = rng.permutation(n_users) < share * n_users
    return plant_matches(rng, user, is_member, tpr, fpr), Knowledge(
        user, n_users, references=references
    )


def plant_deal(rng, share, n_users=100, n_pairs=8):
    """Return the same for models that match more or less often by whom they were trained on.

    Each user moves the match rate of a model that knows it. The target's users are as many as
    those of a reference model, but only `share` of the adversary's are among them.
    """
    trait = rng.normal(0, 0.3, size=2 * n_users)
    user = np.repeat(np.arange(n_users), 15)
    knows = deal_halves(rng, n_users, n_pairs)
    n_common = round(share * n_users)
    target = np.zeros(2 * n_users, bool)
    target[rng.permutation(n_users)[:n_common]] = True
    target[n_users : n_users + n_users // 2 - n_common] = True

    def match(known):
        shift = trait[: len(known)][known].mean()
        return plant_matches(rng, user, known[:n_users], 0.7 + shift, 0.4 + shift)

    references = References(Responses(np.array([match(k) for k in knows]), None, None), knows)
    return match(target), Knowledge(user, n_users, references=references)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_interval_of_shared_users_covers_the_truth(share):
    rng = np.random.default_rng(11)
    found = [estimate_shared_users(*plant_deal(rng, share)) for _ in range(200)]
    covered = np.mean([case.ci_low <= share <= case.ci_high for case in found])
    error = np.sqrt(0.95 * 0.05 / len(found))
    assert covered >= 0.95 - 4 * error
    estimates = np.array([case.estimate for case in found])
    assert abs(estimates.mean() - share) < 4 * estimates.std() / np.sqrt(len(found))
    # Neither does it cover by being wide: a normal 95 % interval is 3.92 errors.
    width = np.median([case.ci_high - case.ci_low for case in found])
    assert width < 1.5 * 3.92 * estimates.std()


def test_shared_users_of_an_adversary_with_an_empty_user_are_those_of_the_others():
    rng = np.random.default_rng(15)
    match, knowledge = plant_case(rng, 0.3, 0.7, 0.5)
    references = knowledge.references
    # As with pairs, as many models know the user without a transition as do not.
    knows = np.column_stack([references.knows, np.arange(len(references.knows)) % 2 == 0])
    more = Knowledge(
        knowledge.user,
        knowledge.n_users + 1,
        references=References(references.responses, knows),
    )
    expected, found = (estimate_shared_users(match, known) for known in (knowledge, more))
    assert found[:6] == pytest.approx(expected[:6])


def test_models_that_match_members_less_often_identify_no_share():
    found = estimate_shared_users(*plant_case(np.random.default_rng(16), 0.3, 0.3, 0.7))
    assert found.gap_high < 0
    assert found.estimate is None


def test_interval_of_the_gap_covers_the_truth():
    rng = np.random.default_rng(12)
    found = [estimate_shared_users(*plant_case(rng, 0.3, 0.7, 0.5)) for _ in range(200)]
    covered = np.mean([case.gap_low <= 0.2 <= case.gap_high for case in found])
    assert abs(covered - 0.95) < 4 * np.sqrt(0.95 * 0.05 / len(found))


def test_without_a_gap_the_share_is_not_identifiable():
    """In 97.5 % of cases, the interval being two-sided, to 4 standard errors."""
    rng = np.random.default_rng(13)
    found = [estimate_shared_users(*plant_case(rng, 0.3, 0.6, 0.6, 60)) for _ in range(200)]
    hidden = np.array([case.estimate is None for case in found])
    assert abs(hidden.mean() - 0.975) < 4 * np.sqrt(0.975 * 0.025 / len(found))
    for case in found:
        assert (case.estimate is None) == (case.gap_low <= 0)
        assert (case.ci_low is None) == (case.ci_high is None) == (case.estimate is None)


@examples(max_examples=20)
@given(seeds)
def test_shared_users_are_their_formula(seed):
    """From loops, for users with different numbers of transitions and halves of an odd number."""
    rng = np.random.default_rng(seed)
    _, knowledge = draw_case(seed, n_users=9, n_transitions=90, n_pairs=3)
    knows, user = knowledge.references.knows, knowledge.user
    match = np.array([plant_matches(rng, user, known, 0.95, 0.05) for known in knows])
    knowledge = knowledge._replace(references=References(Responses(match, None, None), knows))
    target = rng.random(len(user)) < 0.5
    found = estimate_shared_users(target, knowledge)

    def rates(row):
        return np.array([np.mean(row[user == u]) for u in range(9)])

    tpr = [np.mean(rates(row)[known]) for row, known in zip(match, knows, strict=True)]
    fpr = [np.mean(rates(row)[~known]) for row, known in zip(match, knows, strict=True)]
    gaps = [(tpr[i] - fpr[i] + tpr[i + 1] - fpr[i + 1]) / 2 for i in (0, 2, 4)]
    spread = student.ppf(0.975, 2) * np.std(gaps, ddof=1) / np.sqrt(3)
    assert found[:5] == pytest.approx(
        (
            np.mean(rates(target)),
            np.mean(tpr),
            np.mean(fpr),
            np.mean(gaps) - spread,
            np.mean(gaps) + spread,
        )
    )
    assume(found.estimate is not None)
    errors = []
    for r in range(6):
        rest = [i for i in range(6) if i // 2 != r // 2]
        low, high = np.mean([fpr[i] for i in rest]), np.mean([tpr[i] for i in rest])
        errors.append((np.mean(rates(match[r])) - low) / (high - low) - np.mean(knows[r]))
    estimate = (np.mean(rates(target)) - np.mean(fpr)) / (np.mean(tpr) - np.mean(fpr))
    k, a = sum(knows[0]), 9
    common = min(max(estimate * a, 0), k)
    # Variances of means of k traits about that of the a: of the target's, of a reference's.
    factor = (1 / k + 1 / a - 2 * common / (k * a)) / (1 / k - 1 / a)
    half = student.ppf(0.975, 3) * np.sqrt(factor * np.mean(np.square(errors)))
    assert found[5:] == pytest.approx((estimate, estimate - half, estimate + half))


# Users who listen to songs in habits of their own, and models of them: who is no member is
# accused no more often than promised.

SONGS, HABITS, N_ADVERSARY, N_TARGET, N_REFERENCES = 12, 3, 60, 30, 8


class Deal(NamedTuple):
    """Scores of the adversary's users by name, and p-values, when it is not or is a member."""

    scores: dict
    p: dict


def draw_listeners(rng, n_users):
    """Return (user, X, y): the next song mostly follows a common table, or a user's own habit."""
    n_each = rng.integers(8, 25, size=n_users)
    user = np.repeat(np.arange(n_users), n_each)
    common = rng.dirichlet(np.full(SONGS, 0.3), size=SONGS).cumsum(axis=1)
    # Few songs each, so that a user's transitions come again.
    favourites = rng.integers(SONGS, size=(n_users, HABITS))
    habit = rng.integers(SONGS, size=(n_users, SONGS))
    song = favourites[user, rng.integers(HABITS, size=len(user))]
    drawn = (rng.random(len(user))[:, None] > common[song]).sum(axis=1).clip(max=SONGS - 1)
    y = np.where(rng.random(len(user)) < 0.5, habit[user, song], drawn)
    return user, np.column_stack([song, rng.integers(2, size=len(user))]), y


def ask_about(known, user, X, y, asked, seed):
    own = rows_of(known, user)
    return ask_model(FOREST, (X[own], y[own]), (X[asked], y[asked]), seed)


def simulate_deal(seed, n_members):
    """Return the `Deal` of a target that has `n_members` of the adversary's users, and others."""
    rng = np.random.default_rng(seed)
    user, X, y = draw_listeners(rng, N_ADVERSARY + N_TARGET)
    target = np.arange(N_TARGET) + N_ADVERSARY - n_members
    asked = user < N_ADVERSARY
    adversary = np.arange(N_ADVERSARY)
    chosen = draw_references(adversary, N_TARGET, N_REFERENCES, rng)
    said = [ask_about(known, user, X, y, asked, seed + i) for i, known in enumerate(chosen)]
    knows = np.array([np.isin(adversary, known) for known in chosen])

    bigram_of = BigramWithoutUser(user[asked], X[asked, 0], y[asked], SONGS, 1.0)
    references = References(Responses(*(np.array(v) for v in zip(*said, strict=True))), knows)
    knowledge = Knowledge(user[asked], N_ADVERSARY, None, bigram_of(), references)
    responses = ask_about(target, user, X, y, asked, seed + N_REFERENCES)
    scores, p = {}, {}
    for name in VERDICT_SCORES:
        scores[name] = SCORES[name].of_users(responses, knowledge, SETTINGS).value
        null = null_scores(SCORES[name], knowledge, SETTINGS, bigram_of)
        p[name] = p_values(scores[name], null)
    return Deal(scores, p)


@cache
def simulate_deals(n_deals, n_members):
    return [simulate_deal(1000 * n_members + 100 * i, n_members) for i in range(n_deals)]


@pytest.mark.parametrize("name", VERDICT_SCORES)
def test_users_unknown_to_the_target_are_accused_no_more_often_than_promised(name):
    """Over 200 deals; the standard error is that of the mean over deals."""
    for level in (0.05, 0.1):
        accused = [np.mean(deal.p[name] <= level) for deal in simulate_deals(200, 0)]
        error = np.std(accused, ddof=1) / np.sqrt(len(accused))
        assert np.mean(accused) <= level + 4 * error


@pytest.mark.parametrize("name", VERDICT_SCORES)
def test_members_are_accused_more_often(name):
    """Without which the promise would be kept by accusing nobody."""
    members = [np.mean(deal.p[name][-N_TARGET:] <= 0.1) for deal in simulate_deals(20, N_TARGET)]
    error = np.std(members, ddof=1) / np.sqrt(len(members))
    assert np.mean(members) > 0.1 + 4 * error


@pytest.mark.parametrize("name", VERDICT_SCORES)
def test_random_labels_have_an_area_of_a_half(name):
    rng = np.random.default_rng(14)
    areas = []
    for deal in simulate_deals(200, 0)[:20]:
        member = rng.permutation(N_ADVERSARY) < N_ADVERSARY // 2
        areas.append(area(deal.scores[name], member))
    error = np.std(areas, ddof=1) / np.sqrt(len(areas))
    assert abs(np.mean(areas) - 0.5) < 4 * error

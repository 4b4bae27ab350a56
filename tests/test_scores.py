import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from scipy.stats import binom, norm, poisson_binom

from fidelity import scores
from fidelity.responses import Responses, take
from fidelity.scores import (
    ACCESS,
    SCORES,
    BigramWithoutUser,
    Knowledge,
    References,
    log_tails,
    match_rates,
    running_means,
)

from .made_up_users import SETTINGS, draw_case, take_transitions

seeds = st.integers(0, 2**32)


# The scores again, from their formulas, transition by transition.


def floored_log(probability):
    return math.log(max(probability, SETTINGS.epsilon))


def logit(probability):
    return math.log((probability + SETTINGS.epsilon) / (1 - probability + SETTINGS.epsilon))


def models_of(knowledge, j, with_user):
    knows = knowledge.references.knows
    return [r for r in range(len(knows)) if bool(knows[r, knowledge.user[j]]) == with_user]


def naive_rate(knowledge, j, with_user):
    match = knowledge.references.responses.match
    every = [
        bool(match[r, i])
        for i in range(len(knowledge.user))
        for r in models_of(knowledge, i, with_user)
    ]
    mean = (sum(every) + 1) / (len(every) + 2)
    own = [bool(match[r, j]) for r in models_of(knowledge, j, with_user)]
    if not own:
        return None
    return (sum(own) + SETTINGS.prior * mean) / (len(own) + SETTINGS.prior)


def naive_gaussian(knowledge, j, with_user):
    """Return the mean of phi for j and the deviation pooled over all transitions."""
    probability = knowledge.references.responses.probability
    phi = [
        [logit(probability[r, i]) for r in models_of(knowledge, i, with_user)]
        for i in range(len(knowledge.user))
    ]
    squares = sum((x - np.mean(row)) ** 2 for row in phi for x in row)
    spare = sum(len(row) - 1 for row in phi if row)
    return (np.mean(phi[j]) if phi[j] else None), math.sqrt(squares / spare)


def calibrated_match(responses, knowledge, j):
    return int(responses.match[j]) - knowledge.own.probability[j]


def rare_match(responses, knowledge, j):
    return -math.log(knowledge.bigram[j]) if responses.match[j] else 0.0


def bernoulli_online(responses, knowledge, j):
    a, b = (naive_rate(knowledge, j, with_user) for with_user in (True, False))
    if a is None or b is None:
        return None
    return math.log(a / b) if responses.match[j] else math.log((1 - a) / (1 - b))


def calibrated_log(responses, knowledge, j):
    return floored_log(responses.probability[j]) - floored_log(knowledge.own.probability[j])


def markov(responses, knowledge, j):
    return floored_log(responses.probability[j]) - math.log(knowledge.bigram[j])


def gaussian_online(responses, knowledge, j):
    phi = logit(responses.probability[j])
    inside, outside = (naive_gaussian(knowledge, j, with_user) for with_user in (True, False))
    if inside[0] is None or outside[0] is None:
        return None
    return norm.logpdf(phi, *inside) - norm.logpdf(phi, *outside)


def gaussian_offline(responses, knowledge, j):
    mean, deviation = naive_gaussian(knowledge, j, with_user=False)
    return None if mean is None else (logit(responses.probability[j]) - mean) / deviation


def likelihood_ratio(responses, knowledge, j):
    among = [float(p) for p in knowledge.references.responses.probability[:, j]]
    return floored_log(responses.probability[j]) - floored_log(sum(among) / len(among))


TERMS = {
    "matches": lambda responses, knowledge, j: int(responses.match[j]),
    "calibrated matches": calibrated_match,
    "rare matches": rare_match,
    "Bernoulli LiRA online": bernoulli_online,
    "top-k matches": lambda responses, knowledge, j: int(responses.rank[j] <= SETTINGS.k),
    "log-likelihood": lambda responses, knowledge, j: floored_log(responses.probability[j]),
    "calibrated log-likelihood": calibrated_log,
    "Markov ratio": markov,
    "LiRA online": gaussian_online,
    "LiRA offline": gaussian_offline,
}


def means_of(term, responses, knowledge):
    """Return (means of each user, numbers of terms); a term that is None is left out."""
    found = [[] for _ in range(knowledge.n_users)]
    for j, user in enumerate(knowledge.user):
        value = term(responses, knowledge, j)
        if value is not None:
            found[user].append(value)
    means = [math.fsum(terms) / len(terms) if terms else math.nan for terms in found]
    return means, [len(terms) for terms in found]


def exact_tail(coins, hits):
    """Return P(S >= hits) of independent coins, as a fraction of whole numbers."""
    distribution = [Fraction(1)]
    for coin in map(Fraction, coins):
        missed = [(1 - coin) * mass for mass in distribution] + [Fraction(0)]
        hit = [Fraction(0)] + [coin * mass for mass in distribution]
        distribution = [a + b for a, b in zip(missed, hit, strict=True)]
    return sum(distribution[hits:], Fraction(0))


def exact_log(fraction):
    """Return the logarithm of a fraction, which may be too small for a double or almost 1."""
    if fraction > Fraction(1, 2):
        return math.log1p(float(fraction - 1))
    return math.log(fraction.numerator) - math.log(fraction.denominator)


def exact_binomial_tail(n, p, hits):
    """Return the same for n equal coins."""
    up, whole = Fraction(p).numerator, Fraction(p).denominator
    outcomes = sum(math.comb(n, k) * up**k * (whole - up) ** (n - k) for k in range(hits, n + 1))
    return Fraction(outcomes, whole**n)


def naive_bernoulli_offline(responses, knowledge):
    found, numbers = [], []
    for user in range(knowledge.n_users):
        rows = [
            j
            for j in np.flatnonzero(knowledge.user == user)
            if naive_rate(knowledge, j, with_user=False) is not None
        ]
        coins = [naive_rate(knowledge, j, with_user=False) for j in rows]
        hits = sum(bool(responses.match[j]) for j in rows)
        found.append(-exact_log(exact_tail(coins, hits)) if rows else math.nan)
        numbers.append(len(rows))
    return found, numbers


def naive_rmia(responses, knowledge, gamma):
    ratios, numbers = means_of(likelihood_ratio, responses, knowledge)
    known = [user for user in range(knowledge.n_users) if numbers[user]]
    shares = []
    for user in range(knowledge.n_users):
        others = [z for z in known if z != user]
        reached = [math.exp(ratios[user] - ratios[z]) >= gamma for z in others]
        shares.append(sum(reached) / max(len(others), 1) if numbers[user] else math.nan)
    return shares, numbers


def naive(name, responses, knowledge):
    if name == "Bernoulli LiRA offline":
        return naive_bernoulli_offline(responses, knowledge)
    if name == "RMIA":
        return naive_rmia(responses, knowledge, SETTINGS.gamma)
    return means_of(TERMS[name], responses, knowledge)


def score(name, responses, knowledge):
    return SCORES[name].of_users(responses, knowledge, SETTINGS)


def test_every_score_is_checked():
    assert sorted(SCORES) == sorted([*TERMS, "Bernoulli LiRA offline", "RMIA"])
    assert {found.access for found in SCORES.values()} == set(ACCESS)


@pytest.mark.parametrize("name", SCORES)
@examples(max_examples=5)
@given(seeds)
def test_scores_are_their_formulas(name, seed):
    responses, knowledge = draw_case(seed, n_transitions=40)
    found = score(name, responses, knowledge)
    value, observations = naive(name, responses, knowledge)
    assert found.observations.tolist() == observations
    assert np.allclose(found.value, value, rtol=1e-9, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("name", SCORES)
def test_scores_ask_for_no_more_than_they_say(name):
    """Hidden from it, what a score does not list is not missed."""
    responses, knowledge = draw_case(1)
    needs, access = SCORES[name].needs, ACCESS.index(SCORES[name].access)
    hidden = {field: None for field in ("own", "bigram", "references") if field not in needs}
    rank = responses.rank if access >= ACCESS.index("top-k") else None
    probability = responses.probability if access >= ACCESS.index("probability") else None
    told = Responses(responses.match, probability, rank)
    found = score(name, told, knowledge._replace(**hidden))
    assert np.array_equal(found.value, score(name, responses, knowledge).value, equal_nan=True)


@pytest.mark.parametrize("name", SCORES)
@examples(max_examples=10)
@given(seeds)
def test_order_of_transitions_does_not_matter(name, seed):
    responses, knowledge = draw_case(seed)
    order = np.random.default_rng(seed).permutation(len(knowledge.user))
    plain = score(name, responses, knowledge)
    mixed = score(name, take(responses, order), take_transitions(knowledge, order))
    assert mixed.observations.tolist() == plain.observations.tolist()
    assert np.allclose(mixed.value, plain.value, rtol=1e-9, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("name", SCORES)
def test_a_user_without_transitions_has_no_score(name):
    responses, knowledge = draw_case(2)
    rows = np.flatnonzero(knowledge.user != 3)
    found = score(name, take(responses, rows), take_transitions(knowledge, rows))
    assert np.flatnonzero(np.isnan(found.value)).tolist() == [3]
    assert found.observations[3] == 0
    assert found.observations.sum() == len(rows)


@pytest.mark.parametrize("name", ["matches", "rare matches", "Bernoulli LiRA offline"])
@examples(max_examples=30)
@given(seeds)
def test_a_match_more_is_never_less_suspicious(name, seed):
    responses, knowledge = draw_case(seed)
    before = score(name, responses, knowledge).value
    for j in np.flatnonzero(~responses.match)[:10]:
        match = responses.match.copy()
        match[j] = True
        after = score(name, responses._replace(match=match), knowledge).value
        user = knowledge.user[j]
        assert after[user] >= before[user] - 1e-12
        assert np.array_equal(np.delete(after, user), np.delete(before, user), equal_nan=True)


def test_scores_by_hand():
    """Two users, of three transitions and one."""
    knowledge = Knowledge(
        user=np.array([0, 1, 0, 0]),
        n_users=2,
        own=Responses(None, np.array([0.5, 0.25, 0.25, 0.0]), None),
        bigram=np.array([0.5, 0.25, 0.125, 1.0]),
    )
    responses = Responses(
        np.array([True, True, False, True]), np.array([0.5, 1, 0, 0.125]), np.array([1, 1, 3, 4])
    )
    by_hand = {
        "matches": [2 / 3, 1],
        "calibrated matches": [(0.5 - 0.25 + 1) / 3, 0.75],
        "rare matches": [math.log(2) / 3, math.log(4)],
        "top-k matches": [2 / 3, 1],
        "log-likelihood": [math.log(0.5 * 0.001 * 0.125) / 3, 0],
        "calibrated log-likelihood": [math.log(1 * 0.004 * 125) / 3, math.log(4)],
        "Markov ratio": [math.log(1 * 0.008 * 0.125) / 3, math.log(4)],
    }
    for name, expected in by_hand.items():
        found = score(name, responses, knowledge)
        assert found.value == pytest.approx(expected, abs=1e-12)
        assert found.observations.tolist() == [3, 1]


def make_references(match, knows, probability=None):
    return References(Responses(np.array(match), probability, None), np.array(knows))


def test_match_rates_by_hand():
    """Models 0 and 1 know user 0, model 2 user 1; prior 2."""
    knowledge = Knowledge(
        user=np.array([0, 0, 1]),
        n_users=2,
        references=make_references(
            [[True, False, True], [True, True, True], [False, True, False]],
            [[True, False], [True, False], [False, True]],
        ),
    )
    # With: 2 and 1 of 2, 0 of 1; the mean is (3 + 1) / (5 + 2).
    inside = [(2 + 8 / 7) / 4, (1 + 8 / 7) / 4, (8 / 7) / 3]
    assert match_rates(knowledge, 2.0, with_user=True) == pytest.approx(inside)
    # Without: 0 and 1 of 1, 2 of 2; the mean is (3 + 1) / (4 + 2).
    outside = [(4 / 3) / 3, (1 + 4 / 3) / 3, (2 + 4 / 3) / 4]
    assert match_rates(knowledge, 2.0, with_user=False) == pytest.approx(outside)


def with_knows(knowledge, user, knows):
    changed = knowledge.references.knows.copy()
    changed[:, user] = knows
    return knowledge._replace(references=knowledge.references._replace(knows=changed))


LIRA = [name for name in SCORES if "LiRA" in name]
ONLINE = [name for name in LIRA if name.endswith("online")]
UNSERVED = [*((name, True) for name in LIRA), *((name, False) for name in ONLINE)]


@pytest.mark.parametrize(("name", "knows"), UNSERVED)
def test_a_user_whom_no_reference_serves_has_no_score(name, knows):
    """All models know it, or none does; the scores of others leave its transitions out."""
    responses, knowledge = draw_case(3, n_transitions=40)
    knowledge = with_knows(knowledge, 2, knows)
    found = score(name, responses, knowledge)
    value, observations = naive(name, responses, knowledge)
    assert np.isnan(found.value[2])
    assert found.observations[2] == 0
    assert found.observations.tolist() == observations
    assert np.allclose(found.value, value, rtol=1e-9, atol=1e-9, equal_nan=True)


@pytest.mark.parametrize("name", ["Bernoulli LiRA offline", "LiRA offline"])
def test_offline_scores_do_without_models_of_the_user(name):
    """Nothing changes when the models that know users answer otherwise."""
    responses, knowledge = draw_case(4)
    said, knows = knowledge.references
    of_user = knows[:, knowledge.user]
    other = said._replace(
        match=said.match ^ of_user, probability=np.where(of_user, 0.5, said.probability)
    )
    changed = knowledge._replace(references=References(other, knows))
    expected = score(name, responses, knowledge).value
    assert np.array_equal(score(name, responses, changed).value, expected, equal_nan=True)


def test_transitions_that_nobody_serves_count_for_nothing():
    """A term that is not a number is left out of its user's mean, and not counted."""
    responses, knowledge = draw_case(5)
    unknown = np.flatnonzero(knowledge.user == knowledge.user[0])[:1]
    holes = knowledge.bigram.copy()
    holes[unknown] = np.nan
    rest = np.delete(np.arange(len(knowledge.user)), unknown)
    for name in ("rare matches", "Markov ratio"):
        found = score(name, responses, knowledge._replace(bigram=holes))
        without = score(name, take(responses, rest), take_transitions(knowledge, rest))
        assert found.observations.tolist() == without.observations.tolist()
        assert np.allclose(found.value, without.value, equal_nan=True)


@pytest.mark.parametrize("name", ["LiRA online", "LiRA offline"])
def test_lira_is_nothing_where_references_do_not_differ(name):
    responses, knowledge = draw_case(6)
    said, knows = knowledge.references
    same = said._replace(probability=np.full(said.probability.shape, 0.3))
    alike = knowledge._replace(references=References(same, knows))
    assert np.isnan(score(name, responses, alike).value).all()
    # A pair has no more than one model of either kind, and so no spread.
    pair = References(Responses(*(values[:2] for values in said)), knows[:2])
    whole = pair._replace(knows=np.array([np.arange(7) < 3, np.arange(7) >= 3]))
    alone = knowledge._replace(references=whole)
    assert np.isnan(score(name, responses, alone).value).all()


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
@examples(max_examples=25)
@given(seeds, st.integers(1, 15))
def test_rmia_is_the_share_of_pairs(gamma, seed, n_users):
    responses, knowledge = draw_case(seed, n_users, n_pairs=2) if n_users > 1 else draw_one(seed)
    # Nearer together than random users are, so that ratios of either side of gamma come up.
    responses = responses._replace(probability=0.2 + 0.1 * responses.probability)
    found = SCORES["RMIA"].of_users(responses, knowledge, SETTINGS._replace(gamma=gamma))
    value, observations = naive_rmia(responses, knowledge, gamma)
    assert found.observations.tolist() == observations
    assert found.value == pytest.approx(value, abs=1e-12)


def draw_one(seed):
    """Return a case of one user alone, who can be compared with nobody."""
    responses, knowledge = draw_case(seed, 2)
    return responses, knowledge._replace(user=np.zeros_like(knowledge.user), n_users=1)


def test_rmia_of_equal_users():
    """Two of three are equal: each reaches a ratio of 1 with the other, but not of 2."""
    user = np.array([0, 1, 2])
    references = make_references(np.ones((2, 3), bool), np.eye(3)[:2] > 0, np.full((2, 3), 0.25))
    knowledge = Knowledge(user, 3, references=references)
    responses = Responses(None, np.array([0.5, 0.5, 0.1]), None)
    for gamma, expected in [(1.0, [1, 1, 0]), (2.0, [0.5, 0.5, 0]), (0.1, [1, 1, 1])]:
        found = SCORES["RMIA"].of_users(responses, knowledge, SETTINGS._replace(gamma=gamma))
        assert found.value.tolist() == expected


coins = st.floats(1e-6, 1 - 1e-6)


@given(st.lists(st.tuples(coins, st.booleans()), max_size=8))
def test_tails_are_those_of_all_outcomes(drawn):
    """Every outcome of a few coins, one by one."""
    chances, hit = [p for p, _ in drawn], sum(hit for _, hit in drawn)
    reached = [
        math.prod(p if up else 1 - p for p, up in zip(chances, outcome, strict=True))
        for outcome in product([False, True], repeat=len(chances))
        if sum(outcome) >= hit
    ]
    (found,) = log_tails(np.array(chances), np.zeros(len(chances), int), np.array([hit]))
    assert found == pytest.approx(math.log(math.fsum(reached)), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("cells", [1, 7, 40, 1 << 20])
def test_tails_of_users_with_different_numbers_of_coins(cells, monkeypatch):
    """In blocks of one user, of a few, and all at once; users come mixed up, some without."""
    monkeypatch.setattr(scores, "_BLOCK_CELLS", cells)
    rng = np.random.default_rng(7)
    n_coins = np.append([0, 30, 1, 0], rng.integers(1, 15, size=20))
    user = rng.permutation(np.repeat(np.arange(len(n_coins)), n_coins))
    probability = rng.uniform(0.01, 0.99, size=len(user))
    hits = rng.integers(0, n_coins + 1)
    found = log_tails(probability, user, hits)
    for u, tail in enumerate(found):
        own = probability[user == u]
        assert tail == pytest.approx(exact_log(exact_tail(own, hits[u])), rel=1e-12, abs=1e-14)
        if len(own):
            others = poisson_binom(own).sf(hits[u] - 1)
            assert math.exp(tail) == pytest.approx(others, abs=1e-12)
    assert found[[0, 3]].tolist() == [0, 0]


def test_tails_of_equal_coins_are_binomial():
    n, hits = 60, np.arange(61)
    for p in (0.01, 0.3, 0.9):
        user = np.repeat(hits, n)
        found = log_tails(np.full(len(user), p), user, hits)
        expected = binom.logsf(hits - 1, n, p)
        assert np.allclose(found, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    ("n", "p", "hits"), [(160, 0.01, 155), (400, 0.01, 300), (250, 1e-6, 250), (300, 1e-6, 180)]
)
def test_tails_too_small_for_a_double_are_exact(n, p, hits):
    # In logarithms, so that 1e-300 and 1e-1500 are as exact as .5.
    expected = exact_log(exact_binomial_tail(n, p, hits))
    assert expected < -300 * math.log(10)
    (found,) = log_tails(np.full(n, p), np.zeros(n, int), np.array([hits]))
    assert found == pytest.approx(expected, rel=1e-12)


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40
    ),
    st.sampled_from([0.1, 1.0, 3.0]),
)
def test_bigram_without_user_is_refitted_on_others(rows, smoothing):
    user, song, next_song = (np.array(column) for column in zip(*rows, strict=True))
    found = BigramWithoutUser(user, song, next_song, 4, smoothing)()
    for j, (u, s, t) in enumerate(rows):
        others = [(a, b) for v, a, b in rows if v != u]
        of_song = sum(a == s for a, _ in others)
        expected = (others.count((s, t)) + smoothing) / (of_song + 4 * smoothing)
        assert found[j] == pytest.approx(expected, rel=1e-12)


def test_bigram_without_user_is_a_distribution():
    """Over all next songs the probabilities that one user's transitions have add to one."""
    rng = np.random.default_rng(8)
    user = np.append(rng.integers(5, size=300), np.full(6, 9))
    song, next_song = np.append(rng.integers(6, size=300), np.full(6, 2)), np.arange(306) % 6
    found = BigramWithoutUser(user, song, next_song, 6, 0.5)()
    assert found[300:].sum() == pytest.approx(1, rel=1e-12)


def test_bigram_counts_narrow_codes_without_overflow():
    song, next_song = np.array([200, 200, 255], np.uint8), np.array([255, 255, 0], np.uint8)
    found = BigramWithoutUser(np.array([0, 1, 2], np.uint8), song, next_song, 256, 1.0)()
    assert found == pytest.approx([2 / 257, 2 / 257, 1 / 256])


@given(seeds, st.integers(1, 12))
def test_running_means_are_of_the_first_transitions(seed, n_max):
    responses, knowledge = draw_case(seed)
    terms = np.where(responses.match, np.nan, responses.probability)
    found = running_means(terms, knowledge, n_max)
    assert found.shape == (knowledge.n_users, n_max)
    for user in range(knowledge.n_users):
        own = terms[knowledge.user == user]
        for n in range(1, n_max + 1):
            first = own[:n][~np.isnan(own[:n])]
            expected = first.mean() if len(first) else np.nan
            assert found[user, n - 1] == pytest.approx(expected, nan_ok=True)

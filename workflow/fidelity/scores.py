"""User-level scores: how much a user looks like one of the target's.

The adversary knows its user u's transitions j = 1..n, each a row x_j = (s_j, t_j) and the song
y_j that came next. It asks the target's model m_T and gets, as far as the *access* goes,

    c_j = [m_T(x_j) = y_j]   the match (access label),
    r_j                      the rank of y_j by descending probability (top-k, where r_j <= k),
    p_j = m_T(y_j | x_j)     the probability of y_j (probability).

Of its own it knows what a model of its other users gives y_j, p_A^{-u}(y_j | x_j); a bigram
model of its other users, q^{-u}(y_j | s_j); and R *reference models* m_r of random halves of
its users, of which some were trained with u and some without. Probabilities are floored at
epsilon before their logarithm is taken.

A score is a number a user, larger where the user is more suspicious: the mean of its *terms*, one
a transition, over the user's transitions, so that users with more transitions do not look more
suspicious (a tail is no mean, and RMIA compares the mean with others'). A transition that no model
can serve is left out.

References
----------
Danhier, Massart and Standaert, "Fidelity Leakages". Choquette-Choo et al. 2021, Label-only
membership inference attacks. Watson et al. 2022, On the importance of difficulty calibration
in membership inference attacks. Carlini et al. 2022, Membership inference attacks from first
principles (LiRA). Zarifzadeh et al. 2024, Low-cost high-power membership inference attacks
(RMIA).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .codes import distinct_rows
from .responses import Responses

ACCESS = ["label", "top-k", "probability"]  # each grants what those before it grant
_BLOCK_CELLS = 1 << 20


class References(NamedTuple):
    """What the R reference models say, and whom they know.

    `responses` has arrays of shape (R, transitions). `knows` is bool, shape (R, users): whether
    the model was trained on the user. Models 2i and 2i + 1 are of complementary halves.
    """

    responses: Responses
    knows: np.ndarray


class Knowledge(NamedTuple):
    """What the adversary knows without asking the target.

    user : int, shape (transitions,)
        Whose transition it is: users are numbered from 0.
    n_users : int
    own : Responses
        Of models trained on the adversary's users, but not on the transition's.
    bigram : shape (transitions,)
        q^{-u}(y_j | s_j), above 0.
    references : References or None
    """

    user: np.ndarray
    n_users: int
    own: Responses | None = None
    bigram: np.ndarray | None = None
    references: References | None = None


class Settings(NamedTuple):
    """The numbers that scores depend on.

    epsilon : float
        Below 1/2; the least probability whose logarithm is taken.
    k : int
        How many songs the target's model recommends, for `top_k_matches`.
    gamma : float
        What a ratio of likelihood ratios must reach in `rmia`.
    prior : float
        How many reference models the mean match rate counts for, in `bernoulli_lira`.
    """

    epsilon: float
    k: int
    gamma: float
    prior: float


class UserScores(NamedTuple):
    """The score of each user, NaN for one without a transition that counts, and their number."""

    value: np.ndarray
    observations: np.ndarray


def matches(responses, knowledge, settings):
    """Return c_j, of which the score is the share of matches."""
    return responses.match.astype(float)


def calibrated_matches(responses, knowledge, settings):
    """Return c_j - p_A^{-u}(y_j | x_j): matches that are hard to foretell count more.

    Watson et al. 2022.
    """
    return responses.match - knowledge.own.probability


def rare_matches(responses, knowledge, settings):
    """Return c_j (-log q^{-u}(y_j | s_j)): each match by its surprise, in nats."""
    return responses.match * -np.log(knowledge.bigram)


def bernoulli_lira_online(responses, knowledge, settings):
    """Return c_j log(a_j / b_j) + (1 - c_j) log((1 - a_j) / (1 - b_j)).

    a_j and b_j are the match rates of y_j in reference models with and without u, shrunk to
    their mean over all transitions (`match_rates`). After Carlini et al. 2022, for labels.
    """
    inside = match_rates(knowledge, settings.prior, with_user=True)
    outside = match_rates(knowledge, settings.prior, with_user=False)
    return np.where(responses.match, np.log(inside / outside), np.log((1 - inside) / (1 - outside)))


def bernoulli_lira_offline(responses, knowledge, settings):
    """Return b_j, the match rate in reference models without u, as in `bernoulli_lira_online`."""
    return match_rates(knowledge, settings.prior, with_user=False)


def log_likelihood(responses, knowledge, settings):
    """Return log p_j."""
    return _log(responses.probability, settings)


def calibrated_log_likelihood(responses, knowledge, settings):
    """Return log p_j - log p_A^{-u}(y_j | x_j). Watson et al. 2022."""
    return _log(responses.probability, settings) - _log(knowledge.own.probability, settings)


def markov_ratio(responses, knowledge, settings):
    """Return log p_j - log q^{-u}(y_j | s_j)."""
    return _log(responses.probability, settings) - np.log(knowledge.bigram)


def lira_online(responses, knowledge, settings):
    """Return log N(phi_j; mu_in, sigma_in) - log N(phi_j; mu_out, sigma_out).

    phi = log((p + epsilon) / (1 - p + epsilon)). mu_in and mu_out are the means of phi over the
    reference models with and without u, of each transition; sigma_in and sigma_out are pooled
    over all transitions. NaN for all where such models never differ, or no transition has two of
    either kind. Carlini et al. 2022, section 5.
    """
    phi = _logit(responses.probability, settings)
    inside, sigma_in = _gaussian(knowledge, settings, with_user=True)
    outside, sigma_out = _gaussian(knowledge, settings, with_user=False)
    terms = ((phi - outside) / sigma_out) ** 2 - ((phi - inside) / sigma_in) ** 2
    return terms / 2 + np.log(sigma_out / sigma_in)


def lira_offline(responses, knowledge, settings):
    """Return (phi_j - mu_out) / sigma_out, as in `lira_online`, also where it is NaN."""
    outside, sigma_out = _gaussian(knowledge, settings, with_user=False)
    return (_logit(responses.probability, settings) - outside) / sigma_out


def rmia(responses, knowledge, settings):
    """Return log p_j - log pbar_j, pbar_j the mean of y_j's probability over all references.

    Its mean over a user's transitions is log LR(u). Zarifzadeh et al. 2024.
    """
    mean = knowledge.references.responses.probability.mean(axis=0, dtype=float)
    return _log(responses.probability, settings) - _log(mean, settings)


def top_k_matches(responses, knowledge, settings):
    """Return [r_j <= k], of which the score is the share of songs among the k most probable."""
    return (responses.rank <= settings.k).astype(float)


def combine_by_mean(terms, responses, knowledge, settings):
    """Return 1/n sum of the terms of each user."""
    return mean_by_user(terms, knowledge)


def combine_by_tail(rates, responses, knowledge, settings):
    """Return -log P(S >= sum c_j) in nats, S a sum of independent coins of these rates."""
    served = ~np.isnan(rates)
    user, match = knowledge.user[served], responses.match[served]
    observations = np.bincount(user, minlength=knowledge.n_users)
    hits = np.bincount(user, match, minlength=knowledge.n_users).astype(int)
    tails = log_tails(rates[served], user, hits)
    return UserScores(np.where(observations > 0, -tails, np.nan), observations)


def combine_by_comparison(log_ratio, responses, knowledge, settings):
    """Return the share of the other users z of D_A for whom LR(u) / LR(z) >= gamma.

    The users compared with are contaminated: some are members themselves, which the adversary
    cannot tell. Zarifzadeh et al. 2024.
    """
    log_ratio, observations = mean_by_user(log_ratio, knowledge)
    known = np.sort(log_ratio[~np.isnan(log_ratio)])
    bound = np.log(settings.gamma)
    reached = np.searchsorted(known, log_ratio - bound, side="right") - (bound <= 0)
    share = reached / max(len(known) - 1, 1)
    return UserScores(np.where(np.isnan(log_ratio), np.nan, share), observations)


class Score(NamedTuple):
    """A score: what it must be granted, what it needs to be known, and its functions.

    `access` is one of `ACCESS`; `needs` are fields of `Knowledge`. `terms(responses, knowledge,
    settings)` returns a number a transition, and `combine(terms, responses, knowledge, settings)`
    the `UserScores`.
    """

    access: str
    needs: frozenset
    terms: Callable
    combine: Callable = combine_by_mean

    def of_users(self, responses, knowledge, settings):
        """Return the `UserScores`."""
        terms = self.terms(responses, knowledge, settings)
        return self.combine(terms, responses, knowledge, settings)


_OWN, _BIGRAM, _REFERENCES = (frozenset([name]) for name in ("own", "bigram", "references"))
SCORES = {
    "matches": Score("label", frozenset(), matches),
    "calibrated matches": Score("label", _OWN, calibrated_matches),
    "rare matches": Score("label", _BIGRAM, rare_matches),
    "Bernoulli LiRA online": Score("label", _REFERENCES, bernoulli_lira_online),
    "Bernoulli LiRA offline": Score("label", _REFERENCES, bernoulli_lira_offline, combine_by_tail),
    "top-k matches": Score("top-k", frozenset(), top_k_matches),
    "log-likelihood": Score("probability", frozenset(), log_likelihood),
    "calibrated log-likelihood": Score("probability", _OWN, calibrated_log_likelihood),
    "Markov ratio": Score("probability", _BIGRAM, markov_ratio),
    "LiRA online": Score("probability", _REFERENCES, lira_online),
    "LiRA offline": Score("probability", _REFERENCES, lira_offline),
    "RMIA": Score("probability", _REFERENCES, rmia, combine_by_comparison),
}

# Those whose null distribution the reference models tell (`verdicts.null_scores`).
VERDICT_SCORES = [name for name, score in SCORES.items() if score.needs <= _BIGRAM]


class BigramWithoutUser:
    """q^{-u}(y_j | s_j) of transitions: a bigram model of all users but the transition's own.

    q^{-u}(s' | s) = (n(s, s') - n_u(s, s') + alpha) / (n(s) - n_u(s) + alpha V), where n counts
    the transitions of all users and n_u those of the transition's user u, V is the number of
    songs, and alpha the `smoothing`.

    Parameters
    ----------
    user, song, next_song : int, not negative, shape (transitions,)
    n_songs : int
    smoothing : float
        Above 0.
    """

    def __init__(self, user, song, next_song, n_songs, smoothing):
        self.n_songs, self.smoothing = n_songs, smoothing
        _, pair = distinct_rows([song, next_song])
        # The value of each transition, and how many of its user's own have that value.
        self._counted = [(value, _count(distinct_rows([value, user])[1])) for value in (pair, song)]

    def __call__(self, chosen=slice(None)):
        """Return q^{-u} of the chosen transitions, shape (chosen,), from these alone.

        Parameters
        ----------
        chosen : bool, shape (transitions,)
            All transitions of a user or none of them.
        """
        of_pair, of_song = (_count(value[chosen]) - own[chosen] for value, own in self._counted)
        return (of_pair + self.smoothing) / (of_song + self.smoothing * self.n_songs)


def match_rates(knowledge, prior, with_user):
    """Return the match rate of each transition in reference models with, or without, its user.

    (k + prior m) / (R' + prior), where k of the R' models match and m is the mean of all such
    matches (one more of either outcome keeps it off 0 and 1): the mean of a Beta distribution.
    NaN where there is no such model.

    Returns
    -------
    array, shape (transitions,)
    """
    chosen = knowledge.references.knows[:, knowledge.user] == with_user
    models = chosen.sum(axis=0)
    matched = (knowledge.references.responses.match & chosen).sum(axis=0)
    mean = (matched.sum() + 1) / (models.sum() + 2)
    return np.where(models > 0, (matched + prior * mean) / (models + prior), np.nan)


def log_tails(probability, user, hits):
    """Return log P(S_u >= hits_u) of each user, S_u the sum of the user's independent coins.

    The Poisson-binomial distribution, by convolution of the coins in logarithms, so that no
    tail is lost to rounding; time is the sum of the squared numbers of coins.

    Parameters
    ----------
    probability : shape (coins,)
        Within (0, 1).
    user : int, shape (coins,)
    hits : int, shape (users,)

    Returns
    -------
    array, shape (users,)
        0 for a user without coins.
    """
    n_coins = np.bincount(user, minlength=len(hits))
    coins = probability[np.argsort(user, kind="stable")]
    first = np.cumsum(n_coins) - n_coins
    by_length = np.argsort(n_coins, kind="stable")
    tails = np.empty(len(hits))
    start = 0
    while start < len(hits):
        # Of like numbers of coins, so that little is padded.
        longest = n_coins[by_length[start:]]
        cells = longest * np.arange(1, len(longest) + 1)
        end = start + max(1, int(np.searchsorted(cells, _BLOCK_CELLS)))
        users = by_length[start:end]
        width = n_coins[users].max()
        place = np.arange(width)
        is_coin = place < n_coins[users][:, None]
        table = np.zeros((len(users), width))
        table[is_coin] = coins[(first[users][:, None] + place)[is_coin]]
        tails[users] = _log_tails_of_rows(table, hits[users])
        start = end
    return tails


def _count(value):
    """Return how many rows have the row's value."""
    return np.bincount(value)[value]


def _log_tails_of_rows(probability, hits):
    """Return the same for coins in rows, shape (users, coins); a coin of 0 is none."""
    n_users, n_coins = probability.shape
    with np.errstate(divide="ignore"):
        log_hit, log_miss = np.log(probability), np.log1p(-probability)
    distribution = np.full((n_users, n_coins + 1), -np.inf)
    distribution[:, 0] = 0
    for j in range(n_coins):
        hit = distribution[:, : j + 1] + log_hit[:, j, None]
        distribution[:, : j + 2] += log_miss[:, j, None]
        distribution[:, 1 : j + 2] = np.logaddexp(distribution[:, 1 : j + 2], hit)
    below = np.arange(n_coins + 1) < hits[:, None]
    tails = np.logaddexp.reduce(np.where(below, -np.inf, distribution), axis=1)
    return np.where(hits == 0, 0.0, np.minimum(tails, 0.0))


def mean_by_user(terms, knowledge):
    """Return the `UserScores` that are means of terms, shape (transitions,); NaN does not count."""
    counts = ~np.isnan(terms)
    user = knowledge.user[counts]
    observations = np.bincount(user, minlength=knowledge.n_users)
    sums = np.bincount(user, terms[counts], minlength=knowledge.n_users)
    empty = np.full(knowledge.n_users, np.nan)
    return UserScores(
        np.divide(sums, observations, out=empty, where=observations > 0), observations
    )


def running_means(terms, knowledge, n_max):
    """Return the mean over each user's first N transitions, N = 1..n_max, (users, n_max).

    Of users with fewer, over those that there are; NaN where no term counts.
    """
    order = np.argsort(knowledge.user, kind="stable")
    counts = np.bincount(knowledge.user, minlength=knowledge.n_users)
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    early = place < n_max
    cells = knowledge.user[order][early], place[early]
    table = np.full((knowledge.n_users, n_max), np.nan)
    table[cells] = terms[order][early]
    known = np.cumsum(~np.isnan(table), axis=1)
    sums = np.cumsum(np.nan_to_num(table), axis=1)
    return np.divide(sums, known, out=np.full(table.shape, np.nan), where=known > 0)


def _log(probability, settings):
    return np.log(np.maximum(probability, settings.epsilon))


def _logit(probability, settings):
    return np.log((probability + settings.epsilon) / (1 - probability + settings.epsilon))


def _gaussian(knowledge, settings, with_user):
    """Return (means of phi, shape (transitions,), their pooled standard deviation)."""
    references = knowledge.references
    chosen = references.knows[:, knowledge.user] == with_user
    phi = _logit(references.responses.probability, settings)
    models = chosen.sum(axis=0)
    sums = np.where(chosen, phi, 0).sum(axis=0, dtype=float)
    mean = np.divide(sums, models, out=np.full(len(models), np.nan), where=models > 0)
    squares = (np.where(chosen, phi - mean.astype(phi.dtype), 0) ** 2).sum(dtype=float)
    spare = models.sum() - np.count_nonzero(models)
    return mean, np.sqrt(squares / spare) if spare and squares else np.nan

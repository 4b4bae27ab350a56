"""From scores to verdicts: whom the adversary accuses at a chosen error, and how many there are.

What a score is like for users whom a model does not know, the adversary learns from its
reference models: each stands in for the target's, and the users outside of it for others.
"""

from typing import NamedTuple

import numpy as np

from .estimates import mean_with_student, student
from .responses import Responses, take
from .scores import Knowledge, mean_by_user


class SharedUsers(NamedTuple):
    """How many of the adversary's users are the target's, as a share, estimated from matches.

    match_rate : float
        Mean over users of their share of matches.
    tpr, fpr : float
        Mean match rates of users with and without whom reference models were trained.
    gap_low, gap_high : float
        95 % interval of tpr - fpr, over pairs of reference models.
    estimate, ci_low, ci_high : float or None
        (match_rate - fpr) / (tpr - fpr); None where the interval of tpr - fpr is not above 0: then
        the share is not identifiable.
    """

    match_rate: float
    tpr: float
    fpr: float
    gap_low: float
    gap_high: float
    estimate: float | None
    ci_low: float | None
    ci_high: float | None


def null_scores(score, knowledge, settings, bigram_of):
    """Return the scores of users from reference models that do not know them, in one array.

    Each reference model r is taken for the target's, and the users outside of it for all that
    the adversary has: also the bigram model is theirs alone. It must not know r's users, as it
    does not know the target's own: a model that did would go along with r, and null scores
    would vary less than the target's. So only scores of `scores.VERDICT_SCORES` have a null.

    Parameters
    ----------
    score : scores.Score
    knowledge : scores.Knowledge
        With reference models.
    settings : scores.Settings
    bigram_of : callable
        bigram_of(rows) returns q^{-u} of the chosen transitions, from these alone.

    Raises
    ------
    ValueError
        If the score compares with models of the adversary's users.
    """
    if not score.needs <= {"bigram"}:
        raise ValueError("a score that compares with models of the adversary's users has no null")
    responses, knows = knowledge.references
    found = []
    for r in range(len(knows)):
        outside = ~knows[r, knowledge.user]
        known = Knowledge(
            knowledge.user[outside],
            knowledge.n_users,
            bigram=bigram_of(outside) if "bigram" in score.needs else None,
        )
        of_model = Responses._make(None if said is None else said[r] for said in responses)
        asked = take(of_model, outside)
        found.append(score.of_users(asked, known, settings).value)
    values = np.concatenate(found)
    return values[~np.isnan(values)]


def p_values(value, null):
    """Return p = (1 + number of null scores at least as large) / (1 + their number) of each user.

    NaN where the value is. If a user who is no member has a score that comes from the
    distribution of `null`, P(p <= alpha) is at most alpha, on average over deals of the users.

    Parameters
    ----------
    value : shape (users,)
    null : shape (scores,)
    """
    below = np.searchsorted(np.sort(null), value, side="left")
    return np.where(np.isnan(value), np.nan, (1 + len(null) - below) / (1 + len(null)))


def list_users(p, false_discovery_rate):
    """Return which users Benjamini and Hochberg (1995) list: bool like `p`.

    The k users of smallest p, for the largest k whose k-th smallest p is at most
    k / n times the false discovery rate; n counts the users that have a p.
    """
    known = np.sort(p[~np.isnan(p)])
    bounds = false_discovery_rate * np.arange(1, len(known) + 1) / len(known)
    passing = np.flatnonzero(known <= bounds)
    return p <= known[passing[-1]] if len(passing) else np.zeros(len(p), dtype=bool)


def estimate_shared_users(match, knowledge):
    """Return the `SharedUsers` of the adversary, by matches alone.

    With rates of the reference models, match_rate = share tpr + (1 - share) fpr. The interval
    comes from taking each reference model for the target's and the pairs but its own for
    references: its share of the users is known, so the error is seen. Their root mean square
    times Student's quantile, with a degree of freedom a pair, is half of the interval, but for a
    factor: a reference's k users are all among the adversary's a, the target's are not. The mean
    of k users' independent traits lies off that of the a by a variance in proportion to
    1/k - 1/a; that of the target's, of which share x a are the adversary's, to
    1/k + 1/a - 2 share / k. The error grows by the root of the ratio, share taken as estimated. It
    holds the error of the reference rates and of one model's own luck, as long as reference
    models are as large as the target's.

    Parameters
    ----------
    match : bool, shape (transitions,)
        Of the target's model.
    knowledge : scores.Knowledge

    References
    ----------
    Tong et al., How much of my dataset did you use? (DUCI): the fraction used, from debiased
    membership guesses.
    """
    references = knowledge.references
    rates = np.array([mean_by_user(row, knowledge).value for row in references.responses.match])
    inside = references.knows
    # Per model: mean rates of all users, of those that it knows, and of the others.
    of_all = np.nanmean(rates, axis=1)
    tpr = np.nanmean(np.where(inside, rates, np.nan), axis=1)
    fpr = np.nanmean(np.where(inside, np.nan, rates), axis=1)
    pairs = np.arange(len(rates)) // 2
    gap = mean_with_student(np.bincount(pairs, tpr - fpr) / 2)
    mean = np.nanmean(mean_by_user(match, knowledge).value)
    found = (mean, tpr.mean(), fpr.mean(), gap.ci_low, gap.ci_high)
    if gap.ci_low <= 0:
        return SharedUsers(*found, None, None, None)
    errors = []
    for r, pair in enumerate(pairs):
        rest = pairs != pair
        share = (of_all[r] - fpr[rest].mean()) / (tpr[rest].mean() - fpr[rest].mean())
        errors.append(share - inside[r].mean())
    estimate = (mean - fpr.mean()) / gap.value
    known = inside.mean()
    factor = (1 + known - 2 * np.clip(estimate, 0, known)) / (1 - known)
    half = student(len(tpr) // 2) * np.sqrt(factor * np.mean(np.square(errors)))
    return SharedUsers(*found, estimate, estimate - half, estimate + half)

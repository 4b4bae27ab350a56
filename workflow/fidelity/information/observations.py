"""How many observations tell two distributions apart, and what error N observations leave.

p and q are what an observation is drawn from if the adversary, or the target, is its holder;
both are as likely. A test knows p and q, sees N observations of one holder and names it. Its
`error` is the probability of naming the wrong one, below 1/2. Pe_N is that of the best test, the
likelihood-ratio test, on N independent draws:

    Pe_N = (1 - TV_N) / 2 = sum over sequences of min(p^N, q^N) / 2,

with TV_N the total variation distance of the sequences. Numbers of observations are not rounded.

A worked example. Two holders with MI = 0.2 bit, of which the paper says "about 10 observations",
while 1 / MI = 5. If an observation is the holder's bit flipped with probability 0.243 (the binary
symmetric channel, MI = 0.2), the best test, a vote of the majority, errs with probability

    N      1     3     5     7     9    10    17    18
    Pe_N  .243  .148  .096  .064  .044  .044  .0102  .0102

(an even N is no better than N - 1). So 5 observations leave an error of 10 %, 10 one of 4 %, and
for 1 % it takes 19. For an error of 5 %, Fano's bound says at least 3.6, Bhattacharyya's at least
5.4 and at most 15.0; it takes 9. If instead an observation names its holder with probability 0.2
and else says nothing (the erasure channel, MI = 0.2 as well), Pe_N is 0.8^N / 2: 16 % with 5
observations, 5.4 % with 10. MI alone does not say which of these it is.
"""

import math
from typing import NamedTuple

import numpy as np

from .divergences import smooth_counts

# Logarithms of ratios that cancel leave a sum of this size at most, which is a tie.
_ROUNDING = 1e-9


class Observations(NamedTuple):
    """A holder's observations, each array of shape (observations,).

    `user` are numbers from 0, `cell` those of the histogram, from 0. A user's observations stand
    in the order of time.
    """

    user: np.ndarray
    cell: np.ndarray


class Evidence(NamedTuple):
    """What a model says of a holder's observations, each array of shape (observations,).

    `user` are numbers; a user's observations stand in the order of time. `log_ratio` is
    ln(p(o) / q(o)): above 0 for the adversary, below 0 for the target.
    """

    user: np.ndarray
    log_ratio: np.ndarray


class ErrorCurve(NamedTuple):
    """Error of a test on the first N observations, N = 1..n_max: each of shape (n_max,).

    `error` is the mean of the error rates of both holders, `n_adversary` and `n_target` how many
    sequences of N observations these are of. `standard_error` is binomial, at rates drawn to 1/2
    by one success and one failure, since a rate of 0 would have none. Both are NaN where a holder
    has no sequence.
    """

    error: np.ndarray
    standard_error: np.ndarray
    n_adversary: np.ndarray
    n_target: np.ndarray


def fano_bound(error, mutual_information):
    """Return (1 - h(Pe)) / MI: no test has the error Pe with fewer independent observations.

    h is the binary entropy in bits. Fano: h(Pe_N) >= H(holder | N observations), which is
    1 - MI_N, and MI_N <= N MI as observations are independent given the holder.

    Parameters
    ----------
    error : float
        Pe, within (0, 1/2).
    mutual_information : float
        MI of holder and observation, in bits.

    Returns
    -------
    float
        Infinite if MI is not above 0.

    Raises
    ------
    ValueError
        If `error` is out of range.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, section 2.10. For attacks of N observations:
    de Cherisey, Guilley, Rioul and Piantanida (2019), Best Information is Most Successful.
    """
    _require_error(error)
    entropy = -error * math.log2(error) - (1 - error) * math.log2(1 - error)
    return _ratio(1 - entropy, mutual_information)


def reciprocal_of_information(mutual_information):
    """Return 1 / MI, the paper's number of observations; infinite if MI is not above 0.

    It is `fano_bound` for an error of 0: N observations hold at most N MI bits, and to name the
    holder without error takes one. So fewer leave an error, but how large a one they leave, or
    as many, it does not say, since observations repeat one another.

    References
    ----------
    Danhier, Massart and Standaert, "Fidelity Leakages", section 7.
    """
    return _ratio(1, mutual_information)


def bhattacharyya_necessary(error, rho):
    """Return ln(1 / (4 Pe (1 - Pe))) / (-2 ln rho): no test has the error Pe with fewer.

    TV_N^2 + rho^(2N) <= 1 (Cauchy-Schwarz), so Pe_N >= (1 - sqrt(1 - rho^(2N))) / 2, which is
    4 Pe_N (1 - Pe_N) >= rho^(2N).

    Parameters
    ----------
    error : float
        Pe, within (0, 1/2).
    rho : float
        From `divergences.bhattacharyya`.

    Returns
    -------
    float
        Infinite if rho is 1, 0 if rho is 0.

    Raises
    ------
    ValueError
        If `error` is out of range.

    References
    ----------
    Kailath (1967), The divergence and Bhattacharyya distance measures in signal selection.
    """
    return _necessary(error, -_log(rho))


def bhattacharyya_sufficient(error, rho):
    """Return ln(1 / (2 Pe)) / (-ln rho): with as many, the best test's error is at most Pe.

    min(a, b) <= sqrt(a b), so Pe_N <= rho^N / 2. Parameters, values and errors as those of
    `bhattacharyya_necessary`, which is never larger.
    """
    _require_error(error)
    return _ratio(-math.log(2 * error), -_log(rho))


def error_bounds(rho, n):
    """Return (lowest, highest) error that the best test may have with N independent draws.

    (1 - sqrt(1 - rho^(2N))) / 2 <= Pe_N <= rho^N / 2, as in `bhattacharyya_necessary` and
    `bhattacharyya_sufficient`.

    Parameters
    ----------
    rho : float
        From `divergences.bhattacharyya`.
    n : int or array
        N.
    """
    overlap = rho**n
    return (1 - np.sqrt(1 - overlap**2)) / 2, overlap / 2


def chernoff_number(error, chernoff_information):
    """Return log2(1 / Pe) / C, read off the exponent: ln Pe_N / N tends to -C ln 2.

    Asymptotic: the factor before 2^(-C N) is left out. That factor is at most 1/2, as
    min(a, b) <= a^s b^(1 - s); so the number is on the safe side of sufficient, often by far.

    Parameters
    ----------
    error : float
        Pe, within (0, 1/2).
    chernoff_information : float
        C in bits, from `divergences.chernoff`; infinite gives 0, and 0 gives infinity.

    Raises
    ------
    ValueError
        If `error` is out of range.

    References
    ----------
    Cover and Thomas, Elements of Information Theory, section 11.9.
    """
    _require_error(error)
    return _ratio(-math.log2(error), chernoff_information)


def most_observations_bound(error, mutual_information_upper):
    """Return the largest N from which provably no test gets below an error.

    No test, though it knows p and q, tells the holder from N independent draws with an error
    below Pe if MI is at most the bits given. It is the largest whole number below the larger of
    `fano_bound` and `bhattacharyya_necessary`, the latter through rho >= 1 - MI
    (`divergences.bhattacharyya`). Larger N may be too few as well. It holds for independent
    draws from all records of a holder; a user's own are neither independent nor such draws (the
    first of a session may tell more than others). And it is as good as the MI that is given.

    Parameters
    ----------
    error : float
        Pe, within (0, 1/2).
    mutual_information_upper : float
        The most that MI can be, in bits; above 1, the end of an interval, it is as good as 1.

    Returns
    -------
    int, or math.inf
        Infinite if MI is not above 0.

    Raises
    ------
    ValueError
        If `error` is out of range.

    Examples
    --------
    >>> [most_observations_bound(error, 0.2) for error in (0.1, 0.05, 0.01)]
    [2, 3, 7]
    """
    fano = fano_bound(error, mutual_information_upper)
    if math.isinf(fano):
        return fano
    # By log1p, or a small MI would count as none.
    log_rho = math.log1p(-mutual_information_upper) if mutual_information_upper < 1 else -math.inf
    return math.ceil(max(fano, _necessary(error, -log_rho))) - 1


def error_on_independent_draws(p, q, n_max, n_draws, rng):
    """Return the `ErrorCurve` of the likelihood-ratio test on independent draws, by simulation.

    The test adds up ln(p(o) / q(o)); a tie counts as half an error. An observation that only one
    holder can have decides.

    Parameters
    ----------
    p, q : shape (cells,)
        Distributions, each adding to 1.
    n_max : int
    n_draws : int
        Sequences drawn from p, and as many from q. Errors of all N are read off the same ones;
        memory is some 40 bytes for each of n_draws x n_max.
    rng : numpy.random.Generator
    """
    log_ratio = _log_ratio(p, q)
    shape = (n_draws, n_max)
    for_adversary = np.cumsum(rng.choice(log_ratio, shape, p=p), axis=1)
    for_target = np.cumsum(rng.choice(-log_ratio, shape, p=q), axis=1)
    everywhere = np.ones(shape, dtype=bool)
    return _error_curve((for_adversary, everywhere), (for_target, everywhere))


def held_out_log_ratios(adversary, target, fold):
    """Return the `Evidence` about the users of either holder, from models that do not know them.

    Of each fold, ln(p(o) / q(o)) with p and q the histograms, from `smooth_counts`, of the users
    in the other folds; 0 for a cell that none of them has.

    A user of both holders has the same records at both, which no test can tell apart. So it is
    left out of what is returned: where such users are a share w of a holder's, the error over all
    of its users is (1 - w) times that over the others, plus w / 2. In the histograms it counts,
    at both holders, as in their databases.

    Parameters
    ----------
    adversary, target : Observations
    fold : int, shape (users,)
        From 0, of each user: a user of both holders is in one fold for both.

    Returns
    -------
    (Evidence, Evidence)
        Of the adversary's users and of the target's, observations in the order given.

    Raises
    ------
    ValueError
        If all observations are of one fold.
    """
    holders = (adversary, target)
    n_cells = max(holder.cell.max(initial=-1) for holder in holders) + 1
    folds = [fold[holder.user] for holder in holders]
    totals = [np.bincount(holder.cell, minlength=n_cells) for holder in holders]
    log_ratios = [np.empty(len(holder.cell)) for holder in holders]
    for number in range(fold.max(initial=-1) + 1):
        asked = [of_holder == number for of_holder in folds]
        known = [
            total - np.bincount(holder.cell[rows], minlength=n_cells)
            for holder, rows, total in zip(holders, asked, totals, strict=True)
        ]
        log_ratio = _log_ratio(*smooth_counts(*known))
        for holder, rows, values in zip(holders, asked, log_ratios, strict=True):
            values[rows] = log_ratio[holder.cell[rows]]
    shared = np.intersect1d(adversary.user, target.user)
    return tuple(
        _leave_out(shared, holder.user, values)
        for holder, values in zip(holders, log_ratios, strict=True)
    )


def error_on_consecutive(adversary, target, n_max):
    """Return the `ErrorCurve` of a model's test on the first N observations of each user.

    The test adds up the user's log ratios, with the threshold 0; a tie counts as half an error.
    It is one test, not the best: with histograms of different sizes its sums lean to a side, and
    the error may grow with N. Of N observations, only
    users that have as many count, so the users change with N. The error may be above 1/2, since
    the model is not the truth, nor are a user's observations independent.

    Parameters
    ----------
    adversary, target : Evidence
        Of users of one holder only, from `held_out_log_ratios`.
    n_max : int
    """
    sums, is_there = _running_sums(target, n_max)
    return _error_curve(_running_sums(adversary, n_max), (-sums, is_there))


def _require_error(error):
    if not 0 < error < 0.5:
        raise ValueError(f"an error to aim at is within (0, 0.5), got {error}")


def _ratio(needed, each):
    return needed / each if each > 0 else math.inf


def _log(value):
    return math.log(value) if value > 0 else -math.inf


def _necessary(error, bhattacharyya_distance):
    """Return `bhattacharyya_necessary` for -ln rho."""
    _require_error(error)
    return _ratio(-math.log(4 * error * (1 - error)), 2 * bhattacharyya_distance)


def _log_ratio(p, q):
    """Return ln(p / q), infinite where one of them is 0; 0 where both are, which tells nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p == q, 0.0, np.log(p) - np.log(q))


def _leave_out(users, user, log_ratio):
    """Return the `Evidence` about all but these users."""
    other = np.isin(user, users, invert=True)
    return Evidence(user[other], log_ratio[other])


def _running_sums(evidence, n_max):
    """Return (sums of each user's first N log ratios, whether it has N), each (users, n_max)."""
    user, value = evidence
    order = np.argsort(user, kind="stable")
    _, first, number, count = np.unique(
        user[order], return_index=True, return_inverse=True, return_counts=True
    )
    position = np.arange(len(order)) - first[number]
    early = position < n_max
    table = np.zeros((len(count), n_max))
    table[number[early], position[early]] = value[order[early]]
    return np.cumsum(table, axis=1), np.arange(n_max) < count[:, None]


def _error_curve(*holders):
    """Return the `ErrorCurve` of (evidence for the true holder, whether it counts) of both.

    Each is of shape (sequences, n_max).
    """
    rates, variances, numbers = [], [], []
    for evidence, counts in holders:
        # To half a wrong answer each, so that rounding does not break ties.
        wrong = np.where(np.abs(evidence) <= _ROUNDING, 0.5, evidence < 0)
        n_wrong, n = np.sum(wrong * counts, axis=0), np.sum(counts, axis=0)
        drawn = (n_wrong + 1) / (n + 2)
        some = np.where(n > 0, n, np.nan)
        rates.append(n_wrong / some)
        variances.append(drawn * (1 - drawn) / some)
        numbers.append(n)
    return ErrorCurve(sum(rates) / 2, np.sqrt(sum(variances)) / 2, *numbers)

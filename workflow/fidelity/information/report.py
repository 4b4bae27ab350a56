"""All that is told of what an observation says about a secret, as rows of tables.

A *channel* has a secret with two values, as likely as each other, and an observation. Of the
secret "holder" these are the adversary and the target, and the observation is a record; of
"membership" they are members and others among the adversary's users, and the observation is
what the target's model answered to a query. Either is what `histograms.Holders` are.
"""

from typing import NamedTuple

import numpy as np

from ..folds import deal_folds
from .divergences import (
    bhattacharyya,
    chernoff,
    kullback_leibler,
    smooth_counts,
    total_variation,
)
from .estimate import Information, bracket
from .estimators import CROSS_VALIDATED, FOLDS, PLUG_IN, estimate_all
from .histograms import count_held, make_holders, tally_users
from .hypothetical import plug_in
from .observations import (
    ErrorCurve,
    Observations,
    bhattacharyya_necessary,
    bhattacharyya_sufficient,
    chernoff_number,
    error_on_consecutive,
    error_on_independent_draws,
    fano_bound,
    held_out_log_ratios,
    most_observations_bound,
    reciprocal_of_information,
)
from .perceived import perceived

HOLDER, MEMBERSHIP = "holder", "membership"
BRACKET = "bracket"
INDEPENDENT, CONSECUTIVE = "independent", "consecutive"
_RHO, _CHERNOFF = "Bhattacharyya coefficient", "Chernoff information"
DRAWS = 2000  # sequences from either histogram
PROBABILITY_BINS = 20

# The columns of each table, after that of the repeat.
TABLES = {
    "information": (
        *("estimator", "cells", "value", "ci_low", "ci_high", "null_mean", "null_95", "p_value"),
        *("n_adversary", "n_target", "secret"),
    ),
    "divergences": ("secret", "cells", "measure", "value"),
    "observations_needed": ("secret", "cells", "error", "bound", "observations"),
    "errors": (
        *("secret", "cells", "test", "observations", "error", "standard_error"),
        *("n_adversary", "n_target"),
    ),
}


class Channel(NamedTuple):
    """Observations, and whose they are.

    secret : str
        `HOLDER` or `MEMBERSHIP`.
    cells : str
        What makes two observations equal: names of columns.
    user, cell : shape (observations,)
        Numbers from 0; a user's observations stand in the order of time.
    first, second : bool, shape (users,)
        Who is the adversary's and the target's; or who is a member and who is none.
    """

    secret: str
    cells: str
    user: np.ndarray
    cell: np.ndarray
    first: np.ndarray
    second: np.ndarray


class Aim(NamedTuple):
    """The errors that a test may aim at, the most observations of a user that it sees, and how
    many permutations tell what no difference looks like."""

    errors: list
    n_max: int
    n_permutations: int


def bin_probabilities(probability):
    """Return the place of each probability among `PROBABILITY_BINS` equal intervals of [0, 1]."""
    return np.minimum(probability * PROBABILITY_BINS, PROBABILITY_BINS - 1).astype(np.int64)


def is_observed(channel):
    """Return if there are observations of both values of the secret."""
    return all(side[channel.user].any() for side in (channel.first, channel.second))


def estimate_only(channel, rng):
    """Return the rows of "information" of eHI and ePI alone: no intervals, no null."""
    holders = _holders(channel)
    found = plug_in(*count_held(holders))
    folds = deal_folds(len(holders.first), FOLDS, rng)
    values = {PLUG_IN: found, CROSS_VALIDATED: found._replace(value=perceived(holders, folds))}
    return [
        _labels(channel) | {"estimator": name} | found._asdict() for name, found in values.items()
    ]


def measure(channel, aim, rng_of):
    """Return {table: rows} of `TABLES`, all that is told of a channel.

    Of estimates the last is the bracket, `ci_low` to `ci_high`. Bounds are told of the plug-in
    histograms; "bracket" is `most_observations_bound` at the upper end of the bracket. Of tests,
    "independent" knows both histograms and sees draws from them; "consecutive" learnt them from
    other users and sees the first observations of a user. The number of observations they need
    is the least at which the error is at most that aimed at, none if there is none up to n_max.

    Parameters
    ----------
    channel : Channel
        Observed for both values (`is_observed`).
    aim : Aim
    rng_of : callable
        rng_of(use) returns the generator for an estimator, and for a test.
    """
    holders = _holders(channel)
    estimates = estimate_all(holders, aim.n_permutations, rng_of)
    ends = bracket(estimates[CROSS_VALIDATED], estimates[PLUG_IN])
    found = estimates[PLUG_IN]
    estimates[BRACKET] = Information(None, found.n_adversary, found.n_target, *ends)
    counts = count_held(holders)
    p, q = (own / own.sum() for own in counts)
    curves = {
        INDEPENDENT: error_on_independent_draws(p, q, aim.n_max, DRAWS, rng_of(INDEPENDENT)),
        CONSECUTIVE: _test_held_out(channel, aim.n_max, rng_of(CONSECUTIVE)),
    }
    distances = _diverge(counts, p, q)
    labels = _labels(channel)
    rows = {
        "information": [{"estimator": name} | found._asdict() for name, found in estimates.items()],
        "divergences": [{"measure": name, "value": value} for name, value in distances.items()],
        "observations_needed": [
            {"error": error, "bound": name, "observations": number}
            for error in aim.errors
            for name, number in _need(error, found.value, distances, ends.high, curves).items()
        ],
        "errors": [
            {"test": test, "observations": n, **dict(zip(curve._fields, values, strict=True))}
            for test, curve in curves.items()
            for n, values in enumerate(zip(*(part.tolist() for part in curve), strict=True), 1)
            if not np.isnan(values[0])
        ],
    }
    return {name: [labels | row for row in own] for name, own in rows.items()}


def main_channel(table, secret):
    """Return the rows of the configured cells; of membership, those with the match.

    Where plug-in estimates alone were made, these are of no other cells.

    Parameters
    ----------
    table : DataFrame
        One of `TABLES`.
    secret : str
    """
    own = table[table["secret"] == secret]
    if "estimator" in own and has_bracket(own):
        own = bracketed(own)
    return own[own["cells"] == own["cells"].iloc[0]] if len(own) else own


def has_bracket(information):
    """Return if there is a bracket: not where plug-in estimates alone were made."""
    return (information["estimator"] == BRACKET).any()


def bracketed(information):
    """Return the rows of cells that have a bracket; of others there are only two estimates."""
    cells = information["cells"][information["estimator"] == BRACKET].unique()
    return information[information["cells"].isin(cells)]


def _labels(channel):
    return {"secret": channel.secret, "cells": channel.cells}


def _holders(channel):
    return make_holders(tally_users(channel.user, channel.cell), channel.first, channel.second)


def _diverge(counts, p, q):
    """Return {measure: value}, those of Kullback and Leibler of the first from the second."""
    smooth_p, smooth_q = smooth_counts(*counts)
    return {
        "Kullback-Leibler": kullback_leibler(p, q),
        "Kullback-Leibler, reversed": kullback_leibler(q, p),
        "smoothed Kullback-Leibler": kullback_leibler(smooth_p, smooth_q),
        "smoothed Kullback-Leibler, reversed": kullback_leibler(smooth_q, smooth_p),
        "total variation": total_variation(p, q),
        _RHO: bhattacharyya(p, q),
        _CHERNOFF: chernoff(p, q).information,
    }


def _need(error, information, distances, information_high, curves):
    """Return {bound: number of observations}; None for a test that does not get there."""
    rho = distances[_RHO]
    bounds = {
        "Fano": fano_bound(error, information),
        "1/MI": reciprocal_of_information(information),
        "Bhattacharyya, necessary": bhattacharyya_necessary(error, rho),
        "Bhattacharyya, sufficient": bhattacharyya_sufficient(error, rho),
        "Chernoff": chernoff_number(error, distances[_CHERNOFF]),
        BRACKET: most_observations_bound(error, information_high),
    }
    for test, curve in curves.items():
        reached = np.flatnonzero(curve.error <= error)
        bounds[test] = int(reached[0]) + 1 if len(reached) else None
    return bounds


def _test_held_out(channel, n_max, rng):
    held = np.unique(channel.user[(channel.first | channel.second)[channel.user]])
    if len(held) < 2:  # who is held out leaves nobody to learn from
        nothing = np.full(n_max, np.nan)
        return ErrorCurve(nothing, nothing, np.zeros(n_max, int), np.zeros(n_max, int))
    folds = np.zeros(len(channel.first), dtype=np.int64)
    folds[held] = deal_folds(len(held), FOLDS, rng)
    first, second = (
        Observations(channel.user[rows], channel.cell[rows])
        for rows in (channel.first[channel.user], channel.second[channel.user])
    )
    adversary, target = held_out_log_ratios(first, second, folds)
    return error_on_consecutive(adversary, target, n_max)

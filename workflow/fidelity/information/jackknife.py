"""Delete-group jackknife: intervals from leaving out groups of users."""

import math

import numpy as np

from .histograms import count_at, split_rows

QUANTILE = 1.959963984540054  # 97.5 % of a normal distribution lie below


def counts_without(holders, group_of, place):
    """Yield what each holder has at each place, int (2, places), without each group in turn.

    Parameters
    ----------
    holders : Holders
    group_of : int, shape (users,)
        Groups from 0. A common user is in one group, and leaves both holders with it.
    place : int, shape (rows,)
        Where each row of the holders counts, such as its cell.
    """
    n_places = place.max() + 1
    group = group_of[holders.user]
    # Few groups fit into a byte, which sorts in one pass.
    order = np.argsort(group.astype(np.min_scalar_type(group.max())), kind="stable")
    ends = np.cumsum(np.bincount(group))[:-1]
    weights = split_rows(holders)
    everything = np.stack([count_at(place, own, n_places) for own in weights])
    for rows in np.split(order, ends):
        without = everything.copy()
        for left, own in zip(without, weights, strict=True):
            left -= count_at(place[rows], own[rows], n_places)
        yield without


def interval(value, values_without):
    """Return the 95 % interval (low, high) for the expectation of an estimator.

    value -+ 1.96 s, with s^2 = (G - 1) / G sum_g (v_g - mean of v)^2 over the values v_g
    without each of G groups, a variance that is too large if anything (Efron and Stein). About
    the value itself: where the estimator is on average, not the truth that it is biased
    against. Where the holders do not differ, or most cells are seen once, or a deal has most of
    the population, it is wider than it need be, twice and more. Answers of a trained model all
    vary with it, which leaving out users does not show: for membership the interval is about this
    model, too narrow for others. It fails where a few users decide the value, as leaving them out
    is seldom tried. (The percentile bootstrap is no way out: drawing users with replacement adds
    the bias a second time, so that the interval lies wholly above an estimate such as eHI.)

    (None, None) if there are fewer than two groups, or a value is NaN, as where one group
    holds all that a holder has.

    Parameters
    ----------
    value : float
    values_without : sequence of float, length G

    References
    ----------
    Efron and Stein (1981), The jackknife estimate of variance. Shao and Tu (1995), The
    Jackknife and Bootstrap, section 2.3.
    """
    values = np.asarray(values_without)
    n_groups = len(values)
    if n_groups < 2 or np.isnan(values).any():
        return None, None
    deviations = values - values.mean()
    reach = QUANTILE * math.sqrt((n_groups - 1) / n_groups * float(np.sum(deviations**2)))
    return value - reach, value + reach

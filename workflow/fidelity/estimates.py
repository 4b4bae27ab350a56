"""Numbers with their 95 % interval, from exact and from Student's distributions."""

from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, stdtrit

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A number with the bounds of its 95 % interval; None where there is none."""

    value: float | None
    ci_low: float | None = None
    ci_high: float | None = None


def proportion(hits, n):
    """Return hits / n with the exact interval of Clopper and Pearson (1934)."""
    tail = (1 - CONFIDENCE) / 2
    low = betaincinv(hits, n - hits + 1, tail) if hits > 0 else 0.0
    high = betaincinv(hits + 1, n - hits, 1 - tail) if hits < n else 1.0
    return Estimate(float(hits / n), float(low), float(high))


def student(degrees_of_freedom):
    """Return how many standard errors to either side Student's 95 % interval reaches."""
    return stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2)


def mean_with_student(values):
    """Return the mean +- t(0.975, n - 1) s / sqrt(n) of n values of standard deviation s."""
    n = len(values)
    half = student(n - 1) * np.std(values, ddof=1) / np.sqrt(n)
    return Estimate(
        float(np.mean(values)), float(np.mean(values) - half), float(np.mean(values) + half)
    )

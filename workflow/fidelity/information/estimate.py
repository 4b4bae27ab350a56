"""What an estimate of MI(H; O) says: a value, an interval, and what follows from them."""

from typing import NamedTuple


class Information(NamedTuple):
    """An estimate of MI(H; O): `value` in bits, and how many observations it stands on.

    The adversary and the target stand for the first and the second holder, whoever they are.
    `ci_low` and `ci_high` are a 95 % interval for the estimator's expectation; `null_mean`,
    `null_95` and `p_value` compare with users dealt anew. A field is None where the estimator
    gives no such thing, or the data do not: a value of None says that nothing was left to
    estimate from.
    """

    value: float | None
    n_adversary: int
    n_target: int
    ci_low: float | None = None
    ci_high: float | None = None
    null_mean: float | None = None
    null_95: float | None = None
    p_value: float | None = None

    @property
    def net(self):
        """The value less the mean of the null, in bits; None without a null."""
        if self.value is None or self.null_mean is None:
            return None
        return self.value - self.null_mean


class Bracket(NamedTuple):
    """Two numbers of bits, in [0, 1], with MI(H; O) between them in expectation."""

    low: float
    high: float


def bracket(perceived, hypothetical):
    """Return the `Bracket` from the lower end of ePI's interval to the upper end of eHI's.

    E[ePI] <= MI <= E[eHI] for users with equally many observations, or so many users that none
    weighs, and each end leaves room for what its estimator's value is off its expectation. That
    holds on average over databases: it is a bracket, not a certificate. A missing end gives 0 or
    1, which say nothing.

    Parameters
    ----------
    perceived, hypothetical : Information

    References
    ----------
    Bronchain, Hendrickx, Massart, Olshevsky and Standaert (2019), Leakage certification
    revisited: bounding model errors in side-channel security evaluations.
    """
    low = 0.0 if perceived.ci_low is None else max(perceived.ci_low, 0.0)
    high = 1.0 if hypothetical.ci_high is None else min(hypothetical.ci_high, 1.0)
    return Bracket(low, high)

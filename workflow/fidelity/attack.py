"""The attack: a user is called the target's when its model foretells the user's next song.

For a transition (s, s', t) of D_A the guess "the user is in D_T" is the match
[m_T(s, t) == s'] (paper, section 5.3). Of all transitions the *shares* of true and false
positives and negatives are counted, which rise and fall with the share of common users by
construction; and the *rates* among members and among others, which do not.
"""

from typing import NamedTuple

import numpy as np


class Leakage(NamedTuple):
    """What the attack reaches on the transitions of D_A.

    `tp`, `fp`, `tn`, `fn` are shares of all transitions and add to 1; `success` is tp + tn.
    `tpr` = P(match | member) and `fpr` = P(match | not a member) are None where there is no
    such transition, and so is `leakage` = tpr - fpr, the leak itself: the fpr is what good
    generalization alone gives.
    """

    tp: float
    fp: float
    tn: float
    fn: float
    success: float
    tpr: float | None
    fpr: float | None
    leakage: float | None


def measure_leakage(match: np.ndarray, member: np.ndarray) -> Leakage:
    """Return the `Leakage` of guesses.

    Parameters
    ----------
    match : bool, shape (transitions,)
        The guess: m_T's answer is the song that came next.
    member : bool, shape (transitions,)
        The truth: the transition's user is in D_T.

    Raises
    ------
    ValueError
        If there is no transition.

    Examples
    --------
    >>> import numpy as np
    >>> match, member = np.array([1, 0, 1, 0, 0], bool), np.array([1, 1, 0, 0, 0], bool)
    >>> leakage = measure_leakage(match, member)
    >>> leakage.tp, leakage.fp, leakage.success, leakage.tpr
    (0.2, 0.2, 0.6, 0.5)

    References
    ----------
    Danhier, Massart and Standaert, "Fidelity Leakages", sections 5.3 and 6.
    """
    n = len(match)
    if n == 0:
        raise ValueError("there is no transition to attack")
    tp = int(np.count_nonzero(match & member))
    fp = int(np.count_nonzero(match & ~member))
    members = int(np.count_nonzero(member))
    others = n - members
    tpr = tp / members if members else None
    fpr = fp / others if others else None
    return Leakage(
        tp=tp / n,
        fp=fp / n,
        tn=(others - fp) / n,
        fn=(members - tp) / n,
        success=(tp + others - fp) / n,
        tpr=tpr,
        fpr=fpr,
        leakage=None if tpr is None or fpr is None else tpr - fpr,
    )

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import confusion_matrix

from fidelity.attack import measure_leakage

guesses = st.integers(1, 60).flatmap(
    lambda n: st.tuples(arrays(bool, n), arrays(bool, n)),
)


@given(guesses)
def test_shares_are_those_of_the_confusion_matrix_and_add_to_one(case):
    match, member = case
    leakage = measure_leakage(match, member)
    (tn, fp), (fn, tp) = confusion_matrix(member, match, labels=[False, True]) / len(match)
    assert (leakage.tp, leakage.fp, leakage.tn, leakage.fn) == (tp, fp, tn, fn)
    assert leakage.tp + leakage.fp + leakage.tn + leakage.fn == pytest.approx(1, abs=1e-15)
    assert leakage.success == pytest.approx(np.mean(match == member), abs=1e-15)


@given(guesses)
def test_rates_are_conditional_means(case):
    match, member = case
    leakage = measure_leakage(match, member)
    assert leakage.tpr == (match[member].mean() if member.any() else None)
    assert leakage.fpr == (match[~member].mean() if not member.all() else None)
    if member.any() and not member.all():
        assert leakage.leakage == leakage.tpr - leakage.fpr
    else:
        assert leakage.leakage is None


def test_no_transition_is_refused():
    with pytest.raises(ValueError, match="no transition"):
        measure_leakage(np.empty(0, bool), np.empty(0, bool))

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, ttest_1samp

from fidelity.estimates import mean_with_student, proportion


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_proportion_is_that_of_clopper_and_pearson(case):
    hits, n = case
    expected = binomtest(hits, n).proportion_ci(confidence_level=0.95, method="exact")
    found = proportion(hits, n)
    assert found.value == hits / n
    assert found.ci_low == pytest.approx(expected.low, rel=1e-7, abs=1e-12)
    assert found.ci_high == pytest.approx(expected.high, rel=1e-7, abs=1e-12)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=30).filter(lambda x: np.std(x) > 1e-6))
def test_interval_of_a_mean_is_that_of_a_t_test(values):
    found = mean_with_student(values)
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert found == pytest.approx((np.mean(values), *expected), abs=1e-9)

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from fidelity.information import plug_in
from fidelity.information.hypothetical import hypothetical_bits

histograms = (
    st.integers(1, 40)
    .flatmap(lambda n: st.tuples(*[st.lists(st.integers(0, 50), min_size=n, max_size=n)] * 2))
    .filter(lambda pair: sum(pair[0]) > 0 and sum(pair[1]) > 0)
)


@given(histograms)
def test_plug_in_is_the_jensen_shannon_divergence(pair):
    counts = np.array(pair)
    p_adversary, p_target = counts / counts.sum(axis=1, keepdims=True)
    expected = jensenshannon(p_adversary, p_target, 2) ** 2
    assert plug_in(*counts).value == pytest.approx(expected, abs=1e-12)


@given(histograms)
def test_plug_in_is_symmetric(pair):
    counts = np.array(pair)
    assert plug_in(*counts).value == plug_in(*counts[::-1]).value


@given(st.lists(st.integers(0, 50), min_size=1).filter(any), st.integers(1, 9))
def test_equal_distributions_tell_nothing(counts, times):
    counts = np.array(counts)
    assert plug_in(counts, times * counts).value == pytest.approx(0, abs=1e-14)


@given(st.lists(st.integers(0, 50), min_size=1).filter(any))
def test_disjoint_distributions_tell_the_holder(counts):
    counts = np.array(counts)
    nothing = np.zeros_like(counts)
    found = plug_in(np.append(counts, nothing), np.append(nothing, counts))
    assert found.value == pytest.approx(1, abs=1e-14)


def test_by_hand():
    """p_A = (1/2, 1/2), p_T = (1, 0): 1 + (log2(1/3) / 2 + 0 + log2(2/3)) / 2, in bits."""
    found = plug_in(np.array([2, 2]), np.array([5, 0]))
    by_hand = 1 + (0.5 * math.log2(1 / 3) + 0.5 * math.log2(1) + math.log2(2 / 3)) / 2
    assert found.value == pytest.approx(by_hand, abs=1e-15)
    assert (found.n_adversary, found.n_target) == (4, 5)


def test_a_holder_without_observations_is_refused():
    with pytest.raises(ValueError, match="both holders"):
        plug_in(np.array([1]), np.array([0]))


def binary_entropy(p):
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p)


@pytest.mark.parametrize("flip", [1, 100, 243, 499])
def test_binary_symmetric_channel(flip):
    """The observation is the holder, flipped with a probability: 1 - h(flip) bits."""
    counts = np.array([1000 - flip, flip])
    expected = 1 - binary_entropy(flip / 1000)
    assert plug_in(counts, counts[::-1]).value == pytest.approx(expected, abs=1e-14)


def test_a_flip_of_243_in_1000_leaves_a_fifth_of_a_bit():
    assert plug_in(np.array([757, 243]), np.array([243, 757])).value == pytest.approx(0.2, abs=2e-4)


@given(histograms)
def test_cells_of_one_holder_may_be_left_out(pair):
    counts = np.array(pair)
    shared = counts[:, counts.all(axis=0)]
    assert hypothetical_bits(shared, counts.sum(axis=1)) == plug_in(*counts).value


def test_without_observations_there_is_no_number():
    assert math.isnan(hypothetical_bits(np.array([[1], [0]]), [1, 0]))

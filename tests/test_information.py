import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from fidelity.information import count_cells, number_cells, observations_needed, plug_in

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


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_cells_are_equal_where_all_columns_are(rows):
    cell = number_cells(np.array(rows).T).tolist()
    assert len(set(cell)) == len(set(rows)) == max(cell) + 1
    assert len(set(zip(cell, rows, strict=True))) == len(set(rows))


def test_cells_of_columns_whose_levels_multiply_beyond_64_bits():
    rng = np.random.default_rng(0)
    columns = rng.integers(2**31, size=(6, 500))
    assert number_cells(np.repeat(columns, 2, axis=1)).max() == 499


def test_counts_are_aligned():
    counts = count_cells(np.array([0, 0, 3]), np.array([1]))
    assert [part.tolist() for part in counts] == [[2, 0, 0, 1], [0, 1, 0, 0]]


def test_observations_needed():
    assert observations_needed(0.2) == 5
    assert observations_needed(0.0) == math.inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fidelity.features import distinct_transitions, feature_table, take_transitions


@given(
    st.integers(1, 40).flatmap(
        lambda n: st.tuples(
            arrays(np.int32, (n, 3), elements=st.integers(0, 3)),
            arrays(np.int32, n, elements=st.integers(0, 3)),
            arrays(np.bool_, n),
        )
    )
)
def test_some_transitions_are_numbered_as_if_they_were_all(drawn):
    X, y, rows = drawn
    taken = take_transitions(distinct_transitions(X, y), rows)
    alone = distinct_transitions(X[rows], y[rows])
    for found, expected in zip(taken, alone, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_distinct_transitions_are_the_rows_of_a_set():
    X = np.array([[2, 0], [1, 5], [2, 0], [1, 5]])
    y = np.array([7, 3, 7, 4])
    distinct = distinct_transitions(X, y)
    assert distinct.X.tolist() == [[1, 5], [1, 5], [2, 0]]
    assert distinct.y.tolist() == [3, 4, 7]
    assert distinct.number.tolist() == [2, 0, 2, 1]


def test_the_song_is_the_first_feature():
    observations = {"hour": np.array([9]), "song": np.array([4]), "skip": np.array([1])}
    assert feature_table(observations, ["hour", "song", "skip"]).tolist() == [[4, 9, 1]]


@pytest.mark.parametrize(("highest", "kind"), [(65_535, np.uint16), (65_536, np.int32)])
def test_features_are_as_narrow_as_their_levels_allow(highest, kind):
    observations = {
        "song": np.array([highest, 0], dtype=np.int32),
        "skip": np.array([1, 0], dtype=np.uint16),
    }
    table = feature_table(observations, ["song", "skip"])
    assert table.dtype == kind
    assert table.tolist() == [[highest, 1], [0, 0]]

import numpy as np
import pytest

from fidelity.codes import distinct_rows, find, number_distinct


def test_distinct_rows():
    rng = np.random.default_rng(0)
    far = 2**62 + rng.integers(3, size=(50, 3))
    for table in (rng.integers(3, size=(50, 3)), rng.integers(2**40, size=(50, 4)), far):
        row, number = distinct_rows(table.T)
        np.testing.assert_array_equal(table[row], np.unique(table, axis=0))
        np.testing.assert_array_equal(table[row][number], table)


@pytest.mark.parametrize(
    "values",
    [
        np.array([5, 3, 3, 9, 5], dtype=np.int32),
        np.array([-128, 127, 0, 127] * 100, dtype=np.int8),
        np.array([2**63 + 1, 2**63, 2**63 + 1], dtype=np.uint64),
        np.array([-(2**63), 2**63 - 1]),
        np.array([2**63 - 1, 2**63 - 2, 2**63 - 1]),
        np.array([True, False, True]),
        np.array([0.5, 0.25, 0.5]),
        np.array(["b", "a", "b"]),
        np.array([], dtype=np.int64),
    ],
    ids=lambda values: f"{values.dtype}-{len(values)}",
)
def test_distinct_values_are_numbered_as_numpy_does(values):
    known, place = number_distinct(values)
    expected, expected_place = np.unique(values, return_inverse=True)
    assert known.dtype == expected.dtype
    np.testing.assert_array_equal(known, expected)
    np.testing.assert_array_equal(place, expected_place)


def test_find():
    known = np.array([2, 5, 9], dtype=np.int32)
    place, is_known = find(known, np.array([9, 1, 5, 10, 2]))
    assert is_known.tolist() == [True, False, True, False, True]
    assert place[is_known].tolist() == [2, 1, 0]
    assert find(np.array(["a", "c"]), np.array(["c", "b"]))[1].tolist() == [True, False]

import numpy as np

from fidelity.codes import distinct_rows, find


def test_distinct_rows():
    rng = np.random.default_rng(0)
    for table in (rng.integers(3, size=(50, 3)), rng.integers(2**40, size=(50, 4))):
        distinct, number = distinct_rows(table)
        np.testing.assert_array_equal(distinct[number], table)
        assert len(distinct) == len(np.unique(table, axis=0))


def test_find():
    known = np.array([2, 5, 9], dtype=np.int32)
    place, is_known = find(known, np.array([9, 1, 5, 10, 2]))
    assert is_known.tolist() == [True, False, True, False, True]
    assert place[is_known].tolist() == [2, 1, 0]
    assert find(np.array(["a", "c"]), np.array(["c", "b"]))[1].tolist() == [True, False]

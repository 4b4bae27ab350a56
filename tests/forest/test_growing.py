import numpy as np
import pytest
from hypothesis import given, settings
from sklearn.ensemble import RandomForestClassifier as DenseForest

from fidelity.forest import RandomForestClassifier
from fidelity.forest.growing import LEAF, Limits, grow_tree, make_entries, unpack_nodes

from .cases import assert_same_trees, both_forests, data, parameters


@settings(max_examples=300)
@given(data(), parameters)
def test_trees_are_those_of_scikit_learn(xy, parameters):
    X, y = xy
    assert_same_trees(*both_forests(X, y, **parameters))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "levels",
    [[229, 2, 2, 24], [300, 4, 700, 900, 60], [2] * 30, [65_536] * 4, [65_536] * 9],
)
def test_trees_of_many_rows_are_those_of_scikit_learn(levels, seed):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(level, size=6000) for level in levels])
    y = (X[:, 0] + rng.geometric(0.3, size=len(X))) % 229
    assert_same_trees(*both_forests(X, y, n_estimators=3, random_state=seed))


def test_scikit_learn_keeps_its_random_stream():
    """Trees of scikit-learn 1.9 on data too small to leave room for anything but the stream."""
    X = np.array([[i, 7 * i % 10, 3 * i % 10] for i in range(10)])
    y = np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 0])
    trees = DenseForest(n_estimators=2, random_state=42).fit(X, y).estimators_
    features = [tree.tree_.feature.tolist() for tree in trees]
    assert features == EXPECTED_FEATURES, (
        "scikit-learn draws other random numbers than version 1.9 did: fidelity.forest follows "
        "that version and must be brought in line, or the pin in pyproject.toml kept"
    )
    ours = RandomForestClassifier(n_estimators=2, random_state=42).fit(X, y)
    for number, expected in enumerate(EXPECTED_FEATURES):
        feature, _, _ = unpack_nodes(ours.tree(number).nodes)
        assert np.where(feature == LEAF, -2, feature).tolist() == expected


EXPECTED_FEATURES = [[0, 1, 2, -2, -2, -2, -2], [2, 2, -2, 2, -2, -2, -2]]


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ([[3], [3]], [0, 1]),
        ([[3], [5]], [1, 1]),
        ([[0], [65_535]], [0, 1]),
        ([[0, 0], [1, 1]], [0, 1]),
        ([[4]], [0]),
    ],
    ids=["equal rows", "one class", "extreme levels", "two equal features", "one row"],
)
def test_smallest_data(X, y):
    assert_same_trees(*both_forests(X, y, n_estimators=5, random_state=0))


def test_weights_too_large_for_the_bits_that_many_classes_leave_are_refused():
    X = np.array([[0], [1]], dtype=np.uint16)
    entries = make_entries(X, np.array([0, 1 << 20], dtype=np.int32), merge=True)
    with pytest.raises(ValueError, match="too many classes"):
        grow_tree(entries, np.array([1, 1 << 29]), (1 << 20) + 1, Limits(9, 2, 1, 1), 0)


def test_any_number_of_threads_gives_the_same_forest():
    rng = np.random.default_rng(0)
    X, y = rng.integers(50, size=(500, 4)), rng.integers(9, size=500)
    one, many = (
        RandomForestClassifier(n_estimators=9, random_state=1, n_jobs=n).fit(X, y).grown_.trees
        for n in (1, 4)
    )
    for a, b in zip(one, many, strict=True):
        assert np.array_equal(a, b)

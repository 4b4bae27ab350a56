"""Data and parameters to grow forests on, and the comparison with scikit-learn's."""

import numpy as np
import sklearn
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier as DenseForest

from fidelity.forest import RandomForestClassifier
from fidelity.forest.growing import LEAF, unpack_nodes

LEVELS = [1, 2, 3, 9, 60, 300, 65_536]


@st.composite
def data(draw, most_rows=150):
    """Return (X, y): few and many features, constant ones, duplicates, unbalanced classes."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_rows = draw(st.integers(2, most_rows))
    levels = draw(st.lists(st.sampled_from(LEVELS), min_size=1, max_size=9))
    n_classes = draw(st.sampled_from([1, 2, 5, 40]))
    X = np.column_stack([rng.integers(level, size=n_rows) for level in levels]).astype(np.uint16)
    shares = rng.dirichlet(np.full(n_classes, draw(st.sampled_from([0.2, 5.0]))))
    y = rng.choice(n_classes, size=n_rows, p=shares)
    if draw(st.booleans()):
        copies = rng.integers(n_rows, size=n_rows)
        X = X[copies]
        y = y[copies] if draw(st.booleans()) else y
    return X, y


parameters = st.fixed_dictionaries(
    {"n_estimators": st.integers(1, 4), "random_state": st.integers(0, 2**32 - 1)},
    optional={
        "max_depth": st.integers(1, 6),
        "min_samples_split": st.one_of(st.integers(2, 20), st.floats(0.01, 1.0)),
        "min_samples_leaf": st.one_of(st.integers(1, 10), st.floats(0.01, 0.5)),
        "max_features": st.one_of(
            st.sampled_from(["sqrt", "log2", None]), st.integers(1, 12), st.floats(0.01, 1.0)
        ),
        "bootstrap": st.just(False),
        "max_samples": st.one_of(st.integers(1, 200), st.floats(0.01, 1.5)),
    },
).filter(lambda chosen: not {"bootstrap", "max_samples"} <= set(chosen))


def both_forests(X, y, **parameters):
    """Return our forest and scikit-learn's, grown on the same data with the same parameters."""
    ours = RandomForestClassifier(**parameters).fit(X, y)
    return ours, DenseForest(n_jobs=1, **parameters).fit(X, y)


def assert_same_trees(ours, dense):
    for number, estimator in enumerate(dense.estimators_):
        feature, split, right = unpack_nodes(ours.tree(number).nodes)
        expected = estimator.tree_
        message = (
            f"tree {number} differs from that of scikit-learn {sklearn.__version__}; if this "
            "version is new, compare its tree builder and random stream with fidelity.forest"
        )
        assert len(feature) == expected.node_count, message
        inner = expected.children_left >= 0
        assert np.array_equal(feature != LEAF, inner), message
        assert np.array_equal(feature[inner], expected.feature[inner]), message
        assert np.array_equal(split[inner] / 2, expected.threshold[inner]), message
        assert np.array_equal(np.flatnonzero(inner) + 1, expected.children_left[inner]), message
        assert np.array_equal(right[inner], expected.children_right[inner]), message

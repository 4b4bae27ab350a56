import weakref

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier as DenseForest

from fidelity.forest import RandomForestClassifier, grow_forest
from fidelity.forest.growing import Tree
from fidelity.forest.querying import join_trees, take_tree

from .cases import both_forests, data, parameters


def answers_of_table(table, wanted):
    """Return (best, probability, rank) read off a dense table of probabilities."""
    n_rows, n_classes = table.shape
    padded = np.column_stack([table, np.zeros(n_rows)])
    probability = padded[np.arange(n_rows), wanted]
    known = wanted < n_classes
    order = np.argsort(-table, axis=1, kind="stable")
    rank = np.full(n_rows, n_classes + 1)
    rank[known] = np.argmax(order[known] == wanted[known, None], axis=1) + 1
    return table.argmax(axis=1), probability, rank


def rows_to_ask(X, seed):
    """Return training rows and others, levels unseen in training among them."""
    rng = np.random.default_rng(seed)
    others = rng.integers(int(X.max()) + 3, size=X.shape).clip(max=65_535)
    return np.vstack([X, others]).astype(np.uint16)


@settings(max_examples=150)
@given(data(), parameters, st.integers(0, 9))
def test_probabilities_are_those_of_scikit_learn_to_the_last_bit(xy, parameters, seed):
    X, y = xy
    ours, dense = both_forests(X, y, **parameters)
    asked = rows_to_ask(X, seed)
    assert np.array_equal(ours.predict_proba(asked), dense.predict_proba(asked))
    assert np.array_equal(ours.predict(asked), dense.predict(asked))


@settings(max_examples=150)
@given(data(), parameters, st.integers(0, 9))
def test_sparse_answers_are_those_of_the_dense_table(xy, parameters, seed):
    X, y = xy
    ours, dense = both_forests(X, y, **parameters)
    asked = rows_to_ask(X, seed)
    n_classes = len(ours.classes_)
    wanted = np.random.default_rng(seed).integers(n_classes + 1, size=len(asked))
    labels = np.append(ours.classes_, ours.classes_.max() + 1)[wanted]
    table = dense.predict_proba(asked)
    best, probability, rank = answers_of_table(table, wanted)

    answers = ours.query(asked, labels)
    assert np.array_equal(answers.label, ours.classes_[best])
    assert np.array_equal(answers.probability, probability)
    assert np.array_equal(answers.rank, rank)

    order = np.argsort(-table, axis=1, kind="stable")
    for k in {1, (n_classes + 1) // 2, n_classes}:
        top, probabilities = ours.top_k(asked, k)
        assert np.array_equal(top, ours.classes_[order[:, :k]])
        assert np.array_equal(probabilities, np.take_along_axis(table, order[:, :k], axis=1))


@settings(max_examples=100)
@given(data(), st.integers(0, 2**32 - 1))
@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
def test_out_of_bag_answers_are_those_of_scikit_learn(xy, seed):
    X, y = xy
    ours = RandomForestClassifier(n_estimators=5, random_state=seed).fit(X, y)
    dense = DenseForest(n_estimators=5, random_state=seed, n_jobs=1, oob_score=len(set(y)) > 1)
    dense.fit(X, y)
    trees = ours.out_of_bag_trees()
    served = trees.any(axis=1)
    answers = ours.query(X, y, trees=trees)

    assert np.array_equal(np.ma.getmaskarray(answers.label), ~served)
    assert np.isnan(answers.probability[~served]).all()
    assert np.array_equal(answers.rank == 0, ~served)
    if len(set(y)) > 1:
        table = dense.oob_decision_function_
        wanted = np.searchsorted(ours.classes_, y)
        best, probability, rank = answers_of_table(table, wanted)
        assert np.array_equal(answers.label[served], ours.classes_[best[served]])
        assert np.array_equal(answers.probability[served], probability[served])
        assert np.array_equal(answers.rank[served], rank[served])
        top, probabilities = ours.top_k(X, 2, trees=trees)
        assert np.array_equal(probabilities[served], -np.sort(-table[served], axis=1)[:, :2])
        assert np.ma.getmaskarray(top)[~served].all()
        assert np.isnan(probabilities[~served]).all()


@pytest.mark.parametrize("lay", [np.asfortranarray, lambda array: np.repeat(array, 2, axis=0)[::2]])
def test_arrays_may_be_laid_out_in_any_way(lay):
    rng = np.random.default_rng(0)
    X, y = rng.integers(5, size=(60, 3)), rng.integers(4, size=60)
    forest = RandomForestClassifier(n_estimators=4, random_state=0).fit(lay(X), y)
    trees = forest.out_of_bag_trees()
    for found, expected in zip(
        forest.query(lay(X), y, trees=lay(trees)), forest.query(X, y, trees=trees), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_group_bootstrap_draws_whole_groups():
    """By hand: a tree's weights are the draws of its groups, so leaves weigh multiples of them."""
    X = np.arange(12)[:, None]
    y = np.arange(12)
    groups = np.repeat(["u", "v", "w"], [1, 4, 7])
    forest = RandomForestClassifier(n_estimators=30, random_state=0).fit(X, y, groups=groups)
    left_out = forest.out_of_group_trees(groups)
    for number, seed in enumerate(forest.grown_.tree_seeds):
        draws = np.bincount(np.random.RandomState(seed).randint(0, 3, 3), minlength=3)
        tree = forest.tree(number)
        weights = dict(zip(tree.leaf_class.tolist(), tree.leaf_weight.tolist(), strict=True))
        of_row = draws[np.repeat([0, 1, 2], [1, 4, 7])]
        assert weights == {row: int(w) for row, w in enumerate(of_row) if w}
        assert np.array_equal(left_out[:, number], of_row == 0)


def test_out_of_group_answers_come_from_trees_without_the_group():
    """Each user's songs are a secret of its own: only trees that saw the user can tell them."""
    users = np.repeat(np.arange(30), 19)
    X = np.column_stack([np.arange(len(users)) % 19, users])
    y = users
    forest = RandomForestClassifier(n_estimators=20, random_state=0).fit(X, y, groups=users)
    trees = forest.out_of_group_trees(users)
    answers = forest.query(X, y, trees=trees)
    served = trees.any(axis=1)
    assert served.sum() > 500
    assert (answers.probability[served] == 0).all()
    assert forest.query(X, y).probability.mean() > 0.5
    assert forest.out_of_group_trees([99]).all()


@pytest.mark.parametrize(
    ("fitted", "asked"), [(np.arange(4), list("0123")), (np.array(list("0123")), np.arange(4))]
)
def test_groups_and_classes_of_another_kind_are_refused(fitted, asked):
    """None of them would be found, and every row taken for unseen."""
    forest = RandomForestClassifier(n_estimators=3).fit(np.eye(4, dtype=int), fitted, groups=fitted)
    with pytest.raises(ValueError, match="groups holds"):
        forest.out_of_group_trees(asked)
    with pytest.raises(ValueError, match="y holds"):
        forest.query(np.eye(4, dtype=int), asked)


@pytest.mark.parametrize("groups", [[0.0, np.nan], ["u", None], [1, "u"], [[0], [1]]], ids=str)
def test_missing_and_mixed_groups_are_refused(groups):
    groups = np.array(groups, dtype=object) if None in groups or "u" in groups else groups
    with pytest.raises(ValueError, match="groups must"):
        RandomForestClassifier().fit([[0], [1]], [0, 1], groups=groups)


@pytest.mark.parametrize("asked", [[0.0, np.nan], [0, None], [None, None], ["0", None], [[0], [1]]])
def test_missing_and_mixed_labels_cannot_be_asked_about(asked):
    forest = RandomForestClassifier(n_estimators=2).fit([[0], [1]], [0, 1])
    with pytest.raises(ValueError, match="y must"):
        forest.query([[0], [1]], asked)


def test_large_classes_are_told_apart():
    labels = np.array([2**60, 2**60 + 1])
    forest = RandomForestClassifier(n_estimators=2, bootstrap=False).fit([[0], [1]], labels)
    answers = forest.query([[0], [1]], labels.astype(np.uint64))
    assert answers.probability.tolist() == [1.0, 1.0]


def test_answers_do_not_depend_on_the_joblib_backend():
    rng = np.random.default_rng(0)
    X, y = rng.integers(50, size=(300, 4)), rng.integers(9, size=300)
    forest = RandomForestClassifier(n_estimators=5, random_state=1).fit(X, y)
    expected = forest.predict_proba(X)
    with joblib.parallel_config(backend="loky", n_jobs=2):
        assert np.array_equal(forest.predict_proba(X), expected)
        assert np.array_equal(forest.query(X, y).probability, expected[np.arange(300), y])


def test_rows_that_no_tree_left_out_are_marked():
    X, y = [[0], [1]], [0, 1]
    forest = RandomForestClassifier(n_estimators=2, random_state=0).fit(X, y)
    answers = forest.query(X, y, trees=np.array([[True, False], [False, False]]))
    assert np.ma.getmaskarray(answers.label).tolist() == [False, True]
    assert np.isnan(answers.probability).tolist() == [False, True]
    assert (answers.rank == 0).tolist() == [False, True]
    assert forest.predict(X, trees=np.zeros((2, 2), dtype=bool)).mask.all()


@pytest.mark.parametrize(
    ("forest", "call", "message"),
    [
        ({}, lambda forest: forest.out_of_group_trees([0, 1]), "call fit with groups="),
        ({"bootstrap": False}, lambda forest: forest.out_of_bag_trees(), "bootstrap=False"),
        ({}, lambda forest: forest.predict([[0]], trees=[[True]]), "booleans of shape"),
        ({}, lambda forest: forest.top_k([[0]], 3), "from 1 to 2"),
    ],
)
def test_what_cannot_be_answered_is_an_error(forest, call, message):
    fitted = RandomForestClassifier(n_estimators=2, **forest).fit([[0], [1]], [0, 1])
    with pytest.raises(ValueError, match=message):
        call(fitted)


def test_out_of_bag_after_a_bootstrap_of_groups_is_an_error():
    forest = RandomForestClassifier(n_estimators=2).fit([[0], [1]], [0, 1], groups=[0, 1])
    with pytest.raises(ValueError, match="out_of_group_trees"):
        forest.out_of_bag_trees()


def test_any_number_of_threads_gives_the_same_answers():
    rng = np.random.default_rng(0)
    X, y = rng.integers(50, size=(500, 4)), rng.integers(9, size=500)
    forest = RandomForestClassifier(n_estimators=9, random_state=1).fit(X, y)
    one = forest.query(X, y)
    many = forest.set_params(n_jobs=3).query(X, y)
    for a, b in zip(one, many, strict=True):
        assert np.array_equal(a, b)


def test_trees_are_joined_in_order_and_let_go():
    lengths = [(3, 3, 2), (1, 2, 5), (7, 5, 9), (5, 4, 4)]
    alive = []

    def grow():
        for number, (nodes, starts, cells) in enumerate(lengths):
            assert sum(tree() is not None for tree in alive) <= 1
            tree = Tree(*(np.arange(n) + 10 * number for n in (nodes, starts, cells, cells)))
            alive.append(weakref.ref(tree.nodes))
            yield tree
            del tree

    forest = join_trees(grow())
    for number, (nodes, starts, cells) in enumerate(lengths):
        for array, n in zip(take_tree(forest, number), (nodes, starts, cells, cells), strict=True):
            assert array.tolist() == [10 * number + i for i in range(n)]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_of_no_rows_there_are_no_answers(n_jobs):
    X = np.arange(20)[:, None] % 7
    forest = grow_forest(X, X[:, 0], n_estimators=2, random_state=0)
    none = X[:0]
    assert len(forest.predict(none, n_jobs=n_jobs)) == 0
    assert forest.predict_proba(none, n_jobs=n_jobs).shape == (0, 7)
    assert [len(part) for part in forest.query(none, none[:, 0], n_jobs=n_jobs)] == [0, 0, 0]
    assert [part.shape for part in forest.top_k(none, 2, n_jobs=n_jobs)] == [(0, 2), (0, 2)]
    with pytest.raises(ValueError, match="X has no rows to grow a forest from"):
        grow_forest(none, none[:, 0], n_estimators=2)

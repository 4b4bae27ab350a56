from inspect import signature

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.utils.estimator_checks import check_estimator

from fidelity.forest import RandomForestClassifier, grown

X = np.array([[0, 3], [1, 3], [2, 5], [3, 5]])
y = np.array([0, 0, 1, 1])


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_estimators": 0},
        {"n_estimators": 1.5},
        {"criterion": "entropy"},
        {"max_depth": 0},
        {"min_samples_split": 1},
        {"min_samples_leaf": 0},
        {"max_features": "all"},
        {"max_features": 0},
        {"bootstrap": "yes"},
        {"max_samples": 0},
        {"random_state": "seed"},
        {"n_jobs": 1.5},
    ],
)
def test_a_parameter_that_is_not_supported_is_named(parameters):
    (name,) = parameters
    with pytest.raises(ValueError, match=f"The '{name}' parameter of RandomForestClassifier"):
        RandomForestClassifier(**parameters).fit(X, y)


def test_a_parameter_that_only_scikit_learn_has_is_refused():
    with pytest.raises(TypeError, match="class_weight"):
        RandomForestClassifier(class_weight="balanced")


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ([[0, 3], [1, -2], [2, 5], [3, 5]], r"X\[1, 1\] is -2"),
        ([[0, 3], [1, 3], [65_536, 5], [3, 5]], r"X\[2, 0\] is 65536"),
        ([[0, 3], [1, 3], [2, 5], [3, 0.5]], r"X\[3, 1\] is 0.5"),
        ([[0, 3], [1, np.nan], [2, 5], [3, 5]], "contains NaN"),
        ([["a", 3], [1, 3], [2, 5], [3, 5]], "numeric"),
        ([0, 1, 2, 3], "Expected 2D array"),
        ([[0, 3], [1, 3]], "inconsistent numbers of samples"),
    ],
    ids=["negative", "too high", "not an integer", "NaN", "text", "one dimension", "lengths"],
)
def test_odd_rows_are_refused(odd, message):
    with pytest.raises(ValueError, match=message):
        RandomForestClassifier().fit(odd, y)


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ([0.1, 0.2, 0.3, 0.4], "Unknown label type"),
        ([0, 1, np.nan, 1], "contains NaN"),
        (np.zeros((4, 2)), "1d array"),
    ],
)
def test_odd_labels_are_refused(odd, message):
    with pytest.raises(ValueError, match=message):
        RandomForestClassifier().fit(X, odd)


def test_odd_groups_are_refused():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        RandomForestClassifier().fit(X, y, groups=[0, 1])
    with pytest.raises(ValueError, match="groups need bootstrap=True"):
        RandomForestClassifier(bootstrap=False).fit(X, y, groups=[0, 0, 1, 1])
    with pytest.raises(ValueError, match="max_samples needs bootstrap=True"):
        RandomForestClassifier(bootstrap=False, max_samples=2).fit(X, y)
    with pytest.raises(ValueError, match="max_samples=2147483648 asks for more than 2,147,483,647"):
        RandomForestClassifier(max_samples=2**31).fit(X, y)


@pytest.mark.parametrize(
    "ask",
    [
        lambda forest: forest.predict(X),
        lambda forest: forest.predict_proba(X),
        lambda forest: forest.query(X, y),
        lambda forest: forest.top_k(X, 1),
        lambda forest: forest.out_of_bag_trees(),
        lambda forest: forest.out_of_group_trees(y),
        lambda forest: forest.tree(0),
    ],
)
def test_asking_before_fitting_is_an_error(ask):
    with pytest.raises(NotFittedError):
        ask(RandomForestClassifier())


def test_rows_with_another_number_of_features_are_refused():
    forest = RandomForestClassifier(n_estimators=2).fit(X, y)
    with pytest.raises(
        ValueError, match="X has 3 features, but RandomForestClassifier is expecting 2"
    ):
        forest.predict(np.zeros((4, 3), dtype=int))


@pytest.mark.parametrize(
    "rows",
    [X.astype(np.uint8), X.astype(float), X.astype(object), X.tolist(), np.asfortranarray(X)],
    ids=["uint8", "float", "object", "list", "columns"],
)
def test_integers_of_any_type_give_the_same_forest(rows):
    expected = RandomForestClassifier(n_estimators=5, random_state=0).fit(X, y)
    forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(rows, y)
    assert np.array_equal(forest.predict_proba(rows), expected.predict_proba(X))


@pytest.mark.parametrize(
    "labels", [np.array(["b", "a", "b", "c"]), np.array([3, -1, 3, 7]), np.array([True, False] * 2)]
)
def test_labels_of_any_type(labels):
    forest = RandomForestClassifier(n_estimators=5, bootstrap=False).fit(X, labels)
    assert np.array_equal(forest.predict(X), labels)
    assert np.array_equal(forest.classes_, np.unique(labels))


@pytest.mark.parametrize("values", [["a", "b", "a", "c"], pd.date_range("2018-07-15", periods=4)])
def test_tables_of_anything_but_numbers_are_refused(values):
    table = pd.DataFrame({"song": values})
    for column in (table, table.astype({"song": "category"})):
        with pytest.raises(ValueError, match=r"numeric|integers|convert string"):
            RandomForestClassifier().fit(column, y)


def test_it_works_as_scikit_learn_expects():
    forest = RandomForestClassifier(n_estimators=3, max_depth=2, random_state=0)
    assert clone(forest).get_params() == forest.get_params()
    table = pd.DataFrame(np.repeat(X, 5, axis=0), columns=["song", "hour"])
    labels = np.repeat(y, 5)
    scores = cross_val_score(forest, table, labels, groups=np.arange(20) // 2, cv=GroupKFold(5))
    assert scores.tolist() == [1.0] * 5
    forest.fit(table, labels)
    assert forest.feature_names_in_.tolist() == ["song", "hour"]
    with pytest.raises(ValueError, match="feature names"):
        forest.predict(table.rename(columns={"hour": "day"}))


def test_a_refit_that_fails_leaves_the_forest_unfitted():
    """The compiled code trusts that sizes and trees belong together."""
    forest = RandomForestClassifier(n_estimators=2).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent"):
        forest.fit(X[:, :1], y, groups=[0])
    with pytest.raises(NotFittedError):
        forest.predict(X[:, :1])


def test_what_a_forest_was_fitted_with_counts():
    forest = RandomForestClassifier(n_estimators=2).fit(X, y).set_params(bootstrap=False)
    assert forest.out_of_bag_trees().shape == (4, 2)
    forest.fit(X, y).set_params(bootstrap=True)
    with pytest.raises(ValueError, match="bootstrap=False"):
        forest.out_of_bag_trees()


def test_a_tree_that_is_not_there():
    forest = RandomForestClassifier(n_estimators=2).fit(X, y)
    for number in (-1, 2):
        with pytest.raises(IndexError, match=f"no tree {number} of 2"):
            forest.tree(number)


def test_growing_without_the_estimator_has_its_parameters_and_defaults():
    parameters = signature(grown.grow_forest).parameters.values()
    defaults = {each.name: each.default for each in parameters if each.kind == each.KEYWORD_ONLY}
    assert defaults == RandomForestClassifier().get_params()


def test_sample_weights_are_refused():
    with pytest.raises(TypeError, match="positional"):
        RandomForestClassifier().fit(X, y, np.ones(4))


def test_the_checks_of_scikit_learn_pass_once_rows_are_coded(monkeypatch):
    """They feed real numbers, which are refused; here each is coded by its hundredths."""
    as_levels = grown.as_levels

    def code(rows):
        codes = np.clip(np.round(100 * rows.astype(float)), -32_768, 32_767) + 32_768
        return as_levels(codes.astype(np.uint16))

    monkeypatch.setattr(grown, "as_levels", code)
    results = check_estimator(RandomForestClassifier(n_estimators=3), on_fail=None, on_skip=None)
    failed = {
        result["check_name"]: str(result["exception"])
        for result in results
        if result["status"] == "failed"
    }
    assert failed == {}
    assert len(results) > 50

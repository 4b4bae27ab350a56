import weakref
import zipfile
from functools import partial

import numpy as np
import pytest
import skops.io
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.tree import DecisionTreeClassifier

from fidelity.errors import InputError
from fidelity.recommender import (
    cross_validate,
    load_models,
    make_estimator,
    query,
    save_models,
    train,
)
from fidelity.seeding import random_state

OWN = {"estimator": "fidelity.forest.RandomForestClassifier", "n_estimators": 5}
RECOMMENDERS = {
    "own forest": OWN,
    "scikit-learn's forest": {
        "estimator": "sklearn.ensemble.RandomForestClassifier",
        "n_estimators": 5,
    },
    "extra trees": {"estimator": "sklearn.ensemble.ExtraTreesClassifier", "n_estimators": 5},
    "neighbours": {"estimator": "sklearn.neighbors.KNeighborsClassifier", "n_neighbors": 3},
    "bigram": {"estimator": "fidelity.bigram.BigramClassifier"},
    "dummy": {"estimator": "sklearn.dummy.DummyClassifier", "strategy": "stratified"},
    "label only": {"estimator": "sklearn.svm.LinearSVC"},
}


def _transitions(n=300, songs=8, seed=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.integers(songs, size=n), rng.integers(3, size=n)])
    y = (3 * X[:, 0] + rng.integers(2, size=n)) % songs
    return X, y, np.repeat(np.arange(n // 10), 10)


@pytest.mark.parametrize("recommender", RECOMMENDERS.values(), ids=RECOMMENDERS)
def test_any_classifier_answers_alike_after_it_was_saved(recommender, tmp_path):
    X, y, _ = _transitions()
    asked_X, asked_y, _ = _transitions(seed=1)
    models = [train(recommender, X, y, state) for state in (0, 1)]
    save_models(tmp_path / "models.zip", models, recommender)
    loaded = list(load_models(tmp_path / "models.zip", recommender))
    assert len(loaded) == 2
    for model, again in zip(models, loaded, strict=True):
        for one, other in zip(
            query(model, asked_X, asked_y), query(again, asked_X, asked_y), strict=True
        ):
            np.testing.assert_array_equal(one, other)


def test_models_are_stored_and_loaded_one_at_a_time(tmp_path):
    """Of scikit-learn's forests at full size two do not fit into a small machine."""
    recommender = RECOMMENDERS["extra trees"]
    X, y, _ = _transitions()
    alive = weakref.WeakSet()

    def train_each():
        for state in range(3):
            assert len(alive) == 0
            model = train(recommender, X, y, state)
            alive.add(model)
            yield model
            del model

    save_models(tmp_path / "models.zip", train_each(), recommender)
    loaded = load_models(tmp_path / "models.zip", recommender)
    for _ in range(3):
        assert len(alive) == 0
        alive.add(next(loaded))


def test_a_loaded_forest_is_gone_once_it_is_let_go(tmp_path):
    """Before another is asked for: what it answered is written meanwhile."""
    X, y, _ = _transitions()
    save_models(tmp_path / "models.zip", [train(OWN, X, y, state) for state in (0, 1)], OWN)
    for forest in load_models(tmp_path / "models.zip", OWN):
        nodes = weakref.ref(forest.trees.nodes)
        del forest
        assert nodes() is None


TOLD = []


class Telling(DecisionTreeClassifier):
    """Notes the types of all levels that it is told."""

    def fit(self, X, y):
        TOLD.append(X.dtype)
        return super().fit(X, y)

    def predict(self, X):
        TOLD.append(X.dtype)
        return super().predict(X)

    def predict_proba(self, X):
        TOLD.append(X.dtype)
        return super().predict_proba(X)


def test_levels_are_told_in_a_type_that_can_be_reckoned_with():
    X, y, user = _transitions()
    X = X.astype(np.uint16)
    telling = {"estimator": f"{__name__}.Telling"}
    query(train(telling, X, y, 0), X, y)
    cross_validate(telling, X, y, user, partial(random_state, 0))
    assert set(TOLD) == {np.dtype(np.int32)}


@pytest.mark.parametrize("name", ["own forest", "extra trees", "neighbours", "bigram"])
def test_answers_are_those_of_predict_proba(name):
    X, y, _ = _transitions()
    asked_X, asked_y, _ = _transitions(seed=1)
    asked_y[:5] = 99  # a song that no model knows
    model = train(RECOMMENDERS[name], X, y, 0)
    label, probability, rank = query(model, asked_X, asked_y)
    oracle = make_estimator(RECOMMENDERS[name], random_state=0).fit(X, y)
    table, classes = oracle.predict_proba(asked_X), oracle.classes_
    for i, y_next in enumerate(asked_y):
        order = sorted(range(len(classes)), key=lambda k: (-table[i, k], k))
        songs = [classes[k] for k in order]
        assert label[i] == songs[0]
        if y_next == 99:
            assert (probability[i], rank[i]) == (0, len(songs) + 1)
        else:
            assert probability[i] == table[i, order[songs.index(y_next)]]
            assert rank[i] == 1 + songs.index(y_next)


def test_both_forests_answer_the_same():
    X, y, _ = _transitions()
    asked = _transitions(seed=1)[:2]
    ours, theirs = (
        query(train(RECOMMENDERS[name], X, y, 7), *asked)
        for name in ("own forest", "scikit-learn's forest")
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_that_only_labels_has_no_probabilities():
    X, y, _ = _transitions()
    label, probability, rank = query(train(RECOMMENDERS["label only"], X, y, 0), X, y)
    assert (probability, rank) == (None, None)
    assert len(label) == len(y)


def test_many_rows_are_asked_about_in_batches(monkeypatch):
    X, y, _ = _transitions()
    model = train(RECOMMENDERS["extra trees"], X, y, 0)
    at_once = query(model, X, y)
    monkeypatch.setattr("fidelity.recommender._BATCH_CELLS", 24)  # three rows of eight songs
    for one, other in zip(query(model, X, y), at_once, strict=True):
        np.testing.assert_array_equal(one, other)


def test_parameters_come_from_the_config_and_null_leaves_the_default():
    chosen = {"estimator": RECOMMENDERS["extra trees"]["estimator"], "max_depth": 4}
    estimator = make_estimator(chosen | {"n_estimators": None}, random_state=3)
    assert isinstance(estimator, ExtraTreesClassifier)
    found = estimator.get_params()
    assert (found["max_depth"], found["n_estimators"], found["random_state"]) == (4, 100, 3)


@pytest.mark.parametrize(
    ("recommender", "text"),
    [
        ({"estimator": "no.such.Thing"}, r"'no\.such\.Thing' cannot be imported"),
        ({"estimator": "sklearn.ensemble.Nothing"}, "cannot be imported"),
        ({"estimator": "sklearn.preprocessing.OrdinalEncoder"}, "no method predict"),
        (OWN | {"n_estimators": 0}, "'n_estimators' parameter .* must be an int"),
        (OWN | {"n_trees": 3}, "no parameter 'n_trees'.*n_estimators"),
    ],
)
def test_a_recommender_that_cannot_be_made_is_named(recommender, text):
    with pytest.raises(InputError, match=text):
        make_estimator(recommender)


class Foreign(ClassifierMixin, BaseEstimator):
    """Of a package that a config does not name."""


def test_types_of_other_packages_are_not_loaded(tmp_path):
    path = tmp_path / "models.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0.skops", skops.io.dumps(Foreign()))
    with pytest.raises(InputError, match=r"models\.zip: holds the type .*Foreign"):
        next(load_models(path, RECOMMENDERS["extra trees"]))


def test_cross_validation_by_user_against_scikit_learn():
    X, y, user = _transitions()
    seed = partial(random_state, 1, "accuracy")
    found = cross_validate({"estimator": "sklearn.tree.DecisionTreeClassifier"}, X, y, user, seed)
    place = np.random.default_rng(seed("folds")).permutation(30)
    folds = LeaveOneGroupOut().split(X, y, place[user] % 10)
    for i, (trained, held_out) in enumerate(folds):
        assert len(set(user[held_out])) == 3
        assert not set(user[trained]) & set(user[held_out])
        tree = DecisionTreeClassifier(random_state=seed(i)).fit(X[trained], y[trained])
        expected = [tree.score(X[rows], y[rows]) for rows in (held_out, trained)]
        assert found[i].tolist() == expected
    assert i == len(found) - 1 == 9


def test_as_many_folds_as_users_where_there_are_few():
    X, y, user = _transitions(n=30)
    found = cross_validate(OWN, X, y, user, partial(random_state, 1, "accuracy"))
    assert found.shape == (3, 2)


def test_random_songs_match_as_often_as_chance():
    X, y, _ = _transitions(n=20_000)
    dummy = {"estimator": "sklearn.dummy.DummyClassifier", "strategy": "uniform"}
    model = train(dummy, X, y, 0)
    assert isinstance(model, DummyClassifier)
    X[:, 1] = np.arange(len(X))  # all rows distinct, so that each is asked about by itself
    match = query(model, X, y)[0] == y
    standard_error = np.sqrt(1 / 8 * 7 / 8 / len(y))
    assert abs(match.mean() - 1 / 8) < 4 * standard_error

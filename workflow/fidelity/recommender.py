"""Train, query and cross-validate any recommender that a config names.

A recommender is a classifier in the manner of scikit-learn that foretells the next song
(paper, section 5.2). It is given as a dict: `estimator`, the import path of its class, and
the class's parameters; one that is None keeps its default.
"""

import importlib
import zipfile
from operator import itemgetter

import numpy as np

from . import OWN_FOREST
from .codes import distinct_rows, find
from .errors import InputError
from .features import distinct_transitions
from .files import whole_file
from .folds import deal_folds
from .forest import HIGHEST_LEVEL, GrownForest, grow_forest, load_grown, save_grown
from .responses import Responses

FOLDS = 10
_BATCH_CELLS = 1 << 24


def import_estimator(path):
    """Return the class at an import path such as `sklearn.ensemble.ExtraTreesClassifier`.

    Raises
    ------
    InputError
        If there is none, or it has not the methods of a classifier.
    """
    module, _, name = path.rpartition(".")
    try:
        estimator = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{path!r} cannot be imported ({error})") from error
    missing = [
        method for method in ("fit", "predict", "get_params") if not hasattr(estimator, method)
    ]
    if missing:
        raise InputError(f"{path!r} is no classifier: it has no method {missing[0]}")
    return estimator


def make_estimator(recommender, random_state=None):
    """Return an unfitted estimator; `random_state` is set where it is a parameter.

    Raises
    ------
    InputError
        If it cannot be imported, or has no such parameter or not with such a value.
    """
    estimator = import_estimator(recommender["estimator"])()
    _require_classifier(estimator, recommender["estimator"])
    known = estimator.get_params()
    parameters = _parameters(recommender)
    for name in parameters:
        if name not in known:
            raise InputError(
                f"{recommender['estimator']} has no parameter {name!r}; remove it, or set it "
                f"to null if it is config/config.yaml's; there are {', '.join(sorted(known))}"
            )
    if "random_state" in known:
        parameters.setdefault("random_state", random_state)
    estimator.set_params(**parameters)
    if hasattr(estimator, "_parameter_constraints"):
        try:
            estimator._validate_params()
        except ValueError as error:
            raise InputError(f"{recommender['estimator']}: {error}") from error
    return estimator


def train(recommender, X, y, random_state):
    """Return the recommender fitted to transitions.

    Parameters
    ----------
    recommender : dict
    X : whole numbers, shape (transitions, features)
        The song and the timing data observed while it played.
    y : int, shape (transitions,)
        The next song.
    random_state : int
    """
    if _is_own_forest(recommender):
        # Around scikit-learn, whose import takes longer than growing a small forest.
        if X.max() > HIGHEST_LEVEL:
            raise InputError(
                f"songs: a feature has the level {X.max()}, but {recommender['estimator']} takes "
                f"no more than {HIGHEST_LEVEL + 1:,} songs; ask for fewer"
            )
        parameters = {"random_state": random_state} | _parameters(recommender)
        return grow_forest(X, y, **parameters)
    return make_estimator(recommender, random_state).fit(_widen(X), y)


def query(model, X, y):
    """Return what a model answers to each transition: (label, probability, rank).

    `label` is the model's next song, `probability` what it gives the true next song `y`, and
    `rank` the place of `y` by descending probability, ties in class order; a song that the
    model does not know has probability 0 and the rank after all others. The latter two are
    None for a model without `predict_proba`. Only distinct rows are asked about. Rank 1 is the
    label wherever a model's `predict` is the first of its most probable songs, as it is for
    forests, trees and neighbours; a few (uniform DummyClassifier, SVC) answer otherwise.

    Parameters
    ----------
    model : fitted estimator
    X : whole numbers, shape (transitions, features)
    y : int, shape (transitions,)
    """
    return query_distinct(model, distinct_transitions(X, y))


def query_distinct(model, distinct):
    """Return what `query` does, of `DistinctTransitions` that are numbered already."""
    answers = _answer(model, distinct.X, distinct.y)
    return tuple(None if values is None else values[distinct.number] for values in answers)


def cross_validate(recommender, X, y, user, seed):
    """Return (accuracy on the fold, accuracy in the sample) of each of min(10, users) folds.

    Folds are of users; of each, a model of the other folds is asked about the fold and about
    what it was trained on (paper, section 6.1).

    Parameters
    ----------
    recommender : dict
    X, y
        As in `train`.
    user : int, shape (transitions,)
        At least two users.
    seed : callable
        seed(use) returns the random state for the use "folds", and for a fold's number.

    Returns
    -------
    array, shape (folds, 2)
    """
    X = X if _is_own_forest(recommender) else _widen(X)
    users, user = np.unique(user, return_inverse=True)
    kept, row = distinct_rows(X.T)
    asked = X[kept]
    n_folds = min(FOLDS, len(users))
    fold_of = deal_folds(len(users), FOLDS, np.random.default_rng(seed("folds")))[user]
    accuracies = np.empty((n_folds, 2))
    for fold in range(n_folds):
        held_out = fold_of == fold
        model = train(recommender, X[~held_out], y[~held_out], seed(fold))
        match = model.predict(asked)[row] == y
        del model  # before the next is trained
        accuracies[fold] = match[held_out].mean(), match[~held_out].mean()
    return accuracies


def ask_model(recommender, known, asked, random_state):
    """Return the `Responses` to transitions of a model trained on others.

    Parameters
    ----------
    recommender : dict
    known, asked : pairs (X, y)
        As in `train`; each row of `asked` is asked about, so they had better be distinct.
    random_state : int
    """
    X, y = known
    label, probability, rank = _answer(train(recommender, X, y, random_state), *asked)
    return Responses(label == asked[1], probability, rank)


def ask_own_models(recommender, X, y, fold_of, seed):
    """Return `Responses` about each transition from models that do not know its fold.

    Parameters
    ----------
    recommender : dict
    X, y
        As in `train`.
    fold_of : int, shape (transitions,)
        Folds from 0, of users; at least two.
    seed : callable
        seed(fold) returns the random state of a fold's model.
    """
    parts = []
    for fold in range(fold_of.max() + 1):
        held_out = fold_of == fold
        model = train(recommender, X[~held_out], y[~held_out], seed(fold))
        label, probability, rank = query(model, X[held_out], y[held_out])
        del model  # before the next is trained
        parts.append(Responses(label == y[held_out], probability, rank))
    place = np.argsort(np.argsort(fold_of, kind="stable"), kind="stable")
    return Responses(*(_join(values, place) for values in zip(*parts, strict=True)))


def save_models(path, models, recommender):
    """Write fitted models of a recommender (the repeats of a grid point), without pickle.

    The project's forests go into their own container, other estimators through `skops` into a
    zip with one member each. No two need to be in memory at once.

    Parameters
    ----------
    path : path
    models : iterable
        As from `train`.
    recommender : dict
    """
    if _is_own_forest(recommender):
        save_grown(path, models)
        return
    import skops.io

    with whole_file(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for model in models:
            # Compressed, as the trees of scikit-learn are mostly zeros.
            data = skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
            del model  # before the next is trained
            archive.writestr(f"{len(archive.namelist())}.skops", data)


def load_models(path, recommender):
    """Yield the models that `save_models` wrote; one is held by who asked for it alone.

    Types of numpy, scikit-learn and the package of the recommender itself are trusted.

    Raises
    ------
    InputError
        If the file holds a type of another package.
    """
    if _is_own_forest(recommender):
        yield from map(itemgetter(0), load_grown(path))
        return
    import skops.io

    package = recommender["estimator"].partition(".")[0]
    trusted = (package, "sklearn", "numpy")
    with zipfile.ZipFile(path) as archive:
        for i in range(len(archive.namelist())):
            data = archive.read(f"{i}.skops")
            types = skops.io.get_untrusted_types(data=data)
            foreign = [name for name in types if name.partition(".")[0] not in trusted]
            if foreign:
                raise InputError(
                    f"{path}: holds the type {foreign[0]}, but only those of "
                    f"{', '.join(trusted)} are trusted; choose a recommender that does without"
                )
            yield skops.io.loads(data, trusted=types)


def _require_classifier(estimator, path):
    """Raise for other estimators: a cluster's number, say, would be taken for a song."""
    from sklearn.base import is_classifier

    try:
        found = is_classifier(estimator)
    except AttributeError:  # it has no tags, which sklearn.base.ClassifierMixin brings
        found = False
    if not found:
        raise InputError(
            f"{path!r} is no classifier; one derives from sklearn.base.ClassifierMixin"
        )


def _is_own_forest(recommender):
    return recommender["estimator"] == OWN_FOREST


def _parameters(recommender):
    return {
        name: value
        for name, value in recommender.items()
        if name != "estimator" and value is not None
    }


def _join(values, place):
    return None if values[0] is None else np.concatenate(values)[place]


def _widen(X):
    """Return levels as int32: who knows what an estimator reckons with them."""
    return X.astype(np.int32, copy=False)


def _answer(model, X, y):
    if isinstance(model, GrownForest):
        return model.query(X, y)
    X = _widen(X)
    return model.query(X, y) if hasattr(model, "query") else _query_in_batches(model, X, y)


def _query_in_batches(model, X, y):
    """Return (label, probability, rank) of an estimator that has no `query` of its own."""
    kept, row = distinct_rows(X.T)
    asked = X[kept]
    label = model.predict(asked)[row]
    if not hasattr(model, "predict_proba"):
        return label, None, None
    classes = model.classes_
    place, known = find(classes, y)
    probability = np.zeros(len(y))
    rank = np.full(len(y), len(classes) + 1, dtype=np.int64)
    by_row = np.argsort(row, kind="stable")
    n_asked = max(1, _BATCH_CELLS // len(classes))
    for first in range(0, len(asked), n_asked):
        table = model.predict_proba(asked[first : first + n_asked])
        ends = np.searchsorted(row[by_row], [first, first + len(table)])
        pairs = by_row[slice(*ends)]
        pairs = pairs[known[pairs]]
        of_pair, own = table[row[pairs] - first], place[pairs][:, None]
        probability[pairs] = np.take_along_axis(of_pair, own, axis=1)[:, 0]
        better = of_pair > probability[pairs][:, None]
        equal_before = (of_pair == probability[pairs][:, None]) & (np.arange(len(classes)) < own)
        rank[pairs] = 1 + np.count_nonzero(better | equal_before, axis=1)
    return label, probability, rank

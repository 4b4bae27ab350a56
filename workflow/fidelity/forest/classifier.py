"""The estimator: parameters, checks, and the division of work among threads."""

from math import ceil
from numbers import Integral
from typing import ClassVar, NamedTuple

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length, check_random_state
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from .growing import LEAF, Limits, grow_tree, make_entries, weigh_entries
from .querying import (
    answer_rows,
    fill_probabilities,
    join_trees,
    rank_rows,
    rows_in_order,
    take_tree,
)

HIGHEST_LEVEL = 65_535
_HIGHEST_SEED = np.iinfo(np.int32).max


class Answers(NamedTuple):
    """What a forest answers to a row and a class asked about; each of shape (rows,).

    `label` is the most probable class, `probability` that of the class asked about, `rank`
    its place by descending probability (ties in class order, so rank 1 is `label`). For a row
    that no tree serves `label` is masked, `probability` NaN and `rank` 0.
    """

    label: np.ndarray
    probability: np.ndarray
    rank: np.ndarray


class RandomForestClassifier(ClassifierMixin, BaseEstimator):
    """Random forest over integer codes whose leaves store only the classes that they hold.

    Tree for tree the forest of `sklearn.ensemble.RandomForestClassifier` (Breiman 2001) for
    the same `random_state`, with `predict` and `predict_proba` equal to the last bit, in a
    fraction of the time and memory: with 229 classes scikit-learn stores 229 doubles a node.
    Results do not depend on `n_jobs`.

    Parameters
    ----------
    n_estimators, criterion, max_depth, min_samples_split, min_samples_leaf, max_features, \
    bootstrap, max_samples, n_jobs, random_state
        As in scikit-learn, with its defaults. `criterion` is "gini". With `groups` in `fit`,
        `max_samples` counts groups.

    Attributes
    ----------
    classes_ : shape (classes,)
        Labels, ascending.
    n_features_in_ : int
    forest_ : querying.Forest
        The trees, as arrays.
    tree_seeds_ : int64, shape (trees,)
        What each tree's random numbers start from; `out_of_bag_trees` draws again from them.
    n_rows_ : int
        Rows seen in `fit`.
    n_drawn_ : int
        Rows, or groups, drawn for each tree; 0 without bootstrap.
    groups_ : shape (groups,) or None
        The distinct groups given to `fit`, ascending.

    Examples
    --------
    >>> import numpy as np
    >>> from fidelity.forest import RandomForestClassifier
    >>> X, y = np.array([[0], [1], [2], [3]]), np.array(["a", "a", "b", "b"])
    >>> forest = RandomForestClassifier(n_estimators=5, random_state=0).fit(X, y)
    >>> forest.predict([[0], [3]])
    array(['a', 'b'], dtype='<U1')
    >>> forest.query([[0], [3]], ["a", "a"]).rank
    array([1, 2])

    References
    ----------
    Breiman, L. (2001). Random Forests. Machine Learning 45, 5-32.
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "criterion": [StrOptions({"gini"})],
        "max_depth": [Interval(Integral, 1, None, closed="left"), None],
        "min_samples_split": [
            Interval(Integral, 2, None, closed="left"),
            Interval(RealNotInt, 0.0, 1.0, closed="right"),
        ],
        "min_samples_leaf": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0.0, 1.0, closed="neither"),
        ],
        "max_features": [
            Interval(Integral, 1, None, closed="left"),
            Interval(RealNotInt, 0.0, 1.0, closed="right"),
            StrOptions({"sqrt", "log2"}),
            None,
        ],
        "bootstrap": ["boolean"],
        "max_samples": [
            None,
            Interval(RealNotInt, 0.0, None, closed="neither"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_estimators=100,
        *,
        criterion="gini",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        max_features="sqrt",
        bootstrap=True,
        max_samples=None,
        n_jobs=None,
        random_state=None,
    ):
        self.n_estimators = n_estimators
        self.criterion = criterion
        self.max_depth = max_depth
        self.min_samples_split = min_samples_split
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.bootstrap = bootstrap
        self.max_samples = max_samples
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X, y, *, groups=None):
        """Grow the trees.

        Parameters
        ----------
        X : integers from 0 to 65,535, shape (rows, features)
            At most 65,535 features.
        y : labels, shape (rows,)
        groups : numbers or text, shape (rows,), optional
            The bootstrap draws groups (such as users) with all their rows, instead of rows.

        Raises
        ------
        ValueError
            For a parameter, feature, label or group that is not as above, or arrays of
            different lengths. The forest is then not fitted, whatever it was before.
        """
        self.__dict__.pop("forest_", None)
        self._validate_params()
        X, y = validate_data(self, X, y)
        X = _as_levels(X)
        if X.shape[1] > LEAF:
            raise ValueError(f"X has {X.shape[1]} features, of which a forest takes {LEAF}.")
        if type_of_target(y, input_name="y") not in ("binary", "multiclass"):
            raise ValueError(
                f"Unknown label type: {type_of_target(y)}. Labels must be whole numbers or text, "
                "not mixed, and none missing."
            )
        if not self.bootstrap and self.max_samples is not None:
            raise ValueError("max_samples needs bootstrap=True: without it every row is used.")
        group_of_row = None
        if groups is not None:
            if not self.bootstrap:
                raise ValueError("groups need bootstrap=True: without it no group is drawn.")
            groups = _as_plain(groups, "groups")
            check_consistent_length(X, groups)
            groups, group_of_row = np.unique(groups, return_inverse=True)
        self.groups_ = groups
        self.classes_, classes = np.unique(y, return_inverse=True)
        self.n_rows_ = len(X)
        self.n_drawn_ = self._count_draws()
        random_state = check_random_state(self.random_state)
        self.tree_seeds_ = np.array(
            [random_state.randint(_HIGHEST_SEED) for _ in range(self.n_estimators)]
        )
        limits = self._limits(X.shape)
        merge = limits.min_samples_split == 2 and limits.min_samples_leaf == 1
        entries = make_entries(X, classes.astype(np.int32), merge)

        def grow(seed):
            row_weights = self._draw(seed)
            if group_of_row is not None:
                row_weights = row_weights[group_of_row]
            words, labels = weigh_entries(entries, row_weights)
            sampler_seed = np.random.RandomState(seed).randint(0, _HIGHEST_SEED)
            return grow_tree(
                words, labels, entries.layout, len(self.classes_), limits, sampler_seed
            )

        trees = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(grow)(seed) for seed in self.tree_seeds_
        )
        self.forest_ = join_trees(trees)
        return self

    def predict(self, X, trees=None):
        """Return the most probable class of each row, the first of equals.

        Parameters
        ----------
        X : integers from 0 to 65,535, shape (rows, features)
        trees : bool, shape (rows, trees), optional
            Which trees serve which row, as from `out_of_bag_trees`. The labels are then a
            masked array; rows that no tree serves are masked.
        """
        check_is_fitted(self)
        X = self._check_rows(X)
        return self._answer(X, np.zeros(len(X), dtype=np.int32), trees).label

    def predict_proba(self, X):
        """Return the probability of each class, shape (rows, classes): a dense table.

        It takes 8 bytes x rows x classes; `query` and `top_k` do without.
        """
        check_is_fitted(self)
        X = self._check_rows(X)
        n_classes = len(self.classes_)
        table = np.zeros((len(X), n_classes))
        self._share(X, lambda rows: fill_probabilities(self.forest_, n_classes, X, rows, table))
        return table

    def query(self, X, y, trees=None):
        """Return the `Answers` for rows `X` and the classes `y` asked about.

        A class that was not in the training data has probability 0 and the rank after all
        others. `X` and `trees` as in `predict`. No table of rows by classes is made.

        Raises
        ------
        ValueError
            If `y` has missing values, or holds text where the classes are numbers or the
            other way round.
        """
        check_is_fitted(self)
        X = self._check_rows(X)
        y = _as_plain(y, "y")
        check_consistent_length(X, y)
        place, known = _find(self.classes_, y, "y")
        wanted = np.where(known, place, len(self.classes_))
        return self._answer(X, wanted.astype(np.int32), trees)

    def top_k(self, X, k, trees=None):
        """Return (labels, probabilities) of the k most probable classes, shape (rows, k).

        Ties are in class order. For a row that no tree serves, labels are masked and
        probabilities NaN. `X` and `trees` as in `predict`.
        """
        check_is_fitted(self)
        if not isinstance(k, Integral) or not 1 <= k <= len(self.classes_):
            raise ValueError(f"k must be an integer from 1 to {len(self.classes_)}, got {k!r}.")
        X = self._check_rows(X)
        n_classes = len(self.classes_)
        serving = self._check_trees(trees, len(X))
        top = np.empty((len(X), k), dtype=np.int32)
        probability = np.empty((len(X), k))
        self._share(
            X,
            lambda rows: rank_rows(self.forest_, n_classes, X, rows, serving, top, probability),
        )
        return self._as_labels(top, trees), probability

    def out_of_bag_trees(self):
        """Return which trees did not draw which training row, bool (rows of `fit`, trees).

        To be passed as `trees` with the training rows, in the order of `fit`.

        Raises
        ------
        ValueError
            Without bootstrap, and after a bootstrap of groups.
        """
        check_is_fitted(self)
        if self.n_drawn_ == 0:
            raise ValueError("no row is out of bag: the forest was fitted with bootstrap=False.")
        if self.groups_ is not None:
            raise ValueError(
                "the bootstrap drew groups, not rows: call out_of_group_trees with the groups."
            )
        return self._left_out()

    def out_of_group_trees(self, groups):
        """Return which trees drew no row of which row's group, bool (rows, trees).

        Parameters
        ----------
        groups : shape (rows,)
            The group of each row to be predicted, a training row or not; no tree has drawn a
            group that `fit` did not see.

        Raises
        ------
        ValueError
            If the forest was fitted without `groups`, or with groups of another kind (text,
            numbers): none of these would be found, and every row wrongly called unseen.
        """
        check_is_fitted(self)
        if self.groups_ is None:
            raise ValueError(
                "out-of-group predictions need a bootstrap of groups: a bootstrap of rows leaves "
                "hardly any tree free of all rows of a group; call fit with groups=."
            )
        place, known = _find(self.groups_, _as_plain(groups, "groups"), "groups")
        left_out = self._left_out()[place]
        left_out[~known] = True
        return left_out

    def tree(self, number):
        """Return tree `number` as `growing.Tree`, with its nodes in preorder.

        `growing.unpack_nodes` tells their features, splits (twice the threshold) and right
        children; a left child is the next node.
        """
        check_is_fitted(self)
        if not 0 <= number < len(self.tree_seeds_):
            raise IndexError(f"there is no tree {number} of {len(self.tree_seeds_)}.")
        return take_tree(self.forest_, number)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "forest_")

    def _answer(self, X, wanted, trees):
        n_classes = len(self.classes_)
        serving = self._check_trees(trees, len(X))
        best = np.empty(len(X), dtype=np.int32)
        probability = np.empty(len(X))
        rank = np.empty(len(X), dtype=np.int64)
        self._share(
            X,
            lambda rows: answer_rows(
                self.forest_, n_classes, X, rows, wanted, serving, best, probability, rank
            ),
        )
        return Answers(self._as_labels(best, trees), probability, rank)

    def _share(self, X, work):
        """Call `work(rows)` with one part of the rows' numbers a thread."""
        n_threads = min(effective_n_jobs(self.n_jobs), len(X))
        Parallel(n_jobs=n_threads, require="sharedmem")(
            delayed(work)(rows) for rows in np.array_split(rows_in_order(X), n_threads)
        )

    def _check_rows(self, X):
        return _as_levels(validate_data(self, X, reset=False))

    def _check_trees(self, trees, n_rows):
        n_trees = len(self.tree_seeds_)
        if trees is None:
            return np.ones((1, n_trees), dtype=bool)
        trees = np.asarray(trees)
        if trees.dtype != bool or trees.shape != (n_rows, n_trees):
            raise ValueError(
                f"trees must be booleans of shape ({n_rows}, {n_trees}), one row for each of X "
                f"and one column a tree; got {trees.dtype} of shape {trees.shape}."
            )
        return trees

    def _as_labels(self, classes, trees):
        if trees is None:
            return self.classes_[classes]
        return np.ma.masked_array(self.classes_[classes], mask=classes < 0)

    def _count_draws(self):
        population = self.n_rows_ if self.groups_ is None else len(self.groups_)
        if not self.bootstrap:
            return 0
        if self.max_samples is None:
            return population
        if isinstance(self.max_samples, Integral):
            return int(self.max_samples)
        return max(int(self.max_samples * population), 1)

    def _draw(self, seed):
        """Return how often a tree draws each row, or each group."""
        population = self.n_rows_ if self.groups_ is None else len(self.groups_)
        if self.n_drawn_ == 0:
            return np.ones(population, dtype=np.int64)
        drawn = np.random.RandomState(seed).randint(0, population, self.n_drawn_)
        return np.bincount(drawn, minlength=population)

    def _left_out(self):
        return np.column_stack([self._draw(seed) == 0 for seed in self.tree_seeds_])

    def _limits(self, shape):
        n_rows, n_features = shape
        min_samples_leaf, min_samples_split = self.min_samples_leaf, self.min_samples_split
        if not isinstance(min_samples_leaf, Integral):
            min_samples_leaf = ceil(min_samples_leaf * n_rows)
        if not isinstance(min_samples_split, Integral):
            min_samples_split = max(2, ceil(min_samples_split * n_rows))
        if self.max_features == "sqrt":
            max_features = int(np.sqrt(n_features))
        elif self.max_features == "log2":
            max_features = int(np.log2(n_features))
        elif self.max_features is None:
            max_features = n_features
        elif isinstance(self.max_features, Integral):
            max_features = int(self.max_features)
        else:
            max_features = int(self.max_features * n_features)
        return Limits(
            np.iinfo(np.int32).max if self.max_depth is None else int(self.max_depth),
            max(int(min_samples_split), 2 * int(min_samples_leaf)),
            int(min_samples_leaf),
            max(1, max_features),
        )


def _as_plain(values, name):
    """Return values in one dimension: numbers or text, none of them missing.

    Raises
    ------
    ValueError
        A missing value would be taken for one that no tree has seen.
    """
    values = np.asarray(values)
    if values.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {values.shape}.")
    if values.dtype == object:
        kinds = {type(value) for value in values}
        if len(kinds) == 1:
            values = np.array(values.tolist())
    if values.dtype.kind not in "biufUT" or (values.dtype.kind == "f" and np.isnan(values).any()):
        raise ValueError(
            f"{name} must be all numbers or all text, none of them missing, got {values.dtype}."
        )
    return values


def _find(known, asked, name):
    """Return (place of each asked value among the known ones, whether it is there).

    `known` ascends; the place of an unknown value means nothing.
    """
    if _is_text(known) != _is_text(asked):
        kinds = ("numbers", "text") if _is_text(known) else ("text", "numbers")
        raise ValueError(f"{name} holds {kinds[0]}, but {kinds[1]} was given to fit.")
    both_whole = known.dtype.kind in "iu" and asked.dtype.kind in "iu"
    # Of one type, or large numbers would be compared as doubles.
    place = np.searchsorted(known, asked.astype(known.dtype) if both_whole else asked)
    place[place == len(known)] = 0
    return place, known[place] == asked


def _is_text(labels):
    return labels.dtype.kind in "UT" or (labels.dtype == object and isinstance(labels[0], str))


def _as_levels(X):
    """Return checked rows as contiguous uint16."""
    if X.dtype == np.uint16:
        return np.ascontiguousarray(X)
    if X.dtype.kind not in "biuf":
        raise ValueError(
            f"X must hold integers from 0 to {HIGHEST_LEVEL}, got {X.dtype}: code the levels of "
            "each feature as integers first, as scikit-learn's OrdinalEncoder does."
        )
    odd = (X < 0) | (X > HIGHEST_LEVEL)
    if X.dtype.kind == "f":
        odd |= np.floor(X) != X
    if odd.any():
        row, column = np.argwhere(odd)[0]
        raise ValueError(
            f"X must hold integers from 0 to {HIGHEST_LEVEL}, but X[{row}, {column}] is "
            f"{X[row, column]}; code the levels of the feature as integers first (unknown ones "
            "as one in that range, too)."
        )
    return np.ascontiguousarray(X, dtype=np.uint16)

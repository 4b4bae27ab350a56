"""Grow a forest and answer from it: all but what scikit-learn expects of an estimator.

scikit-learn is not imported here. Importing it takes longer than growing a small forest, and
a job that only grows or asks has no other use for it; `classifier` is the estimator.
"""

import sys
from math import ceil
from numbers import Integral
from typing import NamedTuple

import numpy as np

from ..codes import find, number_distinct
from .drawing import count_draws
from .growing import LEAF, Limits, grow_tree, make_entries
from .querying import (
    Forest,
    answer_rows,
    fill_probabilities,
    join_trees,
    rank_rows,
    rows_in_order,
    take_tree,
)

HIGHEST_LEVEL = 65_535
MOST_ROWS = np.iinfo(np.int32).max  # to be drawn for a tree, or to grow one from
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


class GrownForest(NamedTuple):
    """A forest that has been grown, with what its answers need.

    trees : querying.Forest
        All trees, as arrays.
    classes : shape (classes,)
        Labels, ascending.
    n_features : int
    n_rows : int
        Rows that it was grown from.
    n_drawn : int
        Rows, or groups, drawn for each tree; 0 without bootstrap.
    tree_seeds : int64, shape (trees,)
        What each tree's random numbers start from; `out_of_bag_trees` draws again from them.
    groups : shape (groups,) or None
        The distinct groups that the bootstrap drew, ascending.

    Rows `X` asked about are integers from 0 to 65,535, shape (rows, n_features); `trees`, of
    shape (rows, trees), says which trees serve which row, as `out_of_bag_trees` does.
    `RandomForestClassifier` has the same methods and tells more about them.
    """

    trees: Forest
    classes: np.ndarray
    n_features: int
    n_rows: int
    n_drawn: int
    tree_seeds: np.ndarray
    groups: np.ndarray | None

    def predict(self, X, trees=None, n_jobs=None):
        """Return the most probable class of each row, the first of equals."""
        X = self._check_rows(X)
        return self._answer(X, np.zeros(len(X), dtype=np.int32), trees, n_jobs).label

    def predict_proba(self, X, n_jobs=None):
        """Return the probability of each class, shape (rows, classes): a dense table."""
        X = self._check_rows(X)
        n_classes = len(self.classes)
        table = np.zeros((len(X), n_classes))
        _share(X, n_jobs, lambda rows: fill_probabilities(self.trees, n_classes, X, rows, table))
        return table

    def query(self, X, y, trees=None, n_jobs=None):
        """Return the `Answers` for rows `X` and the classes `y` asked about.

        Raises
        ------
        ValueError
            If `y` has missing values, or holds text where the classes are numbers or the
            other way round.
        """
        X = self._check_rows(X)
        y = as_plain(y, "y")
        if len(y) != len(X):
            raise ValueError(f"X has {len(X)} rows, but y has {len(y)}.")
        place, known = _find_alike(self.classes, y, "y")
        wanted = np.where(known, place, len(self.classes))
        return self._answer(X, wanted.astype(np.int32), trees, n_jobs)

    def top_k(self, X, k, trees=None, n_jobs=None):
        """Return (labels, probabilities) of the k most probable classes, shape (rows, k)."""
        if not isinstance(k, Integral) or not 1 <= int(k) <= len(self.classes):
            raise ValueError(f"k must be an integer from 1 to {len(self.classes)}, got {k!r}.")
        X = self._check_rows(X)
        n_classes = len(self.classes)
        serving = self._check_trees(trees, len(X))
        top = np.empty((len(X), k), dtype=np.int32)
        probability = np.empty((len(X), k))
        _share(
            X,
            n_jobs,
            lambda rows: rank_rows(self.trees, n_classes, X, rows, serving, top, probability),
        )
        return self._as_labels(top, trees), probability

    def out_of_bag_trees(self):
        """Return which trees did not draw which row it was grown from, bool (rows, trees).

        Raises
        ------
        ValueError
            Without bootstrap, and after a bootstrap of groups.
        """
        if self.n_drawn == 0:
            raise ValueError("no row is out of bag: the forest was fitted with bootstrap=False.")
        if self.groups is not None:
            raise ValueError(
                "the bootstrap drew groups, not rows: call out_of_group_trees with the groups."
            )
        return self._left_out()

    def out_of_group_trees(self, groups):
        """Return which trees drew no row of which row's group, bool (rows, trees).

        Raises
        ------
        ValueError
            If the bootstrap drew no groups, or groups of another kind (text, numbers): none of
            these would be found, and every row wrongly called unseen.
        """
        if self.groups is None:
            raise ValueError(
                "out-of-group predictions need a bootstrap of groups: a bootstrap of rows leaves "
                "hardly any tree free of all rows of a group; call fit with groups=."
            )
        place, known = _find_alike(self.groups, as_plain(groups, "groups"), "groups")
        left_out = self._left_out()[place]
        left_out[~known] = True
        return left_out

    def tree(self, number):
        """Return tree `number` as `growing.Tree`, with its nodes in preorder."""
        if not 0 <= number < len(self.tree_seeds):
            raise IndexError(f"there is no tree {number} of {len(self.tree_seeds)}.")
        return take_tree(self.trees, number)

    def _answer(self, X, wanted, trees, n_jobs):
        n_classes = len(self.classes)
        serving = self._check_trees(trees, len(X))
        best = np.empty(len(X), dtype=np.int32)
        probability = np.empty(len(X))
        rank = np.empty(len(X), dtype=np.int64)
        _share(
            X,
            n_jobs,
            lambda rows: answer_rows(
                self.trees, n_classes, X, rows, wanted, serving, best, probability, rank
            ),
        )
        return Answers(self._as_labels(best, trees), probability, rank)

    def _check_rows(self, X):
        X = as_levels(np.asarray(X))
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(f"X must have {self.n_features} features, got shape {X.shape}.")
        return X

    def _check_trees(self, trees, n_rows):
        n_trees = len(self.tree_seeds)
        if trees is None:
            return np.ones((1, n_trees), dtype=bool)
        trees = np.asarray(trees)
        if trees.dtype != bool or trees.shape != (n_rows, n_trees):
            raise ValueError(
                f"trees must be booleans of shape ({n_rows}, {n_trees}), one row for each of X "
                f"and one column a tree; got {trees.dtype} of shape {trees.shape}."
            )
        return np.ascontiguousarray(trees)

    def _as_labels(self, classes, trees):
        if trees is None:
            return self.classes[classes]
        return np.ma.masked_array(self.classes[classes], mask=classes < 0)

    def _left_out(self):
        population = self.n_rows if self.groups is None else len(self.groups)
        return np.column_stack(
            [_draw(seed, population, self.n_drawn) == 0 for seed in self.tree_seeds]
        )


def grow_forest(
    X,
    y,
    groups=None,
    *,
    n_estimators=100,
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
    """Return the `GrownForest` of rows `X` and their labels `y`.

    Parameters as in `RandomForestClassifier` and its `fit`, which check them; here they are
    taken to be valid. `random_state` is an integer, a `numpy.random.RandomState` or None.

    Raises
    ------
    ValueError
        If X does not hold integers from 0 to 65,535, has no rows, or too many features; for
        `max_samples` without bootstrap, or of more draws than `MOST_ROWS`.
    """
    X = as_levels(X)
    n_rows, n_features = X.shape
    if n_rows == 0:
        raise ValueError("X has no rows to grow a forest from.")
    if n_features > LEAF:
        raise ValueError(f"X has {n_features} features, of which a forest takes {LEAF}.")
    if not bootstrap and max_samples is not None:
        raise ValueError("max_samples needs bootstrap=True: without it every row is used.")
    group_of_row = None
    if groups is not None:
        groups, group_of_row = number_distinct(np.asarray(groups))
    classes, class_of_row = number_distinct(np.asarray(y))
    population = n_rows if groups is None else len(groups)
    n_drawn = _count_draws(population, max_samples) if bootstrap else 0
    if not isinstance(random_state, np.random.RandomState):
        random_state = np.random.RandomState(random_state)
    seeds = np.array([random_state.randint(_HIGHEST_SEED) for _ in range(n_estimators)])
    limits = _resolve_limits(X.shape, max_depth, min_samples_split, min_samples_leaf, max_features)
    merge = limits.min_samples_split == 2 and limits.min_samples_leaf == 1
    entries = make_entries(X, class_of_row.astype(np.int32), merge)

    def grow(seed):
        row_weights = _draw(seed, population, n_drawn)
        if group_of_row is not None:
            row_weights = row_weights[group_of_row]
        sampler_seed = np.random.RandomState(seed).randint(0, _HIGHEST_SEED)
        return grow_tree(entries, row_weights, len(classes), limits, sampler_seed)

    trees = _map(grow, seeds, n_jobs)
    return GrownForest(join_trees(trees), classes, n_features, n_rows, n_drawn, seeds, groups)


def as_plain(values, name):
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


def _find_alike(known, asked, name):
    """Return what `codes.find` does, for values of the same kind, numbers or text."""
    if _is_text(known) != _is_text(asked):
        kinds = ("numbers", "text") if _is_text(known) else ("text", "numbers")
        raise ValueError(f"{name} holds {kinds[0]}, but {kinds[1]} was given to fit.")
    return find(known, asked)


def _is_text(labels):
    return labels.dtype.kind in "UT" or (labels.dtype == object and isinstance(labels[0], str))


def as_levels(X):
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


def _share(X, n_jobs, work):
    """Call `work(rows)` with one part of the rows' numbers a thread."""
    if len(X) == 0:
        return
    if _is_alone(n_jobs):
        work(rows_in_order(X))
        return
    from joblib import Parallel, delayed, effective_n_jobs

    n_threads = min(effective_n_jobs(n_jobs), len(X))
    Parallel(n_jobs=n_threads, require="sharedmem")(
        delayed(work)(rows) for rows in np.array_split(rows_in_order(X), n_threads)
    )


def _map(function, parts, n_jobs):
    """Return an iterator of what a function returns of each part, in as many threads."""
    if _is_alone(n_jobs):
        return map(function, parts)
    from joblib import Parallel, delayed

    parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
    return parallel(delayed(function)(part) for part in parts)


def _is_alone(n_jobs):
    """Return if there is to be one thread, by the number or since joblib was told of no other.

    To import joblib takes longer than to grow a small forest, and who has not imported it cannot
    have set `joblib.parallel_config`.
    """
    return n_jobs == 1 or (n_jobs is None and "joblib" not in sys.modules)


def _count_draws(population, max_samples):
    if max_samples is None:
        return population
    if isinstance(max_samples, Integral):
        n_drawn = int(max_samples)
    else:
        n_drawn = max(int(max_samples * population), 1)
    if n_drawn > MOST_ROWS:
        raise ValueError(
            f"max_samples={max_samples} asks for more than {MOST_ROWS:,} draws a tree."
        )
    return n_drawn


def _draw(seed, population, n_drawn):
    """Return how often a tree draws each row, or each group; once without bootstrap."""
    if n_drawn == 0:
        return np.ones(population, dtype=np.int64)
    return count_draws(seed, population, n_drawn)


def _resolve_limits(shape, max_depth, min_samples_split, min_samples_leaf, max_features):
    n_rows, n_features = shape
    if not isinstance(min_samples_leaf, Integral):
        min_samples_leaf = ceil(min_samples_leaf * n_rows)
    if not isinstance(min_samples_split, Integral):
        min_samples_split = max(2, ceil(min_samples_split * n_rows))
    if max_features == "sqrt":
        max_features = int(np.sqrt(n_features))
    elif max_features == "log2":
        max_features = int(np.log2(n_features))
    elif max_features is None:
        max_features = n_features
    elif not isinstance(max_features, Integral):
        max_features = int(max_features * n_features)
    return Limits(
        np.iinfo(np.int32).max if max_depth is None else int(max_depth),
        max(int(min_samples_split), 2 * int(min_samples_leaf)),
        int(min_samples_leaf),
        max(1, int(max_features)),
    )

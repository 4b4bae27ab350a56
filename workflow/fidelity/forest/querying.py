"""Answer queries from the sparse leaves of a forest, without a table of rows x classes.

Probabilities are those of scikit-learn to the last bit: each tree's shares are added in tree
order, and the sum is divided by the number of trees. A class absent from all the leaves that
a row reaches has probability 0 and costs nothing.
"""

from typing import NamedTuple

import numpy as np

from ..compiling import Compiled
from .growing import Tree
from .packing import pack_rows, sort_order

_compiled = Compiled(__file__)


class Forest(NamedTuple):
    """All trees in one set of arrays: the arrays of `growing.Tree` one after the other.

    Tree `t` has the nodes `first_node[t]` to `first_node[t + 1]`, the entries of `leaf_start`
    from `first_leaf[t]` to `first_leaf[t + 1]`, and the cells of `leaf_class` and
    `leaf_weight` from `first_cell[t]` to `first_cell[t + 1]`. Right children and `leaf_start`
    count from the start of their tree.
    """

    first_node: np.ndarray
    first_leaf: np.ndarray
    first_cell: np.ndarray
    nodes: np.ndarray
    leaf_start: np.ndarray
    leaf_class: np.ndarray
    leaf_weight: np.ndarray


def join_trees(trees):
    """Return the `Forest` of `growing.Tree`s, in that order.

    `trees` may be an iterator: a tree is let go once it is added, so that the forest is not held
    twice. Its arrays become larger in place; the system moves large ones without a copy.
    """
    lengths = []
    joined = []
    for tree in trees:
        lengths.append([len(tree.nodes), len(tree.leaf_start), len(tree.leaf_class)])
        joined = joined or [array[:0].copy() for array in tree]
        for whole, array in zip(joined, tree, strict=True):
            start = len(whole)
            whole.resize(start + len(array), refcheck=False)
            whole[start:] = array
    return Forest(*(firsts(column) for column in zip(*lengths, strict=True)), *joined)


def take_tree(forest, t):
    """Return tree number `t` of a forest as `growing.Tree`."""
    nodes, leaves, cells = (
        slice(first[t], first[t + 1])
        for first in (forest.first_node, forest.first_leaf, forest.first_cell)
    )
    return Tree(
        forest.nodes[nodes],
        forest.leaf_start[leaves],
        forest.leaf_class[cells],
        forest.leaf_weight[cells],
    )


def firsts(lengths):
    """Return where each of several runs starts when they follow on each other, and the end."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def rows_in_order(X):
    """Return the numbers of the rows, equal rows together and similar ones near.

    Rows in this order take the same turns in a tree, which processors predict well, and a
    row equal to the one before needs no new answer.
    """
    words, layout = pack_rows(X)
    return sort_order(words, layout, np.zeros(len(X), dtype=np.int32))


def answer_rows(forest, n_classes, X, rows, wanted, trees, best, probability, rank):
    """Write the most probable class of each of `rows`, and what the wanted one gets.

    Parameters
    ----------
    rows : int64, shape (some,)
        Numbers of rows of X, in the order of `rows_in_order`.
    wanted : int32, shape (rows of X,)
        A class for each row; `n_classes` for one that the forest does not know, which gets
        probability 0 and the rank after all known ones.
    trees : bool, shape (rows of X, trees) or (1, trees)
        Which trees serve which row; a single row of it holds for all.
    best, probability, rank : shape (rows of X,), to be written to
        -1, NaN and 0 for a row that no tree serves.
    """
    arguments = _arguments(forest, n_classes, X, rows, trees)
    _require_memory(_compiled.answer_rows(*arguments, wanted, best, probability, rank))


def rank_rows(forest, n_classes, X, rows, trees, top, probability):
    """Write the most probable classes of each of `rows`, in order.

    `top` and `probability` have shape (rows of X, k), k at most `n_classes`, and get -1 and
    NaN for a row that no tree serves. `rows` and `trees` as in `answer_rows`.
    """
    arguments = _arguments(forest, n_classes, X, rows, trees)
    _require_memory(_compiled.rank_rows(*arguments, top.shape[1], top, probability))


def fill_probabilities(forest, n_classes, X, rows, table):
    """Write the probabilities of all classes to `table`, zeros of shape (rows of X, classes)."""
    trees = np.ones((1, len(forest.first_node) - 1), dtype=bool)
    arguments = _arguments(forest, n_classes, X, rows, trees)
    _require_memory(_compiled.fill_probabilities(*arguments, table))


def _arguments(forest, n_classes, X, rows, trees):
    """Return what all of the compiled functions begin with."""
    n_trees = len(forest.first_node) - 1
    stride = 0 if len(trees) == 1 else n_trees  # from one row of `trees` to the next
    return (*forest, n_trees, n_classes, X, X.shape[1], rows, len(rows), trees, stride)


def _require_memory(answered):
    if not answered:
        raise MemoryError("the answers of a forest do not fit into memory")

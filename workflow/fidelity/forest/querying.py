"""Answer queries from the sparse leaves of a forest, without a table of rows x classes.

Probabilities are those of scikit-learn to the last bit: each tree's shares are added in tree
order, and the sum is divided by the number of trees. A class absent from all the leaves that
a row reaches has probability 0 and costs nothing.
"""

from typing import NamedTuple

import numpy as np

from ..compiling import numba
from .growing import LEAF, RIGHT_SHIFT, SPLIT_MASK, SPLIT_SHIFT, Tree
from .packing import pack_rows, sort_order

_BLOCK_ROWS = 256
_LEAF = np.uint64(LEAF)

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


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


@_compiled
def _find_distinct(X, rows, number, doubled):
    """Return how many of `rows`, in which equal ones are together, are distinct.

    Which of them each is comes in `number`, and twice the levels of each, side by side, in
    `doubled`: what a node's split is compared with.
    """
    n_distinct = 0
    for i in range(len(rows)):
        is_new = i == 0
        for f in range(X.shape[1] if i > 0 else 0):
            if X[rows[i], f] != X[rows[i - 1], f]:
                is_new = True
                break
        if is_new:
            for f in range(X.shape[1]):
                doubled[n_distinct * X.shape[1] + f] = 2 * np.uint64(X[rows[i], f])
            n_distinct += 1
        number[i] = n_distinct - 1
    return n_distinct


@_compiled
def _find_leaves(forest, X, rows, number, leaves):
    """Write where the leaf that each distinct row reaches in each tree has its `leaf_start`.

    Which of the distinct ones each of `rows` is comes in `number`. Where the leaf has a single
    class, minus one minus that class is written instead.

    All rows go down a tree together, a node each at a time, and only those that have not arrived
    go on. There is no branch on the way taken, which could not be predicted, and the reads from
    memory overlap.
    """
    doubled = np.empty(len(rows) * X.shape[1], dtype=np.uint64)
    n_rows = _find_distinct(X, rows, number, doubled)
    n_features = np.uint64(X.shape[1])
    nodes = forest.nodes
    at = np.empty(n_rows, dtype=np.uint64)
    walking = np.empty(n_rows, dtype=np.uint64)
    for t in range(len(forest.first_node) - 1):
        first = np.uint64(forest.first_node[t])
        first_leaf = forest.first_leaf[t]
        for j in range(np.uint64(n_rows)):
            at[j] = first
            walking[j] = j
        n_walking = np.uint64(n_rows)
        while n_walking > 0:
            n_left = np.uint64(0)
            for i in range(n_walking):
                j = walking[i]
                word = nodes[at[j]]
                feature = word & _LEAF
                inner = feature != _LEAF
                level = doubled[j * n_features + (feature if inner else np.uint64(0))]
                goes_left = level <= (word >> SPLIT_SHIFT) & SPLIT_MASK
                child = at[j] + np.uint64(1) if goes_left else first + (word >> RIGHT_SHIFT)
                at[j] = child if inner else at[j]
                walking[n_left] = j
                n_left += np.uint64(inner)
            n_walking = n_left
        for j in range(np.uint64(n_rows)):
            word = nodes[at[j]]
            leaf = first_leaf + np.int64(word >> RIGHT_SHIFT)
            only_class = np.int64((word >> SPLIT_SHIFT) & SPLIT_MASK)
            leaves[j, t] = -only_class if only_class > 0 else leaf


@_compiled
def _mix_leaves(
    first_cell,
    leaf_start,
    leaf_class,
    leaf_weight,
    leaves,
    leaves_row,
    trees,
    trees_row,
    probability,
    reached,
):
    """Add up one row's leaves; return (classes reached, trees that serve the row).

    The classes come in `reached`, with the mean of their shares in `probability`, which holds
    zeros elsewhere.
    """
    n_reached = 0
    n_serving = 0
    for t in range(leaves.shape[1]):
        if not trees[trees_row, t]:
            continue
        n_serving += 1
        leaf = leaves[leaves_row, t]
        if leaf < 0:
            k = np.uint32(-1 - leaf)
            if probability[k] == 0.0:
                reached[n_reached] = k
                n_reached += 1
            probability[k] += 1.0
            continue
        start = np.uint64(first_cell[t] + leaf_start[leaf])
        end = np.uint64(first_cell[t] + leaf_start[leaf + 1])
        weight = 0.0
        for cell in range(start, end):
            weight += leaf_weight[cell]
        for cell in range(start, end):
            k = np.uint32(leaf_class[cell])
            if probability[k] == 0.0:
                reached[n_reached] = k
                n_reached += 1
            probability[k] += leaf_weight[cell] / weight
    for j in range(n_reached):
        probability[reached[j]] /= n_serving
    return n_reached, n_serving


@_compiled
def _best_class(probability, reached, start, end):
    """Return the most probable class of `reached[start:end]`, the first of equals; -1 if none."""
    best = -1
    for j in range(start, end):
        k = reached[j]
        if (
            best < 0
            or probability[k] > probability[best]
            or (probability[k] == probability[best] and k < best)
        ):
            best = k
    return best


@_compiled
def _rank(probability, reached, n_reached, k):
    """Return the place of class `k` by descending probability, ties in class order, from 1."""
    rank = 1
    if probability[k] == 0.0:
        rank += k  # the classes before k, reached or not, precede it ...
        for j in range(n_reached):
            rank += reached[j] > k  # ... and so do the reached ones after it
        return rank
    for j in range(n_reached):
        other = reached[j]
        rank += probability[other] > probability[k] or (
            probability[other] == probability[k] and other < k
        )
    return rank


@_compiled
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
    first_cell, leaf_start = forest.first_cell, forest.leaf_start
    leaf_class, leaf_weight = forest.leaf_class, forest.leaf_weight
    by_class = np.zeros(n_classes + 1)
    reached = np.empty(n_classes, dtype=np.int32)
    number = np.empty(_BLOCK_ROWS, dtype=np.int64)
    leaves = np.empty((_BLOCK_ROWS, trees.shape[1]), dtype=np.int64)
    shared = len(trees) == 1
    n_reached = 0
    n_serving = 0
    first = -1
    for block in range(0, len(rows), _BLOCK_ROWS):
        block_rows = rows[block : block + _BLOCK_ROWS]
        _find_leaves(forest, X, block_rows, number, leaves)
        for i in range(len(block_rows)):
            row = block_rows[i]
            if not (shared and i > 0 and number[i] == number[i - 1]):
                for j in range(n_reached):
                    by_class[reached[j]] = 0.0
                n_reached, n_serving = _mix_leaves(
                    first_cell,
                    leaf_start,
                    leaf_class,
                    leaf_weight,
                    leaves,
                    number[i],
                    trees,
                    0 if shared else row,
                    by_class,
                    reached,
                )
                first = _best_class(by_class, reached, 0, n_reached)
            best[row] = first
            if n_serving > 0:
                probability[row] = by_class[wanted[row]]
                rank[row] = _rank(by_class, reached, n_reached, wanted[row])
            else:
                probability[row] = np.nan
                rank[row] = 0


@_compiled
def rank_rows(forest, n_classes, X, rows, trees, top, probability):
    """Write the most probable classes of each of `rows`, in order.

    `top` and `probability` have shape (rows of X, k), k at most `n_classes`, and get -1 and
    NaN for a row that no tree serves. `rows` and `trees` as in `answer_rows`.
    """
    first_cell, leaf_start = forest.first_cell, forest.leaf_start
    leaf_class, leaf_weight = forest.leaf_class, forest.leaf_weight
    by_class = np.zeros(n_classes)
    reached = np.empty(n_classes, dtype=np.int32)
    number = np.empty(_BLOCK_ROWS, dtype=np.int64)
    leaves = np.empty((_BLOCK_ROWS, trees.shape[1]), dtype=np.int64)
    n_top = top.shape[1]
    for block in range(0, len(rows), _BLOCK_ROWS):
        block_rows = rows[block : block + _BLOCK_ROWS]
        _find_leaves(forest, X, block_rows, number, leaves)
        for i in range(len(block_rows)):
            row = block_rows[i]
            n_reached, n_serving = _mix_leaves(
                first_cell,
                leaf_start,
                leaf_class,
                leaf_weight,
                leaves,
                number[i],
                trees,
                0 if len(trees) == 1 else row,
                by_class,
                reached,
            )
            if n_serving == 0:
                top[row] = -1
                probability[row] = np.nan
                continue
            n_ranked = min(n_top, n_reached)
            for place in range(n_ranked):
                best = _best_class(by_class, reached, place, n_reached)
                for j in range(place, n_reached):
                    if reached[j] == best:
                        reached[place], reached[j] = reached[j], reached[place]
                top[row, place] = best
                probability[row, place] = by_class[best]
            # The others have probability 0 and follow in class order.
            k = 0
            for place in range(n_ranked, n_top):
                while by_class[k] > 0.0:
                    k += 1
                top[row, place] = k
                probability[row, place] = 0.0
                k += 1
            for j in range(n_reached):
                by_class[reached[j]] = 0.0


@_compiled
def fill_probabilities(forest, n_classes, X, rows, table):
    """Write the probabilities of all classes to `table`, zeros of shape (rows of X, classes)."""
    first_cell, leaf_start = forest.first_cell, forest.leaf_start
    leaf_class, leaf_weight = forest.leaf_class, forest.leaf_weight
    trees = np.ones((1, len(forest.first_node) - 1), dtype=np.bool_)
    reached = np.empty(n_classes, dtype=np.int32)
    number = np.empty(_BLOCK_ROWS, dtype=np.int64)
    leaves = np.empty((_BLOCK_ROWS, trees.shape[1]), dtype=np.int64)
    for block in range(0, len(rows), _BLOCK_ROWS):
        block_rows = rows[block : block + _BLOCK_ROWS]
        _find_leaves(forest, X, block_rows, number, leaves)
        for i in range(len(block_rows)):
            if i > 0 and number[i] == number[i - 1]:
                table[block_rows[i]] = table[block_rows[i - 1]]
                continue
            _mix_leaves(
                first_cell,
                leaf_start,
                leaf_class,
                leaf_weight,
                leaves,
                number[i],
                trees,
                0,
                table[block_rows[i]],
                reached,
            )

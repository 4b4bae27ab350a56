"""Grow decision trees: scikit-learn's algorithm on sorted, merged rows, with sparse leaves.

The tree that comes out is the one that `sklearn.tree.DecisionTreeClassifier` grows inside a
random forest (Gini impurity, best splits, depth first), node by node, because three things
are kept exactly as they are there: the stream of random numbers, the order in which features
are drawn and found constant, and the floating-point expression that ranks the splits. What
differs is the cost:

* Rows that agree in all features and in the class are merged into one *entry* with a weight.
  Coarse features leave far fewer entries than rows.
* Entries are sorted once a forest by the feature with the most levels, and nodes are split
  stably, so every node finds its entries sorted by that feature: nothing to sort, and nothing
  to move when it is the one that splits.
* An entry's features, its class and its weight are packed into one or a few words. The
  bitwise "and" and "or" over a node's words tell at once which features are constant, and
  bounds of the levels of the others.
* Where a node has many entries for the levels of a feature, a table of its weights by level
  and class saves sorting them.
* Sums of squared class weights are updated entry by entry (or cell by cell of that table) in
  integers. They equal scikit-learn's sums of doubles as long as those are exact: below 2**53,
  that is, 94 million rows of one class.
* Leaves keep the classes that they hold, not a row of all classes.

Rows become entries here; a tree grows on them in `growing.c`, with `nodes.h` for its nodes.
"""

from typing import NamedTuple

import numpy as np

from ..compiling import Compiled
from .packing import LEVEL_BITS, WORD_BITS, Layout, pack_rows, sort_order

LEAF = (1 << 16) - 1  # in place of the feature of a node
_FEATURE_BITS = 16
_SPLIT_BITS = 17  # twice the highest level
SPLIT_SHIFT = np.uint64(_FEATURE_BITS)
SPLIT_MASK = np.uint64((1 << _SPLIT_BITS) - 1)
RIGHT_SHIFT = np.uint64(_FEATURE_BITS + _SPLIT_BITS)
_LEAF_NODE = np.uint64(LEAF)

_compiled = Compiled(__file__)


class Entries(NamedTuple):
    """Distinct training rows, in lexicographic order with the sorted feature first.

    `words` has shape (words, entries), `classes` (entries,) and `entry_of_row` (rows,).
    """

    words: np.ndarray
    classes: np.ndarray
    entry_of_row: np.ndarray
    layout: Layout


class Limits(NamedTuple):
    """What keeps a node from being split further, and how many features a split looks at.

    `min_samples_split` is at least twice `min_samples_leaf`.
    """

    max_depth: int
    min_samples_split: int
    min_samples_leaf: int
    max_features: int


class Tree(NamedTuple):
    """A tree in preorder: the left child of node `i` is `i + 1`.

    `nodes` has one 64-bit word a node. From the lowest bit: the feature (`LEAF` in leaves),
    the split (twice the threshold), and the right child. In leaves the split is one more than
    the class if there is only one (and it fits), which spares a look at the leaf, or 0, and
    the right child is the number of the leaf. Leaf `j` holds the classes
    `leaf_class[leaf_start[j]:leaf_start[j + 1]]`, ascending, with the weights in
    `leaf_weight`.
    """

    nodes: np.ndarray
    leaf_start: np.ndarray
    leaf_class: np.ndarray
    leaf_weight: np.ndarray


def unpack_nodes(nodes):
    """Return (feature, split, right) of node words."""
    feature = nodes & _LEAF_NODE
    split = (nodes >> SPLIT_SHIFT) & SPLIT_MASK
    right = nodes >> RIGHT_SHIFT
    return feature.astype(np.int32), split.astype(np.int32), right.astype(np.int32)


def make_entries(X, classes, merge):
    """Pack and sort the rows of `X`; merge those that agree in features and class if `merge`.

    A tree grown on merged entries is that of the rows as long as only weights decide. Where a
    minimum number of rows a node is asked for (more than scikit-learn's defaults), rows must
    stay apart.

    Parameters
    ----------
    X : uint16, shape (rows, features)
    classes : int32, shape (rows,)
    merge : bool
    """
    words, layout = pack_rows(X)
    order = sort_order(words, layout, classes)
    words = words[:, order]
    sorted_classes = classes[order]
    starts = np.ones(len(order), dtype=bool)
    if merge:
        starts[1:] = sorted_classes[1:] != sorted_classes[:-1]
        starts[1:] |= (words[:, 1:] != words[:, :-1]).any(axis=0)
    entry_of_row = np.empty(len(order), dtype=np.int32)
    entry_of_row[order] = np.cumsum(starts) - 1
    return Entries(
        np.ascontiguousarray(words[:, starts]), sorted_classes[starts], entry_of_row, layout
    )


def grow_tree(entries, row_weights, n_classes, limits, seed):
    """Return the `Tree` grown on entries.

    Parameters
    ----------
    row_weights : int64, shape (rows,)
        How often each row was drawn.
    seed : int
        State of scikit-learn's feature sampler, in [0, 2**31 - 1).

    Raises
    ------
    ValueError
        If the class and the weight of a row do not fit into one word beside a feature.
    """
    words, bits, class_shift = _weigh_entries(entries, row_weights)
    n_words, n_entries = words.shape
    layout = entries.layout
    nodes = np.empty(2 * n_entries, dtype=np.uint64)
    leaf_start = np.empty(n_entries + 1, dtype=np.int32)
    leaf_class, leaf_weight = np.empty((2, n_entries), dtype=np.int32)
    n_leaves = np.empty(1, dtype=np.int64)
    n_nodes = _compiled.grow_tree(
        words,
        n_words,
        n_entries,
        bits,
        class_shift,
        layout.word,
        layout.shift,
        layout.mask,
        len(layout.word),
        layout.sorted_feature,
        n_classes,
        np.array(limits, dtype=np.int64),
        seed,
        nodes,
        leaf_start,
        leaf_class,
        leaf_weight,
        n_leaves,
    )
    if n_nodes < 0:
        raise MemoryError(f"a tree of {n_entries} entries does not fit into memory")
    leaf_start = leaf_start[: n_leaves[0] + 1].copy()
    cells = slice(leaf_start[-1])
    return Tree(
        nodes[:n_nodes].copy(), leaf_start, leaf_class[cells].copy(), leaf_weight[cells].copy()
    )


def _weigh_entries(entries, row_weights):
    """Return (words, bits, class_shift) of the entries whose rows have weight together.

    The lowest `bits` of an entry's last word are its class and, in the lowest `class_shift` of
    them, its weight. If the free bits of its words do not suffice, there is one word more.
    """
    n_words, n_entries = entries.words.shape
    weights = np.empty(n_entries, dtype=np.int64)
    n_kept = _compiled.add_weights(
        entries.entry_of_row, row_weights, len(row_weights), n_entries, weights
    )
    class_shift = int(weights.max()).bit_length()
    bits = class_shift + int(entries.classes.max()).bit_length()
    if bits > WORD_BITS - LEVEL_BITS:
        raise ValueError("there are too many classes for rows of such weight.")
    words = np.zeros((n_words + (bits > entries.layout.free_bits), n_kept), dtype=np.uint64)
    _compiled.label_entries(
        entries.words,
        n_words,
        n_entries,
        entries.classes,
        weights,
        class_shift,
        n_kept,
        len(words) - 1,
        words,
    )
    return words, bits, class_shift

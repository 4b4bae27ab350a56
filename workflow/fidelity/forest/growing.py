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
* An entry's features are packed into one or a few words. The bitwise "and" and "or" over a
  node's words tell at once which features are constant and which have two levels.
* Sums of squared class weights are updated entry by entry in integers, never recomputed over
  all classes. They equal scikit-learn's sums of doubles as long as those are exact: below
  2**53, that is, 94 million rows of one class.
* Leaves keep the classes that they hold, not a row of all classes.

All that is compiled into a tree's growth is in this one file: the compiler's cache looks at
the date of the file of the function that is called, not of those that it calls.
"""

from typing import NamedTuple

import numba
import numpy as np

from .packing import LEVEL_BITS, Layout, pack_rows, sort_order

LEAF = (1 << 16) - 1  # in place of the feature of a node
_FEATURE_BITS = 16
_SPLIT_BITS = 17  # twice the highest level
SPLIT_SHIFT = np.uint64(_FEATURE_BITS)
SPLIT_MASK = np.uint64((1 << _SPLIT_BITS) - 1)
RIGHT_SHIFT = np.uint64(_FEATURE_BITS + _SPLIT_BITS)
HIGHEST_ONLY_CLASS = (1 << _SPLIT_BITS) - 2

_WEIGHT_BITS = np.uint64(32)
_WEIGHT_MASK = np.uint64((1 << 32) - 1)
_BYTE = np.uint64(8)
_BYTE_MASK = np.uint64(255)
_ONE = np.uint64(1)
_LEAF_NODE = np.uint64(LEAF)
_PAIR_SORT_LENGTH = 24
_LEVELS_PER_ENTRY = 8
_EPSILON = float(np.finfo(np.float64).eps)

# Cached on disk between processes; threads grow trees side by side without the interpreter
# lock. Unsigned indices throughout spare the test for a negative one at each access.
_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")
_inlined = numba.njit(cache=True, nogil=True, error_model="numpy", inline="always")


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


def pack_nodes(feature, split, right):
    """Return node words from their parts, all of shape (nodes,)."""
    words = right.astype(np.uint64) << RIGHT_SHIFT
    words |= split.astype(np.uint64) << SPLIT_SHIFT
    return words | feature.astype(np.uint64)


def unpack_nodes(nodes):
    """Return (feature, split, right) of node words."""
    feature = nodes & _LEAF_NODE
    split = (nodes >> SPLIT_SHIFT) & SPLIT_MASK
    right = nodes >> RIGHT_SHIFT
    return feature.astype(np.int32), split.astype(np.int32), right.astype(np.int32)


class _Field(NamedTuple):
    """Where the levels of one feature are: the word of an entry, and the bits of that word."""

    feature: int
    word: int
    shift: int
    mask: int


class _Node(NamedTuple):
    """The entries `start` to `end`, their weight and their sum of squared class weights."""

    start: int
    end: int
    weight: int
    squares: int


class _Split(NamedTuple):
    """A way to split a node; the greatest `proxy` wins.

    `at` is the sum of the two neighbouring levels, twice the threshold. `squares_left` and
    `squares_right` are sums of squared class weights.
    """

    proxy: float
    feature: int
    at: int
    n_left: int
    weight_left: int
    squares_left: int
    squares_right: int


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


@_compiled
def weigh_entries(entries, row_weights):
    """Return (words, labels) of the entries whose rows have weight together.

    A label is the class above `_WEIGHT_BITS` bits for the weight. `row_weights` has shape
    (rows,): how often each row was drawn.
    """
    weights = np.zeros(len(entries.classes), dtype=np.int64)
    for i in range(len(row_weights)):
        weights[entries.entry_of_row[i]] += row_weights[i]
    kept = 0
    for weight in weights:
        kept += weight > 0
    words = np.empty((len(entries.words), kept), dtype=np.uint64)
    labels = np.empty(kept, dtype=np.uint64)
    position = 0
    for i in range(len(weights)):
        if weights[i] > 0:
            k = np.uint64(entries.classes[i])
            labels[position] = (k << _WEIGHT_BITS) | np.uint64(weights[i])
            for w in range(len(words)):
                words[w, position] = entries.words[w, i]
            position += 1
    return words, labels


@_compiled
def grow_tree(words, labels, layout, n_classes, limits, seed):
    """Return the `Tree` grown on weighed entries, which end up in the order of its leaves.

    Parameters
    ----------
    words, labels
        From `weigh_entries`.
    seed : int
        State of scikit-learn's feature sampler, in [0, 2**31 - 1).
    """
    n_entries = len(labels)
    nodes = np.empty(2 * n_entries, dtype=np.uint64)
    leaf_start = np.zeros(n_entries + 1, dtype=np.int32)
    leaf_class = np.empty(n_entries, dtype=np.int32)
    leaf_weight = np.empty(n_entries, dtype=np.int32)
    n_nodes = 0
    n_leaves = 0

    # Work space, so that no node allocates any. The sums by class are zero between uses. The
    # arrays are passed on one by one: handed over in a tuple, counting the references to them
    # costs a fifth of the time of a tree.
    total = np.zeros(n_classes, dtype=np.int64)
    left = np.zeros(n_classes, dtype=np.int64)
    by_level = np.empty((1, n_entries), dtype=np.uint64)
    labels_by_level = np.empty(n_entries, dtype=np.uint64)
    spare_words = np.empty((1, n_entries), dtype=np.uint64)
    spare_labels = np.empty(n_entries, dtype=np.uint64)
    candidates = np.empty((6, n_entries))
    ends = np.empty(1 << LEVEL_BITS, dtype=np.uint64)
    ranks = np.empty((2, _PAIR_SORT_LENGTH), dtype=np.uint64)
    features = np.arange(len(layout.word))
    constants = np.empty(len(layout.word), dtype=np.int64)
    bits_in_all = np.empty(len(words), dtype=np.uint64)
    bits_in_any = np.empty(len(words), dtype=np.uint64)
    random_state = np.uint32(seed)

    root = _make_root(labels, total)
    # start, end, weight, squares, depth, known constants, parent whose right child this is
    stack = np.empty((64, 7), dtype=np.int64)
    _push(stack, 0, root, 0, 0, -1)
    top = 1
    while top > 0:
        top -= 1
        node = _Node(
            np.uint64(stack[top, 0]), np.uint64(stack[top, 1]), stack[top, 2], stack[top, 3]
        )
        depth, n_known, parent = stack[top, 4], stack[top, 5], stack[top, 6]
        if parent >= 0:
            nodes[parent] |= np.uint64(n_nodes) << RIGHT_SHIFT
        n = node.end - node.start
        best = _no_split()
        n_constant = n_known
        if not (
            depth >= limits.max_depth
            or n < np.uint64(limits.min_samples_split)
            or _impurity(node.weight, node.squares) <= _EPSILON
        ):
            _sum_classes(labels, node, total)
            _find_bits(words, node, bits_in_all, bits_in_any)
            # scikit-learn's draw without replacement. Of `features`, [:n_drawn] are known
            # constants already drawn, [n_drawn:n_known] known ones not drawn yet,
            # [n_known:n_constant] constants found here, [n_constant:n_candidates] neither
            # drawn nor known to be constant, the rest drawn and not constant.
            n_drawn = 0
            n_visited = 0
            n_candidates = len(features)
            while n_candidates > n_constant and (
                n_visited < limits.max_features or n_visited <= n_constant - n_known + n_drawn
            ):
                n_visited += 1
                n_found = n_constant - n_known
                random_state = _next_random(random_state)
                drawn = n_drawn + _below(random_state, n_candidates - n_found - n_drawn)
                if drawn < n_known:
                    features[n_drawn], features[drawn] = features[drawn], features[n_drawn]
                    n_drawn += 1
                    continue
                drawn += n_found
                f = features[drawn]
                field = _field(layout, f)
                low = _level(bits_in_all[field.word], field)
                high = _level(bits_in_any[field.word], field)
                if low == high:
                    features[drawn], features[n_constant] = features[n_constant], f
                    n_constant += 1
                    continue
                n_candidates -= 1
                features[n_candidates], features[drawn] = f, features[n_candidates]
                if best.proxy == 0.0:
                    continue  # nothing beats two pure children
                found = _best_split(
                    field,
                    low,
                    high,
                    f == layout.sorted_feature,
                    words,
                    labels,
                    node,
                    np.uint64(limits.min_samples_leaf),
                    total,
                    left,
                    by_level,
                    labels_by_level,
                    spare_words,
                    spare_labels,
                    candidates,
                    ends,
                    ranks,
                )
                if found.proxy > best.proxy:
                    best = found
            _clear(total, labels, node)
            # Siblings and children must see the known constants in their old order.
            for i in range(n_known):
                features[i] = constants[i]
            for i in range(n_known, n_constant):
                constants[i] = features[i]

        if best.feature < 0 or not _improves(best, node, root.weight):
            end = _write_leaf(labels, node, left, leaf_start[n_leaves], leaf_class, leaf_weight)
            leaf_start[n_leaves + 1] = end
            nodes[n_nodes] = _LEAF_NODE | (np.uint64(n_leaves) << RIGHT_SHIFT)
            if end - leaf_start[n_leaves] == 1 and leaf_class[end - 1] <= HIGHEST_ONLY_CLASS:
                nodes[n_nodes] |= np.uint64(leaf_class[end - 1] + 1) << SPLIT_SHIFT
            n_leaves += 1
        else:
            nodes[n_nodes] = np.uint64(best.feature) | (np.uint64(best.at) << SPLIT_SHIFT)
            if best.feature != layout.sorted_feature:
                _move_left_first(
                    _field(layout, best.feature),
                    best.at,
                    words,
                    labels,
                    node,
                    spare_words,
                    spare_labels,
                )
            if top + 2 > len(stack):
                stack = np.concatenate((stack, np.empty_like(stack)))
            middle = node.start + np.uint64(best.n_left)
            left_child = _Node(node.start, middle, best.weight_left, best.squares_left)
            right_child = _Node(
                middle, node.end, node.weight - best.weight_left, best.squares_right
            )
            _push(stack, top, right_child, depth + 1, n_constant, n_nodes)
            _push(stack, top + 1, left_child, depth + 1, n_constant, -1)
            top += 2
        n_nodes += 1

    n_cells = leaf_start[n_leaves]
    return Tree(
        nodes[:n_nodes].copy(),
        leaf_start[: n_leaves + 1].copy(),
        leaf_class[:n_cells].copy(),
        leaf_weight[:n_cells].copy(),
    )


@_compiled
def _make_root(labels, by_class):
    root = _Node(np.uint64(0), np.uint64(len(labels)), 0, 0)
    _sum_classes(labels, root, by_class)
    weight = 0
    squares = 0
    for k in range(len(by_class)):
        weight += by_class[k]
        squares += by_class[k] * by_class[k]
        by_class[k] = 0
    return _Node(root.start, root.end, weight, squares)


@_compiled
def _push(stack, top, node, depth, n_known, parent):
    stack[top, 0] = node.start
    stack[top, 1] = node.end
    stack[top, 2] = node.weight
    stack[top, 3] = node.squares
    stack[top, 4] = depth
    stack[top, 5] = n_known
    stack[top, 6] = parent


@_compiled
def _next_random(state):
    """Advance the xorshift state of 32 bits with which scikit-learn draws features."""
    if state == 0:
        state = np.uint32(1)
    state ^= np.uint32(state << np.uint32(13))
    state ^= np.uint32(state >> np.uint32(17))
    state ^= np.uint32(state << np.uint32(5))
    return np.uint32(state)


@_compiled
def _below(state, n):
    return np.int64(np.uint32(state & np.uint32(0x7FFFFFFF)) % np.uint32(n))


@_compiled
def _field(layout, feature):
    return _Field(feature, layout.word[feature], layout.shift[feature], layout.mask[feature])


@_compiled
def _level(word, field):
    return (word >> field.shift) & field.mask


@_compiled
def _class(label):
    return label >> _WEIGHT_BITS


@_compiled
def _weight(label):
    return np.int64(label & _WEIGHT_MASK)


@_compiled
def _sum_classes(labels, node, by_class):
    for i in range(node.start, node.end):
        by_class[_class(labels[i])] += _weight(labels[i])


@_compiled
def _clear(by_class, labels, node):
    """Set to zero what the labels of a node may have touched."""
    if node.end - node.start > np.uint64(len(by_class)):
        by_class[:] = 0
    else:
        for i in range(node.start, node.end):
            by_class[_class(labels[i])] = 0


@_compiled
def _find_bits(words, node, in_all, in_any):
    """Write the bits set in all of a node's entries, and those set in any, for each word."""
    for w in range(np.uint64(len(words))):
        all_bits = words[w, node.start]
        any_bits = words[w, node.start]
        for i in range(node.start, node.end):
            all_bits &= words[w, i]
            any_bits |= words[w, i]
        in_all[w] = all_bits
        in_any[w] = any_bits


@_compiled
def _gini(squares, weight):
    return 1.0 - squares / (weight * weight)


@_compiled
def _impurity(weight, squares):
    return _gini(float(squares), float(weight))


@_compiled
def _proxy(weight_left, squares_left, weight_right, squares_right):
    """Rank a split by scikit-learn's expression, to the last bit; all arguments are doubles."""
    return -weight_right * _gini(squares_right, weight_right) - weight_left * _gini(
        squares_left, weight_left
    )


@_compiled
def _improves(split, node, forest_weight):
    """Whether scikit-learn would keep the split: it drops one that rounding makes negative."""
    weight = float(node.weight)
    weight_left = float(split.weight_left)
    weight_right = weight - weight_left
    improvement = (weight / float(forest_weight)) * (
        _gini(float(node.squares), weight)
        - (weight_right / weight * _gini(float(split.squares_right), weight_right))
        - (weight_left / weight * _gini(float(split.squares_left), weight_left))
    )
    return improvement + _EPSILON >= 0.0


@_compiled
def _no_split():
    return _Split(-np.inf, -1, 0, 0, 0, 0, 0)


@_inlined
def _best_split(
    field,
    low,
    high,
    is_sorted,
    words,
    labels,
    node,
    min_samples_leaf,
    total,
    left,
    by_level,
    labels_by_level,
    spare_words,
    spare_labels,
    candidates,
    ends,
    ranks,
):
    """Return the best split of a node by one feature, which has levels from `low` to `high`.

    Both are bounds that the levels need not reach, unless they differ in one bit: then the
    levels are these two.
    """
    n = node.end - node.start
    varying = low ^ high
    if n == 2:
        split = _split_pair(field, words, labels, node)
    elif varying & (varying - _ONE) == 0:
        split = _split_two_levels(
            field, low, high, words, labels, node, min_samples_leaf, total, left
        )
    elif is_sorted:
        split = _split_sorted(field, words, labels, node, min_samples_leaf, total, left, candidates)
    elif n > _PAIR_SORT_LENGTH and high - low < np.uint64(_LEVELS_PER_ENTRY) * n:
        split = _split_by_buckets(
            field,
            low,
            high,
            words,
            labels,
            node,
            min_samples_leaf,
            total,
            left,
            labels_by_level,
            ends,
            candidates,
        )
    else:
        if n <= _PAIR_SORT_LENGTH:
            _sort_by_pairs(field, words, labels, node, by_level, labels_by_level, ranks)
        else:
            _sort_by_bytes(
                field,
                low,
                high,
                words,
                labels,
                node,
                by_level,
                labels_by_level,
                spare_words,
                spare_labels,
                ends,
            )
        split = _split_sorted(
            _in_scratch_field(field),
            by_level,
            labels_by_level,
            _in_scratch(node),
            min_samples_leaf,
            total,
            left,
            candidates,
        )
    return split


@_compiled
def _in_scratch_field(field):
    return _Field(field.feature, np.uint64(0), field.shift, field.mask)


@_compiled
def _in_scratch(node):
    return _Node(np.uint64(0), node.end - node.start, node.weight, node.squares)


@_compiled
def _split_pair(field, words, labels, node):
    """Return the only split of two entries, which differ in the feature and in the class."""
    first = _level(words[field.word, node.start], field)
    second = _level(words[field.word, node.start + _ONE], field)
    weight_left = _weight(labels[node.start + np.uint64(second < first)])
    weight_right = node.weight - weight_left
    return _Split(
        0.0,
        field.feature,
        np.int64(first + second),
        1,
        weight_left,
        weight_left * weight_left,
        weight_right * weight_right,
    )


@_compiled
def _split_two_levels(field, low, high, words, labels, node, min_samples_leaf, total, left):
    """Return the only split of a feature that has two levels in the node."""
    flip = (low ^ high) << field.shift
    n_left = np.uint64(0)
    for i in range(node.start, node.end):
        goes_left = np.uint64((words[field.word, i] & flip) == 0)
        n_left += goes_left
        left[_class(labels[i])] += _weight(labels[i]) * np.int64(goes_left)
    weight_left = 0
    squares_left = 0
    cross = 0
    if node.end - node.start > np.uint64(len(left)):
        for k in range(len(left)):
            w = left[k]
            weight_left += w
            squares_left += w * w
            cross += w * total[k]
            left[k] = 0
    else:
        for i in range(node.start, node.end):
            k = _class(labels[i])
            w = left[k]
            weight_left += w
            squares_left += w * w
            cross += w * total[k]
            left[k] = 0
    if min(n_left, node.end - node.start - n_left) < min_samples_leaf:
        return _no_split()
    weight_right = node.weight - weight_left
    squares_right = node.squares - 2 * cross + squares_left
    proxy = _proxy(
        float(weight_left), float(squares_left), float(weight_right), float(squares_right)
    )
    return _Split(
        proxy,
        field.feature,
        np.int64(low + high),
        np.int64(n_left),
        weight_left,
        squares_left,
        squares_right,
    )


@_compiled
def _split_sorted(field, words, labels, node, min_samples_leaf, total, left, candidates):
    """Return the best split of a feature by which the node's entries are sorted."""
    n = node.end - node.start
    weight_left = 0
    squares_left = 0
    cross = 0
    n_candidates = np.uint64(0)
    level = _level(words[field.word, node.start], field)
    for i in range(n):
        label = labels[node.start + i]
        next_level = _level(words[field.word, node.start + i], field)
        # Written at every entry and kept where the level steps: no branch to mispredict.
        candidates[0, n_candidates] = float(np.int64(level + next_level))
        candidates[1, n_candidates] = float(np.int64(i))
        candidates[2, n_candidates] = float(weight_left)
        candidates[3, n_candidates] = float(squares_left)
        candidates[4, n_candidates] = float(cross)
        n_candidates += np.uint64(
            (next_level != level) & (i >= min_samples_leaf) & (n - i >= min_samples_leaf)
        )
        level = next_level
        k, w = _class(label), _weight(label)
        weight_left += w
        before = left[k]
        squares_left += w * (2 * before + w)
        cross += w * total[k]
        left[k] = before + w
    _clear(left, labels, node)
    return _best_candidate(field.feature, node, candidates, n_candidates)


@_compiled
def _split_by_buckets(
    field, low, high, words, labels, node, min_samples_leaf, total, left, by_level, ends, candidates
):
    """Return the best split of a feature of few levels, by a counting sort of the labels."""
    n = node.end - node.start
    n_levels = high - low + _ONE
    ends[:n_levels] = 0
    for i in range(node.start, node.end):
        ends[_level(words[field.word, i], field) - low] += _ONE
    _counts_to_starts(ends, n_levels)
    for i in range(node.start, node.end):
        level = _level(words[field.word, i], field) - low
        place = ends[level]
        by_level[place] = labels[i]
        ends[level] = place + _ONE

    weight_left = 0
    squares_left = 0
    cross = 0
    last = np.uint64(0)
    start = np.uint64(0)
    n_candidates = np.uint64(0)
    for level in range(n_levels):
        end = ends[level]
        if end == start:
            continue
        candidates[0, n_candidates] = float(np.int64(low + last + low + level))
        candidates[1, n_candidates] = float(np.int64(start))
        candidates[2, n_candidates] = float(weight_left)
        candidates[3, n_candidates] = float(squares_left)
        candidates[4, n_candidates] = float(cross)
        n_candidates += np.uint64(
            (start > 0) & (start >= min_samples_leaf) & (n - start >= min_samples_leaf)
        )
        last = level
        for i in range(start, end):
            k, w = _class(by_level[i]), _weight(by_level[i])
            weight_left += w
            before = left[k]
            squares_left += w * (2 * before + w)
            cross += w * total[k]
            left[k] = before + w
        start = end
    _clear(left, labels, node)
    return _best_candidate(field.feature, node, candidates, n_candidates)


@_compiled
def _best_candidate(feature, node, candidates, n_candidates):
    """Return the first of the best of the first columns of `candidates`.

    Row 0 holds twice the thresholds, 1 the numbers of entries to the left, 2 their weights, 3
    their sums of squared class weights, 4 the sums over classes of weight left times total;
    row 5 is written.
    """
    if n_candidates == 0:
        return _no_split()
    weight = float(node.weight)
    squares = float(node.squares)
    for j in range(n_candidates):
        squares_right = squares - 2.0 * candidates[4, j] + candidates[3, j]
        candidates[5, j] = _proxy(
            candidates[2, j], candidates[3, j], weight - candidates[2, j], squares_right
        )
    best = np.uint64(0)
    best_proxy = candidates[5, 0]
    for j in range(n_candidates):
        better = candidates[5, j] > best_proxy
        best = j if better else best
        best_proxy = candidates[5, j] if better else best_proxy
    return _Split(
        best_proxy,
        feature,
        np.int64(candidates[0, best]),
        np.int64(candidates[1, best]),
        np.int64(candidates[2, best]),
        np.int64(candidates[3, best]),
        np.int64(squares - 2.0 * candidates[4, best] + candidates[3, best]),
    )


@_compiled
def _sort_by_pairs(field, words, labels, node, by_level, labels_by_level, ranks):
    """Copy a small node's entries, ordered by a feature, to the start of the scratch arrays.

    Each pair is compared once, without a branch that could be mispredicted.
    """
    n = node.end - node.start
    for i in range(n):
        level = _level(words[field.word, node.start + i], field)
        rank = i
        for j in range(i):
            comes_after = np.uint64(ranks[0, j] > level)
            ranks[1, j] += comes_after
            rank -= comes_after
        ranks[0, i] = level
        ranks[1, i] = rank
    for i in range(n):
        by_level[0, ranks[1, i]] = words[field.word, node.start + i]
        labels_by_level[ranks[1, i]] = labels[node.start + i]


@_compiled
def _sort_by_bytes(
    field,
    low,
    high,
    words,
    labels,
    node,
    by_level,
    labels_by_level,
    spare_words,
    spare_labels,
    ends,
):
    """Copy a node's entries, ordered by a feature, to the start of the scratch arrays."""
    _sort_by_byte(field, low, np.uint64(0), words, labels, node, spare_words, spare_labels, ends)
    _sort_by_byte(
        _in_scratch_field(field),
        low,
        _BYTE,
        spare_words,
        spare_labels,
        _in_scratch(node),
        by_level,
        labels_by_level,
        ends,
    )


@_compiled
def _sort_by_byte(field, low, shift, words, labels, node, to_words, to_labels, ends):
    """Counting sort, stable, by the byte at `shift` of the level's distance from `low`."""
    ends[:256] = 0
    for i in range(node.start, node.end):
        ends[((_level(words[field.word, i], field) - low) >> shift) & _BYTE_MASK] += _ONE
    _counts_to_starts(ends, np.uint64(256))
    for i in range(node.start, node.end):
        byte = ((_level(words[field.word, i], field) - low) >> shift) & _BYTE_MASK
        place = ends[byte]
        to_words[0, place] = words[field.word, i]
        to_labels[place] = labels[i]
        ends[byte] = place + _ONE


@_compiled
def _counts_to_starts(counts, n):
    start = np.uint64(0)
    for i in range(n):
        count = counts[i]
        counts[i] = start
        start += count


@_compiled
def _move_left_first(field, at, words, labels, node, spare_words, spare_labels):
    """Reorder a node stably: the entries that go left, then the others."""
    for w in range(np.uint64(len(words))):
        if w != field.word:
            _move_word(field, at, w, words, node, spare_words)
    to_left = node.start
    to_right = np.uint64(0)
    for i in range(node.start, node.end):
        word = words[field.word, i]
        label = labels[i]
        goes_right = np.uint64(2 * np.int64(_level(word, field)) > at)
        words[field.word, to_left] = word
        labels[to_left] = label
        spare_words[0, to_right] = word
        spare_labels[to_right] = label
        to_left += _ONE - goes_right
        to_right += goes_right
    for i in range(to_right):
        words[field.word, to_left + i] = spare_words[0, i]
        labels[to_left + i] = spare_labels[i]


@_compiled
def _move_word(field, at, moved, words, node, spare):
    """Reorder one word of a node's entries by a field in another."""
    to_left = node.start
    to_right = np.uint64(0)
    for i in range(node.start, node.end):
        word = words[moved, i]
        goes_right = np.uint64(2 * np.int64(_level(words[field.word, i], field)) > at)
        words[moved, to_left] = word
        spare[0, to_right] = word
        to_left += _ONE - goes_right
        to_right += goes_right
    for i in range(to_right):
        words[moved, to_left + i] = spare[0, i]


@_compiled
def _write_leaf(labels, node, by_class, position, leaf_class, leaf_weight):
    """Write a leaf's classes, ascending, with their weights; return the position after it."""
    first = position
    ascending = True
    last = np.int64(-1)
    for i in range(node.start, node.end):
        k = np.int64(_class(labels[i]))
        ascending &= k > last
        last = k
        leaf_class[position] = k
        leaf_weight[position] = _weight(labels[i])
        position += 1
    if ascending:
        return position
    position = first
    for i in range(node.start, node.end):
        k = _class(labels[i])
        if by_class[k] == 0:
            leaf_class[position] = k
            position += 1
        by_class[k] += _weight(labels[i])
    leaf_class[first:position].sort()
    for i in range(first, position):
        leaf_weight[i] = by_class[leaf_class[i]]
        by_class[leaf_class[i]] = 0
    return position

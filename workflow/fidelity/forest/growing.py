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

All that is compiled into a tree's growth is in this one file: the compiler's cache looks at
the date of the file of the function that is called, not of those that it calls.
"""

from typing import NamedTuple

import numpy as np

from ..compiling import numba
from .packing import LEVEL_BITS, Layout, pack_rows, sort_order

LEAF = (1 << 16) - 1  # in place of the feature of a node
_FEATURE_BITS = 16
_SPLIT_BITS = 17  # twice the highest level
SPLIT_SHIFT = np.uint64(_FEATURE_BITS)
SPLIT_MASK = np.uint64((1 << _SPLIT_BITS) - 1)
RIGHT_SHIFT = np.uint64(_FEATURE_BITS + _SPLIT_BITS)
HIGHEST_ONLY_CLASS = (1 << _SPLIT_BITS) - 2

_WEIGHT_BITS = 32  # of a cell
_WEIGHT_MASK = (1 << 32) - 1
_ONE_ENTRY = 1 << 32
_ITEM_BITS = 64
_BYTE = np.uint64(8)
_BYTE_MASK = np.uint64(255)
_ONE = np.uint64(1)
_LEAF_NODE = np.uint64(LEAF)
_PAIR_SORT_LENGTH = 24
_LEVELS_PER_ENTRY = 8
_CELLS_PER_ENTRY = 2
_EPSILON = float(np.finfo(np.float64).eps)

# Cached on disk between processes; threads grow trees side by side without the interpreter
# lock. Unsigned indices throughout spare the test for a negative one at each access.
#
# A function that takes arrays counts its references to them, two locked instructions each and
# a fifth of the time of a tree, unless the compiler sees that it need not: if the function has
# one way out and calls none that takes arrays. So `grow_tree` itself calls all of those, and
# they return at their end only.
_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


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


class Label(NamedTuple):
    """Where the class and the weight of an entry are: in the lowest `bits` of its last word.

    The class is above the weight.
    """

    bits: int
    class_shift: int
    class_mask: int
    weight_mask: int


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
    """A way to split a node by a field; the greatest `proxy` wins.

    `at` is the sum of the two neighbouring levels, twice the threshold. `squares_left` and
    `squares_right` are sums of squared class weights.
    """

    proxy: float
    field: _Field
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
def _weigh_entries(entries, row_weights):
    """Return (words, label) of the entries whose rows have weight together.

    To the last of an entry's words come its class and weight where `label` tells, or to one
    more word if its free bits do not suffice.
    """
    weights = np.zeros(len(entries.classes), dtype=np.int64)
    for i in range(len(row_weights)):
        weights[entries.entry_of_row[i]] += row_weights[i]
    kept = 0
    for weight in weights:
        kept += weight > 0
    label = _make_label(entries.classes.max(), weights.max())
    n_words = len(entries.words)
    if label.bits > np.uint64(entries.layout.free_bits):
        n_words += 1
    words = np.zeros((n_words, kept), dtype=np.uint64)
    position = 0
    for i in range(len(weights)):
        if weights[i] > 0:
            for w in range(len(entries.words)):
                words[w, position] = entries.words[w, i]
            k = np.uint64(entries.classes[i])
            words[n_words - 1, position] |= (k << label.class_shift) | np.uint64(weights[i])
            position += 1
    return words, label


@_compiled
def _make_label(highest_class, highest_weight):
    class_bits = _bit_length(np.uint64(highest_class))
    weight_bits = _bit_length(np.uint64(highest_weight))
    if class_bits + weight_bits > _ITEM_BITS - LEVEL_BITS:
        raise ValueError("there are too many classes for rows of such weight.")
    return Label(
        class_bits + weight_bits,
        weight_bits,
        (_ONE << class_bits) - _ONE,
        (_ONE << weight_bits) - _ONE,
    )


@_compiled
def _bit_length(number):
    length = np.uint64(0)
    while number >> length > 0:
        length += _ONE
    return length


@_compiled
def grow_tree(entries, row_weights, n_classes, limits, seed):
    """Return the `Tree` grown on entries.

    Parameters
    ----------
    row_weights : int64, shape (rows,)
        How often each row was drawn.
    seed : int
        State of scikit-learn's feature sampler, in [0, 2**31 - 1).
    """
    layout = entries.layout
    words, label = _weigh_entries(entries, row_weights)
    n_entries = words.shape[1]
    nodes = np.empty(2 * n_entries, dtype=np.uint64)
    leaf_start = np.zeros(n_entries + 1, dtype=np.int32)
    leaf_class = np.empty(n_entries, dtype=np.int32)
    leaf_weight = np.empty(n_entries, dtype=np.int32)
    n_nodes = 0
    n_leaves = 0

    # Work space, so that no node allocates any. Row `whole` of the sums by class has those of
    # the node while its splits are searched; all else in it, and the table, is zero.
    sums = np.zeros((2, n_classes), dtype=np.int64)
    whole = np.uint64(0)
    items = np.empty(n_entries, dtype=np.uint64)
    unsorted = np.empty(n_entries, dtype=np.uint64)
    ranks = np.empty((2, _PAIR_SORT_LENGTH), dtype=np.uint64)
    ends = np.empty(1 << LEVEL_BITS, dtype=np.uint64)
    table = np.zeros(_CELLS_PER_ENTRY * n_entries, dtype=np.int64)
    steps = np.empty((n_entries, 5), dtype=np.int64)
    features = np.arange(len(layout.word))
    constants = np.empty(len(layout.word), dtype=np.int64)
    bits_in_all = np.empty(len(words), dtype=np.uint64)
    bits_in_any = np.empty(len(words), dtype=np.uint64)
    min_samples_leaf = np.uint64(limits.min_samples_leaf)
    random_state = np.uint32(seed)

    root = _make_root(words, label, sums)
    # start, end, weight, squares, depth, known constants, parent whose right child this is; the
    # nodes to come share the entries
    stack = np.empty((n_entries, 7), dtype=np.int64)
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
            _find_bits(words, node, bits_in_all, bits_in_any)
            is_summed = False  # not before a split is searched: many nodes have none
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
                if n == 2:
                    found = _split_pair(field, words, label, node)
                else:
                    if not is_summed:
                        _sum_classes(words, label, node, sums, whole)
                        is_summed = True
                    n_cells = (high - low + _ONE) * np.uint64(n_classes)
                    is_sorted = f == layout.sorted_feature
                    if not is_sorted and n_cells <= np.uint64(_CELLS_PER_ENTRY) * n:
                        _fill_table(field, low, words, label, node, n_classes, table)
                        n_steps = _scan_table(low, high, sums, whole, table, steps)
                    else:
                        if is_sorted:
                            _gather(field, words, label, node, items)
                        elif n <= _PAIR_SORT_LENGTH:
                            _gather(field, words, label, node, unsorted)
                            _sort_by_pairs(unsorted, items, n, label.bits, ranks)
                        elif field.mask < np.uint64(_LEVELS_PER_ENTRY) * n:
                            _gather(field, words, label, node, unsorted)
                            _sort_by_digit(unsorted, items, n, label.bits, field.mask, ends)
                        else:
                            high_byte = label.bits + _BYTE
                            _gather(field, words, label, node, items)
                            _sort_by_digit(items, unsorted, n, label.bits, _BYTE_MASK, ends)
                            _sort_by_digit(unsorted, items, n, high_byte, _BYTE_MASK, ends)
                        n_steps = _scan_items(items, n, label, sums, whole, steps)
                    whole = _ONE - whole
                    found = _best_step(field, node, min_samples_leaf, steps, n_steps)
                if found.proxy > best.proxy:
                    best = found
            if is_summed:
                _clear_classes(words, label, node, sums, whole)
            # Siblings and children must see the known constants in their old order.
            for i in range(n_known):
                features[i] = constants[i]
            for i in range(n_known, n_constant):
                constants[i] = features[i]

        if best.field.feature < 0 or not _improves(best, node, root.weight):
            start = leaf_start[n_leaves]
            end = start + np.int64(n)
            if not _write_leaf(words, label, node, start, leaf_class, leaf_weight):
                end = _merge_leaf(words, label, node, sums, start, leaf_class, leaf_weight)
            leaf_start[n_leaves + 1] = end
            nodes[n_nodes] = _LEAF_NODE | (np.uint64(n_leaves) << RIGHT_SHIFT)
            if end - start == 1 and leaf_class[end - 1] <= HIGHEST_ONLY_CLASS:
                nodes[n_nodes] |= np.uint64(leaf_class[end - 1] + 1) << SPLIT_SHIFT
            n_leaves += 1
        else:
            nodes[n_nodes] = np.uint64(best.field.feature) | (np.uint64(best.at) << SPLIT_SHIFT)
            if best.field.feature != layout.sorted_feature:
                for w in range(np.uint64(len(words))):
                    if w != best.field.word:
                        _move_left_first(best.field, best.at, w, words, node, unsorted)
                _move_left_first(best.field, best.at, best.field.word, words, node, unsorted)
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
def _make_root(words, label, sums):
    root = _Node(np.uint64(0), np.uint64(words.shape[1]), 0, 0)
    _sum_classes(words, label, root, sums, np.uint64(0))
    weight = 0
    squares = 0
    for k in range(sums.shape[1]):
        weight += sums[0, k]
        squares += sums[0, k] * sums[0, k]
        sums[0, k] = 0
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
def _class(word, label):
    return (word >> label.class_shift) & label.class_mask


@_compiled
def _weight(word, label):
    return np.int64(word & label.weight_mask)


@_compiled
def _sum_classes(words, label, node, sums, whole):
    """Add the weights of a node's entries to row `whole` of the sums by class."""
    last = np.uint64(len(words) - 1)
    for i in range(node.start, node.end):
        word = words[last, i]
        sums[whole, _class(word, label)] += _weight(word, label)


@_compiled
def _clear_classes(words, label, node, sums, whole):
    """Set row `whole` of the sums by class to zero where a node has entries."""
    last = np.uint64(len(words) - 1)
    for i in range(node.start, node.end):
        sums[whole, _class(words[last, i], label)] = 0


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
    field = _Field(-1, np.uint64(0), np.uint64(0), np.uint64(0))
    return _Split(-np.inf, field, 0, 0, 0, 0, 0)


@_compiled
def _gather(field, words, label, node, items):
    """Write an item for each of a node's entries: the level above the bits of the label."""
    last = np.uint64(len(words) - 1)
    label_mask = (_ONE << label.bits) - _ONE
    for i in range(node.end - node.start):
        level = _level(words[field.word, node.start + i], field)
        items[i] = (level << label.bits) | (words[last, node.start + i] & label_mask)


@_compiled
def _split_pair(field, words, label, node):
    """Return the only split of two entries, which differ in the feature and in the class."""
    last = np.uint64(len(words) - 1)
    first = _level(words[field.word, node.start], field)
    second = _level(words[field.word, node.start + _ONE], field)
    weight_left = _weight(words[last, node.start + np.uint64(second < first)], label)
    weight_right = node.weight - weight_left
    return _Split(
        0.0,
        field,
        np.int64(first + second),
        1,
        weight_left,
        weight_left * weight_left,
        weight_right * weight_right,
    )


@_compiled
def _scan_items(items, n, label, sums, whole, steps):
    """Find the splits between sorted items; return how many.

    A row of `steps` is written for each: the number of entries to the left, their weight,
    their sum of squared class weights, what the sum of those to the right is more than that of
    all, and the sum of the two neighbouring levels. The weights by class go over from row
    `whole` of the sums, the classes to the right, to the other, those to the left.
    """
    left = _ONE - whole
    weight_left = 0
    squares_left = 0
    more_right = 0
    n_steps = np.uint64(0)
    level = items[0] >> label.bits
    for i in range(n):
        item = items[i]
        next_level = item >> label.bits
        # Written at every item and kept where the level steps: no branch to mispredict.
        steps[n_steps, 0] = np.int64(i)
        steps[n_steps, 1] = weight_left
        steps[n_steps, 2] = squares_left
        steps[n_steps, 3] = more_right
        steps[n_steps, 4] = np.int64(level + next_level)
        n_steps += np.uint64(next_level != level)
        level = next_level
        k, w = _class(item, label), _weight(item, label)
        on_left, on_right = sums[left, k], sums[whole, k]
        weight_left += w
        squares_left += w * (2 * on_left + w)
        more_right -= w * (2 * on_right - w)
        sums[left, k] = on_left + w
        sums[whole, k] = on_right - w
    return n_steps


@_compiled
def _fill_table(field, low, words, label, node, n_classes, table):
    """Add up a node's entries by level, from `low`, and class.

    A cell has their weight in its lower half, their number in its upper one.
    """
    last = np.uint64(len(words) - 1)
    for i in range(node.start, node.end):
        row = _level(words[field.word, i], field) - low
        word = words[last, i]
        cell = row * np.uint64(n_classes) + _class(word, label)
        table[cell] += _ONE_ENTRY + _weight(word, label)


@_compiled
def _scan_table(low, high, sums, whole, table, steps):
    """Do what `_scan_items` does, from a table of the levels from `low` to `high`; clear it."""
    left = _ONE - whole
    n_left = 0
    weight_left = 0
    squares_left = 0
    more_right = 0
    n_steps = np.uint64(0)
    last_level = low
    cell = np.uint64(0)
    for level in range(low, high + _ONE):
        steps[n_steps, 0] = n_left
        steps[n_steps, 1] = weight_left
        steps[n_steps, 2] = squares_left
        steps[n_steps, 3] = more_right
        steps[n_steps, 4] = np.int64(last_level + level)
        n_here = 0
        for k in range(np.uint64(sums.shape[1])):
            n_here += table[cell + k] >> _WEIGHT_BITS
            w = table[cell + k] & _WEIGHT_MASK
            table[cell + k] = 0
            on_left, on_right = sums[left, k], sums[whole, k]
            weight_left += w
            squares_left += w * (2 * on_left + w)
            more_right -= w * (2 * on_right - w)
            sums[left, k] = on_left + w
            sums[whole, k] = on_right - w
        cell += np.uint64(sums.shape[1])
        if n_here > 0:
            n_steps += np.uint64(n_left > 0)
            n_left += n_here
            last_level = level
    return n_steps


@_compiled
def _best_step(field, node, min_samples_leaf, steps, n_steps):
    """Return the first of the best splits among the first `n_steps` that leave enough entries.

    `steps` is what `_scan_items` writes.
    """
    n = node.end - node.start
    first, end = np.uint64(0), n_steps
    while first < end and np.uint64(steps[first, 0]) < min_samples_leaf:
        first += _ONE
    while first < end and n - np.uint64(steps[end - _ONE, 0]) < min_samples_leaf:
        end -= _ONE
    weight = float(node.weight)
    best = first
    best_proxy = -np.inf
    for j in range(first, end):
        weight_left = float(steps[j, 1])
        proxy = _proxy(
            weight_left,
            float(steps[j, 2]),
            weight - weight_left,
            float(node.squares + steps[j, 3]),
        )
        better = proxy > best_proxy
        best = j if better else best
        best_proxy = proxy if better else best_proxy
    return _Split(
        best_proxy,
        field,
        steps[best, 4],
        steps[best, 0],
        steps[best, 1],
        steps[best, 2],
        node.squares + steps[best, 3],
    )


@_compiled
def _sort_by_pairs(unsorted, items, n, level_shift, ranks):
    """Sort a few items by level.

    Each pair is compared once, without a branch that could be mispredicted.
    """
    for i in range(n):
        level = unsorted[i] >> level_shift
        rank = i
        for j in range(i):
            comes_after = np.uint64(ranks[0, j] > level)
            ranks[1, j] += comes_after
            rank -= comes_after
        ranks[0, i] = level
        ranks[1, i] = rank
    for i in range(n):
        items[ranks[1, i]] = unsorted[i]


@_compiled
def _sort_by_digit(unsorted, items, n, shift, mask, ends):
    """Counting sort, stable, by the digit at `shift` under `mask`."""
    for digit in range(mask + _ONE):
        ends[digit] = 0
    for i in range(n):
        ends[(unsorted[i] >> shift) & mask] += _ONE
    start = np.uint64(0)
    for digit in range(mask + _ONE):
        count = ends[digit]
        ends[digit] = start
        start += count
    for i in range(n):
        item = unsorted[i]
        digit = (item >> shift) & mask
        place = ends[digit]
        items[place] = item
        ends[digit] = place + _ONE


@_compiled
def _move_left_first(field, at, moved, words, node, spare):
    """Reorder word `moved` of a node's entries stably: those that go left, then the others.

    The word that has the field must be moved last.
    """
    to_left = node.start
    to_right = np.uint64(0)
    for i in range(node.start, node.end):
        word = words[moved, i]
        goes_right = np.uint64(2 * np.int64(_level(words[field.word, i], field)) > at)
        words[moved, to_left] = word
        spare[to_right] = word
        to_left += _ONE - goes_right
        to_right += goes_right
    for i in range(to_right):
        words[moved, to_left + i] = spare[i]


@_compiled
def _write_leaf(words, label, node, position, leaf_class, leaf_weight):
    """Write the classes and weights of a leaf's entries; return whether the classes ascend."""
    last_word = np.uint64(len(words) - 1)
    ascending = True
    last = np.int64(-1)
    for i in range(node.start, node.end):
        k = np.int64(_class(words[last_word, i], label))
        ascending &= k > last
        last = k
        leaf_class[position] = k
        leaf_weight[position] = _weight(words[last_word, i], label)
        position += 1
    return ascending


@_compiled
def _merge_leaf(words, label, node, sums, first, leaf_class, leaf_weight):
    """Write a leaf's classes, ascending, with their weights; return the position after it."""
    last_word = np.uint64(len(words) - 1)
    position = first
    for i in range(node.start, node.end):
        word = words[last_word, i]
        k = _class(word, label)
        if sums[0, k] == 0:
            leaf_class[position] = k
            position += 1
        sums[0, k] += _weight(word, label)
    leaf_class[first:position].sort()
    for i in range(first, position):
        leaf_weight[i] = sums[0, leaf_class[i]]
        sums[0, leaf_class[i]] = 0
    return position

/* Answer from the leaves of a forest; `querying.py` tells what the answers are. */
#include "nodes.h"
#include "space.h"

#include <math.h>

/* Rows that go down the trees together. */
enum { BLOCK = 256 };

/* A forest, as in `querying.py`. */
typedef struct {
    const int64_t *first_node, *first_leaf, *first_cell;
    const uint64_t *nodes;
    const int32_t *leaf_start, *leaf_class, *leaf_weight;
    int64_t n_trees;
} Forest;

/* Work space. Distinct rows of a block: which one each row is; twice the levels of each, what the
   split of a node is compared with; the node where each is, and those that have not arrived; the
   leaf that each reaches in each tree, or minus one minus its class if it has only one. By class:
   the probabilities of a row, zero between two rows; the classes that it reaches. */
typedef struct {
    int64_t *number, *leaves;
    uint64_t *doubled, *at, *walking;
    double *probability;
    int32_t *reached;
    int64_t n_reached, n_serving;
} Space;

/* Lay out the work space in one block of memory; return that, or NULL if there is not as much. */
static void *make_space(Space *space, int64_t n_trees, int64_t n_features, int64_t n_classes)
{
    size_t item = sizeof(int64_t), by_row = BLOCK * item, by_class = (size_t)n_classes * item;
    size_t by_tree = (size_t)n_trees * by_row, by_feature = (size_t)n_features * by_row;
    char *rest = calloc(3 * by_row + by_tree + by_feature + 2 * by_class + item, 1);
    void *block = rest;
    if (block == NULL)
        return NULL;
    space->number = take(&rest, by_row);
    space->at = take(&rest, by_row);
    space->walking = take(&rest, by_row);
    space->leaves = take(&rest, by_tree);
    space->doubled = take(&rest, by_feature);
    space->probability = take(&rest, by_class + item); /* one more, for a class not known */
    space->reached = take(&rest, by_class);
    space->n_reached = space->n_serving = 0;
    return block;
}

/* Find which of some rows, in which equal ones are together, are distinct; return how many. */
static int64_t find_distinct(const uint16_t *levels, int64_t n_features, const int64_t *rows,
                             int64_t n_rows, Space *space)
{
    int64_t n_distinct = 0;
    for (int64_t i = 0; i < n_rows; i++) {
        const uint16_t *row = levels + rows[i] * n_features;
        const uint16_t *before = i > 0 ? levels + rows[i - 1] * n_features : NULL;
        if (before == NULL || memcmp(row, before, (size_t)n_features * sizeof(*row)) != 0) {
            uint64_t *doubled = space->doubled + n_distinct++ * n_features;
            for (int64_t f = 0; f < n_features; f++)
                doubled[f] = 2 * (uint64_t)row[f];
        }
        space->number[i] = n_distinct - 1;
    }
    return n_distinct;
}

/* Let rows go down a tree, a node each at a time; only those go on that have not arrived. There is
   no branch on the way taken, which could not be predicted, and reads from memory overlap. */
static void walk_down(const uint64_t *nodes, int64_t n_rows, int64_t n_features, Space *space)
{
    const uint64_t *doubled = space->doubled;
    uint64_t *at = space->at, *walking = space->walking;
    for (int64_t i = 0; i < n_rows; i++) {
        at[i] = 0;
        walking[i] = (uint64_t)i;
    }
    for (int64_t n_walking = n_rows, n_left; n_walking > 0; n_walking = n_left) {
        n_left = 0;
        for (int64_t i = 0; i < n_walking; i++) {
            uint64_t row = walking[i], node = nodes[at[row]];
            bool inner = feature_of(node) != LEAF;
            uint64_t feature = __builtin_unpredictable(inner) ? feature_of(node) : 0;
            bool goes_left = doubled[row * (uint64_t)n_features + feature] <= split_of(node);
            uint64_t child = __builtin_unpredictable(goes_left) ? at[row] + 1 : right_of(node);
            at[row] = __builtin_unpredictable(inner) ? child : at[row];
            walking[n_left] = row;
            n_left += inner;
        }
    }
}

/* Find the leaves that some rows, in which equal ones are together, reach. */
static void find_leaves(const Forest *forest, const uint16_t *levels, int64_t n_features,
                        const int64_t *rows, int64_t n_rows, Space *space)
{
    int64_t n_distinct = find_distinct(levels, n_features, rows, n_rows, space);
    for (int64_t t = 0; t < forest->n_trees; t++) {
        const uint64_t *nodes = forest->nodes + forest->first_node[t];
        walk_down(nodes, n_distinct, n_features, space);
        for (int64_t i = 0; i < n_distinct; i++) {
            uint64_t node = nodes[space->at[i]];
            int64_t only_class = (int64_t)split_of(node);
            int64_t leaf = forest->first_leaf[t] + (int64_t)right_of(node);
            space->leaves[i * forest->n_trees + t] = only_class > 0 ? -only_class : leaf;
        }
    }
}

static inline void add_share(Space *space, int32_t k, double share)
{
    if (space->probability[k] == 0.0)
        space->reached[space->n_reached++] = k;
    space->probability[k] += share;
}

/* Forget the probabilities of a row. */
static void clear(Space *space)
{
    for (int64_t j = 0; j < space->n_reached; j++)
        space->probability[space->reached[j]] = 0.0;
    space->n_reached = 0;
}

/* Find the probabilities of a row, the mean of the shares in its leaves of the trees that serve it,
   from the leaves of distinct row `number`. Shares are added tree by tree, as scikit-learn does. */
static void mix_leaves(const Forest *forest, int64_t number, const bool *serves, Space *space)
{
    const int64_t *leaves = space->leaves + number * forest->n_trees;
    clear(space);
    space->n_serving = 0;
    for (int64_t t = 0; t < forest->n_trees; t++) {
        if (!serves[t])
            continue;
        space->n_serving++;
        int64_t leaf = leaves[t];
        if (leaf < 0) {
            add_share(space, (int32_t)(-1 - leaf), 1.0);
            continue;
        }
        int64_t start = forest->first_cell[t] + forest->leaf_start[leaf];
        int64_t end = forest->first_cell[t] + forest->leaf_start[leaf + 1];
        double weight = 0.0;
        for (int64_t cell = start; cell < end; cell++)
            weight += forest->leaf_weight[cell];
        for (int64_t cell = start; cell < end; cell++)
            add_share(space, forest->leaf_class[cell], forest->leaf_weight[cell] / weight);
    }
    for (int64_t j = 0; j < space->n_reached; j++)
        space->probability[space->reached[j]] /= (double)space->n_serving;
}

/* Return whether class `one` is more probable than `other`, or as probable and before it. */
static inline bool precedes(const Space *space, int32_t one, int32_t other)
{
    double a = space->probability[one], b = space->probability[other];
    return a > b || (a == b && one < other);
}

/* Return where in `reached[start:]`, which is not empty, the most probable class is. */
static int64_t find_best(const Space *space, int64_t start)
{
    int64_t best = start;
    for (int64_t j = start + 1; j < space->n_reached; j++)
        if (precedes(space, space->reached[j], space->reached[best]))
            best = j;
    return best;
}

/* Return the place of class `k` by descending probability, ties in class order, from 1. */
static int64_t rank_of(const Space *space, int32_t k)
{
    int64_t rank = 1;
    if (space->probability[k] == 0.0) {
        rank += k; /* the classes before it, reached or not, precede it, as do ... */
        for (int64_t j = 0; j < space->n_reached; j++)
            rank += space->reached[j] > k;
        return rank; /* ... the reached ones after it */
    }
    for (int64_t j = 0; j < space->n_reached; j++)
        rank += precedes(space, space->reached[j], k);
    return rank;
}

/* Write the `n_top` most probable classes of a row, in order, and their probabilities. */
static void write_top(Space *space, int64_t n_top, int32_t *top, double *probability)
{
    int32_t *reached = space->reached, k = 0;
    for (int64_t place = 0; place < n_top; place++) {
        if (place < space->n_reached) {
            int64_t best = find_best(space, place);
            int32_t kept = reached[place];
            reached[place] = reached[best];
            reached[best] = kept;
            top[place] = reached[place];
            probability[place] = space->probability[reached[place]];
        } else { /* the others have probability 0 and follow in class order */
            while (space->probability[k] > 0.0)
                k++;
            top[place] = k++;
            probability[place] = 0.0;
        }
    }
}

/* Write the most probable class of each of some rows, and what the wanted one gets. The row of
   `serves` for row r begins at `stride` times r. Returns false if memory does not suffice. */
EXPORT bool answer_rows(const int64_t *first_node, const int64_t *first_leaf,
                        const int64_t *first_cell, const uint64_t *nodes, const int32_t *leaf_start,
                        const int32_t *leaf_class, const int32_t *leaf_weight, int64_t n_trees,
                        int64_t n_classes, const uint16_t *levels, int64_t n_features,
                        const int64_t *rows, int64_t n_rows, const bool *serves, int64_t stride,
                        const int32_t *wanted, int32_t *best, double *probability, int64_t *rank)
{
    Forest forest = {first_node, first_leaf, first_cell,  nodes,
                     leaf_start, leaf_class, leaf_weight, n_trees};
    Space space;
    void *block = make_space(&space, n_trees, n_features, n_classes);
    if (block == NULL)
        return false;
    for (int64_t start = 0; start < n_rows; start += BLOCK) {
        int64_t n = n_rows - start < BLOCK ? n_rows - start : BLOCK, answered = -1;
        find_leaves(&forest, levels, n_features, rows + start, n, &space);
        for (int64_t i = 0; i < n; i++) {
            int64_t row = rows[start + i];
            if (stride > 0 || space.number[i] != answered)
                mix_leaves(&forest, space.number[i], serves + stride * row, &space);
            answered = space.number[i];
            if (space.n_serving > 0) {
                best[row] = space.reached[find_best(&space, 0)];
                probability[row] = space.probability[wanted[row]];
                rank[row] = rank_of(&space, wanted[row]);
            } else {
                best[row] = -1;
                probability[row] = NAN;
                rank[row] = 0;
            }
        }
    }
    free(block);
    return true;
}

/* Write the `n_top` most probable classes of each of some rows, and their probabilities, both in
   order. Otherwise as `answer_rows`. */
EXPORT bool rank_rows(const int64_t *first_node, const int64_t *first_leaf,
                      const int64_t *first_cell, const uint64_t *nodes, const int32_t *leaf_start,
                      const int32_t *leaf_class, const int32_t *leaf_weight, int64_t n_trees,
                      int64_t n_classes, const uint16_t *levels, int64_t n_features,
                      const int64_t *rows, int64_t n_rows, const bool *serves, int64_t stride,
                      int64_t n_top, int32_t *top, double *probability)
{
    Forest forest = {first_node, first_leaf, first_cell,  nodes,
                     leaf_start, leaf_class, leaf_weight, n_trees};
    Space space;
    void *block = make_space(&space, n_trees, n_features, n_classes);
    if (block == NULL)
        return false;
    for (int64_t start = 0; start < n_rows; start += BLOCK) {
        int64_t n = n_rows - start < BLOCK ? n_rows - start : BLOCK;
        find_leaves(&forest, levels, n_features, rows + start, n, &space);
        for (int64_t i = 0; i < n; i++) {
            int64_t row = rows[start + i];
            mix_leaves(&forest, space.number[i], serves + stride * row, &space);
            if (space.n_serving > 0) {
                write_top(&space, n_top, top + row * n_top, probability + row * n_top);
                continue;
            }
            for (int64_t place = row * n_top; place < (row + 1) * n_top; place++) {
                top[place] = -1;
                probability[place] = NAN;
            }
        }
    }
    free(block);
    return true;
}

/* Write the probabilities of some rows to `table`, zeros of shape (rows, classes). Otherwise as
   `answer_rows`; all rows are served by the same trees. */
EXPORT bool fill_probabilities(const int64_t *first_node, const int64_t *first_leaf,
                               const int64_t *first_cell, const uint64_t *nodes,
                               const int32_t *leaf_start, const int32_t *leaf_class,
                               const int32_t *leaf_weight, int64_t n_trees, int64_t n_classes,
                               const uint16_t *levels, int64_t n_features, const int64_t *rows,
                               int64_t n_rows, const bool *serves, double *table)
{
    Forest forest = {first_node, first_leaf, first_cell,  nodes,
                     leaf_start, leaf_class, leaf_weight, n_trees};
    Space space;
    void *block = make_space(&space, n_trees, n_features, n_classes);
    if (block == NULL)
        return false;
    for (int64_t start = 0; start < n_rows; start += BLOCK) {
        int64_t n = n_rows - start < BLOCK ? n_rows - start : BLOCK, answered = -1;
        find_leaves(&forest, levels, n_features, rows + start, n, &space);
        for (int64_t i = 0; i < n; i++) {
            if (space.number[i] != answered)
                mix_leaves(&forest, space.number[i], serves, &space);
            answered = space.number[i];
            for (int64_t j = 0; j < space.n_reached; j++) {
                int32_t k = space.reached[j];
                table[rows[start + i] * n_classes + k] = space.probability[k];
            }
        }
    }
    free(block);
    return true;
}

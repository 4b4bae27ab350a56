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

/* Rows to ask about, by number, in which equal ones are together; row r of `levels` begins at
   `n_features` times r, that of `serves`, which trees serve it, at `stride` times r. */
typedef struct {
    const uint16_t *levels;
    int64_t n_features;
    const int64_t *rows;
    int64_t n_rows;
    const bool *serves;
    int64_t stride;
} Asked;

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

/* Find which of a block of rows are distinct; return how many. */
static int64_t find_distinct(const Asked *asked, int64_t start, int64_t n_rows, Space *space)
{
    int64_t n_features = asked->n_features, n_distinct = 0;
    const uint16_t *before = NULL;
    for (int64_t i = 0; i < n_rows; i++) {
        const uint16_t *row = asked->levels + asked->rows[start + i] * n_features;
        if (before == NULL || memcmp(row, before, (size_t)n_features * sizeof(*row)) != 0) {
            uint64_t *doubled = space->doubled + n_distinct++ * n_features;
            for (int64_t f = 0; f < n_features; f++)
                doubled[f] = 2 * (uint64_t)row[f];
        }
        space->number[i] = n_distinct - 1;
        before = row;
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

/* Find the leaves that a block of rows reach. */
static void find_leaves(const Forest *forest, const Asked *asked, int64_t start, int64_t n_rows,
                        Space *space)
{
    int64_t n_distinct = find_distinct(asked, start, n_rows, space);
    for (int64_t t = 0; t < forest->n_trees; t++) {
        const uint64_t *nodes = forest->nodes + forest->first_node[t];
        walk_down(nodes, n_distinct, asked->n_features, space);
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

/* Where to write what is told of each row: about a wanted class; about the first `n` in order;
   about all, where zeros are. */
typedef struct {
    const int32_t *wanted;
    int32_t *best;
    double *probability;
    int64_t *rank;
} Answers;
typedef struct {
    int64_t n;
    int32_t *classes;
    double *probability;
} Top;
typedef struct {
    int64_t n_classes;
    double *probability;
} Table;

static void write_answer(Space *space, int64_t row, const void *to)
{
    const Answers *answers = to;
    if (space->n_serving > 0) {
        int32_t wanted = answers->wanted[row];
        answers->best[row] = space->reached[find_best(space, 0)];
        answers->probability[row] = space->probability[wanted];
        answers->rank[row] = rank_of(space, wanted);
    } else {
        answers->best[row] = -1;
        answers->probability[row] = NAN;
        answers->rank[row] = 0;
    }
}

static void write_top(Space *space, int64_t row, const void *to)
{
    const Top *top = to;
    int32_t *reached = space->reached, *classes = top->classes + row * top->n, k = 0;
    double *probability = top->probability + row * top->n;
    for (int64_t place = 0; place < top->n; place++) {
        if (space->n_serving == 0) {
            classes[place] = -1;
            probability[place] = NAN;
        } else if (place < space->n_reached) {
            int64_t best = find_best(space, place);
            int32_t kept = reached[place];
            reached[place] = reached[best];
            reached[best] = kept;
            classes[place] = reached[place];
            probability[place] = space->probability[reached[place]];
        } else { /* the others have probability 0 and follow in class order */
            while (space->probability[k] > 0.0)
                k++;
            classes[place] = k++;
            probability[place] = 0.0;
        }
    }
}

static void write_table(Space *space, int64_t row, const void *to)
{
    const Table *table = to;
    for (int64_t j = 0; j < space->n_reached; j++) {
        int32_t k = space->reached[j];
        table->probability[row * table->n_classes + k] = space->probability[k];
    }
}

/* Find the probabilities of each row that is asked about, and have them written. Returns false if
   memory does not suffice. */
static bool ask(const Forest *forest, int64_t n_classes, const Asked *asked,
                void (*write)(Space *, int64_t, const void *), const void *to)
{
    Space space;
    void *block = make_space(&space, forest->n_trees, asked->n_features, n_classes);
    if (block == NULL)
        return false;
    for (int64_t start = 0; start < asked->n_rows; start += BLOCK) {
        int64_t n = asked->n_rows - start < BLOCK ? asked->n_rows - start : BLOCK, answered = -1;
        find_leaves(forest, asked, start, n, &space);
        for (int64_t i = 0; i < n; i++) {
            int64_t row = asked->rows[start + i], number = space.number[i];
            /* Equal rows that the same trees serve have the same probabilities. */
            if (asked->stride > 0 || number != answered)
                mix_leaves(forest, number, asked->serves + asked->stride * row, &space);
            answered = number;
            write(&space, row, to);
        }
    }
    free(block);
    return true;
}

/* Write the most probable class of each row, and what the wanted one gets. Arrays are as in
   `querying.py`. */
EXPORT bool answer_rows(const int64_t *first_node, const int64_t *first_leaf,
                        const int64_t *first_cell, const uint64_t *nodes, const int32_t *leaf_start,
                        const int32_t *leaf_class, const int32_t *leaf_weight, int64_t n_trees,
                        int64_t n_classes, const uint16_t *levels, int64_t n_features,
                        const int64_t *rows, int64_t n_rows, const bool *serves, int64_t stride,
                        const int32_t *wanted, int32_t *best, double *probability, int64_t *rank)
{
    Forest forest = {first_node, first_leaf, first_cell,  nodes,
                     leaf_start, leaf_class, leaf_weight, n_trees};
    Asked asked = {levels, n_features, rows, n_rows, serves, stride};
    Answers answers = {wanted, best, probability, rank};
    return ask(&forest, n_classes, &asked, write_answer, &answers);
}

/* Write the `n_top` most probable classes of each row, and their probabilities, both in order. */
EXPORT bool rank_rows(const int64_t *first_node, const int64_t *first_leaf,
                      const int64_t *first_cell, const uint64_t *nodes, const int32_t *leaf_start,
                      const int32_t *leaf_class, const int32_t *leaf_weight, int64_t n_trees,
                      int64_t n_classes, const uint16_t *levels, int64_t n_features,
                      const int64_t *rows, int64_t n_rows, const bool *serves, int64_t stride,
                      int64_t n_top, int32_t *classes, double *probability)
{
    Forest forest = {first_node, first_leaf, first_cell,  nodes,
                     leaf_start, leaf_class, leaf_weight, n_trees};
    Asked asked = {levels, n_features, rows, n_rows, serves, stride};
    Top top = {n_top, classes, probability};
    return ask(&forest, n_classes, &asked, write_top, &top);
}

/* Write the probabilities of each row to a table of zeros, of shape (rows, classes). */
EXPORT bool fill_probabilities(const int64_t *first_node, const int64_t *first_leaf,
                               const int64_t *first_cell, const uint64_t *nodes,
                               const int32_t *leaf_start, const int32_t *leaf_class,
                               const int32_t *leaf_weight, int64_t n_trees, int64_t n_classes,
                               const uint16_t *levels, int64_t n_features, const int64_t *rows,
                               int64_t n_rows, const bool *serves, int64_t stride, double *table)
{
    Forest forest = {first_node, first_leaf, first_cell,  nodes,
                     leaf_start, leaf_class, leaf_weight, n_trees};
    Asked asked = {levels, n_features, rows, n_rows, serves, stride};
    Table probabilities = {n_classes, table};
    return ask(&forest, n_classes, &asked, write_table, &probabilities);
}

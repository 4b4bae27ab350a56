/* Grow a tree; `growing.py` tells how it comes to be scikit-learn's. */
#include "nodes.h"
#include "space.h"

#include <float.h>
#include <math.h>

enum { LEVEL_BITS = 16, BYTE = 8, BYTE_MASK = 255 };
/* Where each way of sorting a node's entries is the fastest. */
enum { PAIR_SORT_LENGTH = 24, LEVELS_PER_ENTRY = 8, CELLS_PER_ENTRY = 2 };

/* Of a cell of the table: the weight in its lower half, the number of entries in its upper one. */
static const int WEIGHT_BITS = 32;
static const int64_t ONE_ENTRY = (int64_t)1 << WEIGHT_BITS, WEIGHT_MASK = ONE_ENTRY - 1;

/* Where the class and the weight of an entry are: in the lowest `bits` of its last word, the class
   above the weight. */
typedef struct {
    int bits, class_shift;
    uint64_t class_mask, weight_mask;
} Label;

/* Where the levels of a feature are: the word of an entry, and the bits of that word. */
typedef struct {
    int64_t feature, word;
    int shift;
    uint64_t mask;
} Field;

/* Entries, a column for each, so that word `w` of entry `i` is `words[w * n + i]`. */
typedef struct {
    uint64_t *words;
    int64_t n_words, n;
    Label label;
} Entries;

/* Entries `start` to `end`, their weight and their sum of squared class weights. */
typedef struct {
    int64_t start, end, weight, squares;
} Node;

/* A node that is still to be split: `parent` is the node whose right child it is, or -1. */
typedef struct {
    Node node;
    int64_t depth, n_known, parent;
} Pending;

/* A place between two entries in a feature's order: how many are to the left, their weight, their
   sum of squared class weights, what that sum of those to the right is more than that of all, and
   the sum of the two levels, twice the threshold. */
typedef struct {
    int64_t n_left, weight_left, squares_left, more_right, at;
} Step;

/* A step of a field; the greatest `proxy` wins. */
typedef struct {
    double proxy;
    Field field;
    Step step;
} Split;

/* Work space, so that no node allocates any. `whole` has the sums by class of the node while its
   splits are searched; all else in it, and `left` and `table`, are zero between two nodes. */
typedef struct {
    int64_t *whole, *left, *table;
    uint64_t *items, *unsorted, *ends;
    Step *steps;
    Pending *pending;
    int64_t *features, *constants;
    uint64_t *in_all, *in_any;
} Space;

static uint64_t *word_of(Entries entries, int64_t w)
{
    return entries.words + w * entries.n;
}

static uint64_t *last_word(Entries entries)
{
    return word_of(entries, entries.n_words - 1);
}

static inline uint64_t level_of(uint64_t word, Field field)
{
    return word >> field.shift & field.mask;
}

static inline uint64_t class_of(uint64_t word, Label label)
{
    return word >> label.class_shift & label.class_mask;
}

static inline int64_t weight_of(uint64_t word, Label label)
{
    return (int64_t)(word & label.weight_mask);
}

/* Lay out the work space in one block of memory; return that, or NULL if there is not as much. */
static void *make_space(Space *space, Entries entries, int64_t n_classes, int64_t n_features)
{
    size_t n = (size_t)entries.n, item = sizeof(uint64_t);
    size_t by_class = (size_t)n_classes * item, by_feature = (size_t)n_features * item;
    size_t by_word = (size_t)entries.n_words * item, by_level = item << LEVEL_BITS;
    size_t zeros = 2 * by_class + CELLS_PER_ENTRY * n * item;
    size_t by_entry = n * (2 * item + sizeof(Step) + sizeof(Pending));
    char *block = malloc(zeros + by_entry + by_level + 2 * by_feature + 2 * by_word);
    if (block == NULL)
        return NULL;
    memset(block, 0, zeros);
    char *rest = block;
    space->whole = take(&rest, by_class);
    space->left = take(&rest, by_class);
    space->table = take(&rest, CELLS_PER_ENTRY * n * item);
    space->items = take(&rest, n * item);
    space->unsorted = take(&rest, n * item);
    space->steps = take(&rest, n * sizeof(Step));
    space->pending = take(&rest, n * sizeof(Pending));
    space->ends = take(&rest, by_level);
    space->features = take(&rest, by_feature);
    space->constants = take(&rest, by_feature);
    space->in_all = take(&rest, by_word);
    space->in_any = take(&rest, by_word);
    for (int64_t f = 0; f < n_features; f++)
        space->features[f] = f;
    return block;
}

/* Advance the xorshift state of 32 bits with which scikit-learn draws features. */
static uint32_t next_random(uint32_t state)
{
    if (state == 0)
        state = 1;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static int64_t below(uint32_t state, int64_t n)
{
    return (state & 0x7FFFFFFF) % (uint32_t)n;
}

static void swap(int64_t *one, int64_t *other)
{
    int64_t kept = *one;
    *one = *other;
    *other = kept;
}

/* Add the weights of a node's entries to the sums by class. */
static void sum_classes(Entries entries, Node node, int64_t *sums)
{
    const uint64_t *words = last_word(entries);
    for (int64_t i = node.start; i < node.end; i++)
        sums[class_of(words[i], entries.label)] += weight_of(words[i], entries.label);
}

/* Set the sums by class to zero where a node has entries. */
static void clear_classes(Entries entries, Node node, int64_t *sums)
{
    const uint64_t *words = last_word(entries);
    for (int64_t i = node.start; i < node.end; i++)
        sums[class_of(words[i], entries.label)] = 0;
}

static Node make_root(Entries entries, int64_t n_classes, int64_t *sums)
{
    Node root = {0, entries.n, 0, 0};
    sum_classes(entries, root, sums);
    for (int64_t k = 0; k < n_classes; k++) {
        root.weight += sums[k];
        root.squares += sums[k] * sums[k];
        sums[k] = 0;
    }
    return root;
}

/* Find the bits set in all of a node's entries, and those set in any, for each word: they tell at
   once which features are constant, and bounds of the levels of the others. */
static void find_bits(Entries entries, Node node, uint64_t *in_all, uint64_t *in_any)
{
    for (int64_t w = 0; w < entries.n_words; w++) {
        const uint64_t *words = word_of(entries, w);
        uint64_t all = words[node.start], any = all;
        for (int64_t i = node.start; i < node.end; i++) {
            all &= words[i];
            any |= words[i];
        }
        in_all[w] = all;
        in_any[w] = any;
    }
}

static double gini(double squares, double weight)
{
    return 1.0 - squares / (weight * weight);
}

static double impurity(Node node)
{
    return gini((double)node.squares, (double)node.weight);
}

/* Rank a split by scikit-learn's expression, to the last bit. */
static inline double proxy_of(double weight_left, double squares_left, double weight_right,
                              double squares_right)
{
    return -weight_right * gini(squares_right, weight_right) -
           weight_left * gini(squares_left, weight_left);
}

/* Return if scikit-learn would keep the split: it drops one that rounding makes negative. */
static bool improves(const Split *split, Node node, int64_t forest_weight)
{
    double weight = (double)node.weight, weight_left = (double)split->step.weight_left;
    double weight_right = weight - weight_left;
    double squares_left = (double)split->step.squares_left;
    double squares_right = (double)(node.squares + split->step.more_right);
    double improvement =
        (weight / (double)forest_weight) *
        (impurity(node) - (weight_right / weight * gini(squares_right, weight_right)) -
         (weight_left / weight * gini(squares_left, weight_left)));
    return improvement + DBL_EPSILON >= 0.0;
}

/* Write an item for each of a node's entries: the level above the bits of the label. */
static void gather(Entries entries, Node node, Field field, uint64_t *items)
{
    const uint64_t *words = word_of(entries, field.word), *last = last_word(entries);
    int bits = entries.label.bits;
    uint64_t label_mask = ((uint64_t)1 << bits) - 1;
    for (int64_t i = node.start; i < node.end; i++)
        *items++ = level_of(words[i], field) << bits | (last[i] & label_mask);
}

/* Sort a few items by level. Each pair is compared once, with no branch to mispredict. */
static void sort_by_pairs(const uint64_t *unsorted, uint64_t *items, int64_t n, int shift)
{
    uint64_t levels[PAIR_SORT_LENGTH], ranks[PAIR_SORT_LENGTH];
    for (int64_t i = 0; i < n; i++) {
        uint64_t level = unsorted[i] >> shift, rank = (uint64_t)i;
        for (int64_t j = 0; j < i; j++) {
            uint64_t comes_after = levels[j] > level;
            ranks[j] += comes_after;
            rank -= comes_after;
        }
        levels[i] = level;
        ranks[i] = rank;
    }
    for (int64_t i = 0; i < n; i++)
        items[ranks[i]] = unsorted[i];
}

/* Counting sort, stable, by the digit at `shift` under `mask`. */
static void sort_by_digit(const uint64_t *unsorted, uint64_t *items, int64_t n, int shift,
                          uint64_t mask, uint64_t *ends)
{
    memset(ends, 0, (mask + 1) * sizeof(*ends));
    for (int64_t i = 0; i < n; i++)
        ends[unsorted[i] >> shift & mask]++;
    uint64_t start = 0;
    for (uint64_t digit = 0; digit <= mask; digit++) {
        uint64_t count = ends[digit];
        ends[digit] = start;
        start += count;
    }
    for (int64_t i = 0; i < n; i++)
        items[ends[unsorted[i] >> shift & mask]++] = unsorted[i];
}

/* Write a node's items to `space->items`, sorted by the level. */
static void sort_items(Entries entries, Node node, Field field, bool is_sorted, Space *space)
{
    int64_t n = node.end - node.start;
    int bits = entries.label.bits;
    if (is_sorted) {
        gather(entries, node, field, space->items);
    } else if (n <= PAIR_SORT_LENGTH) {
        gather(entries, node, field, space->unsorted);
        sort_by_pairs(space->unsorted, space->items, n, bits);
    } else if (field.mask < LEVELS_PER_ENTRY * (uint64_t)n) {
        gather(entries, node, field, space->unsorted);
        sort_by_digit(space->unsorted, space->items, n, bits, field.mask, space->ends);
    } else {
        gather(entries, node, field, space->items);
        sort_by_digit(space->items, space->unsorted, n, bits, BYTE_MASK, space->ends);
        sort_by_digit(space->unsorted, space->items, n, bits + BYTE, BYTE_MASK, space->ends);
    }
}

/* Move weight `w` of a class from the right to the left. Sums of squares follow in integers, which
   equal scikit-learn's sums of doubles as long as those are exact: below 2**53. */
static inline void move_weight(Step *step, int64_t w, int64_t *on_left, int64_t *on_right)
{
    step->weight_left += w;
    step->squares_left += w * (2 * *on_left + w);
    step->more_right -= w * (2 * *on_right - w);
    *on_left += w;
    *on_right -= w;
}

/* Find the steps between sorted items; return how many. The weights by class go over from `right`,
   which begins as those of the node, to `left`. */
static int64_t scan_items(const uint64_t *items, int64_t n, Label label, int64_t *left,
                          int64_t *right, Step *steps)
{
    Step step = {0, 0, 0, 0, 0};
    int64_t n_steps = 0;
    uint64_t level = items[0] >> label.bits;
    for (int64_t i = 0; i < n; i++) {
        uint64_t item = items[i], next_level = item >> label.bits;
        /* Written at every item and kept where the level steps: no branch to mispredict. */
        step.n_left = i;
        step.at = (int64_t)(level + next_level);
        steps[n_steps] = step;
        n_steps += next_level != level;
        level = next_level;
        uint64_t k = class_of(item, label);
        move_weight(&step, weight_of(item, label), &left[k], &right[k]);
    }
    return n_steps;
}

/* Add up a node's entries by level, from `low`, and class. */
static void fill_table(Entries entries, Node node, Field field, uint64_t low, int64_t n_classes,
                       int64_t *table)
{
    const uint64_t *words = word_of(entries, field.word), *last = last_word(entries);
    for (int64_t i = node.start; i < node.end; i++) {
        uint64_t row = level_of(words[i], field) - low, k = class_of(last[i], entries.label);
        table[row * (uint64_t)n_classes + k] += ONE_ENTRY + weight_of(last[i], entries.label);
    }
}

/* Do what `scan_items` does, from a table of the levels from `low` to `high`; clear it. */
static int64_t scan_table(int64_t *table, uint64_t low, uint64_t high, int64_t n_classes,
                          int64_t *left, int64_t *right, Step *steps)
{
    Step step = {0, 0, 0, 0, 0};
    int64_t n_steps = 0;
    uint64_t last_level = low;
    for (uint64_t level = low; level <= high; level++) {
        step.at = (int64_t)(last_level + level);
        steps[n_steps] = step;
        int64_t n_here = 0;
        for (int64_t k = 0; k < n_classes; k++) {
            n_here += table[k] >> WEIGHT_BITS;
            move_weight(&step, table[k] & WEIGHT_MASK, &left[k], &right[k]);
            table[k] = 0;
        }
        table += n_classes;
        if (n_here > 0) {
            n_steps += step.n_left > 0;
            step.n_left += n_here;
            last_level = level;
        }
    }
    return n_steps;
}

/* Return the first of the best of the steps that leave enough entries on both sides. */
static Split best_step(const Step *steps, int64_t n_steps, Node node, Field field,
                       int64_t min_samples_leaf)
{
    int64_t first = 0, end = n_steps, n = node.end - node.start;
    while (first < end && steps[first].n_left < min_samples_leaf)
        first++;
    while (first < end && n - steps[end - 1].n_left < min_samples_leaf)
        end--;
    double weight = (double)node.weight;
    Split best = {-INFINITY, field, steps[first]};
    int64_t place = first;
    for (int64_t j = first; j < end; j++) {
        double weight_left = (double)steps[j].weight_left;
        double proxy = proxy_of(weight_left, (double)steps[j].squares_left, weight - weight_left,
                                (double)(node.squares + steps[j].more_right));
        bool better = proxy > best.proxy;
        place = better ? j : place;
        best.proxy = better ? proxy : best.proxy;
    }
    best.step = steps[place];
    return best;
}

/* Return the only split of two entries, which differ in the feature and in the class. */
static Split split_pair(Entries entries, Node node, Field field)
{
    const uint64_t *words = word_of(entries, field.word), *last = last_word(entries);
    uint64_t first = level_of(words[node.start], field);
    uint64_t second = level_of(words[node.start + 1], field);
    int64_t weight_left = weight_of(last[node.start + (second < first)], entries.label);
    int64_t weight_right = node.weight - weight_left;
    int64_t more_right = weight_right * weight_right - node.squares;
    Step step = {1, weight_left, weight_left * weight_left, more_right, (int64_t)(first + second)};
    return (Split){0.0, field, step};
}

/* Return the best split of a node by a field whose levels lie from `low` to `high`. The sums by
   class have been added up in `space->whole`, where they are afterwards, too. */
static Split search_field(Entries entries, Node node, Field field, uint64_t low, uint64_t high,
                          bool is_sorted, int64_t n_classes, int64_t min_samples_leaf, Space *space)
{
    uint64_t n_cells = (high - low + 1) * (uint64_t)n_classes;
    int64_t *left = space->left, *right = space->whole, n_steps;
    if (!is_sorted && n_cells <= CELLS_PER_ENTRY * (uint64_t)(node.end - node.start)) {
        fill_table(entries, node, field, low, n_classes, space->table);
        n_steps = scan_table(space->table, low, high, n_classes, left, right, space->steps);
    } else {
        sort_items(entries, node, field, is_sorted, space);
        n_steps = scan_items(space->items, node.end - node.start, entries.label, left, right,
                             space->steps);
    }
    space->whole = left; /* all have gone over */
    space->left = right;
    return best_step(space->steps, n_steps, node, field, min_samples_leaf);
}

/* Reorder a word of a node's entries stably: those that go left, then the others. The word that
   has the field must be moved last. */
static void move_left_first(uint64_t *moved, const uint64_t *words, Node node, const Split *split,
                            uint64_t *spare)
{
    int64_t to_left = node.start, to_right = 0;
    for (int64_t i = node.start; i < node.end; i++) {
        uint64_t word = moved[i];
        bool goes_right = 2 * (int64_t)level_of(words[i], split->field) > split->step.at;
        moved[to_left] = word;
        spare[to_right] = word;
        to_left += !goes_right;
        to_right += goes_right;
    }
    memcpy(moved + to_left, spare, (size_t)to_right * sizeof(*spare));
}

/* Put a node's entries that go left before the others. */
static void divide(Entries entries, Node node, const Split *split, uint64_t *spare)
{
    uint64_t *deciding = word_of(entries, split->field.word);
    for (int64_t w = 0; w < entries.n_words; w++)
        if (w != split->field.word)
            move_left_first(word_of(entries, w), deciding, node, split, spare);
    move_left_first(deciding, deciding, node, split, spare);
}

static int ascend(const void *one, const void *other)
{
    int32_t a = *(const int32_t *)one, b = *(const int32_t *)other;
    return (a > b) - (a < b);
}

/* Write the classes of a leaf's entries, and their weights; return whether the classes ascend. */
static bool copy_leaf(Entries entries, Node node, int32_t *classes, int32_t *weights)
{
    const uint64_t *words = last_word(entries);
    bool ascending = true;
    int64_t last = -1;
    for (int64_t i = node.start; i < node.end; i++) {
        int64_t k = (int64_t)class_of(words[i], entries.label);
        ascending &= k > last;
        last = k;
        *classes++ = (int32_t)k;
        *weights++ = (int32_t)weight_of(words[i], entries.label);
    }
    return ascending;
}

/* Do what `write_leaf` does where entries share classes, or these do not ascend. */
static int64_t merge_leaf(Entries entries, Node node, int64_t *sums, int32_t *classes,
                          int32_t *weights)
{
    const uint64_t *words = last_word(entries);
    int64_t n = 0;
    for (int64_t i = node.start; i < node.end; i++) {
        uint64_t k = class_of(words[i], entries.label);
        if (sums[k] == 0)
            classes[n++] = (int32_t)k;
        sums[k] += weight_of(words[i], entries.label);
    }
    qsort(classes, (size_t)n, sizeof(*classes), ascend);
    for (int64_t i = 0; i < n; i++) {
        weights[i] = (int32_t)sums[classes[i]];
        sums[classes[i]] = 0;
    }
    return n;
}

/* Write a leaf's classes, ascending, with their weights; return how many. `sums` are zero, and will
   be. */
static int64_t write_leaf(Entries entries, Node node, int64_t *sums, int32_t *classes,
                          int32_t *weights)
{
    bool ascending = copy_leaf(entries, node, classes, weights);
    return ascending ? node.end - node.start : merge_leaf(entries, node, sums, classes, weights);
}

/* What all nodes of a tree share. `fields` are those of all features. */
typedef struct {
    Entries entries;
    const Field *fields;
    int64_t n_features, sorted_feature, n_classes;
    int64_t max_depth, min_samples_split, min_samples_leaf, max_features;
} Task;

/* Return the best split of a node, that of feature -1 if there is none. Goes on with the random
   state, and adds to `n_known` constant features what was found here.

   The draw is scikit-learn's, without replacement. Of `features`, [:n_drawn] are known constants
   already drawn, [n_drawn:n_known] known ones not drawn yet, [n_known:n_constant] constants found
   here, [n_constant:n_candidates] neither drawn nor known to be constant, the rest drawn and not
   constant. */
static Split find_split(const Task *task, Node node, uint32_t *random, int64_t *n_known_features,
                        Space *space)
{
    Entries entries = task->entries;
    Split best = {-INFINITY, {-1, 0, 0, 0}, {0, 0, 0, 0, 0}};
    int64_t n_known = *n_known_features, n_constant = n_known, n_drawn = 0, n_visited = 0;
    int64_t n_candidates = task->n_features, *features = space->features;
    bool is_summed = false; /* not before a split is searched: many nodes have none */
    find_bits(entries, node, space->in_all, space->in_any);
    while (n_candidates > n_constant &&
           (n_visited < task->max_features || n_visited <= n_constant - n_known + n_drawn)) {
        n_visited++;
        int64_t n_found = n_constant - n_known;
        *random = next_random(*random);
        int64_t drawn = n_drawn + below(*random, n_candidates - n_found - n_drawn);
        if (drawn < n_known) {
            swap(&features[n_drawn++], &features[drawn]);
            continue;
        }
        drawn += n_found;
        Field field = task->fields[features[drawn]];
        uint64_t low = level_of(space->in_all[field.word], field);
        uint64_t high = level_of(space->in_any[field.word], field);
        if (low == high) {
            swap(&features[drawn], &features[n_constant++]);
            continue;
        }
        swap(&features[--n_candidates], &features[drawn]);
        if (best.proxy == 0.0)
            continue; /* nothing beats two pure children */
        Split found;
        if (node.end - node.start == 2) {
            found = split_pair(entries, node, field);
        } else {
            if (!is_summed)
                sum_classes(entries, node, space->whole);
            is_summed = true;
            bool is_sorted = field.feature == task->sorted_feature;
            found = search_field(entries, node, field, low, high, is_sorted, task->n_classes,
                                 task->min_samples_leaf, space);
        }
        if (found.proxy > best.proxy)
            best = found;
    }
    if (is_summed)
        clear_classes(entries, node, space->whole);
    /* Siblings and children must see the known constants in their old order. */
    size_t size = sizeof(*features);
    memcpy(features, space->constants, (size_t)n_known * size);
    memcpy(space->constants + n_known, features + n_known, (size_t)(n_constant - n_known) * size);
    *n_known_features = n_constant;
    return best;
}

/* Add up the weights of each entry's rows; return how many entries have any. */
EXPORT int64_t add_weights(const int32_t *entry_of_row, const int64_t *row_weights, int64_t n_rows,
                           int64_t n_entries, int64_t *weights)
{
    memset(weights, 0, (size_t)n_entries * sizeof(*weights));
    for (int64_t i = 0; i < n_rows; i++)
        weights[entry_of_row[i]] += row_weights[i];
    int64_t n_kept = 0;
    for (int64_t i = 0; i < n_entries; i++)
        n_kept += weights[i] > 0;
    return n_kept;
}

/* Copy the words of the entries that have weight, of `n_words` each, to `kept`, which has as many
   or one more, zeros; put into the last the label, with the class at `class_shift`. */
EXPORT void label_entries(const uint64_t *words, int64_t n_words, int64_t n_entries,
                          const int32_t *classes, const int64_t *weights, int32_t class_shift,
                          int64_t n_kept, int64_t last_word, uint64_t *kept)
{
    /* What has no weight is overwritten by what follows it: no branch to mispredict. */
    for (int64_t w = 0; w < n_words; w++, words += n_entries) {
        uint64_t *to = kept + w * n_kept, *end = to + n_kept;
        for (int64_t i = 0; to < end; to += weights[i++] > 0)
            *to = words[i];
    }
    uint64_t *to = kept + last_word * n_kept, *end = to + n_kept;
    for (int64_t i = 0; to < end; to += weights[i++] > 0) {
        uint64_t label = (uint64_t)classes[i] << class_shift | (uint64_t)weights[i];
        *to |= weights[i] > 0 ? label : 0;
    }
}

/* Grow a tree on entries, whose order changes. `bits` of the last word of each are its label, of
   them `class_shift` those of its weight. Fields, limits and the arrays of the tree are as in
   `growing.py`; of `nodes` there may be twice as many as entries, of the others one more.

   Returns the number of nodes, and in `n_leaves` that of leaves; -1 if memory does not suffice. */
EXPORT int64_t grow_tree(uint64_t *words, int64_t n_words, int64_t n_entries, int32_t bits,
                         int32_t class_shift, const uint64_t *field_words,
                         const uint64_t *field_shifts, const uint64_t *field_masks,
                         int64_t n_features, int64_t sorted_feature, int64_t n_classes,
                         const int64_t *limits, uint32_t random, uint64_t *nodes,
                         int32_t *leaf_start, int32_t *leaf_class, int32_t *leaf_weight,
                         int64_t *n_leaves)
{
    uint64_t one = 1;
    Label label = {bits, class_shift, (one << (bits - class_shift)) - 1, (one << class_shift) - 1};
    Entries entries = {words, n_words, n_entries, label};
    Field *fields = malloc((size_t)n_features * sizeof(Field));
    Space space;
    void *block = make_space(&space, entries, n_classes, n_features);
    if (fields == NULL || block == NULL) {
        free(fields);
        free(block);
        return -1;
    }
    for (int64_t f = 0; f < n_features; f++)
        fields[f] = (Field){f, (int64_t)field_words[f], (int)field_shifts[f], field_masks[f]};
    Task task = {entries,   fields,    n_features, sorted_feature, n_classes,
                 limits[0], limits[1], limits[2],  limits[3]};
    int64_t n_nodes = 0, leaves = 0, top = 0;
    Node root = make_root(entries, n_classes, space.whole);
    /* The nodes to come share the entries, so there are no more of them. */
    space.pending[top++] = (Pending){root, 0, 0, -1};
    leaf_start[0] = 0;
    while (top > 0) {
        Pending pending = space.pending[--top];
        Node node = pending.node;
        if (pending.parent >= 0)
            nodes[pending.parent] |= (uint64_t)n_nodes << RIGHT_SHIFT;
        Split best = {.field = {.feature = -1}};
        int64_t n_known = pending.n_known;
        if (pending.depth < task.max_depth && node.end - node.start >= task.min_samples_split &&
            impurity(node) > DBL_EPSILON)
            best = find_split(&task, node, &random, &n_known, &space);
        if (best.field.feature < 0 || !improves(&best, node, root.weight)) {
            int64_t start = leaf_start[leaves];
            int32_t *classes = leaf_class + start, *weights = leaf_weight + start;
            int64_t n = write_leaf(entries, node, space.left, classes, weights);
            nodes[n_nodes++] = make_leaf(leaves, n == 1 ? classes[0] : -1);
            leaf_start[++leaves] = (int32_t)(start + n);
            continue;
        }
        if (best.field.feature != sorted_feature)
            divide(entries, node, &best, space.unsorted);
        Step step = best.step;
        int64_t middle = node.start + step.n_left;
        Node left = {node.start, middle, step.weight_left, step.squares_left};
        Node right = {middle, node.end, node.weight - step.weight_left,
                      node.squares + step.more_right};
        space.pending[top++] = (Pending){right, pending.depth + 1, n_known, n_nodes};
        space.pending[top++] = (Pending){left, pending.depth + 1, n_known, -1};
        nodes[n_nodes++] = make_inner((uint64_t)best.field.feature, (uint64_t)step.at);
    }
    free(fields);
    free(block);
    *n_leaves = leaves;
    return n_nodes;
}

/* A node of a tree in one word, as `growing.Tree` tells; `growing.py` has the same numbers. */
#ifndef FIDELITY_NODES_H
#define FIDELITY_NODES_H

#include "exported.h"

enum { FEATURE_BITS = 16, SPLIT_BITS = 17, RIGHT_SHIFT = FEATURE_BITS + SPLIT_BITS };
enum { LEAF = (1 << FEATURE_BITS) - 1, SPLIT_MASK = (1 << SPLIT_BITS) - 1 };
enum { HIGHEST_ONLY_CLASS = SPLIT_MASK - 1 };

static inline uint64_t make_inner(uint64_t feature, uint64_t split)
{
    return feature | split << FEATURE_BITS;
}

/* A leaf is told its class if it has only one: `only_class` is -1 where it has several. */
static inline uint64_t make_leaf(int64_t number, int64_t only_class)
{
    if (only_class > HIGHEST_ONLY_CLASS)
        only_class = -1;
    return LEAF | (uint64_t)(only_class + 1) << FEATURE_BITS | (uint64_t)number << RIGHT_SHIFT;
}

static inline uint64_t feature_of(uint64_t node)
{
    return node & LEAF;
}

static inline uint64_t split_of(uint64_t node)
{
    return node >> FEATURE_BITS & SPLIT_MASK;
}

static inline uint64_t right_of(uint64_t node)
{
    return node >> RIGHT_SHIFT;
}

#endif

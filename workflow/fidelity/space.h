/* Work space: one block of memory, laid out in parts, so that there is one way to run out of it. */
#ifndef FIDELITY_SPACE_H
#define FIDELITY_SPACE_H

#include "exported.h"

/* Return the next `size` bytes of what `rest` points to; sizes are multiples of 8. */
static inline void *take(char **rest, size_t size)
{
    void *part = *rest;
    *rest += size;
    return part;
}

#endif

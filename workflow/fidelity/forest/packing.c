#include "exported.h"

/* Pack rows of levels, `n_features` each: word `w` of row `i` is `words[w * n_rows + i]`. */
EXPORT void pack_rows(const uint16_t *levels, int64_t n_rows, int64_t n_features,
                      const uint64_t *word, const uint64_t *shift, uint64_t *words)
{
    for (int64_t i = 0; i < n_rows; i++)
        for (int64_t f = 0; f < n_features; f++)
            words[word[f] * (uint64_t)n_rows + (uint64_t)i] |= (uint64_t)*levels++ << shift[f];
}

#include "exported.h"

/* Let a member, drawn so often in each draw, win once over each of the others. */
static void win(const int16_t *weights, const int32_t *others, int64_t n_draws, int64_t *wins)
{
    for (int64_t draw = 0; draw < n_draws; draw++)
        wins[draw] += (int64_t)weights[draw] * others[draw];
}

/* Add to the others one who is drawn so often in each draw. */
static void join(const int16_t *weights, int64_t n_draws, int32_t *others)
{
    for (int64_t draw = 0; draw < n_draws; draw++)
        others[draw] += weights[draw];
}

/* Count in each draw the pairs of a member and another user of whom the member has the higher
   score, twice; pairs of equals once. Users come by ascending score in `order`, those of equal
   scores up to the next of `ends`; `weights` has a row for each user. `others` and `wins` are 0 at
   first, and in the end have how often others were drawn, and the pairs. */
EXPORT void count_wins(const int64_t *order, const int64_t *ends, int64_t n_ends,
                       const bool *member, const int16_t *weights, int64_t n_draws, int32_t *others,
                       int64_t *wins)
{
    for (int64_t group = 0, start = 0; group < n_ends; start = ends[group++]) {
        const int64_t *users = order + start, *end = order + ends[group];
        for (const int64_t *user = users; user < end; user++)
            if (member[*user])
                win(weights + *user * n_draws, others, n_draws, wins);
        for (const int64_t *user = users; user < end; user++)
            if (!member[*user])
                join(weights + *user * n_draws, n_draws, others);
        for (const int64_t *user = users; user < end; user++)
            if (member[*user])
                win(weights + *user * n_draws, others, n_draws, wins);
    }
}

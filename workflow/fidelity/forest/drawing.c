/* NumPy's `RandomState`: the Mersenne twister MT19937 (Matsumoto and Nishimura, 1998). */
#include "exported.h"

enum { LENGTH = 624, MIDDLE = 397 };

typedef struct {
    uint32_t words[LENGTH];
    int next;
} Twister;

static void seed_twister(Twister *twister, uint32_t seed)
{
    for (uint32_t i = 0; i < LENGTH; i++) {
        twister->words[i] = seed;
        seed = 1812433253 * (seed ^ seed >> 30) + i + 1;
    }
    twister->next = LENGTH;
}

static uint32_t twist(uint32_t one, uint32_t next)
{
    uint32_t mixed = (one & 0x80000000) | (next & 0x7FFFFFFF);
    return mixed >> 1 ^ (next & 1 ? 0x9908B0DF : 0);
}

static void refill(Twister *twister)
{
    uint32_t *words = twister->words;
    int i = 0;
    for (; i < LENGTH - MIDDLE; i++)
        words[i] = words[i + MIDDLE] ^ twist(words[i], words[i + 1]);
    for (; i < LENGTH - 1; i++)
        words[i] = words[i + MIDDLE - LENGTH] ^ twist(words[i], words[i + 1]);
    words[i] = words[MIDDLE - 1] ^ twist(words[i], words[0]);
    twister->next = 0;
}

static uint32_t draw(Twister *twister)
{
    if (twister->next == LENGTH)
        refill(twister);
    uint32_t word = twister->words[twister->next++];
    word ^= word >> 11;
    word ^= word << 7 & 0x9D2C5680;
    word ^= word << 15 & 0xEFC60000;
    return word ^ word >> 18;
}

/* Add to `counts` how often each number under `mask` is drawn, until `n_drawn` are not above the
   highest. Those above are counted, too: no branch to mispredict. */
EXPORT void count_draws(uint32_t seed, uint32_t highest, uint32_t mask, int64_t n_drawn,
                        int64_t *counts)
{
    Twister twister;
    seed_twister(&twister, seed);
    for (int64_t n = 0; n < n_drawn;) {
        uint32_t drawn = draw(&twister) & mask;
        counts[drawn]++;
        n += drawn <= highest;
    }
}

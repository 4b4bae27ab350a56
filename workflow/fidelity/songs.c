#include "exported.h"

/* Songs that are not dropped yet, as a binary heap: no item is greater than the two below it. An
   item is a number of remaining sessions above the number of a song, both in one integer, so that
   a comparison reads the heap alone, and equals go by their number. `place` tells where the item
   of each song is. */
typedef struct {
    int64_t *items;
    int32_t *place;
} Heap;

static const int64_t ONE_SESSION = INT64_C(1) << 32;
static const int32_t DROPPED = -1; /* a place */

/* Return the number of the song of an item. */
static int64_t song_of(int64_t item)
{
    return item & (ONE_SESSION - 1);
}

/* Put an item at place i. */
static void put(Heap heap, int64_t item, int64_t i)
{
    heap.items[i] = item;
    heap.place[song_of(item)] = (int32_t)i;
}

/* Put an item at place i, which is free or had a greater one, or further up. */
static void rise(Heap heap, int64_t item, int64_t i)
{
    while (i > 0 && item < heap.items[(i - 1) / 2]) {
        put(heap, heap.items[(i - 1) / 2], i);
        i = (i - 1) / 2;
    }
    put(heap, item, i);
}

/* Put an item in the stead of the first of so many, or further down. */
static void sink(Heap heap, int64_t item, int64_t n_items)
{
    int64_t i = 0;
    while (2 * i + 1 < n_items) {
        int64_t child = 2 * i + 1;
        if (child + 1 < n_items && heap.items[child + 1] < heap.items[child])
            child++;
        if (item < heap.items[child])
            break;
        put(heap, heap.items[child], i);
        i = child;
    }
    put(heap, item, i);
}

/* Count in how many sessions each song is, from 0. The rows of a session are together, so it is
   enough to know the latest session of each song; `latest` is -1 at first. */
EXPORT void count_sessions(const int32_t *session, const int32_t *song, int64_t n_listenings,
                           int32_t *latest, int64_t *count)
{
    for (int64_t i = 0; i < n_listenings; i++) {
        if (latest[song[i]] != session[i]) {
            latest[song[i]] = session[i];
            count[song[i]]++;
        }
    }
}

/* Sort the sessions of all listenings by song: those of song s will be from `start[s]`, which is
   0 at first, to `start[s + 1]`. They are counted, as comparisons would take longer. */
EXPORT void group_by_song(const int32_t *session, const int32_t *song, int64_t n_listenings,
                          int64_t n_songs, int64_t *start, int32_t *sessions)
{
    for (int64_t i = 0; i < n_listenings; i++)
        start[song[i]]++;
    for (int64_t s = 0; s < n_songs; s++)
        start[s + 1] += start[s];
    /* Now each is where a song ends, and moves to where it starts as the sessions are put there. */
    for (int64_t i = n_listenings - 1; i >= 0; i--)
        sessions[--start[song[i]]] = session[i];
}

/* Let the songs of a session, of which there are so many, have one session less. */
static void drop_session(int32_t session, const int32_t *songs, int64_t n_songs, Heap heap,
                         int32_t *latest)
{
    for (int64_t i = 0; i < n_songs; i++) {
        int32_t song = songs[i];
        /* A song may be in a session twice. */
        if (heap.place[song] != DROPPED && latest[song] != session) {
            latest[song] = session;
            rise(heap, heap.items[heap.place[song]] - ONE_SESSION, heap.place[song]);
        }
    }
}

/* Drop all songs, each with its sessions, and tell by which step, from 1, each song and session
   went. The steps are 0 and `latest` is -1 at first; `items` and `place` are room for the heap. */
EXPORT void peel(const int64_t *songs_start, const int32_t *songs, const int64_t *sessions_start,
                 const int32_t *sessions, const int64_t *count, int64_t n_songs, int64_t *items,
                 int32_t *place, int32_t *latest, int32_t *song_step, int32_t *session_step)
{
    Heap heap = {items, place};
    for (int64_t song = 0; song < n_songs; song++)
        rise(heap, count[song] * ONE_SESSION + song, song);
    for (int32_t step = 1; step <= n_songs; step++) {
        int64_t song = song_of(items[0]);
        sink(heap, items[n_songs - step], n_songs - step);
        place[song] = DROPPED;
        song_step[song] = step;
        for (int64_t i = sessions_start[song]; i < sessions_start[song + 1]; i++) {
            int32_t session = sessions[i];
            if (session_step[session] > 0)
                continue;
            session_step[session] = step;
            int64_t start = songs_start[session], end = songs_start[session + 1];
            drop_session(session, songs + start, end - start, heap, latest);
        }
    }
}

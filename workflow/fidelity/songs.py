"""Reduce the set of songs until each has enough sessions.

Read as a densest-subset problem (paper, section 5.1; Charikar 2000): drop the song with the
fewest remaining sessions, with every session that contains it; repeat. Each step is recorded
as (songs, sessions, sessions / songs).
"""

from typing import NamedTuple

import numba
import numpy as np
import pandas as pd

from .errors import InputError


class Reduction(NamedTuple):
    """Steps of a reduction: `curve` (songs, sessions, ratio), and when each went.

    `song_step` and `session_step` tell by which step a song or session was dropped: step i
    leads from row i - 1 of the curve to row i, and row 0 is the whole.
    """

    curve: pd.DataFrame
    song_step: np.ndarray
    session_step: np.ndarray


def reduce_songs(session, song):
    """Return the `Reduction` from all songs to none.

    Time grows as n log(songs) with the number n of listenings, memory as n.

    Parameters
    ----------
    session, song : int, shape (listenings,)
        Numbers from 0 without gaps. Among songs with equally few sessions the one with the
        lowest number is dropped first, so number songs by something stable, as their id.
    """
    n_sessions = int(session.max(initial=-1)) + 1
    n_songs = int(song.max(initial=-1)) + 1
    pairs = np.unique(session.astype(np.int64) * max(n_songs, 1) + song)
    session, song = pairs // max(n_songs, 1), (pairs % max(n_songs, 1)).astype(np.int64)
    songs_of = _starts(session, n_sessions), song
    by_song = np.argsort(song, kind="stable")
    sessions_of = _starts(song[by_song], n_songs), session[by_song]
    song_step, session_step = _peel(*songs_of, *sessions_of)
    left = n_sessions - np.cumsum(np.bincount(session_step, minlength=n_songs + 1))
    curve = pd.DataFrame({"songs": np.arange(n_songs, 0, -1), "sessions": left[:-1]})
    curve["ratio"] = curve["sessions"] / curve["songs"]
    return Reduction(curve, song_step, session_step)


def choose_songs(curve, songs, min_songs):
    """Return the row of the curve to stop at.

    Parameters
    ----------
    curve : DataFrame
        Of a `Reduction`.
    songs : int or "densest"
        A number of songs, or that with the most sessions per song among sets of at least
        `min_songs`, the largest set of equals.
    min_songs : int

    Raises
    ------
    InputError
        If there are fewer songs than asked for.
    """
    asked = min_songs if songs == "densest" else songs
    if len(curve) < asked:
        key = "min_songs" if songs == "densest" else "songs"
        raise InputError(
            f"{key}: {asked} asks for more songs than the {len(curve)} in the sessions kept; "
            "lower it, relax the filters under sessions, or bring more logs"
        )
    if songs != "densest":
        return len(curve) - songs
    return int(np.argmax(curve["ratio"].to_numpy()[: len(curve) - min_songs + 1]))


def _starts(sorted_keys, n_keys):
    return np.searchsorted(sorted_keys, np.arange(n_keys + 1))


@numba.njit(cache=True, nogil=True)
def _peel(songs_start, songs, sessions_start, sessions):
    """Return (step of each song, step of each session), steps from 1."""
    n_sessions, n_songs = len(songs_start) - 1, len(sessions_start) - 1
    song_step = np.zeros(n_songs, dtype=np.int64)
    session_step = np.zeros(n_sessions, dtype=np.int64)
    remaining = np.diff(sessions_start)
    # A binary heap of songs by (remaining sessions, number), and where each song is in it.
    heap = np.argsort(remaining, kind="mergesort")
    place = np.empty(n_songs, dtype=np.int64)
    for i in range(n_songs):
        place[heap[i]] = i
    for step in range(1, n_songs + 1):
        song = heap[0]
        last = n_songs - step
        heap[0] = heap[last]
        place[heap[0]] = 0
        _sink(heap, place, remaining, 0, last)
        song_step[song] = step
        for i in range(sessions_start[song], sessions_start[song + 1]):
            session = sessions[i]
            if session_step[session] > 0:
                continue
            session_step[session] = step
            for j in range(songs_start[session], songs_start[session + 1]):
                other = songs[j]
                if song_step[other] == 0:
                    remaining[other] -= 1
                    _rise(heap, place, remaining, place[other])
    return song_step, session_step


@numba.njit(cache=True, nogil=True)
def _precedes(a, b, remaining):
    return remaining[a] < remaining[b] or (remaining[a] == remaining[b] and a < b)


@numba.njit(cache=True, nogil=True)
def _rise(heap, place, remaining, i):
    item = heap[i]
    while i > 0 and _precedes(item, heap[(i - 1) // 2], remaining):
        heap[i] = heap[(i - 1) // 2]
        place[heap[i]] = i
        i = (i - 1) // 2
    heap[i] = item
    place[item] = i


@numba.njit(cache=True, nogil=True)
def _sink(heap, place, remaining, i, end):
    item = heap[i]
    while 2 * i + 1 < end:
        child = 2 * i + 1
        if child + 1 < end and _precedes(heap[child + 1], heap[child], remaining):
            child += 1
        if not _precedes(heap[child], item, remaining):
            break
        heap[i] = heap[child]
        place[heap[i]] = i
        i = child
    heap[i] = item
    place[item] = i

"""Reduce the set of songs until each has enough sessions.

Read as a densest-subset problem (paper, section 5.1; Charikar 2000): drop the song with the
fewest remaining sessions, with every session that contains it; repeat. Each step is recorded
as (songs, sessions, sessions / songs).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from .compiling import numba
from .errors import InputError

# An item of the heap is a number of sessions above the number of a song.
_SONG_BITS = 32
_SONG = (1 << _SONG_BITS) - 1
_ONE_SESSION = 1 << _SONG_BITS
_DROPPED = -1


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

    Time grows at most as n log(songs) with the number n of listenings, memory as n.

    Parameters
    ----------
    session, song : int32, shape (listenings,)
        Numbers from 0 without gaps, sessions ascending. Among songs with equally few sessions
        the one with the lowest number is dropped first, so number songs by something stable, as
        their id. A song twice in a session counts once.
    """
    n_sessions = int(session.max(initial=-1)) + 1
    n_songs = int(song.max(initial=-1)) + 1
    start = np.searchsorted(session, np.arange(n_sessions + 1, dtype=session.dtype))
    remaining = count_sessions(session, song, n_songs)
    first, sessions = _group(session, song, n_songs)
    song_step, session_step = _peel(start, song, first, sessions, remaining)
    left = n_sessions - np.cumsum(np.bincount(session_step, minlength=n_songs + 1))
    curve = pd.DataFrame({"songs": np.arange(n_songs, 0, -1), "sessions": left[:-1]})
    curve["ratio"] = curve["sessions"] / curve["songs"]
    return Reduction(curve, song_step, session_step)


@numba.njit(cache=True, nogil=True)
def count_sessions(session, song, n_songs):
    """Return in how many sessions each song is, int64, shape (n_songs,).

    Parameters
    ----------
    session, song : int, shape (listenings,)
        The rows of a session are together.
    n_songs : int
        Above every song.
    """
    count = np.zeros(n_songs, dtype=np.int64)
    latest = np.full(n_songs, -1, dtype=session.dtype)
    for i in range(len(song)):
        if latest[song[i]] != session[i]:
            latest[song[i]] = session[i]
            count[song[i]] += 1
    return count


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
            "lower it, keep more by other settings under sessions, or bring more logs"
        )
    if songs != "densest":
        return len(curve) - songs
    return int(np.argmax(curve["ratio"].to_numpy()[: len(curve) - min_songs + 1]))


@numba.njit(cache=True, nogil=True)
def _group(session, song, n_songs):
    """Return (where each song's sessions start, sessions by song), by a counting sort."""
    start = np.zeros(n_songs + 1, dtype=np.int64)
    for i in range(len(song)):
        start[song[i] + 1] += 1
    start = np.cumsum(start)
    end = start[:-1].copy()
    sessions = np.empty_like(session)
    for i in range(len(song)):
        sessions[end[song[i]]] = session[i]
        end[song[i]] += 1
    return start, sessions


@numba.njit(cache=True, nogil=True)
def _peel(songs_start, songs, sessions_start, sessions, remaining):
    """Return (step of each song, step of each session), int32, steps from 1."""
    n_sessions, n_songs = len(songs_start) - 1, len(sessions_start) - 1
    song_step = np.zeros(n_songs, dtype=np.int32)
    session_step = np.zeros(n_sessions, dtype=np.int32)
    latest = np.full(n_songs, -1, dtype=sessions.dtype)
    # A binary heap of songs by (remaining sessions, number), both in one integer, so that a
    # comparison reads the heap alone; and where in it each song is.
    heap = np.sort((remaining << _SONG_BITS) + np.arange(n_songs))
    place = np.empty(n_songs, dtype=np.int32)
    for i in range(n_songs):
        place[heap[i] & _SONG] = i
    for step in range(1, n_songs + 1):
        song = heap[0] & _SONG
        end = n_songs - step
        _sink(heap, place, heap[end], end)
        place[song] = _DROPPED
        song_step[song] = step
        for i in range(sessions_start[song], sessions_start[song + 1]):
            session = sessions[i]
            if session_step[session] > 0:
                continue
            session_step[session] = step
            for j in range(songs_start[session], songs_start[session + 1]):
                other = songs[j]
                # A song may be in a session twice.
                if place[other] != _DROPPED and latest[other] != session:
                    latest[other] = session
                    _rise(heap, place, heap[place[other]] - _ONE_SESSION, place[other])
    return song_step, session_step


@numba.njit(cache=True, nogil=True)
def _rise(heap, place, item, i):
    """Put an item, no greater than what was at place i, there or further up."""
    while i > 0 and item < heap[(i - 1) // 2]:
        heap[i] = heap[(i - 1) // 2]
        place[heap[i] & _SONG] = i
        i = (i - 1) // 2
    heap[i] = item
    place[item & _SONG] = i


@numba.njit(cache=True, nogil=True)
def _sink(heap, place, item, end):
    """Put an item in the stead of the first of a heap that ends before `end`, or further down."""
    i = 0
    while 2 * i + 1 < end:
        child = 2 * i + 1
        if child + 1 < end and heap[child + 1] < heap[child]:
            child += 1
        if item < heap[child]:
            break
        heap[i] = heap[child]
        place[heap[i] & _SONG] = i
        i = child
    heap[i] = item
    place[item & _SONG] = i

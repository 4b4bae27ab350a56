"""Reduce the set of songs until each has enough sessions.

Read as a densest-subset problem (paper, section 5.1; Charikar 2000): drop the song with the
fewest remaining sessions, with every session that contains it; repeat. Each step is recorded
as (songs, sessions, sessions / songs). The loops are in `songs.c`.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from .compiling import Compiled
from .errors import InputError

_compiled = Compiled(__file__)


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
    session, song = _as_int32(session), _as_int32(song)
    n_sessions = int(session.max(initial=-1)) + 1
    n_songs = int(song.max(initial=-1)) + 1
    songs_start = np.searchsorted(session, np.arange(n_sessions + 1, dtype=np.int32))
    sessions_start = np.zeros(n_songs + 1, dtype=np.int64)
    sessions = np.empty_like(session)
    _compiled.group_by_song(session, song, len(song), n_songs, sessions_start, sessions)
    song_step = np.zeros(n_songs, dtype=np.int32)
    session_step = np.zeros(n_sessions, dtype=np.int32)
    _compiled.peel(
        songs_start,
        song,
        sessions_start,
        sessions,
        count_sessions(session, song, n_songs),
        n_songs,
        np.empty(n_songs, dtype=np.int64),
        np.empty(n_songs, dtype=np.int32),
        np.full(n_songs, -1, dtype=np.int32),
        song_step,
        session_step,
    )
    left = n_sessions - np.cumsum(np.bincount(session_step, minlength=n_songs + 1))
    curve = pd.DataFrame({"songs": np.arange(n_songs, 0, -1), "sessions": left[:-1]})
    curve["ratio"] = curve["sessions"] / curve["songs"]
    return Reduction(curve, song_step, session_step)


def count_sessions(session, song, n_songs):
    """Return in how many sessions each song is, int64, shape (n_songs,).

    Parameters
    ----------
    session, song : int, shape (listenings,)
        The rows of a session are together. Numbers from 0, as int32.
    n_songs : int
        Above every song.
    """
    count = np.zeros(n_songs, dtype=np.int64)
    latest = np.full(n_songs, -1, dtype=np.int32)
    session, song = _as_int32(session), _as_int32(song)
    _compiled.count_sessions(session, song, len(song), latest, count)
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


def _as_int32(numbers):
    return np.ascontiguousarray(numbers, dtype=np.int32)

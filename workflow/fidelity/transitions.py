"""From session tables to observations: a song, the next song, and the timing between them."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from .errors import InputError
from .songs import choose_songs, reduce_songs

KEYS = ("user", "session", "position", "song", "next_song")


class Selection(NamedTuple):
    """What is left after the reduction of the songs.

    `listenings` has one row a listening: session (numbered from 0), position, song (a code),
    and the timing columns. `songs` has one row a song: song, track_id, sessions, codes in the
    order of the track ids. `curve` is that of `songs.Reduction`.
    """

    listenings: pd.DataFrame
    songs: pd.DataFrame
    curve: pd.DataFrame


def join_shards(tables):
    """Return session tables as one, sessions numbered on from table to table.

    Parameters
    ----------
    tables : sequence of DataFrame
        With the columns session (from 0 in each), position, track_id, and the same timing
        columns, sorted by session and position.
    """
    first = 0
    joined = []
    for table in tables:
        joined.append(table.assign(session=table["session"] + first))
        first += int(table["session"].max() + 1) if len(table) else 0
    return pd.concat(joined, ignore_index=True)


def select_songs(listenings, songs, min_songs):
    """Return the `Selection` of the songs that stay, and of the sessions made of them alone.

    Parameters
    ----------
    listenings : DataFrame
        As from `join_shards`.
    songs : int or "densest"
    min_songs : int
        See `songs.choose_songs`.

    Raises
    ------
    InputError
        If there are fewer songs than asked for, or no session is left.
    """
    track_ids, track = np.unique(listenings["track_id"].to_numpy(dtype=object), return_inverse=True)
    session = listenings["session"].to_numpy()
    reduction = reduce_songs(session, track)
    step = choose_songs(reduction.curve, songs, min_songs)
    kept_tracks = np.flatnonzero(reduction.song_step > step)
    kept_sessions = np.flatnonzero(reduction.session_step > step)
    if len(kept_sessions) == 0:
        raise InputError(
            f"songs: {songs} leaves no session of which all songs are kept; ask for more songs"
        )
    left = listenings[reduction.session_step[session] > step]
    code = np.searchsorted(kept_tracks, track[left.index])
    left = left.drop(columns="track_id").reset_index(drop=True)
    left["session"] = np.searchsorted(kept_sessions, left["session"]).astype(np.int32)
    left.insert(2, "song", code.astype(np.int32))
    played = left[["session", "song"]].drop_duplicates()
    table = pd.DataFrame(
        {
            "song": np.arange(len(kept_tracks), dtype=np.int32),
            "track_id": track_ids[kept_tracks],
            "sessions": np.bincount(played["song"], minlength=len(kept_tracks)),
        }
    )
    return Selection(left, table, reduction.curve)


def make_transitions(listenings):
    """Return one row for each two listenings in a row: the observations.

    Every session counts as a user. Timing is what was seen while the first song played; the
    last listening of a session leads nowhere.

    Parameters
    ----------
    listenings : DataFrame
        As in `Selection`, sorted by session and position.

    Returns
    -------
    DataFrame
        `KEYS`, then the timing columns; position is that of the first song.
    """
    timing = [name for name in listenings if name not in ("session", "position", "song")]
    session = listenings["session"].to_numpy()
    song = listenings["song"].to_numpy()
    first = np.flatnonzero(session[1:] == session[:-1])
    columns = {
        "user": session[first],
        "session": session[first],
        "position": listenings["position"].to_numpy()[first],
        "song": song[first],
        "next_song": song[first + 1],
    }
    columns.update({name: listenings[name].to_numpy()[first] for name in timing})
    return pd.DataFrame(columns)

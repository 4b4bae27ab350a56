"""From session tables to observations: a song, the next song, and the timing between them.

Tables are arrow's, since all tracks of all sessions as Python texts would not fit into memory.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .errors import InputError
from .songs import choose_songs, count_sessions, reduce_songs

KEYS = ("user", "session", "position", "song", "next_song")


class Selection(NamedTuple):
    """What is left after the reduction of the songs.

    `listenings` has one row a listening and the columns of the session tables: session, anew
    from 0 without gaps, song (a code) in the place of track_id, the others as they were. `songs`
    has one row a song: song, track_id, sessions, codes in the order of the track ids. `curve` is
    that of `songs.Reduction`.
    """

    listenings: pa.Table
    songs: pd.DataFrame
    curve: pd.DataFrame


def read_shards(paths):
    """Return the session tables of all shards as one.

    Parameters
    ----------
    paths : sequence of path
        At least one parquet file; all of the same columns: session (int32, from 0 without gaps
        in each file), position, track_id, user where a user owns many sessions, and the timing
        columns. Sorted by session and position; a file may hold no row.

    Returns
    -------
    Table
        The same columns, session numbered on from file to file, track_id as one dictionary.
    """
    first = 0
    tables = []
    for path in paths:
        # Read as a dictionary, or each listening would hold the text of its track id; in one
        # piece, or what follows would be slow where a file holds thousands of row groups.
        table = pq.ParquetFile(path, read_dictionary=["track_id"]).read().combine_chunks()
        session = table["session"].to_numpy()
        tables.append(replace_column(table, "session", "session", session + np.int32(first)))
        first += int(session.max(initial=-1)) + 1
    return pa.concat_tables(tables).unify_dictionaries()


def select_songs(listenings, songs, min_songs):
    """Return the `Selection` of the songs that stay, and of the sessions made of them alone.

    Parameters
    ----------
    listenings : Table
        As from `read_shards`.
    songs : int or "densest"
    min_songs : int
        See `songs.choose_songs`.

    Raises
    ------
    InputError
        If there are fewer songs than asked for, or no session is left.
    """
    track_ids, track = number_tracks(listenings["track_id"])
    session = listenings["session"].to_numpy()
    reduction = reduce_songs(session, track)
    step = choose_songs(reduction.curve, songs, min_songs)
    is_track_kept, is_session_kept = reduction.song_step > step, reduction.session_step > step
    if not is_session_kept.any():
        raise InputError(
            f"songs: {songs} leaves no session of which all songs are kept; ask for more songs"
        )
    is_left = is_session_kept[session]
    session = number_kept(is_session_kept)[session[is_left]]
    song = number_kept(is_track_kept)[track[is_left]]
    left = listenings.filter(pa.array(is_left))
    left = replace_column(left, "session", "session", session)
    left = replace_column(left, "track_id", "song", song)
    kept_ids = track_ids.filter(pa.array(is_track_kept))
    return Selection(left, song_table(kept_ids, session, song), reduction.curve)


def make_transitions(listenings):
    """Return one row for each two listenings in a row: the observations.

    Where listenings have no user, every session counts as one. Timing is what was seen while
    the first song played; the last listening of a session leads nowhere.

    Parameters
    ----------
    listenings : Table
        As in `Selection`, sorted by session and position.

    Returns
    -------
    Table
        `KEYS`, then the timing columns; position is that of the first song.
    """
    session = listenings["session"].to_numpy()
    leads_on = np.zeros(len(session), dtype=bool)
    leads_on[:-1] = session[1:] == session[:-1]
    next_song = np.roll(listenings["song"].to_numpy(), -1)
    table = listenings.append_column("next_song", pa.array(next_song))
    if "user" not in table.column_names:
        table = table.append_column("user", table["session"])
    timing = [name for name in table.column_names if name not in KEYS]
    return table.select([*KEYS, *timing]).filter(pa.array(leads_on))


def song_table(track_ids, session, song):
    """Return the songs of a `Selection` from those of its listenings, whose ids are given."""
    return pd.DataFrame(
        {
            "song": np.arange(len(track_ids), dtype=np.int32),
            "track_id": track_ids.to_numpy(zero_copy_only=False),
            "sessions": count_sessions(session, song, len(track_ids)),
        }
    )


def number_tracks(track_id):
    """Return the distinct track ids, ascending, and which of them each row has.

    Parameters
    ----------
    track_id : ChunkedArray
        As in `read_shards`.

    Returns
    -------
    StringArray, int32 array of shape (rows,)
    """
    coded = track_id.combine_chunks()
    code = coded.indices.to_numpy()
    occurs = np.zeros(len(coded.dictionary), dtype=bool)
    occurs[code] = True
    # Arrow compares the bytes of UTF-8, whose order is that of the characters.
    by_id = pc.sort_indices(coded.dictionary).to_numpy()
    by_id = by_id[occurs[by_id]]
    number = np.empty(len(occurs), dtype=np.int32)
    number[by_id] = np.arange(len(by_id), dtype=np.int32)
    return coded.dictionary.take(pa.array(by_id)), number[code]


def number_kept(is_kept):
    """Return the numbers from 0 (int32) of those that are kept; of others they mean nothing."""
    return np.cumsum(is_kept, dtype=np.int32) - np.int32(1)


def replace_column(table, name, new_name, values):
    """Return the table with a column of these values and this name in the place of another."""
    return table.set_column(table.column_names.index(name), new_name, pa.array(values))

"""From sessions of an event log to runs of a fixed length, over a reduced set of items.

Runs are cut from sessions or from a user's whole history, without overlap. They take the place of
the CrowdAI sessions, but one user can own many.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from .errors import InputError
from .events import count_up
from .songs import choose_songs, count_sessions
from .transitions import (
    Selection,
    number_kept,
    number_tracks,
    replace_column,
    select_songs,
    song_table,
)


class Windows(NamedTuple):
    """Runs of listenings: the session table, and how many listenings were left over."""

    listenings: pa.Table
    remainder: int


def cut_windows(listenings, length, windows):
    """Return the `Windows` of `length` listenings, without overlap.

    Parameters
    ----------
    listenings : pyarrow.Table
        As from `events.make_sessions`, or part of its rows.
    length : int
    windows : {"session", "user"}
        What a run may not reach beyond. What is left over at the end of each is counted.
    """
    group = listenings[windows].to_numpy()
    starts = np.diff(group, prepend=-1) != 0
    sizes = np.diff(np.append(np.flatnonzero(starts), len(group)))
    place = count_up(starts) - 1
    kept = place < np.repeat(sizes // length * length, sizes)
    runs = listenings.filter(pa.array(kept))
    n_runs = len(runs) // length
    columns = {
        "session": np.repeat(np.arange(n_runs, dtype=np.int32), length),
        "position": np.tile(np.arange(1, length + 1, dtype=np.int32), n_runs),
    }
    for name, values in columns.items():
        runs = replace_column(runs, name, name, values)
    return Windows(runs, len(listenings) - len(runs))


def select_items(listenings, songs, min_songs, length, windows):
    """Return the `transitions.Selection` of the items that most users played, and a funnel.

    Items are ranked by their distinct users (ties: lower id first). Other listenings are
    removed first, and runs are cut after. The curve tells for every number of items how many
    runs that leaves.

    Parameters
    ----------
    listenings : pyarrow.Table
        As from `events.make_sessions`.
    songs : int or "densest"
    min_songs : int
        See `songs.choose_songs`.
    length : int
    windows : {"session", "user"}
        See `cut_windows`.

    Returns
    -------
    Selection
        songs has every item kept, also one that no run holds.
    dict
        {filter: (sessions, listenings)}: items and remainder, what they dropped (sessions are
        None, as runs are cut after), and kept.

    Raises
    ------
    InputError
        If there are fewer items than asked for, or no run is left, or those of one user.
    """
    track_ids, item = number_tracks(listenings["track_id"])
    rank = _rank_by_users(item, listenings["user"].to_numpy(), len(track_ids))
    curve = _runs_curve(rank[item], listenings[windows].to_numpy(), len(track_ids), length)
    n_kept = int(curve["songs"].iloc[choose_songs(curve, songs, min_songs)])
    kept_ids = track_ids.filter(pa.array(rank < n_kept))
    coded = replace_column(listenings, "track_id", "song", number_kept(rank < n_kept)[item])
    left = coded.filter(pa.array(rank[item] < n_kept))
    runs, remainder = cut_windows(left, length, windows)
    funnel = {
        "items": (None, len(listenings) - len(left)),
        "remainder": (None, remainder),
        "kept": (len(runs) // length, len(runs)),
    }
    _require_runs(funnel, len(listenings), length)
    _require_users(runs)
    table = song_table(kept_ids, runs["session"].to_numpy(), runs["song"].to_numpy())
    return Selection(runs, table, curve), funnel


def select_densest(listenings, songs, min_songs, length, windows):
    """Return what `select_items` does, by the rule of the CrowdAI logs.

    Runs are cut first; then the song with the fewest runs is dropped with every run that holds
    it, again and again (`songs.reduce_songs`), which the filter songs of the funnel counts.
    """
    runs, remainder = cut_windows(listenings, length, windows)
    n_runs = len(runs) // length
    funnel = {"remainder": (None, remainder), "songs": (0, 0), "kept": (n_runs, len(runs))}
    _require_runs(funnel, len(listenings), length)
    selection = select_songs(runs, songs, min_songs)
    left = len(selection.listenings)
    funnel["songs"] = (n_runs - left // length, len(runs) - left)
    funnel["kept"] = (left // length, left)
    _require_users(selection.listenings)
    return selection, funnel


REDUCTIONS = {"items": select_items, "densest": select_densest}


def _require_runs(funnel, n_listenings, length):
    if funnel["kept"][1]:
        return
    dropped = ", ".join(
        f"{name} {count:,}" for name, (_, count) in funnel.items() if name != "kept"
    )
    raise InputError(
        f"sessions.length: no run of {length} listenings is left of {n_listenings:,} (dropped: "
        f"{dropped}); lower it, ask for more songs, or set windows: user or a longer gap"
    )


def _require_users(runs):
    if len(np.unique(runs["user"])) == 1:
        raise InputError(
            "songs: one user is left, who cannot be dealt to two providers; ask for more songs or "
            "shorter sessions, or bring the log of more users"
        )


def _rank_by_users(item, user, n_items):
    """Return the place of each item by falling number of distinct users, ties by number."""
    # The rows of a user are together, as those of a session are.
    users = count_sessions(user, item, n_items)
    rank = np.empty(n_items, dtype=np.int64)
    rank[np.argsort(-users, kind="stable")] = np.arange(n_items)
    return rank


def _runs_curve(rank, group, n_items, length):
    """Return (songs, sessions, ratio) for every number of items, the most first.

    With k items a group has floor(n_k / length) runs, where n_k counts its listenings of rank
    below k. So in the order of rank each listening whose number in its group is a multiple of
    `length` adds a run.
    """
    order = np.lexsort((rank, group))
    number = count_up(np.diff(group[order], prepend=-1) != 0)
    completes = rank[order[number % length == 0]]
    sessions = np.cumsum(np.bincount(completes, minlength=n_items))[::-1]
    curve = pd.DataFrame({"songs": np.arange(n_items, 0, -1), "sessions": sessions})
    curve["ratio"] = curve["sessions"] / curve["songs"]
    return curve

"""Any log of (user, item, time) as sessions: what a provider brings who has no CrowdAI logs.

Plays are sorted by user and time (ties stay in the order of the log) and cut into sessions at
pauses. `event_selection` makes runs of a fixed length of them.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from .event_settings import DERIVED

_MICROSECONDS = 10**6


def make_sessions(plays, clock, rng):
    """Return sessions of plays, and the user ids that are replaced in them.

    Rows that are equal in every column are one play. The timing data are those known while an
    item plays, and belong to the whole log, whatever is removed from it later: hour_of_day;
    weekday, 0 on Monday; since_previous, 0 for the first item of a user, else 1 plus the number
    of `previous_bins` that the seconds since the start of the user's previous item reach;
    is_repeat, 1 if that was the same item.

    Parameters
    ----------
    plays : pyarrow.Table
        As from `event_files.read_plays`.
    clock : event_settings.Clock
    rng : numpy.random.Generator
        It shuffles the codes of users, so that they do not tell the order of the ids.

    Returns
    -------
    pyarrow.Table
        One row a listening, sorted by session and position: session and user (int32, from 0),
        position (int32, from 1), track_id, `DERIVED`, and the log's own timing columns.
    array of str, shape (users,)
        The id of each code.
    int
        Rows that were dropped as duplicates.
    """
    user, user_ids = _code_users(plays["user"], rng)
    item = _indices(plays["item"])
    time = plays["time"].to_numpy()
    own = [name for name in plays.column_names if name not in ("user", "item", "time")]
    order = np.lexsort((time, user))
    order = order[_first_of_equals(order, user, time, [item, *_arrays(plays, *own)])]
    user, item, time = user[order], item[order], time[order]
    is_first = np.diff(user, prepend=-1) != 0
    pause = np.diff(time, prepend=time[:1])
    starts = is_first | (pause > clock.gap * _MICROSECONDS)
    local = pd.DatetimeIndex(time.astype("datetime64[us]"), tz="UTC").tz_convert(clock.timezone)
    bins = np.array(clock.previous_bins, dtype=np.int64) * _MICROSECONDS
    columns = {
        "session": np.cumsum(starts, dtype=np.int32) - np.int32(1),
        "position": count_up(starts),
        "track_id": plays["item"].take(pa.array(order)),
        "user": user,
        "hour_of_day": local.hour.to_numpy(np.uint16),
        "weekday": local.day_of_week.to_numpy(np.uint16),
        "since_previous": np.where(is_first, 0, 1 + np.searchsorted(bins, pause, side="right")),
        "is_repeat": ~is_first & (np.diff(item, prepend=-1) == 0),
        **{name: plays[name].to_numpy()[order] for name in own},
    }
    for name in (*DERIVED, *own):
        columns[name] = columns[name].astype(np.uint16)
    return pa.table(columns), user_ids, len(plays) - len(order)


def _code_users(column, rng):
    """Return (code of each row, id of each code); codes are in random order."""
    ids = column.combine_chunks().dictionary.to_numpy(zero_copy_only=False)
    code = np.empty(len(ids), dtype=np.int32)
    code[np.argsort(ids)] = rng.permutation(len(ids))
    by_code = np.empty(len(ids), dtype=object)
    by_code[code] = ids
    return code[_indices(column)], by_code


def _indices(column):
    return column.combine_chunks().indices.to_numpy()


def _arrays(table, *names):
    return [table[name].to_numpy() for name in names]


def _first_of_equals(order, user, time, others):
    """Return which rows, in this order by user and time, no row before them equals."""
    first = np.ones(len(order), dtype=bool)
    same = (np.diff(user[order]) == 0) & (np.diff(time[order]) == 0)
    tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
    if len(tied):
        keys = [values[order[tied]] for values in (*others, time, user)]
        by_value = np.lexsort(keys)
        equal = np.logical_and.reduce([np.diff(key[by_value]) == 0 for key in keys])
        first[tied[by_value[1:][equal]]] = False
    return first


def count_up(starts):
    """Return 1, 2, 3, ... from each start on."""
    places = np.arange(len(starts), dtype=np.int32)
    return places - np.maximum.accumulate(np.where(starts, places, 0)) + np.int32(1)

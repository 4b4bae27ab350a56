"""What a recommender is told of transitions, as a table of whole numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .codes import distinct_rows
from .tables import read_columns


class DistinctTransitions(NamedTuple):
    """Distinct transitions in lexicographic order, and which of them each of all transitions is.

    `X` has shape (distinct, features), `y`, the next songs, (distinct,), `number` (transitions,).
    """

    X: np.ndarray
    y: np.ndarray
    number: np.ndarray


def read_transitions(
    path: str | Path, features: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (features, next song, user) of the transitions in a file, and hold nothing else.

    Parameters
    ----------
    path : path
        Of a parquet table.
    features : sequence of str
        As in `feature_table`.
    """
    observations = read_columns(path, list(dict.fromkeys(["user", "next_song", *features])))
    return feature_table(observations, features), observations["next_song"], observations["user"]


def feature_table(observations: dict[str, np.ndarray], features: Sequence[str]) -> np.ndarray:
    """Return the features as a table of whole numbers, shape (transitions, features).

    The song is the first column, the others are in the order of `features`. The table is uint16
    if that holds all levels, half of the memory of what is in files.

    Parameters
    ----------
    observations : dict of arrays
    features : sequence of str
    """
    song_first = sorted(features, key=lambda name: name != "song")
    columns = [observations[name] for name in song_first]
    is_narrow = all(column.max(initial=0) <= np.iinfo(np.uint16).max for column in columns)
    kind = np.uint16 if is_narrow else np.int32
    return np.stack(columns, axis=1, dtype=kind, casting="unsafe")


def distinct_transitions(X: np.ndarray, y: np.ndarray) -> DistinctTransitions:
    """Return the `DistinctTransitions` among transitions.

    Parameters
    ----------
    X : whole numbers, not negative, shape (transitions, features)
    y : int, not negative, shape (transitions,)
        The next song.
    """
    row, number = distinct_rows([*X.T, y])
    return DistinctTransitions(X[row], y[row], number)


def take_transitions(distinct: DistinctTransitions, rows: np.ndarray) -> DistinctTransitions:
    """Return what `distinct_transitions` does of some transitions, without sorting them anew.

    Parameters
    ----------
    distinct : DistinctTransitions
    rows : bool, shape (transitions,)
    """
    number = distinct.number[rows]
    is_there = np.bincount(number, minlength=len(distinct.y)) > 0
    place = np.cumsum(is_there) - 1
    return DistinctTransitions(distinct.X[is_there], distinct.y[is_there], place[number])

"""What a recommender is told of transitions, as a table of whole numbers."""

from collections.abc import Sequence

import numpy as np

from .codes import distinct_rows


def feature_table(observations: dict[str, np.ndarray], features: Sequence[str]) -> np.ndarray:
    """Return the features as a table of whole numbers, shape (transitions, features).

    The song is the first column, the others are in the order of `features`.

    Parameters
    ----------
    observations : dict of arrays
    features : sequence of str
    """
    song_first = sorted(features, key=lambda name: name != "song")
    return np.column_stack([observations[name] for name in song_first])


def distinct_transitions(
    X: np.ndarray, y: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return (the distinct transitions (X, y) in lexicographic order, the number of each row's).

    Parameters
    ----------
    X : whole numbers, not negative, shape (transitions, features)
    y : int, not negative, shape (transitions,)
        The next song.
    """
    rows, row = distinct_rows(np.column_stack([X, y]))
    return (rows[:, :-1], rows[:, -1]), row

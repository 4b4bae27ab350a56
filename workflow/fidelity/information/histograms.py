"""What two holders have: observations as counts by user and cell, never a dense table of them."""

from typing import NamedTuple

import numpy as np

from ..codes import distinct_rows


class Tally(NamedTuple):
    """How often each user has each cell: shape (rows,), rows distinct, sorted by user, then cell.

    Only what occurs has a row, so its size is at most the number of observations.
    """

    user: np.ndarray
    cell: np.ndarray
    count: np.ndarray  # type: ignore[assignment]  # in the place of the tuple's method


class Holders(NamedTuple):
    """A `Tally` of two holders' users, and which users are the `first`'s and the `second`'s.

    `first` and `second` are bool, shape (users,). A user of both is common, and all of its
    observations are in both. Users and cells are numbered from 0 without gaps: each user has
    an observation and a holder, each cell has a user.
    """

    user: np.ndarray
    cell: np.ndarray
    count: np.ndarray  # type: ignore[assignment]  # in the place of the tuple's method
    first: np.ndarray
    second: np.ndarray

    @property
    def common(self):
        """Which users are in both, bool, shape (users,)."""
        return self.first & self.second


def number_cells(columns):
    """Return the cell of each observation, numbers from 0 without gaps.

    Parameters
    ----------
    columns : sequence of arrays, each of shape (observations,)
        Whole numbers, not negative; observations equal in all of them share a cell.
    """
    _, cell = distinct_rows(columns)
    return cell


def count_cells(cell_adversary, cell_target):
    """Return (counts of A, counts of T) over the cells numbered from 0, of equal length."""
    n_cells = max(cell_adversary.max(initial=-1), cell_target.max(initial=-1)) + 1
    return tuple(np.bincount(cell, minlength=n_cells) for cell in (cell_adversary, cell_target))


def tally_users(user, cell):
    """Return the `Tally` of observations, in any order.

    Parameters
    ----------
    user, cell : shape (observations,)
        Whole numbers, not negative.
    """
    row, number = distinct_rows([user, cell])
    return Tally(user[row], cell[row], np.bincount(number, minlength=len(row)))


def make_holders(tally, first, second):
    """Return the `Holders` among the users of a `Tally`; others, with their cells, are left out.

    Parameters
    ----------
    tally : Tally
    first, second : bool, shape (users,)
        By the tally's numbers of users. A user in neither does not count.

    Raises
    ------
    ValueError
        If a holder has no observation.
    """
    held = select_users(tally, first | second)
    user, users = _close_gaps(held.user)
    cell, _ = _close_gaps(held.cell)
    holders = Holders(user, cell, held.count, first[users], second[users])
    if not (holders.first.any() and holders.second.any()):
        raise ValueError("both holders must have observations")
    return holders


def select_users(tally, chosen):
    """Return the `Tally` of the chosen users, bool, shape (users,); numbers stay as they are."""
    rows = np.flatnonzero(chosen[tally.user])
    return Tally(tally.user[rows], tally.cell[rows], tally.count[rows])


def count_held(holders):
    """Return how many observations of each cell each holder has, int, shape (2, cells)."""
    n_cells = holders.cell.max() + 1
    return np.stack([count_at(holders.cell, weights, n_cells) for weights in split_rows(holders)])


def split_rows(holders):
    """Return the counts of the rows in each holder, 0 for users it does not have, (2, rows)."""
    return np.stack([is_held[holders.user] * holders.count for is_held in holders[-2:]])


def count_at(place, count, n_places):
    """Return the sums of counts by place, int, shape (places,); exact below 2^53."""
    return np.bincount(place, count, n_places).astype(np.int64)


def _close_gaps(numbers):
    """Return (each number's place among the distinct ones, the distinct ones)."""
    occurs = np.bincount(numbers) > 0
    return (np.cumsum(occurs) - 1)[numbers], np.flatnonzero(occurs)

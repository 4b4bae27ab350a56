import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.information import (
    count_cells,
    count_held,
    estimate_all,
    make_holders,
    number_cells,
    tally_users,
)
from fidelity.information.histograms import select_users

from .made_up_holders import cells_of, kept_users, made_up, observations


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1))
def test_cells_are_equal_where_all_columns_are(rows):
    cell = number_cells(np.array(rows).T).tolist()
    assert len(set(cell)) == len(set(rows)) == max(cell) + 1
    assert len(set(zip(cell, rows, strict=True))) == len(set(rows))


def test_cells_of_columns_whose_levels_multiply_beyond_64_bits():
    rng = np.random.default_rng(0)
    columns = rng.integers(2**31, size=(6, 500))
    assert number_cells(np.repeat(columns, 2, axis=1)).max() == 499


def test_counts_are_aligned():
    counts = count_cells(np.array([0, 0, 3]), np.array([1]))
    assert [part.tolist() for part in counts] == [[2, 0, 0, 1], [0, 1, 0, 0]]


@given(observations)
def test_a_tally_counts_each_cell_of_each_user(pairs):
    tally = tally_users(*np.array(pairs).T)
    rows = list(zip(tally.user.tolist(), tally.cell.tolist(), strict=True))
    assert rows == sorted(set(pairs))
    assert dict(zip(rows, tally.count.tolist(), strict=True)) == Counter(pairs)


@given(made_up())
def test_holders_have_what_their_users_have(case):
    holders, pairs, place = case
    held = sorted({cell for user, cell in pairs if any(place[user])})
    for holder, counts in enumerate(count_held(holders)):
        expected = Counter(cells_of(pairs, place, holder))
        assert counts.tolist() == [expected[cell] for cell in held]


@given(made_up())
def test_holders_number_users_and_cells_without_gaps(case):
    holders, pairs, place = case
    users = kept_users(pairs, place)
    assert np.unique(holders.user).tolist() == list(range(len(users)))
    assert set(holders.cell.tolist()) == set(range(holders.cell.max() + 1))
    in_holders = zip(holders.first, holders.second, strict=True)
    assert list(in_holders) == [place[user] for user in users]
    assert holders.common.tolist() == [all(place[user]) for user in users]


def test_chosen_users_keep_their_rows():
    tally = tally_users(np.array([0, 1, 1, 2]), np.array([5, 3, 3, 4]))
    chosen = select_users(tally, np.array([False, True, True]))
    assert [part.tolist() for part in chosen] == [[1, 2], [3, 4], [2, 1]]


@pytest.mark.parametrize("first", [[True, False], [False, False]])
def test_a_holder_without_observations_is_refused(first):
    tally = tally_users(np.array([0, 0]), np.array([0, 1]))  # user 1 has none
    with pytest.raises(ValueError, match="both holders"):
        make_holders(tally, np.array(first), np.array([False, True]))


def test_ten_million_possible_cells_need_no_memory_for_those_not_seen():
    rng = np.random.default_rng(0)
    song, next_song = rng.integers(3_163, size=(2, 4_000))
    user = np.repeat(np.arange(200), 20)
    first = np.arange(200) < 120
    tracemalloc.start()
    holders = make_holders(tally_users(user, number_cells([song, next_song])), first, ~first)
    found = estimate_all(holders, 200, lambda name: rng).values()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert song.max() * next_song.max() > 9_900_000
    assert peak < 10_000_000  # not even a byte for each
    assert all(np.isfinite(information.value) for information in found)

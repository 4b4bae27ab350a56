from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity import event_selection
from fidelity.errors import InputError
from fidelity.event_files import read_plays
from fidelity.event_selection import cut_windows, select_densest, select_items
from fidelity.event_settings import Clock, Layout
from fidelity.events import make_sessions

REAL_PLAYS = Path(__file__).parents[2] / "shared" / "data" / "30music_plays.csv"


def listenings(histories):
    """Return a session table of {user: [items of each session]}."""
    rows, session = [], -1
    for user, own in histories.items():
        for items in own:
            session += 1
            rows += [(session, i + 1, item, user) for i, item in enumerate(items)]
    session, position, item, user = zip(*rows, strict=True)
    return pa.table(
        {
            "session": np.int32(session),
            "position": np.int32(position),
            "track_id": pa.array(item).dictionary_encode(),
            "user": np.int32(user),
            "hour_of_day": np.arange(len(rows), dtype=np.uint16),
        }
    )


def test_windows_by_hand():
    table = listenings({3: ["abcde", "a"], 5: ["b", "cda"]})
    runs, remainder = cut_windows(table, 2, "session")
    assert runs["track_id"].to_pylist() == list("abcdcd")
    assert runs["session"].to_pylist() == [0, 0, 1, 1, 2, 2]
    assert runs["position"].to_pylist() == [1, 2] * 3
    assert runs["user"].to_pylist() == [3, 3, 3, 3, 5, 5]
    assert remainder == 4
    runs, remainder = cut_windows(table, 2, "user")
    assert runs["track_id"].to_pylist() == list("abcdeabcda")
    assert runs["user"].to_pylist() == [3] * 6 + [5] * 4
    assert remainder == 0


def test_items_of_most_users_are_kept_and_runs_cut_after():
    """a has 3 users; b and c have 2, so b, the lower id, goes before c."""
    table = listenings({0: ["acb"], 1: ["aab", "ad"], 2: ["ac"]})
    selection, funnel = select_items(table, 2, 1, length=2, windows="user")
    assert selection.songs["track_id"].tolist() == ["a", "b"]
    assert selection.listenings["song"].to_pylist() == [0, 1, 0, 0, 1, 0]
    assert selection.listenings["hour_of_day"].to_pylist() == [0, 2, 3, 4, 5, 6]
    assert selection.songs["sessions"].tolist() == [3, 2]
    assert funnel == {"items": (None, 3), "remainder": (None, 1), "kept": (3, 6)}
    # abc; aba, ac: with all of a, b, c: 1 + 2 + 1 runs.
    assert selection.curve.to_numpy().tolist() == [
        [4, 4, 1.0],
        [3, 4, 4 / 3],
        [2, 3, 1.5],
        [1, 1, 1.0],
    ]


HISTORIES = st.dictionaries(
    st.integers(0, 5),
    st.lists(st.text("abcdef", min_size=1, max_size=9), min_size=1, max_size=4),
    min_size=1,
    max_size=5,
)


@given(HISTORIES, st.integers(1, 3), st.sampled_from(["user", "session"]))
def test_the_curve_is_what_cutting_anew_gives(histories, length, windows):
    table = listenings(histories)
    users = {}
    for user, own in histories.items():
        for item in "".join(own):
            users.setdefault(item, set()).add(user)
    ranked = sorted(users, key=lambda item: (-len(users[item]), item))
    rank = np.array([ranked.index(item) for item in table["track_id"].to_pylist()])
    group = table[windows].to_numpy()
    curve = event_selection._runs_curve(rank, group, len(ranked), length)
    for n_items, n_runs, ratio in curve.to_numpy().tolist():
        left = [[] for _ in range(table["session"].to_numpy().max() + 9)]
        for place, item in zip(group, table["track_id"].to_pylist(), strict=True):
            if item in ranked[: int(n_items)]:
                left[place].append(item)
        assert n_runs == sum(len(items) // length for items in left)
        assert ratio == n_runs / n_items


@given(HISTORIES, st.integers(1, 3), st.sampled_from(["user", "session"]))
def test_nothing_is_lost_without_a_count(histories, length, windows):
    table = listenings(histories)
    n_items = len(set(table["track_id"].to_pylist()))
    for select in (select_items, select_densest):
        for songs in (1, n_items):
            try:
                selection, funnel = select(table, songs, 1, length, windows)
            except InputError:
                continue
            assert sum(count for _, count in funnel.values()) == len(table)
            assert funnel["kept"] == (
                len(selection.listenings) // length,
                len(selection.listenings),
            )


def test_the_rule_of_the_crowdai_logs():
    table = listenings({0: ["abab"], 1: ["abcd"], 2: ["ba"]})
    selection, funnel = select_densest(table, 2, 1, length=2, windows="session")
    assert selection.songs["track_id"].tolist() == ["a", "b"]
    assert funnel == {"remainder": (None, 0), "songs": (1, 2), "kept": (4, 8)}
    assert selection.listenings["user"].to_pylist() == [0, 0, 0, 0, 1, 1, 2, 2]


def test_logs_without_a_run_are_told():
    table = listenings({0: ["a"], 1: ["a"]})
    for select in (select_items, select_densest):
        with pytest.raises(ValueError, match=r"no run of 2 listenings is left of 2 .*remainder 2"):
            select(table, 1, 1, length=2, windows="user")


def test_one_user_alone_is_told():
    table = listenings({0: ["abab"]})
    for select in (select_items, select_densest):
        with pytest.raises(ValueError, match="one user is left, who cannot be dealt to two"):
            select(table, 2, 1, length=2, windows="user")


def test_users_of_very_many_items():
    rng = np.random.default_rng(0)
    items = [f"i{item}" for item in rng.integers(50, size=100_000)]
    table = listenings({0: [items], 1: [["i1"] * 20]})
    selection, funnel = select_items(table, 50, 1, length=20, windows="session")
    assert funnel["kept"] == (5001, 100_020)
    assert len(set(selection.listenings["user"].to_pylist())) == 2


@pytest.mark.skipif(not REAL_PLAYS.exists(), reason="the plays of 30Music are not at hand")
def test_real_plays_against_pandas():
    raw = pd.read_csv(REAL_PLAYS).sort_values(["UserId", "Time"], kind="stable")
    read, _ = read_plays([REAL_PLAYS], Layout("UserId", "ArtistId", "Time"))
    table, _, _ = make_sessions(read, Clock(1800, "UTC", ()), np.random.default_rng(0))
    pause = raw.groupby("UserId")["Time"].diff()
    assert table["session"].to_numpy().max() + 1 == (pause.isna() | (pause > 1800)).sum()
    users = raw.groupby("ArtistId")["UserId"].nunique()
    kept = users.sort_values(ascending=False, kind="stable").index[:229]
    left = raw[raw["ArtistId"].isin(kept)].groupby("UserId").size()
    selection, funnel = select_items(table, 229, 50, length=20, windows="user")
    # Ties among the last items are broken by text here and by number there.
    assert abs(funnel["kept"][0] - (left // 20).sum()) < 5
    assert len(selection.songs) == 229

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.songs import choose_songs, count_sessions, reduce_songs


def reduce_plainly(sessions):
    """The rule word by word: rescan for the song with the fewest sessions, ties by number."""
    sessions = {i: set(songs) for i, songs in enumerate(sessions)}
    songs = set().union(*sessions.values())
    curve = []
    order = []
    while songs:
        curve.append([len(songs), len(sessions)])
        counts = {song: sum(song in kept for kept in sessions.values()) for song in songs}
        dropped = min(songs, key=lambda song: (counts[song], song))
        songs.remove(dropped)
        order.append(dropped)
        sessions = {i: kept for i, kept in sessions.items() if dropped not in kept}
    return curve, order


def as_listenings(sessions):
    session = np.repeat(np.arange(len(sessions)), [len(songs) for songs in sessions])
    song = [song for songs in sessions for song in songs]
    return session.astype(np.int32), np.array(song, dtype=np.int32)


def test_a_reduction_by_hand():
    """Songs 2 and 3 have one session each, so 2 goes first; 0 and 1 share two: 0 goes first."""
    reduction = reduce_songs(*as_listenings([[0, 1], [0, 1, 1], [0, 2], [1, 3]]))
    expected = pd.DataFrame({"songs": [4, 3, 2, 1], "sessions": [4, 3, 2, 0]})
    pd.testing.assert_frame_equal(reduction.curve[["songs", "sessions"]], expected)
    assert reduction.curve["ratio"].tolist() == [1, 1, 1, 0]
    assert reduction.song_step.tolist() == [3, 4, 1, 2]
    assert reduction.session_step.tolist() == [3, 3, 1, 2]


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=25))
def test_it_is_the_rule_word_by_word(sessions):
    codes = sorted(set().union(*sessions))
    sessions = [[codes.index(song) for song in songs] for songs in sessions]
    reduction = reduce_songs(*as_listenings(sessions))
    curve, order = reduce_plainly(sessions)
    assert reduction.curve[["songs", "sessions"]].to_numpy().tolist() == curve
    assert np.argsort(reduction.song_step).tolist() == order
    assert reduction.session_step.tolist() == [
        min(reduction.song_step[song] for song in songs) for songs in sessions
    ]


def test_what_is_left_contains_only_what_is_left():
    rng = np.random.default_rng(0)
    session, song = np.repeat(np.arange(500), 20), rng.geometric(0.02, size=10_000) - 1
    song = np.unique(song, return_inverse=True)[1]
    session, song = session.astype(np.int32), song.astype(np.int32)
    reduction = reduce_songs(session, song)
    step = choose_songs(reduction.curve, 30, min_songs=1)
    kept_songs = np.flatnonzero(reduction.song_step > step)
    kept_sessions = np.flatnonzero(reduction.session_step > step)
    assert len(kept_songs) == 30
    assert len(kept_sessions) == reduction.curve["sessions"][step]
    assert np.isin(song[np.isin(session, kept_sessions)], kept_songs).all()


def test_one_song_and_one_session():
    curve = reduce_songs(*as_listenings([[0, 0]])).curve
    assert curve.to_numpy().tolist() == [[1, 1, 1]]


def test_nothing_to_reduce():
    assert len(reduce_songs(*as_listenings([])).curve) == 0


def test_among_equals_the_lowest_number_goes_first():
    """Every song has as many sessions at each step, whichever songs went before."""
    reduction = reduce_songs(*as_listenings([[song] for song in range(100)] * 3))
    assert reduction.song_step.tolist() == list(range(1, 101))


def test_a_song_counts_once_a_session():
    session, song = as_listenings([[0, 0, 1], [1], [1, 0], [2, 2, 2]])
    assert count_sessions(session, song, 4).tolist() == [2, 3, 1, 0]
    session, song = session.astype(np.int64), song.astype(np.int8)
    assert count_sessions(session, song, 4).tolist() == [2, 3, 1, 0]


def test_the_densest_set_has_at_least_min_songs():
    curve = pd.DataFrame({"songs": [4, 3, 2, 1], "sessions": [8, 9, 6, 9], "ratio": [2, 3, 3, 9]})
    assert choose_songs(curve, "densest", min_songs=1) == 3
    assert choose_songs(curve, "densest", min_songs=2) == 1
    assert choose_songs(curve, "densest", min_songs=4) == 0
    assert choose_songs(curve, 2, min_songs=50) == 2


@pytest.mark.parametrize(("songs", "key"), [(5, "songs: 5"), ("densest", "min_songs: 6")])
def test_more_songs_than_there_are(songs, key):
    curve = pd.DataFrame({"songs": [4, 3, 2, 1], "sessions": 4, "ratio": 1.0})
    with pytest.raises(ValueError, match=f"{key} asks for more songs than the 4"):
        choose_songs(curve, songs, min_songs=6)

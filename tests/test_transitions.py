import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.transitions import KEYS, join_shards, make_transitions, select_songs


def session_table(sessions):
    """Return the session table of lists of track ids, the hour being the place in the table."""
    tracks = [track for session in sessions for track in session]
    return pd.DataFrame(
        {
            "session": np.repeat(np.arange(len(sessions)), [len(s) for s in sessions]),
            "position": [i + 1 for s in sessions for i in range(len(s))],
            "track_id": pd.array(tracks, dtype=object),
            "hour_of_day": np.arange(len(tracks), dtype=np.uint16),
        }
    ).astype({"session": np.int32})


def test_shards_are_numbered_on():
    joined = join_shards([session_table(["ab", "c"]), session_table([]), session_table(["d"])])
    assert joined["session"].tolist() == [0, 0, 1, 2]
    assert joined["track_id"].tolist() == list("abcd")


def test_a_selection_by_hand():
    """d and c are in one session each: c goes first with "ac", then d with "bd"."""
    listenings = session_table(["ba", "bd", "ab", "ac", "aa"])
    selection = select_songs(listenings, 2, min_songs=1)
    assert selection.songs.to_numpy().tolist() == [[0, "a", 3], [1, "b", 2]]
    assert selection.listenings["session"].tolist() == [0, 0, 1, 1, 2, 2]
    assert selection.listenings["song"].tolist() == [1, 0, 0, 1, 0, 0]
    assert selection.listenings["hour_of_day"].tolist() == [0, 1, 4, 5, 8, 9]
    assert selection.curve.to_numpy().tolist()[:3] == [[4, 5, 1.25], [3, 4, 4 / 3], [2, 3, 1.5]]


def test_transitions_by_hand():
    selection = select_songs(session_table(["aba", "b", "ab"]), 2, min_songs=1)
    transitions = make_transitions(selection.listenings)
    assert transitions.columns.tolist() == [*KEYS, "hour_of_day"]
    assert transitions.to_numpy().tolist() == [
        [0, 0, 1, 0, 1, 0],
        [0, 0, 2, 1, 0, 1],
        [2, 2, 1, 0, 1, 4],
    ]


@given(st.lists(st.text("abcdef", min_size=1, max_size=5), min_size=1, max_size=20))
def test_sessions_of_the_songs_kept_stay_whole(sessions):
    listenings = session_table(sessions)
    n_songs = len(set("".join(sessions)))
    selection = select_songs(listenings, n_songs, min_songs=1)
    assert selection.songs["track_id"].tolist() == sorted(set("".join(sessions)))
    names = selection.songs["track_id"].to_numpy()[selection.listenings["song"]]
    assert ["".join(names[selection.listenings["session"] == i]) for i in range(len(sessions))] == (
        sessions
    )
    transitions = make_transitions(selection.listenings)
    assert len(transitions) == sum(len(session) - 1 for session in sessions)


def test_songs_that_no_session_is_made_of():
    with pytest.raises(ValueError, match="songs: 1 leaves no session"):
        select_songs(session_table(["ab", "ab"]), 1, min_songs=1)

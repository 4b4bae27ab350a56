import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fidelity.transitions import KEYS, make_transitions, number_tracks, read_shards, select_songs

TYPES = {"session": pa.int32(), "position": pa.int16(), "track_id": pa.string()}


def session_table(sessions, **columns):
    """Return the session table of lists of track ids, the hour being the place in the table."""
    tracks = [track for session in sessions for track in session]
    table = {
        "session": np.repeat(np.arange(len(sessions)), [len(s) for s in sessions]),
        "position": [i + 1 for s in sessions for i in range(len(s))],
        "track_id": tracks,
        **columns,
        "hour_of_day": np.arange(len(tracks)),
    }
    types = {**TYPES, **dict.fromkeys(columns, pa.int32()), "hour_of_day": pa.uint16()}
    return pa.table(table, schema=pa.schema(types))


def coded(sessions, **columns):
    """Return the same with track ids as a dictionary, as shards are read."""
    table = session_table(sessions, **columns)
    return table.set_column(2, "track_id", table["track_id"].dictionary_encode())


@pytest.fixture
def write(tmp_path):
    def write_shards(*tables):
        paths = [tmp_path / f"{i}.parquet" for i in range(len(tables))]
        for path, table in zip(paths, tables, strict=True):
            pq.write_table(table, path)
        return paths

    return write_shards


def test_shards_are_numbered_on(write):
    listenings = read_shards(write(*map(session_table, (["ab", "c"], [], ["d"]))))
    assert listenings["session"].to_pylist() == [0, 0, 1, 2]
    assert listenings["track_id"].to_pylist() == list("abcd")
    assert listenings.column_names == ["session", "position", "track_id", "hour_of_day"]
    dictionary = pa.dictionary(pa.int32(), pa.string())
    assert listenings.schema.types == [pa.int32(), pa.int16(), dictionary, pa.uint16()]


def test_shards_share_one_dictionary(write):
    listenings = read_shards(write(*map(session_table, (["ba", "c"], ["cb"], ["ad"]))))
    chunks = listenings["track_id"].chunks
    assert len(chunks) == 3
    assert all(sorted(chunk.dictionary.to_pylist()) == list("abcd") for chunk in chunks)
    track_ids, track = number_tracks(listenings["track_id"])
    assert track_ids.to_pylist() == list("abcd")
    assert track.tolist() == [1, 0, 2, 2, 1, 0, 3]


def test_shards_without_rows(write):
    for paths in (write(session_table([])), write(session_table([]), session_table([]))):
        listenings = read_shards(paths)
        assert len(listenings) == 0
        with pytest.raises(ValueError, match="songs: 1 asks for more songs than the 0"):
            select_songs(listenings, 1, min_songs=1)


def test_tracks_are_numbered_in_the_order_of_their_ids():
    """As Python orders them, not as UTF-16; an id that does not occur has no number."""
    ids = ["\U0001f600", "\uffff", "z", "", "é", "ab", "a"]
    column = pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array([5, 0, 1, 2, 4, 6]), ids)])
    track_ids, track = number_tracks(column)
    assert track_ids.to_pylist() == sorted(id for id in ids if id)
    assert track.tolist() == [1, 5, 4, 2, 3, 0]
    assert track.dtype == np.int32


def test_a_selection_by_hand():
    """d and c are in one session each: c goes first with "ac", then d with "bd"."""
    selection = select_songs(coded(["ba", "bd", "ab", "ac", "aa"]), 2, min_songs=1)
    assert selection.songs.to_numpy().tolist() == [[0, "a", 3], [1, "b", 2]]
    assert selection.listenings["session"].to_pylist() == [0, 0, 1, 1, 2, 2]
    assert selection.listenings["song"].to_pylist() == [1, 0, 0, 1, 0, 0]
    assert selection.listenings["hour_of_day"].to_pylist() == [0, 1, 4, 5, 8, 9]
    assert selection.curve.to_numpy().tolist()[:3] == [[4, 5, 1.25], [3, 4, 4 / 3], [2, 3, 1.5]]


def test_transitions_by_hand():
    selection = select_songs(coded(["aba", "b", "ab"]), 2, min_songs=1)
    transitions = make_transitions(selection.listenings)
    assert transitions.column_names == [*KEYS, "hour_of_day"]
    types = [pa.int32(), pa.int32(), pa.int16(), pa.int32(), pa.int32(), pa.uint16()]
    assert transitions.schema.types == types
    assert transitions.to_pandas().to_numpy().tolist() == [
        [0, 0, 1, 0, 1, 0],
        [0, 0, 2, 1, 0, 1],
        [2, 2, 1, 0, 1, 4],
    ]


def test_users_keep_their_numbers(write):
    """User 7 owns two sessions and loses the one with c; user 5 has none but that with d."""
    sessions, user = ["ab", "ac", "d", "ba"], [7, 7, 7, 7, 5, 9, 9]
    listenings = read_shards(write(session_table(sessions, user=user)))
    selection = select_songs(listenings, 2, min_songs=1)
    assert selection.listenings["user"].to_pylist() == [7, 7, 9, 9]
    transitions = make_transitions(selection.listenings)
    assert transitions.column_names == [*KEYS, "hour_of_day"]
    assert transitions.to_pandas().to_numpy().tolist() == [[7, 0, 1, 0, 1, 0], [9, 1, 1, 1, 0, 5]]


@pytest.mark.parametrize("sessions", [["a"], ["aaa"], ["abc"], ["a", "a", "a"], ["ab", "ab"]])
def test_one_song_one_session_all_alike(sessions):
    n_songs = len(set("".join(sessions)))
    selection = select_songs(coded(sessions), n_songs, min_songs=1)
    assert selection.songs["sessions"].tolist() == n_songs * [len(sessions)]
    transitions = make_transitions(selection.listenings)
    assert len(transitions) == sum(len(session) - 1 for session in sessions)


@given(st.lists(st.text("abcdef", min_size=1, max_size=5), min_size=1, max_size=20))
def test_sessions_of_the_songs_kept_stay_whole(sessions):
    n_songs = len(set("".join(sessions)))
    selection = select_songs(coded(sessions), n_songs, min_songs=1)
    assert selection.songs["track_id"].tolist() == sorted(set("".join(sessions)))
    listenings = selection.listenings.to_pandas()
    names = selection.songs["track_id"].to_numpy()[listenings["song"]]
    assert ["".join(names[listenings["session"] == i]) for i in range(len(sessions))] == sessions
    transitions = make_transitions(selection.listenings)
    assert len(transitions) == sum(len(session) - 1 for session in sessions)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("songs", [8, 20, "densest"])
def test_it_is_what_pandas_makes_of_the_shards(write, seed, songs):
    rng = np.random.default_rng(seed)
    shards = []
    for _ in range(4):
        # Most sessions hold neighbours, so that some are left of few songs.
        first = rng.integers(30, size=rng.integers(60))
        listened = [(n + rng.geometric(0.4, size=rng.integers(1, 6))) % 30 for n in first]
        shards.append(session_table([[f"t_{number}" for number in one] for one in listened]))
    selection = select_songs(read_shards(write(*shards)), songs, min_songs=5)
    expected = select_by_pandas([shard.to_pandas() for shard in shards], songs, min_songs=5)
    transitions = make_transitions(selection.listenings).to_pandas()
    for found, plain in zip((selection.songs, transitions), expected, strict=True):
        pd.testing.assert_frame_equal(found, plain)


def select_by_pandas(shards, songs, min_songs):
    """Return (songs, transitions), by the rule word by word and in pandas."""
    first = np.cumsum([0, *(shard["session"].nunique() for shard in shards)])[:-1]
    left = pd.concat(
        [shard.assign(session=shard["session"] + n) for n, shard in zip(first, shards, strict=True)]
    )
    tracks = sorted(left["track_id"].unique())
    stages = [(tracks, left)]
    while len(tracks) > 1:
        counts = left.groupby("track_id")["session"].nunique().reindex(tracks, fill_value=0)
        dropped = counts.idxmin()
        tracks = [track for track in tracks if track != dropped]
        gone = left.loc[left["track_id"] == dropped, "session"]
        left = left[~left["session"].isin(gone)]
        stages.append((tracks, left))
    if songs == "densest":
        enough = [(t, left["session"].nunique()) for t, left in stages if len(t) >= min_songs]
        songs = len(max(enough, key=lambda stage: stage[1] / len(stage[0]))[0])
    tracks, left = next(stage for stage in stages if len(stage[0]) == songs)
    counts = left.groupby("track_id")["session"].nunique().reindex(tracks, fill_value=0)
    table = pd.DataFrame(
        {
            "song": np.arange(songs, dtype=np.int32),
            "track_id": tracks,
            "sessions": counts.to_numpy(),
        }
    )
    session = left.groupby("session").ngroup().astype(np.int32)
    left = left.assign(session=session, user=session)
    left["song"] = left["track_id"].map(tracks.index).astype(np.int32)
    left["next_song"] = left.groupby("session")["song"].shift(-1)
    transitions = left.dropna(subset="next_song").astype({"next_song": np.int32})
    return table, transitions[[*KEYS, "hour_of_day"]].reset_index(drop=True)


def test_songs_that_no_session_is_made_of():
    with pytest.raises(ValueError, match="songs: 1 leaves no session"):
        select_songs(coded(["ab", "ab"]), 1, min_songs=1)

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from fidelity.event_settings import DERIVED, Clock, seconds
from fidelity.events import make_sessions

CLOCK = Clock(gap=1800, timezone="UTC", previous_bins=(60, 300))


def plays(rows, **timing):
    """Return plays of (user, item, time in seconds)."""
    user, item, time = zip(*rows, strict=True) if rows else ((), (), ())
    columns = {
        "user": pa.array(user, pa.string()).dictionary_encode(),
        "item": pa.array(item, pa.string()).dictionary_encode(),
        "time": (np.array(time, dtype=np.int64) * 10**6),
    }
    return pa.table(columns | {name: np.uint16(values) for name, values in timing.items()})


def sessions(rows, clock=CLOCK, **timing):
    """Return the listenings with the raw user ids in the place of codes, and the duplicates."""
    table, ids, duplicates = make_sessions(plays(rows, **timing), clock, np.random.default_rng(0))
    table = table.to_pandas()
    assert sorted(ids) == sorted({user for user, _, _ in rows})
    return table.assign(user=ids[table["user"]]), duplicates


def of_user(table, user):
    """Return the rows of one user, whose sessions are numbered from 0."""
    own = table[table["user"] == user].reset_index(drop=True)
    return own.assign(session=own["session"] - own["session"].min())


def test_durations():
    assert [seconds(text) for text in ("90s", "30min", "2h", "1d")] == [90, 1800, 7200, 86_400]


def test_sessions_by_hand():
    rows = [("a", "x", 5000), ("b", "x", 10), ("a", "y", 60), ("a", "x", 0), ("a", "y", 1860)]
    table, duplicates = sessions(rows)
    own = of_user(table, "a")
    assert own["track_id"].tolist() == ["x", "y", "y", "x"]
    # A pause of exactly the gap ends nothing.
    assert own["session"].tolist() == [0, 0, 0, 1]
    assert own["position"].tolist() == [1, 2, 3, 1]
    assert own["since_previous"].tolist() == [0, 2, 3, 3]
    assert own["is_repeat"].tolist() == [0, 0, 1, 0]
    assert of_user(table, "b")["since_previous"].tolist() == [0]
    assert duplicates == 0


def test_hours_and_weekdays_are_local():
    time = 1_403_195_755  # Thursday, 19 June 2014, 16:35:55 UTC
    for timezone, hour, weekday in [("UTC", 16, 3), ("Asia/Tokyo", 1, 4)]:
        table, _ = sessions([("a", "x", time)], CLOCK._replace(timezone=timezone))
        assert table[["hour_of_day", "weekday"]].to_numpy().tolist() == [[hour, weekday]]


def test_equal_rows_are_one_play_and_counted():
    rows = [("a", "x", 1), ("a", "y", 1), ("a", "x", 1), ("b", "x", 1), ("a", "x", 2)]
    table, duplicates = sessions(rows)
    assert duplicates == 1
    assert of_user(table, "a")["track_id"].tolist() == ["x", "y", "x"]
    table, duplicates = sessions(rows, device=[1, 1, 2, 1, 1])
    assert duplicates == 0
    assert of_user(table, "a")["device"].tolist() == [1, 1, 2, 1]


def test_ties_stay_in_the_order_of_the_log():
    rows = [("a", item, 7) for item in "cabd"]
    table, _ = sessions(rows)
    assert table["track_id"].tolist() == list("cabd")
    assert table["session"].nunique() == 1


def test_no_plays_at_all():
    table, duplicates = sessions([])
    assert len(table) == duplicates == 0


def test_codes_of_users_do_not_tell_the_order_of_ids():
    rows = [(f"user{i:03}", "x", 0) for i in range(100)]
    _, ids, _ = make_sessions(plays(rows), CLOCK, np.random.default_rng(0))
    assert abs(np.corrcoef(np.argsort(ids), np.arange(100))[0, 1]) < 0.3
    # Nor does the order of the rows matter.
    _, again, _ = make_sessions(plays(rows[::-1]), CLOCK, np.random.default_rng(0))
    assert ids.tolist() == again.tolist()


ROWS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 40)), max_size=30
)


@given(ROWS)
def test_sessions_word_by_word(rows):
    clock = Clock(gap=5, timezone="UTC", previous_bins=(1, 4))
    table, duplicates = sessions(rows, clock)
    assert len(table) + duplicates == len(rows)
    for user in {user for user, _, _ in rows}:
        history = list(dict.fromkeys(row for row in rows if row[0] == user))
        history.sort(key=lambda row: row[2])
        own = of_user(table, user)
        assert own["track_id"].tolist() == [item for _, item, _ in history]
        session, previous = 0, None
        for i, (_, item, time) in enumerate(history):
            pause = 0 if previous is None else time - previous[2]
            session += pause > 5
            since = 0 if previous is None else 1 + (pause >= 1) + (pause >= 4)
            repeat = previous is not None and item == previous[1]
            found = own.loc[i, ["session", "since_previous", "is_repeat"]].tolist()
            assert found == [session, since, repeat]
            previous = (user, item, time)


def test_columns_and_types():
    table, _, _ = make_sessions(plays([("a", "x", 1)], device=[3]), CLOCK, np.random.default_rng(0))
    assert table.column_names == ["session", "position", "track_id", "user", *DERIVED, "device"]
    assert [str(table.schema.field(name).type) for name in ("session", "position", "user")] == [
        "int32"
    ] * 3
    assert {str(table.schema.field(name).type) for name in (*DERIVED, "device")} == {"uint16"}

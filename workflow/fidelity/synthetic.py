"""A synthetic stand-in for the CrowdAI logs, for a first run without the original data.

The files have the exact format of the originals (`crowdai.COLUMNS`). They hold two kinds of
listener:

- **Background** sessions follow published aggregates of the originals: session lengths, nested
  skip patterns (also by position and context), pauses, hours, contexts and their switches,
  reasons, premium, shuffle, and how unevenly tracks are played. Hardly any passes the filters of
  the experiment.
- **Playlist listeners** play 20 songs from albums and playlists that they share with others, in
  order or shuffled, from anywhere, with repeats, jumps and changes to another album or playlist.
  Their sessions are meant to pass the filters. Songs follow each other for no other reason than
  that albums and playlists are shared.

What this does not imitate: playlist listeners are 1 in 3 sessions here, far fewer in the
originals, and how they choose, shuffle and jump is assumed, not measured; it is set so that the
number of sessions kept and the accuracy of a recommender come near those of the paper. Columns
depend on each other only as far as said here: premium, shuffle, pauses and hours know nothing of
the skips beside them; seeks have no published shares and are rare; FTFF skip patterns and junk
years, rare in the originals, do not occur; no song has an artist, a genre or a season. So results
on these logs show that the pipeline works and how it behaves. They are no evidence about the
listeners of any service.

Every draw is keyed by the seed of the config and the name of the shard: a shard's bytes do not
depend on the other shards, on their number (but for how many sessions it holds), or on the cores.
"""

import gzip
import re
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv
from scipy.special import ndtr

from .crowdai import COLUMNS
from .files import whole_file
from .seeding import generator, seed_sequence

# ---- Published aggregates of the originals.
# FULL: all 124,950,714 sessions; Sainath Adapa, spotify-sequential-skip-prediction,
# 03-train-data-exploration.ipynb and paper.tex.
# MINI: log_mini.csv, 10,000 sessions, 167,880 rows; outputs in public notebooks
# (rachaelmmccue/Capstone, alcthach/capstone-final, franknerd, AbiirBarounii, divekpatel).
# FILE 0: log_0_20180715.csv, bar heights read from a published plot, 1 to 2 % off.

LONGEST = 20

# FULL: sessions of 10, 11, ..., 20 listenings.
SESSION_LENGTHS = {
    10: 11_025_730,
    11: 9_611_839,
    12: 8_407_692,
    13: 7_344_162,
    14: 6_460_309,
    15: 5_664_259,
    16: 4_994_670,
    17: 4_400_713,
    18: 3_917_839,
    19: 3_477_536,
    20: 59_645_965,
}

# MINI: shares of rows with these (skip_1, skip_2, skip_3, not_skipped), from early to no skip.
SKIP_PATTERNS = np.array(
    [[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]], dtype=bool
)
SKIP_SHARES = np.array([0.421503, 0.095676, 0.131201, 0.018739, 0.332881])

# FULL: share of skip_2 at positions 1, 2, ..., 20.
SKIP_2_BY_POSITION = np.array(
    [0.374, 0.467, 0.494, 0.516, 0.524, 0.532, 0.531, 0.530, 0.521, 0.503]
    + [0.507, 0.513, 0.517, 0.522, 0.525, 0.530, 0.533, 0.535, 0.536, 0.536]
)

# MINI: share of skip_2 by context, rows of each context, sessions that contain it.
CONTEXTS = (
    "user_collection",
    "catalog",
    "editorial_playlist",
    "radio",
    "personalized_playlist",
    "charts",
)
SKIP_2_BY_CONTEXT = np.array([0.546, 0.457, 0.508, 0.554, 0.452, 0.555])
CONTEXT_ROWS = np.array([67_430, 38_263, 35_663, 21_107, 2_976, 2_441])

# MINI: rows by reason.
START_REASONS = {
    "fwdbtn": 79_912,
    "trackdone": 55_075,
    "backbtn": 13_034,
    "clickrow": 17_514,
    "appload": 1_942,
    "playbtn": 155,
    "remote": 136,
    "trackerror": 92,
    "endplay": 20,
}
END_REASONS = {
    "fwdbtn": 81_389,
    "trackdone": 57_701,
    "backbtn": 13_129,
    "endplay": 14_823,
    "logout": 563,
    "remote": 267,
    "clickrow": 8,
}

# MINI: shares of (no, short, long) pause after position 1, where all are 0.
PAUSE_PATTERNS = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]], dtype=np.uint16)
PAUSE_SHARES = np.array([0.816, 0.156, 0.028])

SHUFFLE_SHARE = 0.308732  # MINI, of rows
PREMIUM_SHARE = 0.816271  # FULL, of sessions

# FILE 0: rows at hours 0, 1, ..., 23.
HOUR_SHARES = np.array(
    [0.0346, 0.0258, 0.0188, 0.0127, 0.0094, 0.0083, 0.0105, 0.0141, 0.0230, 0.0332, 0.0449, 0.0512]
    + [0.0565, 0.0626, 0.0662, 0.0676, 0.0667, 0.0656, 0.0629, 0.0584, 0.0557, 0.0554, 0.0515]
    + [0.0443]
)

# ---- Fitted to published aggregates.

# One session in five changes its context now and then; FIRST_CONTEXT, NEXT_CONTEXT and LEAVING
# (the chance at each position) give the rows of each context, the sessions that contain it, and
# the share of rows with a switch (0.0409), all MINI.
RESTLESS_SHARE = 0.2
FIRST_CONTEXT = np.array([0.3343, 0.2605, 0.2366, 0.1412, 0.0155, 0.0119])
NEXT_CONTEXT = np.array([0.4108, 0.3750, 0.0385, 0.1516, 0.0150, 0.0091])
LEAVING = np.array([0.094, 0.915, 0.168, 0.602, 0.090, 0.027])

# Track r = 0, 1, ... is played as often as (r + 0.5 + POPULARITY_SHIFT) ** -POPULARITY_EXPONENT:
# 50,704 distinct tracks in MINI, 661,694 in 11.9 million rows, the five most played in MINI.
N_TRACKS = 830_000
POPULARITY_EXPONENT = 1.080
POPULARITY_SHIFT = 23.3

# How much of the variance of a row's tendency to skip (to pause, to go back) is its session's:
# set to the spread of sessions' skip_2 rates and of their numbers of distinct tracks in MINI.
SKIP_TENDENCY = 0.25
PAUSE_TENDENCY = 0.3
BACK_TENDENCY = 0.3
# Sessions that go round in 2 to 20 songs, for the numbers of distinct tracks.
LOOPING_SHARE = 0.2

# ---- Assumed.

MINUTES_PLAYED = np.array([0.1, 0.4, 1.5, 3.3, 3.6])  # by skip pattern
SEEK_SHARE = 0.02

FIRST_DAY, N_DAYS, FILES_A_DAY = date(2018, 7, 15), 66, 10  # of the published files

# ---- The world of the playlist listeners, assumed; see the module's text.

PLAYLIST_LISTENER_SHARE = 1 / 3
N_ALBUMS, ALBUM_SIZES = 160, (8, 15)
N_PLAYLISTS, PLAYLIST_SIZES = 120, (15, 40)
COLLECTION_EXPONENT, COLLECTION_SHIFT = 2.0, 6.0
ALBUM_PLAY_SHARE = 0.5
SHELF = 3  # albums and playlists that a listener has open
SHUFFLED_SHARE = 0.3
START_SHARE = 0.5  # begins with the first song
REPEATING, GOING_BACK, JUMPING, CHANGING = 0.02, 0.02, 0.05, 0.04  # after a song
LOOP_SHARE = 0.7  # of those at the end begin it again; others change
SKIPPING = 0.05
LEFT_EARLY_SHARE = 0.4  # of the songs after which the listener does not go on in order

_SHARD = re.compile(r"training_set/log_(\d)_(\d{8})_0{12}")


class Catalogue(NamedTuple):
    """The albums and playlists that listeners share.

    `tracks` holds track numbers, shape (collections, longest), -1 beyond a collection's `sizes`;
    `chances` is how likely each is opened, adding to 1.
    """

    tracks: np.ndarray
    sizes: np.ndarray
    chances: np.ndarray


def plan_shards(sessions, shards):
    """Return {shard: sessions in it}, in the order of the shards.

    Shards are named like the published files, ten a day from 15 July 2018, by their path below
    the folder of logs without `.csv.gz`.

    Parameters
    ----------
    sessions : int
        At least one for each shard.
    shards : int
        From 1 to 660, as many as were published.

    Raises
    ------
    ValueError
        For numbers out of these ranges.
    """
    most = N_DAYS * FILES_A_DAY
    if not 1 <= shards <= most:
        raise ValueError(f"synthetic: shards must be from 1 to {most}, got {shards}")
    if sessions < shards:
        raise ValueError(f"synthetic: {sessions} sessions do not fill {shards} shards")
    plan = {}
    for i in range(shards):
        day = FIRST_DAY + timedelta(days=i // FILES_A_DAY)
        name = f"training_set/log_{i % FILES_A_DAY}_{day:%Y%m%d}_000000000000"
        plan[name] = sessions // shards + (i < sessions % shards)
    return plan


def write_logs(path, shard, sessions, seed):
    """Write one shard as `.csv.gz`, whole or not at all; the same bytes for the same arguments.

    Parameters
    ----------
    path : path
    shard : str
        From `plan_shards`.
    sessions : int
        Of both kinds; a third are playlist listeners'.
    seed : int
        Of the config.
    """
    listeners = round(sessions * PLAYLIST_LISTENER_SHARE)
    background = generate_background(shard, sessions - listeners, seed)
    playlist = generate_playlist_listeners(shard, listeners, seed)
    logs = pa.concat_tables([background, playlist])
    logs = logs.sort_by([("session_id", "ascending"), ("session_position", "ascending")])
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    with (
        whole_file(path) as partial,
        open(partial, "wb") as raw,
        # Without a name and a time in the header, so that equal logs are equal files.
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as file,
    ):
        file.write((",".join(COLUMNS) + "\n").encode())
        pyarrow.csv.write_csv(logs, file, options)


def generate_background(shard, sessions, seed):
    """Return background sessions, an arrow table in the format of the originals.

    Parameters
    ----------
    shard : str
        From `plan_shards`.
    sessions : int
    seed : int

    Returns
    -------
    pyarrow.Table
        With the columns and types of `crowdai.COLUMNS`, sorted by session_id and position.
    """
    rng = generator(seed, "synthetic", "background", shard)
    lengths = _choose(rng, SESSION_LENGTHS.values(), sessions) + min(SESSION_LENGTHS)
    is_listening = np.arange(LONGEST) < lengths[:, None]
    context, switch = _draw_contexts(rng, sessions)
    pattern = _draw_skips(rng, context, is_listening)
    end = _draw_end_reasons(rng, pattern)
    start = _draw_start_reasons(rng, end)
    columns = {
        "track": _draw_tracks(rng, end),
        "pattern": pattern,
        "switch": switch,
        "pause": _draw_pauses(rng, sessions),
        "shuffle": _hold_between(switch, rng.random((sessions, LONGEST)) < SHUFFLE_SHARE),
        "context": context,
        "start": start,
        "end": end,
    }
    return _format(rng, shard, seed, lengths, columns)


def generate_playlist_listeners(shard, sessions, seed):
    """Return sessions of playlist listeners, like `generate_background`."""
    rng = generator(seed, "synthetic", "playlist listeners", shard)
    catalogue = make_catalogue(seed)
    is_shuffled = rng.random(sessions) < SHUFFLED_SHARE
    track, action = _play(rng, catalogue, is_shuffled)
    pattern = _draw_rare_skips(rng, action)
    is_full = pattern == len(SKIP_PATTERNS) - 1
    ends = list(END_REASONS)
    by_action = np.array([ends.index(_END_OF_ACTION[name]) for name in _ACTIONS])
    end = np.where(is_full, ends.index("trackdone"), by_action[action])
    starts = list(START_REASONS)
    start = np.full(end.shape, starts.index("clickrow"))
    start[:, 1:] = np.array([starts.index(_START_OF_ACTION[name]) for name in _ACTIONS])[
        action[:, :-1]
    ]
    goes_on = (action[:, :-1] == _ACTIONS.index("next")) & is_full[:, :-1]
    start[:, 1:][goes_on] = starts.index("trackdone")
    columns = {
        "track": track,
        "pattern": pattern,
        "switch": np.zeros(track.shape, dtype=bool),
        "pause": _draw_pauses(rng, sessions),
        "shuffle": np.repeat(is_shuffled[:, None], LONGEST, axis=1),
        "context": np.zeros(track.shape, dtype=np.int64),
        "start": start,
        "end": end,
    }
    return _format(rng, shard, seed, np.full(sessions, LONGEST), columns)


_ACTIONS = ("next", "repeat", "back", "jump", "change")
_END_OF_ACTION = {
    "next": "fwdbtn",
    "repeat": "backbtn",
    "back": "backbtn",
    "jump": "endplay",
    "change": "endplay",
}
_START_OF_ACTION = {
    "next": "fwdbtn",
    "repeat": "backbtn",
    "back": "backbtn",
    "jump": "clickrow",
    "change": "clickrow",
}


def make_catalogue(seed):
    """Return the `Catalogue` of a seed.

    Albums hold tracks of their own, drawn by popularity; a playlist takes runs of songs from
    albums, popular ones more often.
    """
    rng = generator(seed, "synthetic", "catalogue")
    album_sizes = rng.integers(*ALBUM_SIZES, N_ALBUMS, endpoint=True)
    playlist_sizes = rng.integers(*PLAYLIST_SIZES, N_PLAYLISTS, endpoint=True)
    drawn = _draw_popular(rng, 4 * album_sizes.sum())
    _, first = np.unique(drawn, return_index=True)
    distinct = drawn[np.sort(first)]
    albums = np.split(distinct[: album_sizes.sum()], np.cumsum(album_sizes)[:-1])
    chances = (np.arange(N_ALBUMS) + COLLECTION_SHIFT) ** -COLLECTION_EXPONENT
    chances /= chances.sum()
    playlists = [_mix_playlist(rng, albums, chances, size) for size in playlist_sizes]
    collections = albums + playlists
    sizes = np.array([len(collection) for collection in collections])
    tracks = np.full((len(collections), sizes.max()), -1)
    for row, collection in zip(tracks, collections, strict=True):
        row[: len(collection)] = collection
    playlist_chances = (np.arange(N_PLAYLISTS) + COLLECTION_SHIFT) ** -COLLECTION_EXPONENT
    playlist_chances /= playlist_chances.sum()
    return Catalogue(
        tracks,
        sizes,
        np.concatenate([ALBUM_PLAY_SHARE * chances, (1 - ALBUM_PLAY_SHARE) * playlist_chances]),
    )


def _mix_playlist(rng, albums, chances, size):
    playlist = []
    while len(playlist) < size:
        album = albums[rng.choice(len(albums), p=chances)]
        first, run = rng.integers(len(album)), rng.integers(1, 5)
        playlist += [track for track in album[first : first + run] if track not in playlist]
    return np.array(playlist[:size])


def _play(rng, catalogue, is_shuffled):
    """Return (track, action after it), each of shape (sessions, LONGEST)."""
    sessions = len(is_shuffled)
    shelf = rng.choice(len(catalogue.chances), (sessions, SHELF), p=catalogue.chances)
    sizes = catalogue.sizes[shelf]
    order = _draw_orders(rng, sizes, catalogue.tracks.shape[1], is_shuffled)
    place = np.where(
        rng.random((sessions, SHELF)) < START_SHARE,
        0,
        (rng.random((sessions, SHELF)) * sizes).astype(np.int64),
    )
    is_open = np.zeros(sessions, dtype=np.int64)
    everyone = np.arange(sessions)
    track = np.empty((sessions, LONGEST), dtype=np.int64)
    weights = [1 - REPEATING - GOING_BACK - JUMPING - CHANGING]
    weights += [REPEATING, GOING_BACK, JUMPING, CHANGING]
    action = _choose(rng, weights, (sessions, LONGEST))
    loops = rng.random((sessions, LONGEST)) < LOOP_SHARE
    target = rng.random((sessions, LONGEST))
    other = rng.integers(1, SHELF, (sessions, LONGEST))
    for i in range(LONGEST):
        now = place[everyone, is_open]
        size = sizes[everyone, is_open]
        track[:, i] = catalogue.tracks[shelf[everyone, is_open], order[everyone, is_open, now]]
        is_over = (action[:, i] == 0) & (now == size - 1) & ~loops[:, i]
        action[is_over, i] = _ACTIONS.index("change")
        then = np.choose(
            action[:, i],
            [now + 1, now, now - 1, (target[:, i] * size).astype(np.int64), now + 1],
        )
        place[everyone, is_open] = then % size
        is_open = np.where(
            action[:, i] == _ACTIONS.index("change"), (is_open + other[:, i]) % SHELF, is_open
        )
    return track, action


def _draw_orders(rng, sizes, longest, is_shuffled):
    """Return the order in which each listener plays what is on the shelf."""
    keys = rng.random((*sizes.shape, longest))
    keys = np.where(is_shuffled[:, None, None], keys, np.arange(longest) / longest)
    keys[np.arange(longest) >= sizes[..., None]] = 2
    return np.argsort(keys, axis=-1, kind="stable")


def _draw_rare_skips(rng, action):
    """Return skip patterns of listeners who mostly play songs to their end."""
    leaves = np.where(
        action == _ACTIONS.index("next"),
        rng.random(action.shape) < SKIPPING,
        rng.random(action.shape) < LEFT_EARLY_SHARE,
    )
    skipped = _choose(rng, SKIP_SHARES[:-1], action.shape)
    return np.where(leaves, skipped, len(SKIP_PATTERNS) - 1)


def _draw_contexts(rng, sessions):
    """Return (context, whether it is a switch), each of shape (sessions, LONGEST)."""
    is_restless = rng.random(sessions) < RESTLESS_SHARE
    context = np.empty((sessions, LONGEST), dtype=np.int64)
    switch = np.zeros((sessions, LONGEST), dtype=bool)
    context[:, 0] = _choose(rng, FIRST_CONTEXT, sessions)
    for i in range(1, LONGEST):
        switch[:, i] = is_restless & (rng.random(sessions) < LEAVING[context[:, i - 1]])
        context[:, i] = np.where(
            switch[:, i], _choose(rng, NEXT_CONTEXT, sessions), context[:, i - 1]
        )
    return context, switch


def _draw_skips(rng, context, is_listening):
    """Return skip patterns, as numbers of `SKIP_PATTERNS`; each session has both kinds of
    skip_2, as in the originals.
    """
    skip_2 = _skip_2_shares()[context, np.arange(LONGEST)]
    tendency = _uniform_by_session(rng, context.shape, SKIP_TENDENCY)
    again = rng.random(context.shape)
    distance = np.where(is_listening, tendency - skip_2, np.nan)
    least, most = np.nanargmin(distance, axis=1), np.nanargmax(distance, axis=1)
    never = np.flatnonzero(np.nanmin(distance, axis=1) >= 0)
    always = np.flatnonzero(np.nanmax(distance, axis=1) < 0)
    cell = never, least[never]
    tendency[cell] = again[cell] * skip_2[cell]
    cell = always, most[always]
    tendency[cell] = skip_2[cell] + again[cell] * (1 - skip_2[cell])
    skipped, rest = SKIP_SHARES[:2], SKIP_SHARES[2:]
    bounds = np.stack(
        [
            skip_2 * skipped[0] / skipped.sum(),
            skip_2,
            skip_2 + (1 - skip_2) * rest[0] / rest.sum(),
            skip_2 + (1 - skip_2) * rest[:2].sum() / rest.sum(),
        ]
    )
    return (tendency >= bounds).sum(axis=0)


def _skip_2_shares():
    """Return the share of skip_2 by (context, position): the effects of both add up."""
    lengths = np.array(list(SESSION_LENGTHS))
    reaches = [
        sum(n for length, n in SESSION_LENGTHS.items() if length > i) for i in range(LONGEST)
    ]
    assert lengths.max() == LONGEST
    by_position = SKIP_2_BY_POSITION - np.average(SKIP_2_BY_POSITION, weights=reaches)
    by_context = SKIP_2_BY_CONTEXT - np.average(SKIP_2_BY_CONTEXT, weights=CONTEXT_ROWS)
    return SKIP_SHARES[:2].sum() + by_context[:, None] + by_position


def _draw_end_reasons(rng, pattern):
    """A song played entirely ends with trackdone; what else does was not skipped either."""
    reasons = list(END_REASONS)
    shares = np.array(list(END_REASONS.values())) / sum(END_REASONS.values())
    done = reasons.index("trackdone")
    full = len(SKIP_PATTERNS) - 1
    done_share = (shares[done] - SKIP_SHARES[full]) / SKIP_SHARES[full - 1]
    others = np.where(np.arange(len(reasons)) == done, 0, shares)
    order = ["backbtn", "endplay", "logout", "remote", "clickrow", "fwdbtn"]
    order = np.array([reasons.index(name) for name in order])
    bounds = np.cumsum(others[order])[:-1] / others.sum()
    other = order[
        np.searchsorted(
            bounds, _uniform_by_session(rng, pattern.shape, BACK_TENDENCY), side="right"
        )
    ]
    is_done = (pattern == full) | ((pattern == full - 1) & (rng.random(pattern.shape) < done_share))
    return np.where(is_done, done, other)


def _draw_start_reasons(rng, end):
    """A song starts as the one before ended, or by something new; each reason has its share."""
    ends, starts = list(END_REASONS), list(START_REASONS)
    drawn = _choose(rng, START_REASONS.values(), end.shape)
    follows = [name for name in ends if name in starts[:3]]
    new = _choose(
        rng, [0 if name in follows else n for name, n in START_REASONS.items()], end.shape
    )
    start = np.where(np.arange(LONGEST) == 0, drawn, new)
    chance = rng.random(end.shape)
    total = sum(START_REASONS.values()) / sum(END_REASONS.values())
    for name in follows:
        keeps = START_REASONS[name] / END_REASONS[name] / total
        after = end[:, :-1] == ends.index(name)
        start[:, 1:][after & (chance[:, 1:] < keeps)] = starts.index(name)
    return start


def _draw_tracks(rng, end):
    """Return track numbers: a queue in which backbtn goes back, and some queues go round."""
    sessions = len(end)
    step = np.where(end[:, :-1] == list(END_REASONS).index("backbtn"), -1, 1)
    place = np.concatenate([np.zeros((sessions, 1), dtype=np.int64), step.cumsum(axis=1)], axis=1)
    loops = rng.random(sessions) < LOOPING_SHARE
    queue = np.where(loops, rng.integers(2, LONGEST, sessions, endpoint=True), 2 * LONGEST)
    drawn = _draw_popular(rng, (sessions, 2 * LONGEST))
    return np.take_along_axis(drawn, place % queue[:, None], axis=1)


def _draw_popular(rng, shape):
    """Return track numbers drawn by popularity, through the inverse of its distribution."""
    power = 1 - POPULARITY_EXPONENT
    first, last = POPULARITY_SHIFT**power, (N_TRACKS + POPULARITY_SHIFT) ** power
    drawn = (first + rng.random(shape) * (last - first)) ** (1 / power) - POPULARITY_SHIFT
    return np.clip(drawn.astype(np.int64), 0, N_TRACKS - 1)


def _draw_pauses(rng, sessions):
    """Return pauses, as numbers of `PAUSE_PATTERNS`."""
    bounds = np.cumsum(PAUSE_SHARES)[:-1]
    uniform = _uniform_by_session(rng, (sessions, LONGEST), PAUSE_TENDENCY)
    return np.searchsorted(bounds, uniform, side="right")


def _uniform_by_session(rng, shape, tendency):
    """Return uniform numbers, alike within a row: of the variance of the normal numbers behind
    them the share `tendency` is the row's.
    """
    of_session, of_row = rng.standard_normal((shape[0], 1)), rng.standard_normal(shape)
    return ndtr(np.sqrt(tendency) * of_session + np.sqrt(1 - tendency) * of_row)


def _hold_between(switch, drawn):
    """Return what was drawn at the latest switch, or at the first position."""
    latest = np.maximum.accumulate(np.where(switch, np.arange(switch.shape[1]), 0), axis=1)
    return np.take_along_axis(drawn, latest, axis=1)


def _choose(rng, weights, shape):
    """Return numbers from 0, each as likely as its weight."""
    bounds = np.cumsum(np.asarray(list(weights), dtype=float))
    return np.searchsorted(bounds[:-1] / bounds[-1], rng.random(shape), side="right")


def _draw_clock(rng, pattern, lengths):
    """Return hours since the start of the shard's day; the middle listening has the hour drawn."""
    middle = _choose(rng, HOUR_SHARES, len(lengths)) + rng.random(len(lengths))
    elapsed = np.cumsum(MINUTES_PLAYED[pattern] / 60, axis=1)
    return middle[:, None] + elapsed - elapsed[np.arange(len(lengths)), lengths // 2][:, None]


def _format(rng, shard, seed, lengths, columns):
    """Return sessions as a table in the format of the originals, sorted by their new ids."""
    digit, day = _parse_shard(shard)
    sessions = len(lengths)
    ids = np.sort(
        _format_uuids(rng.integers(0, 2**64, (sessions, 2), dtype=np.uint64), f"{digit}_")
    )
    is_listening = np.arange(LONGEST) < lengths[:, None]
    clock = _draw_clock(rng, columns["pattern"], lengths)
    seeks = rng.random((2, sessions, LONGEST)) < SEEK_SHARE
    premium = np.repeat(rng.random(sessions) < PREMIUM_SHARE, lengths)
    rows = {name: values[is_listening] for name, values in columns.items()}
    skips = SKIP_PATTERNS[rows["pattern"]]
    position = np.nonzero(is_listening)[1] + 1
    pauses = PAUSE_PATTERNS[rows["pause"]] * (position > 1)[:, None]
    hours = np.floor(clock[is_listening]).astype(np.int64)
    numbers, track = np.unique(rows["track"], return_inverse=True)
    days = [(day + timedelta(days=i)).isoformat() for i in (-1, 0, 1)]
    return pa.table(
        {
            "session_id": _texts(ids, np.repeat(np.arange(sessions), lengths)),
            "session_position": position,
            "session_length": np.repeat(lengths, lengths),
            "track_id_clean": _texts(_track_ids(seed, numbers), track),
            "skip_1": skips[:, 0],
            "skip_2": skips[:, 1],
            "skip_3": skips[:, 2],
            "not_skipped": skips[:, 3],
            "context_switch": rows["switch"].astype(np.uint16),
            "no_pause_before_play": pauses[:, 0],
            "short_pause_before_play": pauses[:, 1],
            "long_pause_before_play": pauses[:, 2],
            "hist_user_behavior_n_seekfwd": seeks[0][is_listening].astype(np.uint16),
            "hist_user_behavior_n_seekback": seeks[1][is_listening].astype(np.uint16),
            "hist_user_behavior_is_shuffle": rows["shuffle"],
            "hour_of_day": hours % 24,
            "date": _texts(days, hours // 24 + 1),
            "premium": premium,
            "context_type": _texts(CONTEXTS, rows["context"]),
            "hist_user_behavior_reason_start": _texts(list(START_REASONS), rows["start"]),
            "hist_user_behavior_reason_end": _texts(list(END_REASONS), rows["end"]),
        }
    ).cast(pa.schema(COLUMNS.items()))


def _parse_shard(shard):
    """Return (digit, day) of a shard's name."""
    match = _SHARD.fullmatch(shard)
    if match is None:
        raise ValueError(f"{shard} is no name of a shard like log_0_20180715_000000000000")
    return match[1], date.fromisoformat(match[2])


def _texts(values, code):
    return pa.array(values, pa.string()).take(pa.array(code))


def _track_ids(seed, numbers):
    """Return the ids of tracks: a random-looking UUID for each number, the seed's."""
    keys = seed_sequence(seed, "synthetic", "track ids").generate_state(2, np.uint64)
    return _format_uuids(_mix_bits(numbers.astype(np.uint64)[:, None] ^ keys), "t_")


def _mix_bits(words):
    """Return 64-bit words scrambled one to one (the finalizer of SplitMix64, Steele 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _format_uuids(words, prefix):
    """Return random UUIDs (version 4) of 128 bits each, given as two words, after a prefix."""
    octets = words.astype(">u8").view(np.uint8).reshape(-1, 16).copy()
    octets[:, 6] = octets[:, 6] & 0x0F | 0x40
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    text = np.full((len(octets), len(prefix) + 36), ord("-"), dtype=np.uint8)
    text[:, : len(prefix)] = np.frombuffer(prefix.encode(), dtype=np.uint8)
    places = np.array([i for i in range(36) if i not in (8, 13, 18, 23)]) + len(prefix)
    text[:, places[::2]] = digits[octets >> 4]
    text[:, places[1::2]] = digits[octets & 0x0F]
    return text.view(f"S{text.shape[1]}").ravel().astype(str)

"""A synthetic stand-in for the CrowdAI logs: what a first run has without the original data.

Its files have the exact format of the originals and hold two kinds of session:

- **Background** follows the published aggregates of the originals (`published`): lengths, nested
  skip patterns, also by position and by context, pauses, contexts and their switches, reasons,
  hours, premium, shuffle, how unevenly tracks are played. Hardly a session passes the filters of
  the experiment.
- **Playlist listeners** play 20 songs from albums and playlists that they share with others, in
  order or shuffled, from the beginning or anywhere, with repeats, jumps, and changes to another
  album or playlist and back. Most of their sessions pass the filters. Songs follow each other
  for no other reason than that they stand so in albums and playlists; there is no table of
  transitions.

What it does not imitate. Three sessions in ten are playlist listeners', far more than pass the
filters in the originals. How those listeners choose, shuffle and jump is assumed, and set so that
the sessions kept and the accuracy of the default recommender come near those of the paper: that
they do is no finding. Nobody has a taste: each session chooses its albums and playlists anew, all
by one popularity. Columns depend on each other only as the functions below say; in particular
premium, shuffle, pauses, seeks and hours know nothing of the skips beside them, and seeks, of
which nothing is published, are just rare. The skip pattern FTFF and dates of other years, rare in
the originals, do not occur. So results on these logs show how the pipeline behaves, and are no
evidence about the listeners of any service.

Every draw is keyed by the seed of the config, the kind of session and the name of the shard; the
catalogue of albums and playlists, and the ids of tracks, by the seed alone. A shard's bytes depend
on nothing else than these and on how many sessions it holds.
"""

import gzip
import re
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from scipy.special import ndtr

from . import published
from .crowdai import COLUMNS
from .files import whole_file
from .seeding import generator, seed_sequence

LISTENER_SHARE = 0.31  # of all sessions; assumed

_LONGEST = max(published.SESSION_LENGTHS)
_SHARD = re.compile(r"training_set/log_(\d)_(\d{8})_0{12}")

# Skip patterns (skip_1, skip_2, skip_3, not_skipped), from an early skip to none, their shares
# of rows, and the minutes that a song was played, which are assumed.
_SKIP_PATTERNS = np.array(
    [[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]], dtype=bool
)
_FULL = 4
_SKIP_SHARES = np.diff(
    [0, *list(published.SKIPS.values())[:3], 1 - published.SKIPS["not_skipped"], 1]
)
_MINUTES_PLAYED = np.array([0.1, 0.4, 1.5, 3.3, 3.6])

# Pause patterns (no, short, long): a short pause comes with a long one in the originals. Shares
# are of rows that are not the first of their session, where all three are 0.
_PAUSE_PATTERNS = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]], dtype=np.uint16)
_PAUSES = dict(zip(("no", "short", "long"), published.PAUSES.values(), strict=True))
_PAUSE_SHARES = np.array([_PAUSES["no"], _PAUSES["short"], _PAUSES["long"] - _PAUSES["short"]])

_CONTEXTS = list(published.CONTEXT_ROWS)
_STARTS, _ENDS = list(published.START_REASONS), list(published.END_REASONS)
# The reasons with which a song may start because the one before ended with them.
_LASTING = ("fwdbtn", "trackdone", "backbtn")

# Fitted, with session lengths as published: a fifth of the sessions leave their context with
# these chances after each song, for one drawn anew. The fit is to CONTEXT_ROWS, CONTEXT_SESSIONS
# and CONTEXT_SWITCH, each met within 0.001.
_RESTLESS_SHARE = 0.2
_FIRST_CONTEXT = np.array([0.3343, 0.2605, 0.2366, 0.1412, 0.0155, 0.0119])
_NEXT_CONTEXT = np.array([0.4108, 0.3750, 0.0385, 0.1516, 0.0150, 0.0091])
_LEAVING = np.array([0.094, 0.915, 0.168, 0.602, 0.090, 0.027])

# Fitted: track x is played in proportion to (x + shift) ** -exponent. The fit is to
# DISTINCT_TRACKS, TOP_TRACKS, and the 661,694 distinct tracks in 11,927,861 rows.
_TRACKS = 830_000
_POPULARITY_EXPONENT, _POPULARITY_SHIFT = 1.08, 23.3

# How much of the variance of a row's tendency (to a skip, a pause, a step back) is its session's.
# The first is fitted to SESSION_SKIP_2, the last to DISTINCT_TRACKS_BY_SESSION; pauses: assumed.
_SKIP_TENDENCY, _PAUSE_TENDENCY, _BACK_TENDENCY = 0.35, 0.3, 0.4

_SEEK_SHARE = 0.02  # assumed

# The world of the playlist listeners. All of it is assumed. Their pauses are rarer than published
# for all, as they let the music play; with more, the forest needs many more users to learn a song.
_ALBUMS, _ALBUM_SIZES = 300, (8, 15)
_PLAYLISTS, _PLAYLIST_SIZES = 200, (15, 40)
_RUNS = (4, 12)  # songs in a row that a playlist takes from an album
_COLLECTION_EXPONENT, _COLLECTION_SHIFT = 2.5, 6.0
_ALBUM_SHARE = 0.5  # of the collections opened
_SHELF = 3  # collections that a listener goes between
_SHUFFLED_SHARE = 0.22  # of sessions
_FROM_START_SHARE = 0.5  # of the collections opened
_AGAIN_SHARE = 0.7  # at the end of a collection; the rest change to another
_LISTENER_PAUSES = np.array([0.95, 0.04, 0.01])
_LEFT_EARLY = {"next": 0.05, "other": 0.4}  # share of songs not played to the end, by what follows

# What a playlist listener does after a song, how often, and the reasons that the logs give: the
# end of a song that was left early, and the start of the next.
_ACTIONS = {
    "next": (0.87, "fwdbtn", "fwdbtn"),
    "repeat": (0.02, "backbtn", "backbtn"),
    "back": (0.02, "backbtn", "backbtn"),
    "jump": (0.05, "endplay", "clickrow"),
    "change": (0.04, "endplay", "clickrow"),
}
_NEXT, _REPEAT, _BACK, _JUMP, _CHANGE = range(len(_ACTIONS))


class Catalogue(NamedTuple):
    """The albums and playlists that listeners share.

    `tracks` holds track numbers, shape (collections, longest), -1 beyond the `sizes` of the
    collections; `chances`, adding to 1, is how likely each is opened. Albums come first.
    """

    tracks: np.ndarray
    sizes: np.ndarray
    chances: np.ndarray


class _Sessions(NamedTuple):
    """Sessions as numbers: `lengths`, shape (sessions,), all else (sessions, longest).

    `skips`, `pauses`, `context`, `start` and `end` are places in the lists above; what stands
    beyond the length of a session is ignored.
    """

    lengths: np.ndarray
    track: np.ndarray
    skips: np.ndarray
    pauses: np.ndarray
    context: np.ndarray
    switch: np.ndarray
    shuffle: np.ndarray
    start: np.ndarray
    end: np.ndarray


def write_logs(path, shard, sessions, seed):
    """Write one shard as .csv.gz, whole or not at all; equal arguments give equal bytes.

    Parameters
    ----------
    path : path
    shard : str
        From `published.plan_shards`.
    sessions : int
        In this shard, of both kinds: the share `LISTENER_SHARE` is playlist listeners'.
    seed : int
        Of the config.

    Raises
    ------
    ValueError
        As `generate_background`.
    """
    if sessions < 1:
        raise ValueError(f"synthetic: sessions must be at least 1, not {sessions}")
    listeners = round(sessions * LISTENER_SHARE)
    logs = pa.concat_tables(
        [
            generate_background(shard, sessions - listeners, seed),
            generate_playlist_listeners(shard, listeners, seed),
        ]
    )
    logs = logs.sort_by([("session_id", "ascending"), ("session_position", "ascending")])
    with (
        whole_file(path) as partial,
        open(partial, "wb") as raw,
        # Without the name and the time that a gzip header usually has.
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as file,
    ):
        # Arrow would quote the header.
        file.write((",".join(COLUMNS) + "\n").encode())
        pyarrow.csv.write_csv(
            logs,
            file,
            pyarrow.csv.WriteOptions(include_header=False, quoting_style="none"),
        )


def generate_background(shard, sessions, seed):
    """Return the background sessions of a shard in the format of the originals.

    Shares are those published, but for sampling error, and for three things: what is said to be
    fitted above; hours, which are drawn for the middle of a session and smeared by its length;
    skips by position, which have the published profile about the mean of MINI, 0.008 higher than
    that of FULL. Rows of a session are alike in their skips, pauses and steps back (a Gaussian
    copula, exchangeable in the rows). As in the originals, each session has at least one row with
    and one without skip_2.

    Parameters
    ----------
    shard : str
        From `published.plan_shards`.
    sessions : int
    seed : int
        Of the config.

    Returns
    -------
    pyarrow.Table
        One row a listening, with the columns and types of `crowdai.COLUMNS`, sorted by
        session_id and session_position.

    Raises
    ------
    ValueError
        If the shard is not named like a published file, or a number is negative.
    """
    _check(shard, sessions, seed)
    rng = generator(seed, "synthetic", "background", shard)
    lengths = _choose(rng, published.SESSION_LENGTHS.values(), sessions)
    lengths += min(published.SESSION_LENGTHS)
    context, switch = _draw_contexts(rng, sessions)
    skips = _draw_skips(rng, context, lengths)
    end = _draw_ends(rng, skips)
    shuffle = rng.random(switch.shape) < published.SHUFFLE
    return _format(
        rng,
        shard,
        seed,
        _Sessions(
            lengths,
            track=_draw_tracks(rng, end),
            skips=skips,
            pauses=_draw_pauses(rng, sessions, _PAUSE_SHARES),
            context=context,
            switch=switch,
            shuffle=_hold_between(switch, shuffle),
            start=_draw_starts(rng, end),
            end=end,
        ),
    )


def generate_playlist_listeners(shard, sessions, seed):
    """Return the sessions of playlist listeners in a shard; see `generate_background`.

    All have 20 listenings of context user_collection; hours and premium are those of the
    background. A listener opens three collections of the seed's `Catalogue`, drawn by popularity,
    keeps the place in each, and plays all of them in order or all shuffled. After each song the
    listener goes on, hears it again, goes back, jumps to any song of the collection, or changes to
    another; the end of a collection leads to its beginning or to another one.
    """
    _check(shard, sessions, seed)
    rng = generator(seed, "synthetic", "playlist listeners", shard)
    is_shuffled = rng.random(sessions) < _SHUFFLED_SHARE
    track, action = _play(rng, make_catalogue(seed), is_shuffled)
    skips = _draw_rare_skips(rng, action)
    start, end = _explain_actions(action, skips)
    return _format(
        rng,
        shard,
        seed,
        _Sessions(
            np.full(sessions, _LONGEST),
            track,
            skips=skips,
            pauses=_draw_pauses(rng, sessions, _LISTENER_PAUSES),
            context=np.full_like(track, _CONTEXTS.index("user_collection")),
            switch=np.zeros_like(track),
            shuffle=np.broadcast_to(is_shuffled[:, None], track.shape),
            start=start,
            end=end,
        ),
    )


def make_catalogue(seed):
    """Return the `Catalogue` of a seed.

    No track is on two albums. A playlist is made of runs of songs from albums, which are chosen
    by their popularity. Album x, and playlist x, is opened in proportion to
    (x + shift) ** -exponent.
    """
    rng = generator(seed, "synthetic", "catalogue")
    album_sizes = rng.integers(*_ALBUM_SIZES, _ALBUMS, endpoint=True)
    # More than enough for all albums, although many tracks are drawn again and again.
    drawn = _draw_popular(rng, 6 * album_sizes.sum())
    distinct = drawn[np.sort(np.unique(drawn, return_index=True)[1])]
    albums = np.split(distinct[: album_sizes.sum()], np.cumsum(album_sizes)[:-1])
    album_chances, playlist_chances = _collection_chances(_ALBUMS), _collection_chances(_PLAYLISTS)
    playlists = [
        _mix_playlist(rng, albums, album_chances, size)
        for size in rng.integers(*_PLAYLIST_SIZES, _PLAYLISTS, endpoint=True)
    ]
    collections = albums + playlists
    sizes = np.array([len(collection) for collection in collections])
    tracks = np.full((len(collections), sizes.max()), -1)
    tracks[np.arange(sizes.max()) < sizes[:, None]] = np.concatenate(collections)
    chances = [_ALBUM_SHARE * album_chances, (1 - _ALBUM_SHARE) * playlist_chances]
    return Catalogue(tracks, sizes, np.concatenate(chances))


def _collection_chances(collections):
    weights = (np.arange(collections) + _COLLECTION_SHIFT) ** -_COLLECTION_EXPONENT
    return weights / weights.sum()


def _mix_playlist(rng, albums, chances, size):
    playlist = []
    while len(playlist) < size:
        album = albums[rng.choice(len(albums), p=chances)]
        first, run = rng.integers(len(album)), rng.integers(*_RUNS, endpoint=True)
        playlist += [track for track in album[first : first + run] if track not in playlist]
    return np.array(playlist[:size])


def _play(rng, catalogue, is_shuffled):
    """Return (track, action after it), each of shape (sessions, longest)."""
    sessions = np.arange(len(is_shuffled))
    shape = len(sessions), _LONGEST
    shelf = rng.choice(len(catalogue.sizes), (len(sessions), _SHELF), p=catalogue.chances)
    sizes = catalogue.sizes[shelf]
    order = _draw_orders(rng, sizes, is_shuffled)
    from_start = rng.random(shelf.shape) < _FROM_START_SHARE
    place = np.where(from_start, 0, rng.integers(sizes))
    action = _choose(rng, [share for share, _, _ in _ACTIONS.values()], shape)
    goes_again = rng.random(shape) < _AGAIN_SHARE
    jump, change = rng.random(shape), rng.integers(1, _SHELF, shape)
    track = np.empty(shape, dtype=np.int64)
    slot = np.zeros(len(sessions), dtype=np.int64)
    for i in range(_LONGEST):
        at, size = place[sessions, slot], sizes[sessions, slot]
        track[:, i] = catalogue.tracks[shelf[sessions, slot], order[sessions, slot, at]]
        is_over = (action[:, i] == _NEXT) & (at == size - 1) & ~goes_again[:, i]
        action[is_over, i] = _CHANGE
        to = np.choose(action[:, i], [at + 1, at, at - 1, (jump[:, i] * size).astype(int), at + 1])
        place[sessions, slot] = to % size
        slot = np.where(action[:, i] == _CHANGE, (slot + change[:, i]) % _SHELF, slot)
    return track, action


def _draw_orders(rng, sizes, is_shuffled):
    """Return in which order each listener plays each collection, shape (*sizes.shape, longest)."""
    places = np.arange(sizes.max(initial=0))
    keys = np.where(
        is_shuffled[:, None, None], rng.random((*sizes.shape, len(places))), places / len(places)
    )
    keys[places >= sizes[..., None]] = 1
    return np.argsort(keys, axis=-1, kind="stable")


def _draw_rare_skips(rng, action):
    """Return the skip patterns of listeners who play most songs to the end; each session has a
    row with skip_2, as in the originals.
    """
    share = np.where(action == _NEXT, _LEFT_EARLY["next"], _LEFT_EARLY["other"])
    is_left = rng.random(action.shape) < share
    skips = np.where(is_left, _choose(rng, _SKIP_SHARES[:_FULL], action.shape), _FULL)
    never = np.flatnonzero(~_SKIP_PATTERNS[skips, 1].any(axis=1))
    at = rng.integers(_LONGEST, size=len(never))
    skips[never, at] = _choose(rng, _SKIP_SHARES[:2], len(never))
    return skips


def _explain_actions(action, skips):
    """Return the reasons (start, end) that fit the actions of playlist listeners."""
    left_ends = np.array([_ENDS.index(end) for _, end, _ in _ACTIONS.values()])
    next_starts = np.array([_STARTS.index(start) for _, _, start in _ACTIONS.values()])
    is_full = skips == _FULL
    end = np.where(is_full, _ENDS.index("trackdone"), left_ends[action])
    follow = np.where(is_full & (action == _NEXT), _STARTS.index("trackdone"), next_starts[action])
    first = np.full((len(action), 1), _STARTS.index("clickrow"))
    return np.concatenate([first, follow[:, :-1]], axis=1), end


def _draw_contexts(rng, sessions):
    """Return (context, whether it was switched to), each of shape (sessions, longest)."""
    is_restless = rng.random(sessions) < _RESTLESS_SHARE
    context = np.empty((sessions, _LONGEST), dtype=np.int64)
    switch = np.zeros((sessions, _LONGEST), dtype=bool)
    context[:, 0] = _choose(rng, _FIRST_CONTEXT, sessions)
    for i in range(1, _LONGEST):
        before = context[:, i - 1]
        switch[:, i] = is_restless & (rng.random(sessions) < _LEAVING[before])
        context[:, i] = np.where(switch[:, i], _choose(rng, _NEXT_CONTEXT, sessions), before)
    return context, switch


def _draw_skips(rng, context, lengths):
    """Return the skip patterns of the background."""
    skip_2 = _skip_2_shares()[context, np.arange(_LONGEST)]
    uniform = _draw_alike(rng, context.shape, _SKIP_TENDENCY)
    # A session without skip_2 gets one where it was nearest, and the other way round.
    above = np.where(_is_listening(lengths), uniform - skip_2, np.nan)
    again = rng.random(context.shape)
    never = np.flatnonzero(np.nanmin(above, axis=1, initial=1) >= 0)
    always = np.flatnonzero(np.nanmax(above, axis=1, initial=-1) < 0)
    nearest = never, np.nanargmin(above[never], axis=1)
    uniform[nearest] = again[nearest] * skip_2[nearest]
    nearest = always, np.nanargmax(above[always], axis=1)
    uniform[nearest] = skip_2[nearest] + again[nearest] * (1 - skip_2[nearest])
    early, late = _SKIP_SHARES[:2], _SKIP_SHARES[2:]
    return (
        (uniform >= skip_2 * early[0] / early.sum()).astype(np.int64)
        + (uniform >= skip_2)
        + (uniform >= skip_2 + (1 - skip_2) * late[0] / late.sum())
        + (uniform >= skip_2 + (1 - skip_2) * late[:2].sum() / late.sum())
    )


def _skip_2_shares():
    """Return the share of skip_2 by (context, position): the two effects add up."""
    lengths = published.SESSION_LENGTHS
    reached = [sum(lengths[n] for n in lengths if n > i) for i in range(_LONGEST)]
    by_position = published.SKIP_2_BY_POSITION
    by_context = np.array(list(published.SKIP_2_BY_CONTEXT.values()))
    rows = list(published.CONTEXT_ROWS.values())
    return (
        published.SKIPS["skip_2"]
        + (by_context - np.average(by_context, weights=rows))[:, None]
        + (by_position - np.average(by_position, weights=reached))
    )


def _draw_ends(rng, skips):
    """Return reasons for ends: trackdone for all songs that were played entirely and, to make up
    its share, for some of those hardly skipped; the other reasons for the rest.
    """
    shares = dict(zip(_ENDS, _shares(published.END_REASONS), strict=True))
    extra = (shares.pop("trackdone") - _SKIP_SHARES[_FULL]) / _SKIP_SHARES[_FULL - 1]
    is_done = (skips == _FULL) | ((skips == _FULL - 1) & (rng.random(skips.shape) < extra))
    # backbtn first, at one end of the numbers that are alike in a session.
    others = sorted(shares, key=lambda name: name != "backbtn")
    uniform = _draw_alike(rng, skips.shape, _BACK_TENDENCY)
    other = _locate(uniform, [shares[name] for name in others])
    codes = np.array([_ENDS.index(name) for name in others])
    return np.where(is_done, _ENDS.index("trackdone"), codes[other])


def _draw_starts(rng, end):
    """Return reasons for starts: as the song before ended, or something new, so often that each
    reason has its share.
    """
    starts, ends = _shares(published.START_REASONS), _shares(published.END_REASONS)
    new = [0 if name in _LASTING else share for name, share in zip(_STARTS, starts, strict=True)]
    start = _choose(rng, new, end.shape)
    start[:, 0] = _choose(rng, starts, len(end))
    chance = rng.random(end.shape)[:, 1:]
    for name in _LASTING:
        kept = starts[_STARTS.index(name)] / ends[_ENDS.index(name)]
        lasts = (end[:, :-1] == _ENDS.index(name)) & (chance < kept)
        start[:, 1:][lasts] = _STARTS.index(name)
    return start


def _draw_tracks(rng, end):
    """Return track numbers: a session is a queue drawn by popularity, where backbtn goes back."""
    step = np.where(end[:, :-1] == _ENDS.index("backbtn"), -1, 1)
    place = np.zeros(end.shape, dtype=np.int64)
    place[:, 1:] = step.cumsum(axis=1)
    # Places below 0, before the first song, count from the end of a queue long enough.
    queue = _draw_popular(rng, (len(end), 2 * _LONGEST))
    return np.take_along_axis(queue, place % queue.shape[1], axis=1)


def _draw_popular(rng, shape):
    """Return track numbers drawn by popularity, by inverting its distribution function."""
    power = 1 - _POPULARITY_EXPONENT
    first, last = _POPULARITY_SHIFT**power, (_TRACKS + _POPULARITY_SHIFT) ** power
    drawn = (first + rng.random(shape) * (last - first)) ** (1 / power) - _POPULARITY_SHIFT
    # Rounding may lead just out of the range.
    return np.clip(drawn.astype(np.int64), 0, _TRACKS - 1)


def _draw_pauses(rng, sessions, shares):
    """Return pause patterns, each as often as its share."""
    return _locate(_draw_alike(rng, (sessions, _LONGEST), _PAUSE_TENDENCY), shares)


def _draw_clock(rng, lengths, skips):
    """Return hours since midnight of the shard's day: the middle of a session has the hour drawn,
    songs before and after follow by how long they were played.
    """
    middle = _choose(rng, published.HOURS, len(lengths)) + rng.random(len(lengths))
    elapsed = np.cumsum(_MINUTES_PLAYED[skips], axis=1) / 60
    return elapsed + (middle - elapsed[np.arange(len(lengths)), lengths // 2])[:, None]


def _draw_alike(rng, shape, tendency):
    """Return uniform numbers, alike in each row: of the variance of the normal numbers behind
    them the share `tendency` is the row's.
    """
    of_row, own = rng.standard_normal((shape[0], 1)), rng.standard_normal(shape)
    return ndtr(np.sqrt(tendency) * of_row + np.sqrt(1 - tendency) * own)


def _choose(rng, weights, shape):
    """Return whole numbers from 0, each as likely as its weight says."""
    return _locate(rng.random(shape), weights)


def _locate(uniform, weights):
    """Return which of the intervals that share [0, 1) by weight each number is in."""
    bounds = np.cumsum(_shares(weights))[:-1]
    return np.searchsorted(bounds, uniform, side="right")


def _shares(weights):
    """Return weights, or the values of a dict of them, made to add to 1."""
    weights = list(weights.values()) if isinstance(weights, dict) else list(weights)
    return np.array(weights) / sum(weights)


def _hold_between(switch, drawn):
    """Return what was drawn at the latest switch or, before any, at the first position."""
    latest = np.maximum.accumulate(np.where(switch, np.arange(_LONGEST), 0), axis=1)
    return np.take_along_axis(drawn, latest, axis=1)


def _is_listening(lengths):
    return np.arange(_LONGEST) < lengths[:, None]


def _check(shard, sessions, seed):
    if _SHARD.fullmatch(shard) is None:
        raise ValueError(
            f"synthetic: {shard} is not named like training_set/log_0_20180715_000000000000"
        )
    for name, number in (("sessions", sessions), ("seed", seed)):
        if number < 0:
            raise ValueError(f"synthetic: {name} must be at least 0, not {number}")


def _format(rng, shard, seed, sessions):
    """Return `_Sessions` as a table in the format of the originals, with new session ids."""
    ((digit, day),) = _SHARD.findall(shard)
    days = [date.fromisoformat(day) + timedelta(days=i) for i in (-1, 0, 1)]
    lengths = sessions.lengths
    words = rng.integers(2**64, size=(len(lengths), 2), dtype=np.uint64)
    ids = _make_ids(f"{digit}_", words).sort()
    premium = rng.random(len(lengths)) < published.PREMIUM
    is_listening = _is_listening(lengths)
    hours = np.floor(_draw_clock(rng, lengths, sessions.skips)[is_listening]).astype(np.int64)
    seeks = rng.random((2, len(hours))) < _SEEK_SHARE
    rows = _Sessions(lengths, *(values[is_listening] for values in sessions[1:]))
    position = np.nonzero(is_listening)[1] + 1
    pauses = _PAUSE_PATTERNS[rows.pauses] * (position > 1)[:, None]
    numbers, track = np.unique(rows.track, return_inverse=True)
    columns = [
        _texts(ids, np.repeat(np.arange(len(lengths)), lengths)),
        position,
        np.repeat(lengths, lengths),
        _texts(_make_track_ids(seed, numbers), track),
        *_SKIP_PATTERNS[rows.skips].T,
        rows.switch,
        *pauses.T,
        *seeks,
        rows.shuffle,
        hours % 24,
        _texts([str(day) for day in days], hours // 24 + 1),
        np.repeat(premium, lengths),
        _texts(_CONTEXTS, rows.context),
        _texts(_STARTS, rows.start),
        _texts(_ENDS, rows.end),
    ]
    return pa.table(
        [
            pc.cast(pa.array(values), kind)
            for values, kind in zip(columns, COLUMNS.values(), strict=True)
        ],
        names=list(COLUMNS),
    )


def _texts(names, code):
    return pa.array(names, pa.string()).take(pa.array(code))


def _make_track_ids(seed, numbers):
    """Return the ids of tracks: for each number always the same, in the whole of a seed's logs."""
    keys = seed_sequence(seed, "synthetic", "track ids").generate_state(2, np.uint64)
    return _make_ids("t_", _scramble(numbers.astype(np.uint64)[:, None] ^ keys))


def _scramble(words):
    """Return 64-bit words mapped one to one to random-looking ones: the finalizer of SplitMix64
    (Steele, Lea and Flood 2014).
    """
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


def _make_ids(prefix, words):
    """Return ids as in the originals: a prefix and a UUID, version 4, of two 64-bit words."""
    octets = words.astype(">u8").view(np.uint8).reshape(-1, 16)
    octets[:, 6] = octets[:, 6] & 0x0F | 0x40
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    digits = np.frombuffer(octets.tobytes().hex().encode(), dtype=np.uint8).reshape(-1, 32)
    parts = np.split(digits, [8, 12, 16, 20], axis=1)
    column = np.full((len(words), 1), 0, dtype=np.uint8)
    start = column + np.frombuffer(prefix.encode(), dtype=np.uint8)
    dash = column + np.uint8(ord("-"))
    text = np.hstack([start, parts[0], *(each for part in parts[1:] for each in (dash, part))])
    return pa.array(text.view(f"S{text.shape[1]}").ravel()).cast(pa.string())

"""Generated song transitions of the paper's shape, for benchmarks.

The values are synthetic. They have the columns, the numbers of levels and the skew of the
transitions that the pipeline makes of listening logs, so that a model costs what it would
cost there; they are not meant to resemble any real listener.
"""

import numpy as np

TRANSITIONS_PER_SESSION = 19
# Shares published for the CrowdAI logs, with skips as rare as among sessions of which at
# least 16 of 20 listenings were played entirely.
SKIPS = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]])
SKIP_SHARES = np.array([0.06, 0.014, 0.019, 0.907])
PAUSES = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]])
PAUSE_SHARES = np.array([0.816, 0.156, 0.028])
# The next song is one of ten that often follow the current one, or any song by popularity.
FOLLOWER_SHARES = np.array([0.58, 0.07, 0.05, 0.04, 0.03, 0.02, 0.02, 0.02, 0.01, 0.01])


def generate_transitions(sessions, songs, timing="coarse", seed=0):
    """Return `(X, y)` of `19 * sessions` transitions over `songs` songs.

    `X` is uint16, its first column the current song; `y` holds the next song, which the
    current song alone predicts about six times out of ten.

    Parameters
    ----------
    timing : {"coarse", "fine"}
        "coarse": the eight features of the default config, shape (rows, 8): song, skip_1,
        skip_2, skip_3, no, short and long pause, hour of day. "fine": six features, shape
        (rows, 6): song, skip, seconds played, seconds of pause, hour, minute, which tell
        nearly all rows apart.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, sessions, songs]))
    rows = sessions * TRANSITIONS_PER_SESSION
    played = _generate_sessions(rng, sessions, songs)
    song, next_song = played[:, :-1].reshape(rows), played[:, 1:].reshape(rows)
    skips = rng.choice(SKIPS, size=rows, p=SKIP_SHARES)
    hour = np.repeat(np.clip(rng.normal(14, 5, size=sessions), 0, 23), TRANSITIONS_PER_SESSION)
    if timing == "coarse":
        columns = [song, skips, rng.choice(PAUSES, size=rows, p=PAUSE_SHARES), hour]
    else:
        seconds_played = np.clip(rng.normal(210, 45, size=rows), 5, 600)
        seconds_of_pause = np.minimum(rng.exponential(8, size=rows), 900)
        minute = rng.integers(60, size=rows)
        columns = [song, skips.sum(axis=1), seconds_played, seconds_of_pause, hour, minute]
    return np.column_stack(columns).astype(np.uint16), next_song


def _generate_sessions(rng, sessions, songs):
    """Return the songs of each session, shape (sessions, 20)."""
    popularity = 1 / (np.arange(songs) + 10.0) ** 0.8
    popularity /= popularity.sum()
    followers = rng.integers(songs, size=(songs, len(FOLLOWER_SHARES)))
    shares = np.append(FOLLOWER_SHARES, 1 - FOLLOWER_SHARES.sum())
    played = np.empty((sessions, TRANSITIONS_PER_SESSION + 1), dtype=np.uint16)
    played[:, 0] = rng.choice(songs, size=sessions, p=popularity)
    for position in range(1, played.shape[1]):
        chosen = rng.choice(len(shares), size=sessions, p=shares)
        anything = rng.choice(songs, size=sessions, p=popularity)
        follower = followers[played[:, position - 1], np.minimum(chosen, len(FOLLOWER_SHARES) - 1)]
        played[:, position] = np.where(chosen < len(FOLLOWER_SHARES), follower, anything)
    return played

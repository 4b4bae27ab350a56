"""Generated song transitions of the paper's shape, for benchmarks.

The values are synthetic. They have the columns, the number of levels and the skew of the
transitions that the pipeline makes of listening logs, so that a model costs what it would
cost there; they are not meant to resemble any real listener.
"""

import numpy as np

FEATURES = (
    "song",
    "skip_1",
    "skip_2",
    "skip_3",
    "no_pause_before_play",
    "short_pause_before_play",
    "long_pause_before_play",
    "hour_of_day",
)
TRANSITIONS_PER_SESSION = 19
# Shares published for the CrowdAI logs, with skips as rare as among sessions of which at
# least 16 of 20 listenings were played entirely.
SKIPS = np.array([[1, 1, 1], [0, 1, 1], [0, 0, 1], [0, 0, 0]])
SKIP_SHARES = np.array([0.06, 0.014, 0.019, 0.907])
PAUSES = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]])
PAUSE_SHARES = np.array([0.816, 0.156, 0.028])
# The next song is one of ten that often follow the current one, or any song by popularity.
FOLLOWER_SHARES = np.array([0.58, 0.07, 0.05, 0.04, 0.03, 0.02, 0.02, 0.02, 0.01, 0.01])


def generate_transitions(sessions, songs, seed=0):
    """Return `(X, y)` of `19 * sessions` transitions over `songs` songs.

    `X` has shape (rows, 8), dtype uint16, columns `FEATURES`; `y` holds the next song, which
    the current song alone predicts about six times out of ten.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, sessions, songs]))
    popularity = 1 / (np.arange(songs) + 10.0) ** 0.8
    popularity /= popularity.sum()
    followers = rng.integers(songs, size=(songs, len(FOLLOWER_SHARES)))
    stays = np.append(FOLLOWER_SHARES, 1 - FOLLOWER_SHARES.sum())
    played = np.empty((sessions, TRANSITIONS_PER_SESSION + 1), dtype=np.uint16)
    played[:, 0] = rng.choice(songs, size=sessions, p=popularity)
    for position in range(1, played.shape[1]):
        chosen = rng.choice(len(stays), size=sessions, p=stays)
        anything = rng.choice(songs, size=sessions, p=popularity)
        follower = followers[played[:, position - 1], np.minimum(chosen, len(FOLLOWER_SHARES) - 1)]
        played[:, position] = np.where(chosen < len(FOLLOWER_SHARES), follower, anything)
    rows = sessions * TRANSITIONS_PER_SESSION
    hour = np.clip(rng.normal(14, 5, size=sessions), 0, 23).astype(np.uint16)
    X = np.column_stack(
        [
            played[:, :-1].reshape(rows),
            rng.choice(SKIPS, size=rows, p=SKIP_SHARES),
            rng.choice(PAUSES, size=rows, p=PAUSE_SHARES),
            np.repeat(hour, TRANSITIONS_PER_SESSION),
        ]
    ).astype(np.uint16)
    return X, played[:, 1:].reshape(rows)

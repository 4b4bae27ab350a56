"""Published aggregates of the CrowdAI logs, which the synthetic stand-in is calibrated to.

Each number names what it was counted on:

- FULL: all 124,950,714 sessions. Sainath Adapa, spotify-sequential-skip-prediction,
  03-train-data-exploration.ipynb and workshop-paper-source/paper.tex.
- MINI: log_mini.csv, the first 10,000 sessions, 167,880 rows. Outputs in public notebooks:
  rachaelmmccue/Capstone, alcthach/capstone-final, franknerd, AbiirBarounii, divekpatel.
- PLOT: bars read from a published plot, 1 to 2 % off; of MINI, or of log_0_20180715.csv.
"""

from datetime import date, timedelta

import numpy as np

_FIRST_DAY, _DAYS, _FILES_A_DAY = date(2018, 7, 15), 66, 10  # of the files

MINI_ROWS, MINI_SESSIONS = 167_880, 10_000

# FULL, sessions of each length.
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

# MINI, shares of rows.
SKIPS = {"skip_1": 0.421503, "skip_2": 0.517179, "skip_3": 0.648380, "not_skipped": 0.332881}
PAUSES = {
    "no_pause_before_play": 0.767602,
    "short_pause_before_play": 0.146635,
    "long_pause_before_play": 0.172832,
}
CONTEXT_SWITCH = 0.040904
SHUFFLE = 0.308732

# FULL, share of skip_2 at positions 1, 2, ..., 20.
SKIP_2_BY_POSITION = np.array(
    [0.374, 0.467, 0.494, 0.516, 0.524, 0.532, 0.531, 0.530, 0.521, 0.503]
    + [0.507, 0.513, 0.517, 0.522, 0.525, 0.530, 0.533, 0.535, 0.536, 0.536]
)

# MINI, by context: rows, sessions that contain it, share of skip_2 in its rows.
CONTEXT_ROWS = {
    "user_collection": 67_430,
    "catalog": 38_263,
    "editorial_playlist": 35_663,
    "radio": 21_107,
    "personalized_playlist": 2_976,
    "charts": 2_441,
}
CONTEXT_SESSIONS = {
    "user_collection": 4_529,
    "catalog": 3_413,
    "editorial_playlist": 2_552,
    "radio": 2_007,
    "personalized_playlist": 253,
    "charts": 179,
}
SKIP_2_BY_CONTEXT = {
    "user_collection": 0.546,
    "catalog": 0.457,
    "editorial_playlist": 0.508,
    "radio": 0.554,
    "personalized_playlist": 0.452,
    "charts": 0.555,
}

# PLOT of MINI: sessions by their share of skip_2, in ten equal bins from 0.05 to 0.95, the
# lowest and the highest share that occur.
SESSION_SKIP_2 = np.array([900, 885, 972, 1043, 668, 1252, 1192, 1268, 1155, 680])
SESSION_SKIP_2_EDGES = np.linspace(0.05, 0.95, 11)

# MINI, rows.
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

PREMIUM = 0.816271  # FULL, share of sessions

# PLOT of log_0_20180715.csv, shares of rows at hours 0, 1, ..., 23.
HOURS = np.array(
    [0.0346, 0.0258, 0.0188, 0.0127, 0.0094, 0.0083, 0.0105, 0.0141, 0.0230, 0.0332, 0.0449, 0.0512]
    + [0.0565, 0.0626, 0.0662, 0.0676, 0.0667, 0.0656, 0.0629, 0.0584, 0.0557, 0.0554, 0.0515]
    + [0.0443]
)

# MINI: distinct tracks in all sessions; rows of the most played; in how many of 8,000 sessions
# there were 2, 3, ..., 20 distinct tracks.
DISTINCT_TRACKS = 50_704
TOP_TRACKS = np.array([1427, 915, 785, 730, 719])
DISTINCT_TRACKS_BY_SESSION = np.array(
    [19, 15, 38, 93, 128, 182, 249, 325, 658, 596, 550, 444, 474, 427, 493, 385, 830, 514, 1580]
)


def plan_shards(sessions, shards):
    """Return {shard: sessions in it}, as equal as can be.

    A shard is named like a published file, ten a day from 15 July 2018, by its path below the
    folder of logs without `.csv.gz`.

    Parameters
    ----------
    sessions : int
        At least one for each shard.
    shards : int
        From 1 to 660, the number of files published.

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    most = _DAYS * _FILES_A_DAY
    if not 1 <= shards <= most:
        raise ValueError(f"synthetic: shards must be from 1 to {most}, not {shards}")
    if sessions < shards:
        raise ValueError(f"synthetic: {sessions} sessions cannot fill {shards} shards")
    names = [
        f"training_set/log_{i % _FILES_A_DAY}"
        f"_{_FIRST_DAY + timedelta(days=i // _FILES_A_DAY):%Y%m%d}_000000000000"
        for i in range(shards)
    ]
    return {name: sessions // shards + (i < sessions % shards) for i, name in enumerate(names)}

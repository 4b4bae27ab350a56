"""The columns of the CrowdAI logs, as published.

Nothing here reads a log, so nothing is imported that does.
"""

# In the order of the files, with the types that they are read as.
COLUMNS = {
    "session_id": "string",
    "session_position": "uint16",
    "session_length": "uint16",
    "track_id_clean": "string",
    "skip_1": "bool",
    "skip_2": "bool",
    "skip_3": "bool",
    "not_skipped": "bool",
    "context_switch": "uint16",
    "no_pause_before_play": "uint16",
    "short_pause_before_play": "uint16",
    "long_pause_before_play": "uint16",
    "hist_user_behavior_n_seekfwd": "uint16",
    "hist_user_behavior_n_seekback": "uint16",
    "hist_user_behavior_is_shuffle": "bool",
    "hour_of_day": "uint16",
    "date": "string",
    "premium": "bool",
    "context_type": "string",
    "hist_user_behavior_reason_start": "string",
    "hist_user_behavior_reason_end": "string",
}
# What is known while a song plays.
TIMING = tuple(
    name for name, kind in COLUMNS.items() if kind != "string" and not name.startswith("session_")
)

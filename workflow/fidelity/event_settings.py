"""What the config says of an event log: its files, its columns, how times become timing data.

Nothing here reads a log, so nothing is imported that does.
"""

from pathlib import Path
from typing import NamedTuple

from .errors import InputError

# What separates the fields, unless the config says otherwise; nothing does in parquet.
SEPARATORS = {
    ".csv": ",",
    ".csv.gz": ",",
    ".tsv": "\t",
    ".tsv.gz": "\t",
    ".parquet": None,
}
TIME_UNITS = {"seconds": 10**6, "milliseconds": 10**3, "iso8601": None}  # in microseconds
# Timing data that come from times alone.
DERIVED = ("hour_of_day", "weekday", "since_previous", "is_repeat")
# Columns of the tables, which a log's own timing data cannot be named after.
RESERVED = (
    *("user", "session", "position", "track_id", "item", "time", "song", "next_song"),
    *DERIVED,
)
# What an event log in the config may leave out.
DEFAULTS = {
    "timing": [],
    "separator": None,
    "time_unit": "seconds",
    "timezone": "UTC",
    "gap": "30min",
    "previous_bins": [60, 300, 1800],
    "windows": "session",
    "reduce": "items",
    "keep_user_ids": False,
}
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}


class Layout(NamedTuple):
    """Where in an event log is what.

    `user`, `item`, `time` and those of `timing` are names of columns. `time_unit` is one of
    `TIME_UNITS`, for numbers and text; parquet's own types of time need none. `separator` is
    one character, or None for that of `SEPARATORS`.
    """

    user: str
    item: str
    time: str
    timing: tuple = ()
    time_unit: str = "seconds"
    separator: str | None = None

    def columns(self):
        return (self.user, self.item, self.time, *self.timing)


def suffix_of(file):
    """Return which of `SEPARATORS` a file's name ends as, None for another."""
    name = str(file).lower()
    return next((suffix for suffix in SEPARATORS if name.endswith(suffix)), None)


def find_event_files(path):
    """Return the files of an event log: that at `path`, or all below the folder `path`, in order.

    Hidden files are left out: some systems leave them beside others.

    Raises
    ------
    InputError
        If nothing is there, or something whose name does not end as one of `SEPARATORS`.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    files = [file for file in files if file.is_file() and not file.name.startswith(".")]
    others = [file for file in files if not suffix_of(file)]
    if others or not files:
        raise InputError(
            f"{others[0] if others else path}: is or holds no {', '.join(SEPARATORS)} file; rename "
            "or remove what is no part of the log"
        )
    return files


class Clock(NamedTuple):
    """How times become timing data.

    A pause longer than `gap` seconds ends a session. `timezone` is an IANA name, in which hours
    and weekdays are told. `previous_bins` are ascending seconds.
    """

    gap: int
    timezone: str
    previous_bins: tuple


def seconds(duration):
    """Return the seconds that a text like 90s, 30min, 2h or 1d says."""
    number = duration.rstrip("".join(_SECONDS))
    return int(number) * _SECONDS[duration.removeprefix(number)]


def settings(source):
    """Return the settings of an event log in the config, with `DEFAULTS` for what it leaves out."""
    return {**DEFAULTS, **source}


def layout(source):
    """Return the `Layout` that settings say."""
    given = settings(source)
    return Layout(
        **given["columns"],
        timing=tuple(given["timing"]),
        time_unit=given["time_unit"],
        separator=given["separator"],
    )


def clock(source):
    """Return the `Clock` that settings say."""
    given = settings(source)
    return Clock(seconds(given["gap"]), given["timezone"], tuple(given["previous_bins"]))


def timing(source):
    """Return the timing columns that settings lead to: the derived ones, and the log's own."""
    return [*DERIVED, *settings(source)["timing"]]

"""How people listen in several datasets, before the songs are reduced: a Markdown table.

Run the workflow on each first; then: python benchmarks/listening.py results/synthetic ...
It compares runs of 20 listenings within a session, so that real and synthetic logs can be told
apart by more than what the attack makes of them.
"""

import argparse
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from fidelity.event_selection import cut_windows
from fidelity.transitions import number_tracks, read_shards

LENGTH = 20
PAIRS = 100_000  # of sessions, drawn to compare different users'


def read_runs(results):
    """Return session, user and song of each listening in runs of `LENGTH`, as a DataFrame."""
    tables = sorted(Path(results, "sessions/shards").rglob("*.parquet"))
    if not tables:
        sys.exit(f"{results}: holds no session tables; run the workflow there first")
    runs, _ = cut_windows(read_shards(tables), LENGTH, "session")
    if not len(runs):
        sys.exit(f"{results}: no session holds {LENGTH} listenings")
    names = [name for name in ("session", "user") if name in runs.column_names]
    columns = {name: runs[name].to_numpy() for name in names}
    frame = pd.DataFrame(columns | {"song": number_tracks(runs["track_id"])[1]})
    return frame if "user" in frame else frame.assign(user=frame["session"])


def describe(runs):
    """Return {what: number} of runs."""
    songs = runs["song"].to_numpy().reshape(-1, LENGTH)
    users = runs["user"].to_numpy()[::LENGTH]
    pairs = runs.drop_duplicates(["session", "song"])
    return {
        "runs of 20": f"{len(songs):,}",
        "users": f"{len(np.unique(users)):,}",
        "items": f"{runs['song'].nunique():,}",
        "same item as before": f"{(songs[:, 1:] == songs[:, :-1]).mean():.3f}",
        "distinct items in 20": f"{len(pairs) / len(songs):.1f}",
        "runs with the most played item": f"{pairs['song'].value_counts().max() / len(songs):.3f}",
        "items shared by two runs of a user": _overlap(songs, _pairs_of_a_user(users)),
        "items shared by runs of two users": _overlap(songs, _pairs_of_two_users(users)),
    }


def _pairs_of_a_user(users):
    own = pd.Series(np.arange(len(users))).groupby(users)
    return [pair for _, runs in own for pair in combinations(runs.head(20), 2)]


def _pairs_of_two_users(users):
    drawn = np.random.default_rng(0).integers(len(users), size=(PAIRS, 2))
    return drawn[users[drawn[:, 0]] != users[drawn[:, 1]]].tolist()


def _overlap(songs, pairs):
    """Return the mean share of the smaller set of items that the other run holds too."""
    if not pairs:
        return "-"
    sets = [set(own) for own in songs.tolist()]
    shares = [len(sets[i] & sets[j]) / min(len(sets[i]), len(sets[j])) for i, j in pairs]
    return f"{np.mean(shares):.4f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", nargs="+", help="folders such as results/synthetic")
    columns = {Path(path).name: describe(read_runs(path)) for path in parser.parse_args().results}
    print(f"| | {' | '.join(columns)} |")
    print("|---" * (len(columns) + 1) + "|")
    for name in next(iter(columns.values())):
        print(f"| {name} | {' | '.join(column[name] for column in columns.values())} |")


if __name__ == "__main__":
    main()

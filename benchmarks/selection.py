"""Measure song selection at full size: `python benchmarks/selection.py`, about 4 minutes.

Session tables are generated, of as many sessions as the filters may leave of all of the CrowdAI
logs and of a tenth of them, and written in shards as the extraction writes them. Then each
measurement is a fresh process: the whole step, as `scripts/select_songs.py` runs it, for a
number of songs, for the densest set, and for all songs, so that every session is kept. Peak
memory and time are those of the process, imports included; growth is what ten times the
listenings cost over what they cost before.

The tables are synthetic: they have the columns, the numbers and the skew of the logs, and are
not meant to resemble any listener.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from fidelity.crowdai_columns import TIMING
from fidelity.songs import reduce_songs
from fidelity.tables import write_arrow
from fidelity.transitions import make_transitions, number_tracks, read_shards, select_songs
from memory import peak_memory

SCRIPTS = Path(__file__).parents[1] / "workflow/scripts"
SIZES = {100_000: 66, 1_000_000: 660}  # shards of so many sessions
LENGTH = 20
# Some tracks are never drawn. Popularity falls as in fidelity.synthetic.
TRACKS_PER_SESSION = 1.2
EXPONENT, SHIFT = 1.08, 23.3
# Some sessions stay among few tracks, or none would be left of a few hundred songs.
ALBUM_SHARE, ALBUM_SIZE = 0.1, 50
HIGHEST = {"hour_of_day": 23, "hist_user_behavior_n_seekfwd": 3, "hist_user_behavior_n_seekback": 3}
MIN_SONGS = 50


def generate_shards(folder, sessions, shards):
    """Write session tables and their funnels; return the number of distinct tracks in them."""
    rng = np.random.default_rng(np.random.SeedSequence([sessions, shards]))
    n_tracks = int(TRACKS_PER_SESSION * sessions)
    ids = pa.array([f"t_{uuid.UUID(bytes=rng.bytes(16), version=4)}" for _ in range(n_tracks)])
    occurs = np.zeros(n_tracks, dtype=bool)
    for i, part in enumerate(np.array_split(np.arange(sessions), shards)):
        track = draw_tracks(rng, len(part), n_tracks).ravel()
        occurs[track] = True
        table = session_table(rng, ids.take(pa.array(track)))
        pq.write_table(table, folder / f"{i:03}.parquet", compression="zstd")
        funnel = {"filter": ["read", "kept"], "sessions": len(part), "listenings": len(track)}
        pd.DataFrame(funnel).to_csv(folder / f"{i:03}.funnel.csv", index=False)
    return int(occurs.sum())


def draw_tracks(rng, sessions, n_tracks):
    """Return the tracks of each session, by popularity, shape (sessions, LENGTH)."""
    power = 1 - EXPONENT
    low, high = SHIFT**power, (n_tracks + SHIFT) ** power
    # By inverting the distribution function.
    drawn = (low + rng.random((sessions, LENGTH)) * (high - low)) ** (1 / power) - SHIFT
    track = drawn.astype(np.int64)
    of_album = rng.random(sessions) < ALBUM_SHARE
    first = track[of_album, :1] // ALBUM_SIZE * ALBUM_SIZE
    track[of_album] = first + rng.integers(ALBUM_SIZE, size=(of_album.sum(), LENGTH))
    return np.clip(track, 0, n_tracks - 1)


def session_table(rng, track_id):
    """Return a session table with all timing columns, low values more often than high ones."""
    n_sessions = len(track_id) // LENGTH
    columns = {
        "session": np.repeat(np.arange(n_sessions, dtype=np.int32), LENGTH),
        "position": np.tile(np.arange(1, LENGTH + 1, dtype=np.int16), n_sessions),
        "track_id": track_id,
    }
    for name in TIMING:
        levels = HIGHEST.get(name, 1) + 1
        columns[name] = (levels * rng.random(len(track_id)) ** 3).astype(np.uint16)
    return pa.table(columns)


def run_step(folder, songs):
    """Run the whole step; return how many transitions it made, and the peak memory."""
    sys.path.insert(0, str(SCRIPTS))
    import select_songs as script

    tables = sorted(folder.glob("*.parquet"))
    funnels = sorted(folder.glob("*.funnel.csv"))
    shards = [path.stem for path in tables]
    with tempfile.TemporaryDirectory(dir=folder) as made:
        files = ("funnel.csv", "curve.csv", "songs.parquet", "transitions.parquet")
        outputs = {Path(file).stem: Path(made, file) for file in files}
        script.select_songs(
            tables, funnels, outputs, shards=shards, songs=songs, min_songs=MIN_SONGS
        )
        rows = pq.read_metadata(outputs["transitions"]).num_rows
    return {"transitions": rows, "memory": peak_memory()}


def run_parts(folder, songs):
    """Return the seconds of each part of the step."""
    seconds = {}

    def timed(part, function, *arguments):
        start = time.perf_counter()
        result = function(*arguments)
        seconds[part] = time.perf_counter() - start
        return result

    listenings = timed("read shards", read_shards, sorted(folder.glob("*.parquet")))
    _, track = timed("number tracks", number_tracks, listenings["track_id"])
    timed("reduce", reduce_songs, listenings["session"].to_numpy(), track)
    selection = timed(
        "select songs, these two included", select_songs, listenings, songs, MIN_SONGS
    )
    transitions = timed("transitions", make_transitions, selection.listenings)
    timed("write transitions", write_arrow, folder / "transitions", transitions)
    (folder / "transitions").unlink()
    return seconds


RUNS = {"step": run_step, "parts": run_parts}


def measure_apart(run, folder, songs):
    """Return what a run found, and `wall`, the seconds of the process that it was."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--measure", run, folder, json.dumps(songs)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{run} failed:\n{done.stderr}")
    return {"wall": time.perf_counter() - start, **json.loads(done.stdout)}


def print_steps(found):
    print("| songs | listenings | transitions | wall time | growth | peak memory | growth |")
    print("|---|---|---|---|---|---|---|")
    small, _ = (of_size["steps"] for of_size in found.values())
    for sessions, of_size in found.items():
        for name, step in of_size["steps"].items():
            growth = {key: f"{step[key] / small[name][key]:.1f}" for key in ("wall", "memory")}
            if of_size["steps"] is small:
                growth = dict.fromkeys(growth, "")
            print(
                f"| {name} | {LENGTH * sessions:,} | {step['transitions']:,} "
                f"| {step['wall']:.1f} s | {growth['wall']} "
                f"| {step['memory'] / 1e6:,.0f} MB | {growth['memory']} |"
            )


def print_parts(found):
    small, full = (of_size["parts"] for of_size in found.values())
    print(f"\n| part | {' | '.join(f'{LENGTH * size:,} listenings' for size in found)} | growth |")
    print("|---|---|---|---|")
    for part in small:
        if part != "wall":
            growth = full[part] / small[part]
            print(f"| {part} | {small[part]:.2f} s | {full[part]:.2f} s | {growth:.1f} |")


def measure_size(sessions, shards):
    """Return {tracks, steps, parts} of session tables of that size."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tracks = generate_shards(folder, sessions, shards)
        settings = {"229": 229, "densest": "densest", "all": tracks}
        steps = {name: measure_apart("step", folder, songs) for name, songs in settings.items()}
        return {"tracks": tracks, "steps": steps, "parts": measure_apart("parts", folder, tracks)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", nargs=3, metavar=("RUN", "FOLDER", "SONGS"))
    arguments = parser.parse_args()
    if arguments.measure:
        run, folder, songs = arguments.measure
        print(json.dumps(RUNS[run](Path(folder), json.loads(songs))))
        return
    found = {}
    measure_size(10_000, 2)  # compiles, for all that follow
    for sessions, shards in SIZES.items():
        found[sessions] = measure_size(sessions, shards)
        print(
            f"{shards} shards: {sessions:,} sessions, {LENGTH * sessions:,} listenings, "
            f"{found[sessions]['tracks']:,} distinct tracks",
            flush=True,
        )
    print()
    print_steps(found)
    print_parts(found)


if __name__ == "__main__":
    main()

"""Measure the extraction of sessions against its peers: `python benchmarks/ingest.py`.

Takes 15 minutes and 5 GB of disk. Each measurement is a fresh process on one core that reads a
generated raw file, which the system holds in memory, keeps the sessions that pass the paper's
filters, and writes their listenings to a parquet file, the columns of the session table. The
peers' are the fastest of several ways to say the same that were tried; they trust
`session_length` and check nothing. The sides take turns, and the medians over `--repeats` turns
are printed: of the whole process, imports and loading of compiled code included, wall time and
CPU time; and of the work without imports. What does only a part of it is measured once. The rows
that the sides write are compared with those of DuckDB.

Two mixes of sessions: *logs*, the background of the stand-in with few playlist listeners, of
which about as few sessions pass as is to be expected of the originals; and *stand-in*, of which
the default run keeps three in ten. What compiles the scanner on its first use ever is not counted,
as it is cached on disk.
"""

import argparse
import gzip
import importlib.util
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from memory import peak_memory

SESSIONS = 209_000  # about 600 MB
MIXES = {"logs": 0.005, "stand-in": 0.31}  # shares of playlist listeners
LENGTH, FULL_PLAYS, CONTEXT = 20, 16, "user_collection"
ONE_CORE = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "POLARS_MAX_THREADS",
        "ARROW_NUM_THREADS",
    )
}
KEYS = ["session_id", "session_position"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    print(f"{platform.machine()}, Python {platform.python_version()}, one core", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        note_columns(Path(folder))
        for mix, share in MIXES.items():
            raw = generate(Path(folder, f"{mix}.csv"), share, parts=1)
            compare(f"{mix}, plain", raw, arguments.repeats)
            if mix == "logs":
                compare(f"{mix}, gzip", compress(raw), arguments.repeats)
        print_growth(Path(folder), arguments.repeats)


def generate(raw, share, parts):
    """Write a raw file of this many times 600 MB, sorted by session in each part."""
    code = "import ingest, sys; ingest.generate_part(*sys.argv[1:])"
    with open(raw, "wb") as file:
        for part in range(parts):
            # In a process of its own, or what it takes stays with this one.
            run([sys.executable, "-c", code, str(share), str(part)], stdout=file)
    return raw


def generate_part(share, part):
    import pyarrow as pa
    import pyarrow.csv

    from fidelity.crowdai import COLUMNS
    from fidelity.synthetic import generate_background, generate_playlist_listeners

    shard = f"training_set/log_{part}_20180715_000000000000"
    listeners = round(SESSIONS * float(share))
    logs = pa.concat_tables(
        [
            generate_background(shard, SESSIONS - listeners, 1),
            generate_playlist_listeners(shard, listeners, 1),
        ]
    ).sort_by([(key, "ascending") for key in KEYS])
    if part == "0":
        sys.stdout.buffer.write((",".join(COLUMNS) + "\n").encode())
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="none")
    pyarrow.csv.write_csv(logs, sys.stdout.buffer, options)


def compress(raw):
    path = raw.with_name(f"{raw.name}.gz")
    with open(raw, "rb") as source, gzip.open(path, "wb", compresslevel=6) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return path


def compare(title, raw, repeats):
    """Measure all sides in turns, print their medians, and compare what they wrote."""
    sides = [name for name, side in SIDES.items() if importlib.util.find_spec(side.module)]
    runs = {side: [] for side in sides}
    for turn in range(repeats):
        for side in sides if turn == 0 else [side for side in sides if SIDES[side].writes]:
            runs[side].append(measure_apart(side, raw))
    size = plain_size(raw)
    print(f"\n### {title}: {size:,.0f} MB, {raw.stat().st_size / 1e6:,.0f} MB on disk\n")
    print("| | process | of it CPU | work alone | MB/s | peak memory | rows |")
    print("|---|---|---|---|---|---|---|")
    middle = {side: medians(of_side) for side, of_side in runs.items()}
    for side, found in middle.items():
        rows = compare_rows(side, raw) if SIDES[side].writes else "-"
        print(
            f"| {side} | {found['process']:.2f} s | {found['cpu']:.2f} s "
            f"| {found['work']:.2f} s | {size / found['work']:.0f} "
            f"| {found['peak'] / 1e6:,.0f} MB | {rows} |"
        )
    ours, *peers = (found for side, found in middle.items() if SIDES[side].writes)
    ratios = " | ".join(
        f"**{min(peer[key] for peer in peers) / ours[key]:.2f}**"
        for key in ("process", "cpu", "work", "work", "peak")
    )
    print(f"| **best of the peers / fidelity** | {ratios} | |")
    print(f"\n{survivors(raw)}", flush=True)


def print_growth(folder, repeats):
    """Print what our side takes for files of 0.6 and 2.4 GB, and for a tarball."""
    print("\n### fidelity alone\n\n| | process | of it CPU | MB/s | peak memory |")
    print("|---|---|---|---|---|")
    large = generate(folder / "large.csv", MIXES["logs"], parts=4)
    tarball = folder / "large.tar.gz"
    with tarfile.open(tarball, "w:gz", compresslevel=6) as tar:
        for number in range(2):
            tar.add(folder / "logs.csv", f"training_set/log_{number}.csv")
    for raw, size in [
        (folder / "logs.csv", plain_size(folder / "logs.csv")),
        (large, plain_size(large)),
        (tarball, 2 * plain_size(folder / "logs.csv")),
    ]:
        found = medians([measure_apart("fidelity", raw) for _ in range(repeats)])
        print(
            f"| {size:,.0f} MB, {''.join(raw.suffixes)} | {found['process']:.2f} s "
            f"| {found['cpu']:.2f} s "
            f"| {size / found['process']:.0f} | {found['peak'] / 1e6:,.0f} MB |"
        )


def measure_apart(side, raw):
    """Measure in a process of its own, on one core, with the file in memory."""
    with open(raw, "rb") as file:
        while file.read(1 << 24):
            pass
    start, before = time.perf_counter(), os.times()
    done = run(
        [sys.executable, __file__, "--measure", side, raw, output_of(side, raw)],
        env={**os.environ, **ONE_CORE},
        stdout=subprocess.PIPE,
        preexec_fn=keep_to_one_core,
    )
    process, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return {"process": process, "cpu": cpu, **json.loads(done.stdout.splitlines()[-1])}


def keep_to_one_core():
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def measure(side, raw, output):
    """Return what a side takes; to be called in a fresh process."""
    __import__(SIDES[side].module)
    start = time.perf_counter()
    SIDES[side].run(raw, output)
    return {"work": time.perf_counter() - start, "peak": peak_memory()}


def run_fidelity(raw, output):
    from fidelity.crowdai import Filters, extract_sessions
    from fidelity.crowdai_columns import TIMING

    extract_sessions(raw, output, Filters(LENGTH, FULL_PLAYS, (CONTEXT,)), TIMING).to_csv(
        f"{output}.funnel.csv", index=False
    )


def run_pandas(raw, output):
    import pandas as pd

    log = pd.read_csv(raw, usecols=[*written(raw), "session_length"])
    long = log[log["session_length"] == LENGTH]
    sessions = long.assign(other=long["context_type"] != CONTEXT).groupby("session_id")
    sessions = sessions.agg(
        size=("other", "size"), full=("not_skipped", "sum"), other=("other", "any")
    )
    passed = (sessions["size"] == LENGTH) & (sessions["full"] >= FULL_PLAYS) & ~sessions["other"]
    kept = log["session_id"].isin(sessions.index[passed])
    log.loc[kept, written(raw)].to_parquet(output, compression="zstd")


def run_polars(raw, output):
    import polars as pl

    kinds = {"string": pl.String, "uint16": pl.UInt16, "bool": pl.Boolean}
    log = pl.scan_csv(raw, schema={name: kinds[kind] for name, kind in columns(raw).items()})
    passes = (
        (pl.len() == LENGTH)
        & (pl.col("not_skipped").sum() >= FULL_PLAYS)
        & (pl.col("context_type") == CONTEXT).all()
    )
    long = log.filter(pl.col("session_length") == LENGTH)
    passed = long.group_by("session_id").agg(passes=passes).filter("passes").select("session_id")
    kept = log.join(passed, on="session_id", how="semi", maintain_order="left")
    kept.select(written(raw)).collect().write_parquet(output, compression="zstd")


def run_duckdb(raw, output):
    import duckdb

    kinds = {"string": "VARCHAR", "uint16": "USMALLINT", "bool": "BOOLEAN"}
    types = ", ".join(f"'{name}': '{kinds[kind]}'" for name, kind in columns(raw).items())
    rows = ", ".join(f"{name} := {name}" for name in written(raw))
    duckdb.connect(config={"threads": 1}).execute(f"""
        copy (
            select unnest(rows, recursive := true) from (
                select list(struct_pack({rows})) as rows
                from read_csv(
                    '{raw}', header = true, auto_detect = false, delim = ',', columns = {{{types}}}
                )
                where session_length = {LENGTH}
                group by session_id
                having count(*) = {LENGTH}
                    and count(*) filter (not_skipped) >= {FULL_PLAYS}
                    and bool_and(context_type = '{CONTEXT}')
            )
        ) to '{output}' (format parquet, compression zstd)
        """)


def run_pyarrow(raw, names):
    """Let pyarrow make values of some columns, a block at a time, and do nothing with them."""
    import pyarrow.csv

    types = {name: pyarrow.type_for_alias(kind) for name, kind in columns(raw).items()}
    reader = pyarrow.csv.open_csv(
        raw,
        pyarrow.csv.ReadOptions(block_size=8 << 20, use_threads=False),
        convert_options=pyarrow.csv.ConvertOptions(
            include_columns=names, column_types={name: types[name] for name in names}
        ),
    )
    for _ in reader:
        pass


def run_pyarrow_all(raw, output):
    run_pyarrow(raw, list(columns(raw)))


def run_pyarrow_deciding(raw, output):
    run_pyarrow(raw, [*KEYS, "session_length", "not_skipped", "context_type", "track_id_clean"])


class Side(NamedTuple):
    """What is measured: the module that must be installed, what runs it, whether it writes."""

    module: str
    run: Callable
    writes: bool = True


SIDES = {
    "fidelity": Side("fidelity.crowdai", run_fidelity),
    "pandas": Side("pandas", run_pandas),
    "Polars": Side("polars", run_polars),
    "DuckDB": Side("duckdb", run_duckdb),
    "pyarrow, all columns, reading alone": Side("pyarrow.csv", run_pyarrow_all, False),
    "pyarrow, 6 columns, reading alone": Side("pyarrow.csv", run_pyarrow_deciding, False),
}


def note_columns(folder):
    """Write down what the peers must know, who shall not pay for importing fidelity."""
    from fidelity.crowdai import COLUMNS

    types = {name: str(kind) for name, kind in COLUMNS.items()}
    (folder / "columns.json").write_text(json.dumps(types))


def columns(raw):
    """Return {column: type} of a raw file."""
    return json.loads(Path(raw).with_name("columns.json").read_text())


def written(raw):
    """Return the columns that the peers write."""
    types = columns(raw)
    timing = [name for name, kind in types.items() if kind != "string" and "session" not in name]
    return [*KEYS, "track_id_clean", "context_type", *timing]


def compare_rows(side, raw):
    """Return how many rows a side wrote, having compared them all with those of DuckDB."""
    import numpy as np
    import pandas as pd

    found = pd.read_parquet(output_of(side, raw))
    if not importlib.util.find_spec("duckdb"):
        return f"{len(found):,}"
    expected = pd.read_parquet(output_of("DuckDB", raw)).sort_values(KEYS, ignore_index=True)
    if side == "fidelity":
        found["session_id"] = expected["session_id"].unique()[found["session"]]
        found = found.rename(columns={"position": KEYS[1], "track_id": "track_id_clean"})
    found = found.sort_values(KEYS, ignore_index=True)
    names = [name for name in written(raw) if name in found]
    same = len(found) == len(expected) and all(
        np.array_equal(found[name].to_numpy(), expected[name].to_numpy()) for name in names
    )
    if not same:
        sys.exit(f"{side} wrote other rows than DuckDB")
    return f"{len(found):,}, as DuckDB" if side != "DuckDB" else f"{len(found):,}"


def survivors(raw):
    import pandas as pd

    funnel = pd.read_csv(f"{output_of('fidelity', raw)}.funnel.csv", index_col="filter")
    read, kept = funnel.loc["read", "sessions"], funnel.loc["kept", "sessions"]
    return f"{kept:,} of {read:,} sessions pass, {kept / read:.1%}."


def plain_size(raw):
    """Return the MB of a raw file, or of that from which it was made."""
    return raw.with_name(raw.name.removesuffix(".gz")).stat().st_size / 1e6


def output_of(side, raw):
    return f"{raw}.{side.split()[0]}.parquet"


def medians(runs):
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def run(command, **options):
    done = subprocess.run(
        list(map(str, command)), stderr=subprocess.PIPE, cwd=Path(__file__).parent, **options
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr.decode()}")
    return done


if __name__ == "__main__":
    main()

"""Measure the default grid against a plain script: `python benchmarks/grid.py`, 20 minutes.

Both sides start from the same transitions and end with the same numbers, on all cores that
`--cores` says: the workflow (its start, all of its jobs, the joined tables), and
`plain_grid.py`, which loops over the same points with scikit-learn and joblib. The tables are
compared. Of information both make the plug-in estimate alone. CPU time is that of all processes
of a side, which others on the machine hardly change. Peak memory is that of all of them together,
proportional shares of what they share, looked at five times a second; disk is what a side has
written at most.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

ROOT = Path(__file__).parents[1]
RESULTS = Path("results/synthetic")
TRANSITIONS = RESULTS / "sessions/transitions.parquet"
TABLES = ("leakage", "information", "accuracy")
CONFIG = "information: {estimates: plug-in}\n"
SECONDS = 0.2  # between two looks at memory and disk
KEYS = ["common_fraction", "target_size", "repeat", "fold"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, default=2)
    cores = str(parser.parse_args().cores)
    with tempfile.TemporaryDirectory() as name:
        ours, plain = Path(name, "workflow"), Path(name, "plain")
        ours.mkdir()
        plain.mkdir()
        snakemake = [sys.executable, "-m", "snakemake", "--cores", cores, "--directory", ours]
        own_config = Path(name, "config.yaml")
        own_config.write_text(CONFIG)
        snakemake += ["--configfile", own_config, "--"]
        measure([*snakemake, TRANSITIONS], ours)
        script = [sys.executable, ROOT / "benchmarks/plain_grid.py", ours / TRANSITIONS, plain]
        tables = [RESULTS / f"tables/{table}.csv" for table in TABLES]
        sides = {
            "workflow": measure([*snakemake, *tables], ours),
            "plain script": measure([*script, "--cores", cores], plain),
        }
        print_sides(sides, cores)
        print_difference(ours / RESULTS / "tables", plain)
        print_shares(ours / RESULTS, sides["workflow"]["wall"] * int(cores))


def measure(command, folder):
    """Return {wall, CPU, memory, disk} of a command: seconds, and MB at most, in the folder."""
    errors = folder / "errors"
    start, cpu_before = time.perf_counter(), _cpu_of_children()
    before = _disk(folder)
    memory = disk = 0.0
    with open(errors, "w") as file:
        process = psutil.Popen(
            list(map(str, command)), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=file
        )
        while process.poll() is None:
            memory = max(memory, _memory(process))
            disk = max(disk, _disk(folder) - before)
            time.sleep(SECONDS)
    wall, cpu = time.perf_counter() - start, _cpu_of_children() - cpu_before
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{errors.read_text()}")
    return {"wall": wall, "CPU": cpu, "memory": memory, "disk": disk}


def print_sides(sides, cores):
    print(f"| {cores} cores | wall time | CPU time | peak memory | disk |\n|---|---|---|---|---|")
    for side, found in sides.items():
        print(
            f"| {side} | {found['wall']:,.0f} s | {found['CPU']:,.0f} s "
            f"| {found['memory']:,.0f} MB | {found['disk']:,.0f} MB |"
        )
    ours, plain = sides.values()
    ratios = " | ".join(f"**{plain[key] / ours[key]:.1f}**" for key in ours)
    print(f"| **plain script / workflow** | {ratios} |\n")


def print_difference(ours, plain):
    """Print how far the numbers of both sides lie apart at most."""
    for table in TABLES:
        pair = [pd.read_csv(folder / f"{table}.csv") for folder in (ours, plain)]
        keys = [key for key in KEYS if key in pair[0]]
        values = [key for key in pair[1] if key not in keys and key in pair[0]]
        one, other = (part.set_index(keys).sort_index()[values] for part in pair)
        if not one.index.equals(other.index):
            sys.exit(f"{table}: the two sides have other rows")
        np.testing.assert_array_equal(one.isna(), other.isna())
        print(f"{table}: {len(one)} rows, greatest difference {np.nanmax(abs(one - other)):.1e}")
    print()


def print_shares(results, core_seconds):
    """Print where the time of the workflow went, in seconds of cores."""
    print("| rule | jobs | work | start and imports |\n|---|---|---|---|")
    spent = 0.0
    for folder in sorted((results / "logs").iterdir()):
        rule = folder.stem
        if rule in ("make_logs", "extract_sessions", "select_songs"):
            continue
        files = [folder] if folder.is_file() else sorted(folder.rglob("*.log"))
        work = sum(float(re.search(r"done in ([\d.]+) s", file.read_text())[1]) for file in files)
        tsv = [results / "benchmarks" / file.relative_to(results / "logs") for file in files]
        total = sum(pd.read_csv(file.with_suffix(".tsv"), sep="\t")["s"].sum() for file in tsv)
        spent += total
        print(f"| {rule} | {len(files)} | {work:.1f} s | {total - work:.1f} s |")
    print(f"| Snakemake, and idle cores | | | {core_seconds - spent:.1f} s |")


def _cpu_of_children():
    """Return the CPU seconds of all processes below this one that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _memory(process):
    """Return the MB of a process and of all below it, shared pages in proportion."""
    total = 0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += one.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            continue  # it has just ended
    return total / 1e6


def _disk(folder):
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue  # it was temporary
    return total / 1e6


if __name__ == "__main__":
    main()

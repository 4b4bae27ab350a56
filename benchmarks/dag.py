"""Measure planning of large grids: `python -m benchmarks.dag`, about 20 minutes.

A point is one common fraction and one target size. For each grid there are two measurements, each
a process of its own, medians of some turns: a dry run of a fresh clone, which builds the whole
graph of jobs and prints nothing (`snakemake --dry-run --quiet`), and a run that finds all results
made (`snakemake --cores 1`: "Nothing to be done"). *Start* is what passes before the graph:
imports and the check of the config.

Results are placeholders: an empty file for each output, and `snakemake --touch`, which records
their parameters and inputs as after a run. That these are compared is checked: an edit must plan
one job for each point.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from tests.project import ROOT, make_placeholders

GRIDS = {500: (10, 50), 2000: (20, 100), 5000: (25, 200)}  # fractions and sizes
# Touching waits before each job, for clocks that tick as slowly.
TOUCH = """
import sys
from snakemake.cli import main
from snakemake.executors import touch
touch.Executor.SLEEPING_TIME = 0
main(sys.argv[1:])
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, nargs="+", default=list(GRIDS), choices=GRIDS)
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    found = {}
    for points in arguments.points:
        with tempfile.TemporaryDirectory() as name:
            found[points] = measure_grid(Path(name), points, arguments.turns)
    print_table("dry run of a fresh clone", found, "fresh")
    print_table("run that finds all made", found, "made")


def measure_grid(folder, points, turns):
    """Return {jobs, fresh, made} of a grid, the latter as lists of what `measure` returns."""
    configure(folder, points, permutations=100)
    fresh = [measure(folder, "--dry-run", "--quiet") for _ in range(turns)]
    files = make_placeholders(folder, run(snakemake(folder, "--summary")))
    mark_made(folder, files)
    made = [measure(folder, "--cores", "1") for _ in range(turns)]
    require(all("Nothing to be done" in turn["text"] for turn in made), "there is something to do")
    configure(folder, points, permutations=50)
    edited = run(snakemake(folder, "--dry-run", "--quiet", "rules"))
    require(f"estimate_information {points}" in " ".join(edited.split()), "an edit is not seen")
    return {"files": len(files), "fresh": fresh, "made": made}


def configure(folder, points, permutations):
    fractions, sizes = GRIDS[points]
    grid = {
        "common_fraction": [(i + 1) / fractions for i in range(fractions)],
        "target_size": [20 * (i + 1) for i in range(sizes)],
    }
    config = {"grid": grid, "information": {"permutations": permutations}}
    (folder / "grid.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")


def mark_made(folder, files):
    """Have Snakemake take files for made, a fraction at a time.

    With each job that it starts it looks at all that could start too, so that all at once would
    take hours.
    """
    fractions = {}
    for file in files:
        if "/grid/" in file:
            fractions.setdefault(Path(file).parts[3], []).append(file)
    for targets in [*fractions.values(), []]:  # and at last the rest
        arguments = [*targets, *options(folder), "--touch", "--cores", "20", "--quiet"]
        run([sys.executable, "-c", TOUCH, *arguments])


def measure(folder, *arguments):
    """Return {text, start, wall, cpu, memory} of a Snakemake process: seconds and MB."""
    begin, start, lines = time.perf_counter(), None, []
    process = subprocess.Popen(
        snakemake(folder, *arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Building DAG"):
            start = time.perf_counter() - begin
    _, status, usage = os.wait4(process.pid, 0)
    require(status == 0, "".join(lines))
    return {
        "text": "".join(lines),
        "start": start,
        "wall": time.perf_counter() - begin,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3),
    }


def snakemake(folder, *arguments):
    return [sys.executable, "-m", "snakemake", *options(folder), *arguments]


def options(folder):
    where = ["--snakefile", ROOT / "Snakefile", "--directory", folder]
    return [*map(str, [*where, "--configfile", folder / "grid.yaml"]), "--nocolor"]


def run(command):
    done = subprocess.run(command, capture_output=True, text=True)
    require(done.returncode == 0, done.stdout + done.stderr)
    return done.stdout + done.stderr


def require(is_so, fault):
    if not is_so:
        sys.exit(fault)


def print_table(title, found, key):
    print(f"**{title}**\n")
    print("| points | files | start | graph | in all | of it CPU | peak memory | a point |")
    print("|---|---|---|---|---|---|---|---|")
    for points, own in found.items():
        typical = {
            name: statistics.median(turn[name] for turn in own[key])
            for name in ("start", "wall", "cpu", "memory")
        }
        graph = typical["wall"] - typical["start"]
        print(
            f"| {points:,} | {own['files']:,} | {typical['start']:.1f} s | {graph:.1f} s "
            f"| {typical['wall']:.1f} s | {typical['cpu']:.1f} s | {typical['memory']:,.0f} MB "
            f"| {1e3 * graph / points:.1f} ms |"
        )
    print(flush=True)


if __name__ == "__main__":
    main()

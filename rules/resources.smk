import os
from collections import namedtuple
from math import ceil

# What jobs take: MiB and seconds at their start, and how many of both each MB of their data adds.
# It comes from the peak memory of a process and its CPU seconds on stand-ins of 4,693, 208,145 and
# 840,807 transitions (transitions.parquet of 0.02, 0.56 and 2.24 MB; 20 trees, 16 references; the
# last of 2 repeats). The most MiB there stand behind each line. A bit more is granted, as Python 3.13
# takes up to 16 more.
Cost = namedtuple("Cost", "mb mb_per_mb seconds seconds_per_mb")
REPEATS = config["grid"]["repeats"]
TREES = RECOMMENDER.get("n_estimators") or 100
DENSE_TREES = RECOMMENDER["estimator"].startswith(("sklearn.ensemble", "sklearn.tree"))
# scikit-learn's forest took up to 28 times as long as the project's; others are taken for as slow.
FITS = REPEATS * TREES / 20 * (1 if RECOMMENDER["estimator"] == OWN_FOREST else 30)
COSTS = {
    # 219, 293 and 514 MiB for 1,000, 11,250 and 45,000 sessions
    "make_logs": Cost(220 + 0.0066 * max(STAND_IN.values(), default=0), 0, 10, 0),
    # 196 MiB; 198 of a file of 2,391 MB; 0.014 to 0.035 seconds a MB of .csv.gz
    "extract_sessions": Cost(240, 0, 5, 0.05),
    # 108, 140, 220; tables of 23 and 1,050 MB: 402 and 2,278
    "select_songs": Cost(330, 12, 5, 0.5),
    "deal_users": Cost(100, 10, 1, 0.1 * REPEATS),  # 62, 63, 76
    "train_models": Cost(100, 70, 5, 0.6 * FITS),  # 63, 111, 190
    "query_models": Cost(100, 60, 5, 0.5 * FITS),  # 63, 100, 164
    "cross_validate": Cost(110, 70, 5, 5 * FITS / REPEATS),  # 64, 113, 207
    "ask_own_models": Cost(110, 90, 5, 0.5 * ATTACKS["folds"] * FITS),  # 65, 133, 258
    "ask_comparisons": Cost(120, 70, 5, 0.7 * (2 + ATTACKS["references"]) * FITS),  # 65, 126, 216
    "measure_leakage": Cost(100, 30, 1, 0.1 * REPEATS),  # 61, 84, 110
    "estimate_information": Cost(  # 66, 126, 266
        *(110, 100, 5, 1.5 * REPEATS * max(1, INFORMATION["permutations"] / 100))
    ),
    "attack_users": Cost(  # 80, 266, 549
        *(150, 330 * max(1, ATTACKS["references"] / 16), 5, 2 * REPEATS)
    ),
    "tabulate_leakage": Cost(190, 20, 5, 2),  # 135, 136
    "tabulate_information": Cost(190, 40, 5, 2),  # 150, 147, of what is packed
    "tabulate_accuracy": Cost(190, 20, 5, 2),  # 134, 134
    "tabulate_attacks": Cost(190, 40, 5, 2),  # 133, 136, of what is packed
    "draw_figure": Cost(250, 20, 10, 2),  # 202, 207
    "write_findings": Cost(250, 20, 10, 2),  # 157, 211
}
MODELS = {"train_models", "query_models", "cross_validate", "ask_own_models", "ask_comparisons"}
# On a cluster two Snakemakes run around a job, of 230 MiB each, and are counted as its own; so is the
# compiler, 260 MiB, on nodes of another type than the machine that submits.
AROUND_MB = 760
# What starting takes where a shared file system is slow.
START_SECONDS = 60
# A recommender that is told to use more threads has them.
MODEL_THREADS = RECOMMENDER.get("n_jobs") or 1


def data_mb(input, async_run):
    """Return the MB of the transitions that a job reads, or of all its input if it reads none.

    Other input of a grid point may be made in the same submission to a cluster: it is not there
    yet when that is sized up.
    """
    files = [input.transitions] if "transitions" in input.keys() else input
    # A store is asked asynchronously; files are not, since a report cannot wait for that.
    sizes = (async_run(f.size()) if f.is_storage else os.path.getsize(f) for f in files)
    return sum(sizes) / 1e6


def mem_mb(wildcards, input, attempt, rulename, async_run):
    """Return the memory (MiB) of a job, and on a cluster that of the Snakemakes around it."""
    megabytes = data_mb(input, async_run)
    cost = COSTS[rulename]
    needed = cost.mb + cost.mb_per_mb * megabytes
    if DENSE_TREES and rulename in MODELS:
        needed = max(needed, dense_trees_mb(wildcards, megabytes))
    around = 0 if workflow.local_exec else AROUND_MB
    return attempt * (around + int(needed))


def dense_trees_mb(wildcards, megabytes):
    """Return the memory of a job that holds one model at a time of scikit-learn's trees.

    They hold a number per class in every node: 9,200 MB were measured for 20 trees on the paper's
    11,156 users, which are 0.56 MB, and its 229 songs, and memory grows with all three. The densest
    set of songs is taken to be as large.
    """
    size = wildcards.get("target", wildcards.get("adversary"))
    users = int(size) if size.isdecimal() else max(11156, int(20_000 * megabytes))
    songs = config["songs"] if config["songs"] != "densest" else 229
    return 1000 + 8200 * users * TREES * songs // (11156 * 20 * 229)


def runtime(wildcards, input, attempt, rulename, async_run):
    """Return the minutes after which a cluster may end a job: five times what it should take."""
    cost = COSTS[rulename]
    seconds = cost.seconds + cost.seconds_per_mb * data_mb(input, async_run)
    return attempt * ceil((START_SECONDS + 5 * seconds) / 60)

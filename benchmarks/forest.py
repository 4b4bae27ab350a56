"""Measure fidelity.forest against its peers: `python benchmarks/forest.py`, about 10 minutes.

Each measurement is a fresh process on one core that reads the same generated transitions, fits 20
trees and predicts the training rows; times are CPU seconds. "fidelity.forest" is `grow_forest`, as
the workflow calls it; the estimator around it imports scikit-learn. Ours and scikit-learn's take
turns, and the medians over `--repeats` turns are printed; other peers, where installed, and the
estimator run once. Peak memory is that of the process, imports included; that of the imports alone
stands at the end. What compiles fidelity.forest on its first use ever is not counted, as it is
cached on disk.
"""

import argparse
import hashlib
import importlib.util
import io
import json
import math
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from memory import peak_memory
from transitions import generate_transitions

TREES = 20
SIDES = ("fidelity.forest", "scikit-learn")
SAME_TREES = (*SIDES, "fidelity.forest, estimator")
PAPER_SESSIONS = (5_578, 11_156)  # half and all of the paper's: 105,982 and 211,964 rows
ONE_CORE = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


def measure(peer, data):
    """Return what a peer needs for one data set; to be called in a fresh process."""
    with np.load(data) as arrays:
        return PEERS[peer].run(arrays["X"], arrays["y"])


def run_fidelity(X, y):
    from fidelity.forest import grow_forest, save_grown

    few = slice(0, 100)
    grow_forest(X[few], y[few], n_estimators=2, random_state=0).predict(X[few])  # compiles
    start = time.process_time()
    forest = grow_forest(X, y, n_estimators=TREES, random_state=0, n_jobs=1)
    fit = time.process_time() - start
    start = time.process_time()
    forest.predict(X, n_jobs=1)
    figures = {"fit": fit, "predict": time.process_time() - start, "peak": peak_memory()}
    return {**figures, "size": size_of(save_grown, forest), "trees": digests_of(forest)}


def run_estimator(X, y):
    from fidelity.forest import RandomForestClassifier, save_forests

    few = slice(0, 100)
    RandomForestClassifier(2, random_state=0).fit(X[few], y[few]).predict(X[few])  # compiles
    forest = RandomForestClassifier(TREES, random_state=0, n_jobs=1)
    figures = time_both(forest, X, y)
    return {**figures, "size": size_of(save_forests, forest), "trees": digests_of(forest)}


def size_of(save, forest):
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder) / "model.npz", [forest])
        return (Path(folder) / "model.npz").stat().st_size


def digests_of(forest):
    from fidelity.forest.growing import LEAF, unpack_nodes

    digests = []
    for number in range(TREES):
        feature, split, right = unpack_nodes(forest.tree(number).nodes)
        inner = feature != LEAF
        left = np.flatnonzero(inner) + 1
        digests.append(digest(inner, feature[inner], split[inner] / 2, left, right[inner]))
    return digests


def run_scikit_learn(X, y):
    from sklearn.ensemble import RandomForestClassifier

    return run_dense(RandomForestClassifier(TREES, random_state=0, n_jobs=1), X, y)


def run_sklearnex(X, y):
    from sklearnex.ensemble import RandomForestClassifier

    return run_dense(RandomForestClassifier(TREES, random_state=0, n_jobs=1), X, y)


def run_dense(forest, X, y):
    import joblib

    figures = time_both(forest, X, y)
    sink = CountingSink()
    joblib.dump(forest, sink)
    digests = []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        inner = tree.children_left >= 0
        digests.append(
            digest(
                inner,
                tree.feature[inner],
                tree.threshold[inner],
                tree.children_left[inner],
                tree.children_right[inner],
            )
        )
    return {**figures, "size": sink.written, "trees": digests}


def run_ydf(X, y):
    import ydf

    ydf.verbose(0)
    rows = {f"f{i}": column.astype(np.int64) for i, column in enumerate(X.T)}
    learner = ydf.RandomForestLearner(
        label="next_song",
        num_trees=TREES,
        max_depth=-1,
        min_examples=1,
        winner_take_all=False,
        compute_oob_performances=False,
        num_threads=1,
        features=[(name, ydf.Semantic.NUMERICAL) for name in rows],
    )
    start = time.process_time()
    model = learner.train({**rows, "next_song": y.astype(np.int64)})
    fit = time.process_time() - start
    start = time.process_time()
    model.predict(rows, num_threads=1)
    figures = {"fit": fit, "predict": time.process_time() - start, "peak": peak_memory()}
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder)
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    return {**figures, "size": size, "trees": []}


def time_both(forest, X, y):
    """Return the seconds to fit and to predict the training rows, and the peak memory."""
    start = time.process_time()
    forest.fit(X, y)
    fit = time.process_time() - start
    start = time.process_time()
    forest.predict(X)
    return {"fit": fit, "predict": time.process_time() - start, "peak": peak_memory()}


def digest(*arrays):
    """Return a digest of a tree: which nodes are inner, their features, thresholds, children."""
    text = hashlib.sha256()
    for array, kind in zip(arrays, ("?", "<i8", "<f8", "<i8", "<i8"), strict=True):
        text.update(np.ascontiguousarray(array, dtype=kind).tobytes())
    return text.hexdigest()


class Peer(NamedTuple):
    """A library to measure: the module that must be installed, and what measures it."""

    module: str
    run: Callable


PEERS = {
    "fidelity.forest": Peer("fidelity.forest", run_fidelity),
    "fidelity.forest, estimator": Peer("fidelity.forest", run_estimator),
    "scikit-learn": Peer("sklearn.ensemble", run_scikit_learn),
    "sklearnex": Peer("sklearnex.ensemble", run_sklearnex),
    "YDF": Peer("ydf", run_ydf),
}


class CountingSink(io.RawIOBase):
    """A file that keeps nothing but the number of bytes written to it."""

    written = 0

    def writable(self):
        return True

    def write(self, data):
        self.written += memoryview(data).nbytes
        return memoryview(data).nbytes


def measure_apart(peer, data):
    """Measure in a process of its own, so that peak memory is the peer's alone.

    Returns None for one that the system killed, as it does when memory runs out.
    """
    done = subprocess.run(
        [sys.executable, __file__, "--measure", peer, data],
        env={**os.environ, **ONE_CORE},
        capture_output=True,
        text=True,
    )
    if done.returncode == -signal.SIGKILL:
        return None
    if done.returncode:
        raise SystemExit(f"{peer} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def imports_alone():
    """Return the peak memory of a process that only imports fidelity.forest."""
    code = "import fidelity.forest, memory; print(memory.peak_memory())"
    folder = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, check=True)
    return int(done.stdout)


def medians(runs):
    figures = {
        name: statistics.median(run[name] for run in runs) for name in runs[0] if name != "trees"
    }
    return {**figures, "trees": runs[0]["trees"]}


def compare(folder, sessions, songs, timing, repeats):
    """Measure all peers that are installed in turns; return the median figures of each.

    Those other than the two sides that are compared are measured once, for context.
    """
    data = write_data(folder, sessions, songs, timing)
    peers = [name for name, peer in PEERS.items() if is_installed(peer.module)]
    runs = {peer: [] for peer in peers}
    for turn in range(repeats):
        for peer in peers if turn == 0 else SIDES:
            runs[peer].append(measure_apart(peer, data))
    return {peer: None if None in of_peer else medians(of_peer) for peer, of_peer in runs.items()}


def is_installed(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def write_data(folder, sessions, songs, timing):
    path = Path(folder) / f"{sessions}-{songs}-{timing}.npz"
    X, y = generate_transitions(sessions, songs, timing)
    np.savez(path, X=X, y=y)
    return str(path)


def print_comparison(timing, sessions, figures):
    rows = sessions * 19
    print(f"\n### {rows:,} rows, 229 songs, {timing} timing\n")
    print("| | fit | predict | peak memory | on disk | same trees |")
    print("|---|---|---|---|---|---|")
    ours = figures["fidelity.forest"]
    for peer, of_peer in figures.items():
        if of_peer is None:
            print(f"| {peer} | killed: out of memory | | | | |")
            continue
        same = sum(a == b for a, b in zip(ours["trees"], of_peer["trees"], strict=False))
        print(
            f"| {peer} | {of_peer['fit']:.2f} s | {of_peer['predict']:.2f} s "
            f"| {of_peer['peak'] / 1e6:,.0f} MB | {of_peer['size'] / 1e6:,.1f} MB "
            f"| {f'{same} of {TREES}' if peer in SAME_TREES else '-'} |"
        )
    dense = figures["scikit-learn"]
    ratios = {name: dense[name] / ours[name] for name in ("fit", "predict", "peak", "size")}
    print(
        f"| **scikit-learn / fidelity.forest** | **{ratios['fit']:.1f}** "
        f"| **{ratios['predict']:.1f}** | **{ratios['peak']:.1f}** | **{ratios['size']:.0f}** | |"
    )


def print_growth(folder, repeats):
    print("\n### Growth of fidelity.forest, coarse timing\n")
    print("| rows | songs | fit | fit / (n log n) | predict | peak memory | on disk |")
    print("|---|---|---|---|---|---|---|")
    base = None
    for sessions, songs in [
        (11_156, 229),
        (11_156, 1_000),
        (11_156, 5_000),
        (111_560, 229),
        (111_560, 5_000),
    ]:
        data = write_data(folder, sessions, songs, "coarse")
        figures = medians([measure_apart("fidelity.forest", data) for _ in range(repeats)])
        rows = sessions * 19
        cost = figures["fit"] / (rows * math.log(rows))
        base = base or cost
        print(
            f"| {rows:,} | {songs:,} | {figures['fit']:.2f} s | {cost / base:.2f} "
            f"| {figures['predict']:.2f} s | {figures['peak'] / 1e6:,.0f} MB "
            f"| {figures['size'] / 1e6:,.1f} MB |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure", nargs=2, metavar=("PEER", "DATA"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    print(
        f"{platform.machine()}, Python {platform.python_version()}, one core, synthetic transitions"
    )
    with tempfile.TemporaryDirectory() as folder:
        for timing in ("coarse", "fine"):
            for sessions in PAPER_SESSIONS:
                figures = compare(folder, sessions, 229, timing, arguments.repeats)
                print_comparison(timing, sessions, figures)
        print_growth(folder, arguments.repeats)
    print(f"\nImports alone: {imports_alone() / 1e6:,.0f} MB of memory for fidelity.forest.")


if __name__ == "__main__":
    main()

"""Measure fidelity.information against its peers: `python benchmarks/information.py`, a minute.

211,964 generated transitions of 11,156 users, dealt to two holders of which none has a user of
the other. Ours, infomeasure and dit, as far as they are installed, take turns in one process on
one core, from the cell of each observation: the plug-in estimate of MI(H; O), the same with
users dealt anew, and corrected entropies. The peers have no test that deals users, so each of
their deals is a call for the estimate. dit's own divergence of two distributions takes minutes for
this many cells, so its entropies of arrays are used. Printed are medians over `--repeats` turns
(of the peers' deals one turn), how far the values are apart (for users dealt anew by chance, as
each draws its own deals), and what the whole set of estimators costs, intervals included.
"""

import argparse
import importlib.util
import os
import platform
import statistics
import time

# Before numpy and the peers are imported.
os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}

import numpy as np

from fidelity.information import (
    count_cells,
    estimate_all,
    make_holders,
    number_cells,
    plug_in,
    tally_users,
)
from fidelity.information.entropies import chao_shen, maximum_likelihood, miller_madow
from fidelity.information.permutation import permutation_null
from transitions import TRANSITIONS_PER_SESSION, generate_transitions

SESSIONS, SONGS = 11_156, 229
PERMUTATIONS = 200
ENTROPIES = {
    "discrete": maximum_likelihood,
    "miller_madow": miller_madow,
    "chao_shen": chao_shen,
}
PEERS = ("infomeasure", "dit")


def generate_holders():
    """Return the user and the cell of each observation, and which users are the first's."""
    X, next_song = generate_transitions(SESSIONS, SONGS)
    user = np.repeat(np.arange(SESSIONS), TRANSITIONS_PER_SESSION)
    return user, number_cells([X[:, 0], next_song]), np.arange(SESSIONS) < SESSIONS // 2


def measure(repeats, run):
    """Return (median seconds, what was returned last); the first call, which warms up, apart."""
    run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        found = run()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), found


def our_value(user, cell, is_first):
    own = is_first[user]
    return plug_in(*count_cells(cell[own], cell[~own])).value


def our_null(user, cell, is_first):
    holders = make_holders(tally_users(user, cell), is_first, ~is_first)
    return permutation_null(holders, np.random.default_rng(0), PERMUTATIONS).mean


def value_of_infomeasure(user, cell, is_first):
    from infomeasure import jensen_shannon_divergence

    own = is_first[user]
    return jensen_shannon_divergence(cell[own], cell[~own], approach="discrete", base=2)


def value_of_dit(user, cell, is_first):
    from dit.shannon import entropy_pmf

    own = is_first[user]
    counts = np.stack(count_cells(cell[own], cell[~own]))
    p = counts / counts.sum(axis=1, keepdims=True)
    return entropy_pmf(p.mean(axis=0)) - entropy_pmf(p).mean()


VALUES = {"infomeasure": value_of_infomeasure, "dit": value_of_dit}


def their_null(value, user, cell, is_first):
    rng = np.random.default_rng(0)
    return np.mean([value(user, cell, rng.permutation(is_first)) for _ in range(PERMUTATIONS)])


def compare_plug_in(peer, repeats, data):
    """Return rows of the table: what, our seconds, theirs, how far the values are apart."""
    ours, our_bits = measure(repeats, lambda: our_value(*data))
    theirs, their_bits = measure(repeats, lambda: VALUES[peer](*data))
    yield "plug-in", ours, theirs, abs(our_bits - their_bits)
    ours, our_bits = measure(repeats, lambda: our_null(*data))
    start = time.perf_counter()
    their_bits = their_null(VALUES[peer], *data)
    theirs = time.perf_counter() - start
    yield f"{PERMUTATIONS} permutations", ours, theirs, abs(our_bits - their_bits)


def compare_entropies(repeats, cell):
    from infomeasure import entropy

    for approach, estimate in ENTROPIES.items():
        ours, our_nats = measure(repeats, lambda own=estimate: own(np.bincount(cell)))
        theirs, their_nats = measure(repeats, lambda name=approach: entropy(cell, approach=name))
        yield f"entropy, {approach}", ours, theirs, abs(our_nats - their_nats)


def print_rows(peer, rows):
    print(f"\n| | fidelity.information | {peer} | ratio | apart |")
    print("|---|---|---|---|---|")
    for name, ours, theirs, apart in rows:
        print(
            f"| {name} | {ours * 1e3:,.1f} ms | {theirs * 1e3:,.1f} ms "
            f"| **{theirs / ours:,.1f}** | {apart:.0e} |"
        )


def print_estimators(repeats, user, cell, is_first):
    holders = make_holders(tally_users(user, cell), is_first, ~is_first)
    seconds, _ = measure(
        repeats, lambda: estimate_all(holders, PERMUTATIONS, lambda _: np.random.default_rng(0))
    )
    print(f"\nAll estimates, with intervals and {PERMUTATIONS} permutations: {seconds:.2f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    data = user, cell, _ = generate_holders()
    print(f"{platform.machine()}, Python {platform.python_version()}, one core")
    print(f"{len(user):,} observations, {SESSIONS:,} users, {cell.max() + 1:,} cells")
    for peer in PEERS:
        if importlib.util.find_spec(peer) is None:
            print(f"\n{peer} is not installed")
            continue
        rows = list(compare_plug_in(peer, repeats, data))
        if peer == "infomeasure":
            rows += compare_entropies(repeats, cell)
        print_rows(peer, rows)
    print_estimators(repeats, *data)


if __name__ == "__main__":
    main()

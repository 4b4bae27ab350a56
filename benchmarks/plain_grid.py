"""The default grid as a careful user would script it with scikit-learn and joblib.

    python benchmarks/plain_grid.py sessions/transitions.parquet tables/

Deals, seeds and metrics are those of the workflow, so that both make the same numbers. Equal
rows are asked about once; grid points run in parallel processes, the largest first.
"""

import argparse
import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from joblib import Parallel, delayed
from scipy.spatial.distance import jensenshannon
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import LeaveOneGroupOut

from fidelity.emulation import (
    GridPoint,
    deal_users,
    first_users,
    fraction_text,
    largest_shared_size,
    resolve_sizes,
)
from fidelity.seeding import generator, random_state

CONFIG = yaml.safe_load((Path(__file__).parents[1] / "config/config.yaml").read_text())
SEED, REPEATS = CONFIG["seed"], CONFIG["grid"]["repeats"]
FRACTIONS = [fraction_text(fraction) for fraction in CONFIG["grid"]["common_fraction"]]
SIZES = [str(size) for size in CONFIG["grid"]["target_size"]]
FEATURES, CELLS = CONFIG["features"], CONFIG["information"]["cells"]
TREES = CONFIG["recommender"]["n_estimators"]


def compare(transitions, users, c, a, t, repeat):
    """Return the rows of (leakage, information, accuracy) of one repeat at a grid point."""
    deal = deal_users(users, c, generator(SEED, "emulation", repeat, c))
    adversary = first_users(users, deal.adversary_rank, a)
    target = first_users(users, deal.target_rank, t)
    own = transitions[transitions["user"].isin(target)]
    asked = transitions[transitions["user"].isin(adversary)]
    state = random_state(SEED, "train", repeat, c, t)
    forest = RandomForestClassifier(TREES, random_state=state).fit(own[FEATURES], own["next_song"])
    match = predict(forest, asked) == asked["next_song"].to_numpy()
    member = asked["user"].isin(target).to_numpy()
    leakage = {
        "common_fraction": c,
        "target_size": t,
        "repeat": repeat,
        "tp": np.mean(match & member),
        "fp": np.mean(match & ~member),
        "tn": np.mean(~match & ~member),
        "fn": np.mean(~match & member),
        "tpr": match[member].mean() if member.any() else None,
        "fpr": match[~member].mean() if not member.all() else None,
    }
    n_cells = transitions["cell"].max() + 1
    counts = [np.bincount(part["cell"], minlength=n_cells) for part in (asked, own)]
    bits = jensenshannon(*counts, 2) ** 2
    information = {"common_fraction": c, "target_size": t, "repeat": repeat, "value": bits}
    return [leakage], [information], []


def validate(transitions, users, c, t):
    """Return the rows of (leakage, information, accuracy) of a cross-validation."""
    deal = deal_users(users, c, generator(SEED, "emulation", 0, c))
    own = transitions[transitions["user"].isin(first_users(users, deal.target_rank, t))]
    state = partial(random_state, SEED, "accuracy", c, t)
    place = np.random.default_rng(state("folds")).permutation(t)
    fold = place[own["user"].rank(method="dense").astype(int) - 1] % min(10, t)
    rows = []
    for i, (trained, held_out) in enumerate(LeaveOneGroupOut().split(own, groups=fold)):
        forest = RandomForestClassifier(TREES, random_state=state(i))
        forest.fit(own[FEATURES].iloc[trained], own["next_song"].iloc[trained])
        accuracies = [
            np.mean(predict(forest, part) == part["next_song"].to_numpy())
            for part in (own.iloc[held_out], own.iloc[trained])
        ]
        row = (c, t, i, *accuracies)
        names = ["common_fraction", "target_size", "fold", "accuracy", "accuracy_in_sample"]
        rows.append(dict(zip(names, row, strict=True)))
    return [], [], rows


def predict(forest, rows):
    """Return the forest's answer to each row; equal rows are asked about once."""
    number = rows.groupby(FEATURES).ngroup()
    distinct = rows[FEATURES].groupby(number).first()
    return forest.predict(distinct)[number]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("transitions", type=Path)
    parser.add_argument("tables", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    transitions = pd.read_parquet(arguments.transitions)
    transitions["cell"] = transitions.groupby(CELLS).ngroup()
    users = transitions["user"].unique()
    shared = largest_shared_size(
        [int(t) for t in SIZES if t != "max"], min(FRACTIONS, key=float), len(users)
    )
    jobs = []
    for c, size in itertools.product(FRACTIONS, SIZES):
        point = GridPoint(c, size, CONFIG["adversary_size"], "max" in SIZES)
        sizes = resolve_sizes(point, len(users))
        if sizes is None:
            continue
        a, t = sizes
        jobs += [(t, compare, (c, a, t, repeat)) for repeat in range(REPEATS)]
        if c == max(FRACTIONS, key=float) or t == shared:
            jobs.append((10 * t, validate, (c, t)))
    jobs.sort(key=lambda job: job[0], reverse=True)
    results = Parallel(n_jobs=arguments.cores)(
        delayed(function)(transitions, users, *values) for _, function, values in jobs
    )
    arguments.tables.mkdir(parents=True, exist_ok=True)
    for name, parts in zip(
        ("leakage", "information", "accuracy"), zip(*results, strict=True), strict=True
    ):
        pd.DataFrame(list(itertools.chain(*parts))).to_csv(
            arguments.tables / f"{name}.csv", index=False
        )


if __name__ == "__main__":
    main()

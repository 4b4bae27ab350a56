"""Estimate what an observation tells about its holder."""

import numpy as np

from fidelity.emulation import GridPoint, make_databases, rows_of
from fidelity.information import ESTIMATORS, make_holders, number_cells, tally_users
from fidelity.logs import log, logged
from fidelity.seeding import generator
from fidelity.tables import read_columns, write_rows

NAMES = [
    "repeat",
    "estimator",
    "cells",
    "value",
    "ci_low",
    "ci_high",
    "null_mean",
    "null_95",
    "p_value",
    "n_adversary",
    "n_target",
]


def estimate_information(transitions, deals, information, *, point, cells, seed):
    observations = read_columns(transitions, list(dict.fromkeys(["user", *cells])))
    cell = number_cells([observations[name] for name in cells])
    tally = tally_users(observations["user"], cell)
    users = np.arange(observations["user"].max() + 1)
    rows = []
    for repeat, adversary, target in make_databases(read_columns(deals), point):
        holders = make_holders(tally, rows_of(adversary, users), rows_of(target, users))
        for name, estimate in ESTIMATORS.items():
            key = (name, repeat, point.common_fraction, len(adversary), len(target))
            found = estimate(holders, rng=generator(seed, "information", *key))
            labels = {"repeat": repeat, "estimator": name, "cells": " ".join(cells)}
            rows.append(labels | found._asdict())
            log.info("repeat %d, %s: %s bits", repeat, name, found.value)
    write_rows(information, NAMES, rows)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        estimate_information(
            snakemake.input.transitions,
            snakemake.input.deals,
            snakemake.output.information,
            point=GridPoint(**snakemake.params.point),
            cells=snakemake.params.cells,
            seed=snakemake.params.seed,
        )

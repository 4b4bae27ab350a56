"""Estimate what an observation tells about its holder."""

from fidelity.emulation import GridPoint, make_databases, rows_of
from fidelity.information import ESTIMATORS, count_cells, number_cells
from fidelity.logs import log, logged
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


def estimate_information(transitions, deals, information, *, point, cells):
    observations = read_columns(transitions, list(dict.fromkeys(["user", *cells])))
    cell = number_cells([observations[name] for name in cells])
    rows = []
    for repeat, adversary, target in make_databases(read_columns(deals), point):
        counts = count_cells(
            cell[rows_of(adversary, observations["user"])],
            cell[rows_of(target, observations["user"])],
        )
        for name, estimate in ESTIMATORS.items():
            found = estimate(*counts)
            labels = {"repeat": repeat, "estimator": name, "cells": " ".join(cells)}
            rows.append(labels | found._asdict())
            log.info("repeat %d, %s: %.6f bits", repeat, name, found.value)
    write_rows(information, NAMES, rows)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        estimate_information(
            snakemake.input.transitions,
            snakemake.input.deals,
            snakemake.output.information,
            point=GridPoint(**snakemake.params.point),
            cells=snakemake.params.cells,
        )

"""Estimate what an observation tells about its holder: the plug-in estimate alone."""

from fidelity.emulation import GridPoint, make_databases, rows_of
from fidelity.information import count_cells, number_cells, plug_in
from fidelity.information.report import HOLDER, PLUG_IN, TABLES
from fidelity.logs import logged
from fidelity.tables import read_columns, write_rows


def estimate_plug_in(transitions, deals, output, *, point, cells):
    observations = read_columns(transitions, ["user", *cells])
    user = observations.pop("user")
    cell = number_cells(list(observations.values()))
    labels = {"secret": HOLDER, "cells": " ".join(cells), "estimator": PLUG_IN}
    rows = []
    for repeat, *sides in make_databases(read_columns(deals), point):
        found = plug_in(*count_cells(*(cell[rows_of(side, user)] for side in sides)))
        rows.append({"repeat": repeat} | labels | found._asdict())
    write_rows(output, ["repeat", *TABLES["information"]], rows)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        estimate_plug_in(
            snakemake.input.transitions,
            snakemake.input.deals,
            snakemake.output[0],
            point=GridPoint(*snakemake.params.point),
            cells=snakemake.params.cells,
        )

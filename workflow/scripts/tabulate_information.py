"""Join what is told of information at all grid points; make the table of figure 4."""

from pathlib import Path

import numpy as np

from fidelity.emulation import GridPoint, resolve_sizes
from fidelity.information.report import HOLDER, PLUG_IN, TABLES, main_channel
from fidelity.logs import log, logged
from fidelity.summary import join_points, mean_with_interval, read_table
from fidelity.tables import read_columns, write_table


def tabulate_information(points, transitions, information, folders, outputs):
    n_users = len(np.unique(read_columns(transitions, ["user"])["user"]))
    files = {name: [Path(folder, f"{name}.csv") for folder in folders] for name in TABLES}
    files["information"] = information
    for name in TABLES:
        joined = join_tables(points, files[name], n_users)
        write_table(outputs[name], joined)
        log.info("%s: %d rows", name, len(joined))
        if name == "information":
            holder = main_channel(joined, HOLDER)
            plug_in = holder[holder["estimator"] == PLUG_IN]
            write_table(outputs["figure4"], mean_with_interval(plug_in, "value"))


def join_tables(points, files, n_users):
    """Return the tables of grid points as one, with their fractions and sizes."""
    tables = []
    for point, file in zip(points, files, strict=True):
        table = read_table(file)
        if len(table):
            table.insert(0, "common_fraction", point.common_fraction)
            table.insert(1, "target_size", resolve_sizes(point, n_users)[1])
        tables.append(table)
    return join_points(tables)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        tabulate_information(
            [GridPoint(*point) for point in snakemake.params.points],
            snakemake.input.transitions,
            snakemake.input.information,
            snakemake.input.others,
            dict(snakemake.output.items()),
        )

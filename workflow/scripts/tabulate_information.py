"""Join the information of all grid points; make the table of figure 4."""

import numpy as np

from fidelity.emulation import GridPoint, resolve_sizes
from fidelity.logs import log, logged
from fidelity.summary import join_points, mean_with_interval, read_table
from fidelity.tables import read_columns, write_table


def tabulate_information(points, files, transitions, information, figure4):
    n_users = len(np.unique(read_columns(transitions, ["user"])["user"]))
    tables = []
    for point, file in zip(points, files, strict=True):
        table = read_table(file)
        if len(table):
            table.insert(0, "common_fraction", point.common_fraction)
            table.insert(1, "target_size", resolve_sizes(point, n_users)[1])
        tables.append(table)
    joined = join_points(tables)
    write_table(information, joined)
    plug_in = joined[joined["estimator"] == "plug-in"]
    write_table(figure4, mean_with_interval(plug_in, "value"))
    log.info("%d rows", len(joined))


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        tabulate_information(
            [GridPoint(**point) for point in snakemake.params.points],
            snakemake.input.information,
            snakemake.input.transitions,
            *snakemake.output,
        )

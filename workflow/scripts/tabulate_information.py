"""Join what is told of information at all grid points; make the table of figure 4."""

import numpy as np

from fidelity.emulation import GridPoint, resolve_sizes
from fidelity.information.report import HOLDER, PLUG_IN, TABLES, main_channel
from fidelity.logs import log, logged
from fidelity.summary import join_points, mean_with_interval, read_table, read_zip
from fidelity.tables import read_columns, write_table


def tabulate_information(points, transitions, information, others, outputs):
    n_users = len(np.unique(read_columns(transitions, ["user"])["user"]))
    for name in [name for name in TABLES if name in outputs]:
        if name == "information":
            tables = [read_table(path) for path in information]
        else:
            tables = [read_zip(path, name) for path in others]
        joined = join_tables(points, tables, n_users)
        write_table(outputs[name], joined)
        log.info("%s: %d rows", name, len(joined))
        if name == "information":
            holder = main_channel(joined, HOLDER)
            plug_in = holder[holder["estimator"] == PLUG_IN]
            write_table(outputs["figure4"], mean_with_interval(plug_in, "value"))


def join_tables(points, tables, n_users):
    """Return the tables of grid points as one, with their fractions and sizes."""
    for point, table in zip(points, tables, strict=True):
        if len(table):
            table.insert(0, "common_fraction", point.common_fraction)
            table.insert(1, "target_size", resolve_sizes(point, n_users)[1])
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

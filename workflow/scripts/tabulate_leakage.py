"""Join the leakage of all grid points; make the tables of figures 2 and 3."""

from fidelity.logs import log, logged
from fidelity.summary import join_points, mean_with_interval, read_table
from fidelity.tables import write_table


def tabulate_leakage(points, leakage, figure2, figure3):
    table = join_points(map(read_table, points))
    write_table(leakage, table)
    write_table(figure2, mean_with_interval(table, "tp"))
    write_table(figure3, mean_with_interval(table, "fp"))
    log.info("%d rows", len(table))


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        tabulate_leakage(snakemake.input.leakage, *snakemake.output)

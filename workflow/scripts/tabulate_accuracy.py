"""Join the accuracies, on held-out users and in the sample."""

from fidelity.logs import log, logged
from fidelity.summary import POINT, join_points, read_table
from fidelity.tables import write_table


def tabulate_accuracy(points, accuracy, in_sample):
    table = join_points(map(read_table, points))
    keys = table[[*POINT, "fold"]]
    write_table(accuracy, keys.assign(accuracy=table["accuracy"]))
    write_table(in_sample, keys.assign(accuracy=table["accuracy_in_sample"]))
    log.info("%d rows", len(table))


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        tabulate_accuracy(snakemake.input.accuracy, *snakemake.output)

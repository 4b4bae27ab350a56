"""Join the accuracies, on held-out users and in the sample."""

from fidelity.logs import log, logged
from fidelity.summary import POINT, join_points, read_table
from fidelity.tables import write_table


def tabulate_accuracy(points, accuracy, in_sample):
    table = join_points(map(read_table, points))
    write_table(accuracy, table[[*POINT, "fold", "accuracy"]])
    table["accuracy"] = table["accuracy_in_sample"]
    write_table(in_sample, table[[*POINT, "fold", "accuracy"]])
    log.info("%d rows", len(table))


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        tabulate_accuracy(snakemake.input.accuracy, *snakemake.output)

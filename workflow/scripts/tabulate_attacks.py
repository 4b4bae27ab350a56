"""Join what was found of attacks on users at all grid points."""

from fidelity.logs import log, logged
from fidelity.summary import join_points, read_table
from fidelity.tables import write_table


def tabulate_attacks(inputs, outputs):
    for name, files in inputs.items():
        tables = [read_table(file) for file in files]
        # Where no point has two groups of users, there is nothing to tell.
        table = join_points(tables) if any(map(len, tables)) else tables[0]
        write_table(outputs[name], table)
        log.info("%s: %d rows", name, len(table))


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        tabulate_attacks(dict(snakemake.input.items()), dict(snakemake.output.items()))

"""Join what was found of attacks on users at all grid points."""

from fidelity.logs import log, logged
from fidelity.summary import join_points, read_zip
from fidelity.tables import write_table


def tabulate_attacks(attacks, outputs):
    for name, joined in outputs.items():
        tables = [read_zip(path, name) for path in attacks]
        # Where no point has two groups of users, there is nothing to tell.
        table = join_points(tables) if any(map(len, tables)) else tables[0]
        write_table(joined, table)
        log.info("%s: %d rows", name, len(table))


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        tabulate_attacks(snakemake.input.attacks, dict(snakemake.output.items()))

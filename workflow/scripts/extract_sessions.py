"""Keep the sessions of one raw file that pass the filters."""

from fidelity.crowdai import Filters, extract_sessions
from fidelity.crowdai_columns import TIMING
from fidelity.logs import log, logged
from fidelity.tables import write_table


def extract(raw, table, funnel, *, filters):
    # All timing columns, so that other features and cells never read the logs anew.
    counts = extract_sessions(raw, table, Filters(**filters), TIMING)
    write_table(funnel, counts)
    log.info("%s:\n%s", raw, counts.to_string(index=False))


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        extract(
            snakemake.input.raw,
            snakemake.output.table,
            snakemake.output.funnel,
            filters=snakemake.params.filters,
        )

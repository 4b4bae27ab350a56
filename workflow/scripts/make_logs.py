"""Make one file of the synthetic stand-in."""

from fidelity.logs import log, logged
from fidelity.synthetic import write_logs


def make_logs(raw, *, shard, sessions, seed):
    write_logs(raw, shard, sessions, seed)
    log.info("%s: %d sessions of the synthetic stand-in", raw, sessions)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        make_logs(
            snakemake.output.raw,
            shard=snakemake.params.shard,
            sessions=snakemake.params.sessions,
            seed=snakemake.params.seed,
        )

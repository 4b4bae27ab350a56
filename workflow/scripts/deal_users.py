"""Deal the users to the adversary and the target, anew in each repeat."""

import numpy as np

from fidelity import emulation
from fidelity.logs import log, logged
from fidelity.seeding import generator
from fidelity.tables import read_columns, write_columns


def deal_users(transitions, deals, *, common_fraction, repeats, seed):
    users = np.unique(read_columns(transitions, ["user"])["user"])
    columns = {"repeat": np.repeat(np.arange(repeats, dtype=np.int32), len(users))}
    dealt = [
        emulation.deal_users(
            users, common_fraction, generator(seed, "emulation", repeat, common_fraction)
        )
        for repeat in range(repeats)
    ]
    for name, arrays in zip(emulation.Deal._fields, zip(*dealt, strict=True), strict=True):
        columns[name] = np.concatenate(arrays)
    write_columns(deals, columns, dict.fromkeys(columns, "int32"))
    size = emulation.full_size(len(users), common_fraction)
    log.info("%d users, %d at each provider, %d deals", len(users), size, repeats)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        deal_users(
            snakemake.input.transitions,
            snakemake.output.deals,
            common_fraction=snakemake.params.common_fraction,
            repeats=snakemake.params.repeats,
            seed=snakemake.params.seed,
        )

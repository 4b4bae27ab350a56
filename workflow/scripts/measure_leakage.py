"""Compare what the target's model answered with what the adversary's users played next."""

import numpy as np

from fidelity.attack import Leakage, measure_leakage
from fidelity.emulation import GridPoint, make_databases, rows_of
from fidelity.logs import log, logged
from fidelity.tables import read_columns, read_groups, write_rows

NAMES = [
    "common_fraction",
    "target_size",
    "adversary_size",
    "common_users",
    "target_sessions",
    "target_observations",
    "repeat",
    *Leakage._fields,
]


def measure(transitions, deals, responses, leakage, *, point):
    observations = read_columns(transitions, ["user", "session"])
    rows = []
    for repeat, adversary, target in make_databases(read_columns(deals), point):
        (answers,) = read_groups(responses, "repeat", repeat, ["user", "next_song", "top1"])
        match = answers["top1"] == answers["next_song"]
        of_target = rows_of(target, observations["user"])
        rows.append(
            {
                "common_fraction": point.common_fraction,
                "target_size": len(target),
                "adversary_size": len(adversary),
                "common_users": len(np.intersect1d(adversary, target)),
                "target_sessions": len(np.unique(observations["session"][of_target])),
                "target_observations": np.count_nonzero(of_target),
                "repeat": repeat,
                **measure_leakage(match, rows_of(target, answers["user"]))._asdict(),
            }
        )
        log.info("%s", rows[-1])
    write_rows(leakage, NAMES, rows)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        measure(
            snakemake.input.transitions,
            snakemake.input.deals,
            snakemake.input.responses,
            snakemake.output.leakage,
            point=GridPoint(*snakemake.params.point),
        )

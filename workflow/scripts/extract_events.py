"""Make sessions of an event log, with codes in the place of user ids."""

import numpy as np
import pandas as pd

from fidelity import event_settings
from fidelity.event_files import read_plays
from fidelity.events import make_sessions
from fidelity.logs import log, logged
from fidelity.seeding import generator
from fidelity.tables import write_arrow, write_table


def extract(files, table, funnel, users, *, source, seed):
    plays, counts = read_plays(files, event_settings.layout(source))
    rng = generator(seed, "events", "users")
    listenings, user_ids, duplicates = make_sessions(plays, event_settings.clock(source), rng)
    counts["duplicate"] = duplicates
    write_arrow(table, listenings)
    write_table(funnel, pd.DataFrame({"filter": counts.keys(), "listenings": counts.values()}))
    if users is not None:
        code = np.arange(len(user_ids), dtype=np.int32)
        write_table(users, pd.DataFrame({"user": code, "user_id": user_ids}))
    log.info("%d rows read, %d lack a value, %d are duplicates", *counts.values())
    sessions = len(np.unique(listenings["session"]))
    log.info("%d users, %d sessions", len(user_ids), sessions)
    if len(plays):
        times = plays["time"].to_numpy().astype("datetime64[us]")
        log.info("from %s to %s UTC; if that is wrong, mend time_unit", times.min(), times.max())


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        extract(
            snakemake.input.files,
            snakemake.output.table,
            snakemake.output.funnel,
            snakemake.output.get("users"),
            source=snakemake.params.source,
            seed=snakemake.params.seed,
        )

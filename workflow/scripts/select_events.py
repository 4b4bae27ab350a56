"""Reduce the items of an event log, cut runs of listenings, make the observations."""

import pandas as pd

from fidelity.event_selection import REDUCTIONS
from fidelity.logs import log, logged
from fidelity.tables import write_arrow, write_table
from fidelity.transitions import make_transitions, read_shards


def select_events(table, funnel, outputs, *, shard, songs, min_songs, length, windows, reduce):
    listenings = read_shards([table])
    selection, dropped = REDUCTIONS[reduce](listenings, songs, min_songs, length, windows)
    transitions = make_transitions(selection.listenings)
    rows = [(name, None, count) for name, count in pd.read_csv(funnel).to_numpy().tolist()]
    rows += [(name, *counts) for name, counts in dropped.items()]
    filters = pd.DataFrame(rows, columns=["filter", "sessions", "listenings"])
    filters = filters.astype({"sessions": "Int64"})
    filters.insert(0, "shard", shard)
    log.info("%d songs, %d transitions", len(selection.songs), len(transitions))
    log.info("%s", filters.to_string(index=False))
    write_table(outputs["funnel"], filters)
    write_table(outputs["curve"], selection.curve)
    write_table(outputs["songs"], selection.songs)
    write_arrow(outputs["transitions"], transitions)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        select_events(
            snakemake.input.table,
            snakemake.input.funnel,
            snakemake.output,
            shard=snakemake.params.shard,
            songs=snakemake.params.songs,
            min_songs=snakemake.params.min_songs,
            length=snakemake.params.length,
            windows=snakemake.params.windows,
            reduce=snakemake.params.reduce,
        )

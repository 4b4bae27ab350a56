"""Join the session tables, reduce the songs, make the observations."""

import pandas as pd

from fidelity.crowdai import require_distinct, require_sessions
from fidelity.logs import log, logged
from fidelity.tables import write_arrow, write_table
from fidelity.transitions import make_transitions, read_shards
from fidelity.transitions import select_songs as select


def select_songs(tables, funnels, outputs, *, shards, songs, min_songs):
    funnel = pd.concat(
        [pd.read_csv(path).assign(shard=shard) for shard, path in zip(shards, funnels, strict=True)]
    )[["shard", "filter", "sessions", "listenings"]]
    require_sessions(funnel)
    require_distinct(dict(zip(shards, tables, strict=True)))
    selection = select(read_shards(tables), songs, min_songs)
    transitions = make_transitions(selection.listenings)
    log.info("%d songs, %d transitions", len(selection.songs), len(transitions))
    write_table(outputs["funnel"], funnel)
    write_table(outputs["curve"], selection.curve)
    write_table(outputs["songs"], selection.songs)
    write_arrow(outputs["transitions"], transitions)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        select_songs(
            snakemake.input.tables,
            snakemake.input.funnels,
            snakemake.output,
            shards=snakemake.params.shards,
            songs=snakemake.params.songs,
            min_songs=snakemake.params.min_songs,
        )

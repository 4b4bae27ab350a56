"""Ask the target's models about each transition of the adversary's users."""

import numpy as np

from fidelity.emulation import GridPoint, make_databases, rows_of
from fidelity.features import distinct_transitions, read_transitions, take_transitions
from fidelity.logs import log, logged
from fidelity.recommender import load_models, query_distinct
from fidelity.tables import read_columns, write_groups

TYPES = {
    "repeat": "int32",
    "user": "int32",
    "song": "int32",
    "next_song": "int32",
    "top1": "int32",
    "p_next": "float64",
    "rank_next": "int32",
}


def query_models(transitions, deals, models, responses, *, point, features, recommender):
    distinct = distinct_transitions(*read_transitions(transitions, features)[:2])
    observations = read_columns(transitions, ["user", "song", "next_song"])
    databases = make_databases(read_columns(deals), point)
    trained = load_models(models, recommender)

    def query(repeat, rows):
        # Not named, so that the model is gone once it has answered.
        answers = query_distinct(next(trained), take_transitions(distinct, rows))
        part = {name: values[rows] for name, values in observations.items()}
        part["repeat"] = np.full(len(part["user"]), repeat, dtype=np.int32)
        part["top1"], part["p_next"], part["rank_next"] = answers
        return part

    def query_each():
        for repeat, adversary, _ in databases:
            rows = rows_of(adversary, observations["user"])
            log.info("repeat %d: %d transitions of %d users", repeat, rows.sum(), len(adversary))
            yield query(repeat, rows)

    write_groups(responses, query_each(), TYPES)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        query_models(
            snakemake.input.transitions,
            snakemake.input.deals,
            snakemake.input.models,
            snakemake.output.responses,
            point=GridPoint(*snakemake.params.point),
            features=snakemake.params.features,
            recommender=snakemake.params.recommender,
        )

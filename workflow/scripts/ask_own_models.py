"""Ask the adversary's own models about each of its transitions, none about users it knows."""

from functools import partial

import numpy as np

from fidelity.emulation import GridPoint, make_databases, rows_of
from fidelity.features import read_transitions
from fidelity.folds import deal_folds
from fidelity.logs import log, logged
from fidelity.recommender import ask_own_models
from fidelity.responses import to_columns
from fidelity.seeding import generator, random_state
from fidelity.tables import read_columns, write_groups

TYPES = {
    "repeat": "int32",
    "user": "int32",
    "match": "uint8",
    "p_next": "float64",
    "rank_next": "int32",
}


def ask(transitions, deals, responses, *, point, features, recommender, folds, seed):
    X, y, listener = read_transitions(transitions, features)

    def ask_each():
        for repeat, adversary, _ in make_databases(read_columns(deals), point):
            if len(adversary) < 2:
                log.info("repeat %d: one user cannot be held out", repeat)
                continue
            rows = rows_of(adversary, listener)
            users, user = np.unique(listener[rows], return_inverse=True)
            key = (seed, "own", repeat, point.common_fraction, len(adversary))
            fold_of = deal_folds(len(users), folds, generator(*key, "folds"))[user]
            answers = ask_own_models(
                recommender, X[rows], y[rows], fold_of, partial(random_state, *key)
            )
            log.info("repeat %d: accuracy %.3f", repeat, answers.match.mean())
            yield {
                "repeat": np.full(len(user), repeat),
                "user": users[user],
                **to_columns(answers),
            }

    write_groups(responses, ask_each(), TYPES)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        ask(
            snakemake.input.transitions,
            snakemake.input.deals,
            snakemake.output.responses,
            point=GridPoint(*snakemake.params.point),
            features=snakemake.params.features,
            recommender=snakemake.params.recommender,
            folds=snakemake.params.folds,
            seed=snakemake.params.seed,
        )

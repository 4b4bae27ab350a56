"""Measure the accuracy of the recommender on users that it does not know."""

from functools import partial
from itertools import islice

import numpy as np

from fidelity import recommender as recommenders
from fidelity.emulation import GridPoint, largest_shared_size, make_databases, rows_of
from fidelity.features import read_transitions
from fidelity.logs import log, logged
from fidelity.seeding import random_state
from fidelity.tables import read_columns, write_rows

NAMES = ["common_fraction", "target_size", "fold", "accuracy", "accuracy_in_sample"]


def cross_validate(transitions, deals, accuracy, *, point, shared, features, recommender, seed):
    dealt = read_columns(deals)
    if shared is not None:
        n_users = len(np.unique(dealt["user"]))
        size = largest_shared_size(**shared, n_users=n_users)
        point = point._replace(target_size=str(size), max_in_grid=False)
    rows = []
    for _, _, target in islice(make_databases(dealt, point), 1):
        if len(target) < 2:
            log.info("no rows: one user cannot be held out")
            break
        seed_of = partial(random_state, seed, "accuracy", point.common_fraction, len(target))
        X, y, user = read_transitions(transitions, features)
        chosen = rows_of(target, user)
        X, y, user = X[chosen], y[chosen], user[chosen]
        folds = recommenders.cross_validate(recommender, X, y, user, seed_of)
        log.info("%d users, accuracy %.3f, in sample %.3f", len(target), *folds.mean(axis=0))
        values = [
            (point.common_fraction, len(target), i, *fold) for i, fold in enumerate(folds.tolist())
        ]
        rows = [dict(zip(NAMES, row, strict=True)) for row in values]
    write_rows(accuracy, NAMES, rows)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        cross_validate(
            snakemake.input.transitions,
            snakemake.input.deals,
            snakemake.output.accuracy,
            point=GridPoint(*snakemake.params.point),
            shared=snakemake.params.shared,
            features=snakemake.params.features,
            recommender=snakemake.params.recommender,
            seed=snakemake.params.seed,
        )

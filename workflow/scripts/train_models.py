"""Train the target's model of each repeat at a grid point."""

from fidelity.emulation import GridPoint, make_databases, rows_of
from fidelity.features import read_transitions
from fidelity.logs import log, logged
from fidelity.recommender import save_models, train
from fidelity.seeding import random_state
from fidelity.tables import read_columns


def train_models(transitions, deals, models, *, point, features, recommender, seed):
    X, y, user = read_transitions(transitions, features)
    databases = make_databases(read_columns(deals), point)

    def train_each():
        for repeat, _, target in databases:
            rows = rows_of(target, user)
            state = random_state(seed, "train", repeat, point.common_fraction, len(target))
            log.info("repeat %d: %d users, %d transitions", repeat, len(target), rows.sum())
            yield train(recommender, X[rows], y[rows], state)

    # One after the other, since of some recommenders only one fits into memory.
    save_models(models, train_each(), recommender)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        train_models(
            snakemake.input.transitions,
            snakemake.input.deals,
            snakemake.output.models,
            point=GridPoint(*snakemake.params.point),
            features=snakemake.params.features,
            recommender=snakemake.params.recommender,
            seed=snakemake.params.seed,
        )

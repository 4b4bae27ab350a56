"""Train the target's model of each repeat at a grid point."""

from fidelity.emulation import GridPoint, make_databases, rows_of
from fidelity.logs import log, logged
from fidelity.recommender import feature_table, save_models, train
from fidelity.seeding import random_state
from fidelity.tables import read_columns


def train_models(transitions, deals, models, *, point, features, recommender, seed):
    observations = read_columns(transitions, ["user", "next_song", *features])
    X, y = feature_table(observations, features), observations["next_song"]
    trained = []
    for repeat, _, target in make_databases(read_columns(deals), point):
        rows = rows_of(target, observations["user"])
        state = random_state(seed, "train", repeat, point.common_fraction, len(target))
        trained.append(train(recommender, X[rows], y[rows], state))
        log.info("repeat %d: %d users, %d transitions", repeat, len(target), rows.sum())
    save_models(models, trained, recommender)


if __name__ == "__main__":
    with logged(snakemake.log[0]):
        train_models(
            snakemake.input.transitions,
            snakemake.input.deals,
            snakemake.output.models,
            point=GridPoint(**snakemake.params.point),
            features=snakemake.params.features,
            recommender=snakemake.params.recommender,
            seed=snakemake.params.seed,
        )

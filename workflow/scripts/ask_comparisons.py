"""Ask models of other databases what the target's model is asked.

Each distinct transition of the adversary's users is asked about once, in lexicographic order.
"""

import numpy as np

from fidelity.comparisons import (
    SWAPPED,
    TARGET_ONLY,
    draw_references,
    is_attackable,
    is_reference_size,
    pick_target_only,
    reference_size,
    swap_members,
)
from fidelity.emulation import GridPoint, make_databases, rows_of, split_repeats
from fidelity.features import distinct_transitions, read_transitions, take_transitions
from fidelity.logs import log, logged
from fidelity.recommender import ask_model
from fidelity.responses import to_columns
from fidelity.seeding import generator, random_state
from fidelity.tables import read_columns, write_groups

TYPES = {
    "repeat": "int32",
    "model": "int32",
    "match": "uint8",
    "p_next": "float32",
    "rank_next": "int32",
}
USER_TYPES = {"repeat": "int32", "model": "int32", "user": "int32"}


def ask(
    transitions,
    deals,
    responses,
    users,
    *,
    point,
    larger,
    features,
    recommender,
    references,
    seed,
):
    X, y, user = read_transitions(transitions, features)
    distinct = distinct_transitions(X, y)
    dealt = read_columns(deals)
    n_users = len(np.unique(dealt["user"]))
    if larger is not None and not is_reference_size(point, larger, n_users):
        references = 0
    known, deal_of = [], dict(split_repeats(dealt))

    def ask_each():
        for repeat, adversary, target in make_databases(dealt, point):
            key = (seed, "comparisons", repeat, point.common_fraction, len(target), len(adversary))
            asked = take_transitions(distinct, rows_of(adversary, user))
            databases = deal_of[repeat], adversary, target
            for model, chosen in _users_by_model(*databases, references, generator(*key)):
                rows = rows_of(chosen, user)
                known_rows = X[rows], y[rows]
                state = random_state(*key, model)
                answers = ask_model(recommender, known_rows, (asked.X, asked.y), state)
                known.append(
                    {"repeat": np.full(len(chosen), repeat), "model": np.full(len(chosen), model)}
                    | {"user": chosen}
                )
                yield {
                    "repeat": np.full(len(answers.match), repeat),
                    "model": np.full(len(answers.match), model),
                    **to_columns(answers),
                }
            log.info("repeat %d: %d reference models", repeat, references)

    if is_attackable(point, n_users):
        write_groups(responses, ask_each(), TYPES)
    else:
        log.info("no rows: too few users are, or are not, the target's")
        write_groups(responses, [], TYPES)
    write_groups(users, known, USER_TYPES)


def _users_by_model(deal, adversary, target, references, rng):
    """Yield (model, its users): those of the control, the swapped ones, the references'."""
    own = pick_target_only(deal, adversary, reference_size(len(target), len(adversary)))
    if len(own):
        yield TARGET_ONLY, own
    yield SWAPPED, swap_members(adversary, target, rng).database
    if references:
        yield from enumerate(draw_references(adversary, len(target), references, rng))


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        larger = snakemake.params.larger
        ask(
            snakemake.input.transitions,
            snakemake.input.deals,
            *snakemake.output,
            point=GridPoint(*snakemake.params.point),
            larger=None if larger is None else [GridPoint(*point) for point in larger],
            features=snakemake.params.features,
            recommender=snakemake.params.recommender,
            references=snakemake.params.references,
            seed=snakemake.params.seed,
        )

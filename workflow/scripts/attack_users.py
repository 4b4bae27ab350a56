"""Attack the adversary's users at a grid point: score them, judge them, measure how well."""

import numpy as np

from fidelity.comparisons import SWAPPED, TARGET_ONLY, is_attackable
from fidelity.emulation import GridPoint, make_databases, rows_of
from fidelity.features import distinct_transitions, read_transitions, take_transitions
from fidelity.logs import log, logged
from fidelity.responses import Responses, from_columns, take
from fidelity.scores import BigramWithoutUser, Knowledge, References, Settings
from fidelity.seeding import generator
from fidelity.tables import read_columns, read_groups, write_groups, write_zip
from fidelity.user_attacks import TABLES, Plan, Scene, attack

POINT = ["common_fraction", "target_size", "repeat"]
USER = {"repeat": "int32", "user": "int32", "member": "bool"}


def attack_users(inputs, outputs, *, point, plan, features, smoothing, seed):
    distinct = distinct_transitions(*read_transitions(inputs["transitions"], features)[:2])
    observations = read_columns(inputs["transitions"], ["user", "song", "next_song"])
    dealt = read_columns(inputs["deals"])
    n_songs = int(observations["next_song"].max()) + 1
    databases = []
    if is_attackable(point, len(np.unique(dealt["user"]))):
        databases = make_databases(dealt, point)
    else:
        log.info("no rows: too few users are, or are not, the target's")
    tables = {name: [] for name in TABLES}
    scores, p_values = [], []
    for repeat, adversary, target in databases:
        rows = rows_of(adversary, observations["user"])
        own = {name: values[rows] for name, values in observations.items()}
        asked = take_transitions(distinct, rows).number
        bigram_of = BigramWithoutUser(
            own["user"], own["song"], own["next_song"], n_songs, smoothing
        )
        scene = make_scene(own["user"], asked, bigram_of, target, inputs, repeat)
        key = (repeat, point.common_fraction, len(target), len(adversary))
        report = attack(scene, plan, generator(seed, "attack", *key))
        labels = dict(zip(POINT, (point.common_fraction, len(target), repeat), strict=True))
        for name, found in report.tables.items():
            tables[name] += [labels | row for row in found]
        n_users = len(scene.users)
        users = {"repeat": np.full(n_users, repeat), "user": scene.users, "member": scene.member}
        for name, found in report.scores.items():
            score = np.full(n_users, plan.scores.index(name))
            scores.append(users | {"score": score} | found._asdict())
        if report.p is not None:
            p_values.append(users | {"p_value": report.p, "listed": report.listed})
        log.info("repeat %d: %d users, %d scores", repeat, n_users, len(report.scores))
    found = {name: ([*POINT, *columns], tables[name]) for name, columns in TABLES.items()}
    write_zip(outputs["attacks"], found)
    types = USER | {"p_value": "float64", "listed": "bool"}
    write_groups(outputs["p_values"], p_values, types)
    write_groups(
        outputs["scores"],
        scores,
        USER | {"score": plan.scores, "value": "float64", "observations": "int32"},
    )


def make_scene(user, asked, bigram_of, target, inputs, repeat):
    """Return the `Scene` of a repeat, from what was asked of all models.

    `asked` tells which of the distinct transitions that comparisons were asked about each is.
    """
    users, user = np.unique(user, return_inverse=True)
    answers = {
        int(group["model"][0]): take(from_columns(group), asked)
        for group in read_groups(inputs["comparisons"], "repeat", repeat)
    }
    known = {
        int(group["model"][0]): group["user"]
        for group in read_groups(inputs["comparison_users"], "repeat", repeat)
    }
    numbers = sorted(model for model in answers if model >= 0)
    references = None
    if numbers:
        stacked = zip(*(answers[model] for model in numbers), strict=True)
        responses = Responses(*(None if rows[0] is None else np.array(rows) for rows in stacked))
        references = References(
            responses, np.array([np.isin(users, known[model]) for model in numbers])
        )
    by_target = next(read_groups(inputs["responses"], "repeat", repeat))
    by_target["match"] = by_target["top1"] == by_target["next_song"]
    by_own = next(read_groups(inputs["own"], "repeat", repeat))
    return Scene(
        users,
        np.isin(users, target),
        from_columns(by_target),
        Knowledge(user, len(users), from_columns(by_own), bigram_of(), references),
        answers.get(TARGET_ONLY),
        answers[SWAPPED],
        np.isin(users, known[SWAPPED]),
        len(target),
        len(known.get(TARGET_ONLY, ())),
        bigram_of,
    )


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        attack_users(
            dict(snakemake.input.items()),
            dict(snakemake.output.items()),
            point=GridPoint(*snakemake.params.point),
            plan=Plan(
                snakemake.params.scores,
                Settings(**snakemake.params.settings),
                snakemake.params.verdict_score,
                snakemake.params.false_discovery_rate,
                snakemake.params.n_max,
            ),
            features=snakemake.params.features,
            smoothing=snakemake.params.smoothing,
            seed=snakemake.params.seed,
        )

"""Estimate what an observation tells about its holder, and an answer about membership."""

from functools import partial

import numpy as np

from fidelity.emulation import GridPoint, make_databases, rows_of
from fidelity.information import number_cells
from fidelity.information.report import (
    HOLDER,
    MEMBERSHIP,
    TABLES,
    Aim,
    Channel,
    bin_probabilities,
    estimate_only,
    is_observed,
    measure,
)
from fidelity.logs import log, logged
from fidelity.seeding import generator
from fidelity.tables import read_columns, read_groups, write_rows, write_zip


def estimate_information(
    transitions, deals, responses, outputs, *, point, cells, other_cells, aim, seed
):
    sets = [cells, *other_cells]
    names = dict.fromkeys(["user", "next_song", *(name for own in sets for name in own)])
    observations = read_columns(transitions, list(names))
    user = observations["user"]
    numbered = {" ".join(own): number_cells([observations[n] for n in own]) for own in sets}
    everybody = np.arange(user.max() + 1)
    tables = {name: [] for name in TABLES}
    for repeat, adversary, target in make_databases(read_columns(deals), point):
        sides = rows_of(adversary, everybody), rows_of(target, everybody)
        key = (repeat, point.common_fraction, len(adversary), len(target))
        rng_of = partial(_generator, seed, key)
        main, *others = (
            Channel(HOLDER, name, user, cell, *sides) for name, cell in numbered.items()
        )
        found = [{"information": estimate_only(channel, rng_of(channel))} for channel in others]
        channels = [main]
        if responses is not None:
            channels += ask_about_membership(observations, responses, repeat, cells, sides)
        for channel in filter(is_observed, channels):
            found.append(measure(channel, aim, partial(rng_of, channel)))
            log.info("repeat %d: %s from %s", repeat, channel.secret, channel.cells)
        for rows in found:
            for name, own in rows.items():
                tables[name] += [{"repeat": repeat} | row for row in own]
    found = {name: (["repeat", *columns], tables[name]) for name, columns in TABLES.items()}
    write_rows(outputs["information"], *found.pop("information"))
    write_zip(outputs["others"], found)


def ask_about_membership(observations, responses, repeat, cells, sides):
    """Return the `Channel`s of membership: records with matches, matches, probabilities."""
    in_adversary, in_target = sides
    rows = in_adversary[observations["user"]]
    columns = {name: values[rows] for name, values in observations.items()}
    answers = next(read_groups(responses, "repeat", repeat))
    if not np.array_equal(answers["user"], columns["user"]):
        raise ValueError(f"{responses}: its rows are not those of the transitions")
    columns["match"] = (answers["top1"] == answers["next_song"]).astype(np.int64)
    chosen = [[*cells, "match"], ["match"]]
    if answers["p_next"] is not None:
        columns["p_next"] = bin_probabilities(answers["p_next"])
        chosen.append(["p_next"])
    member = in_adversary & in_target, in_adversary & ~in_target
    return [
        Channel(
            *(MEMBERSHIP, " ".join(own), columns["user"]),
            number_cells([columns[name] for name in own]),
            *member,
        )
        for own in chosen
    ]


def _generator(seed, key, channel, *use):
    return generator(seed, "information", channel.secret, channel.cells, *use, *key)


if __name__ == "__main__":
    with logged(snakemake.log[0], snakemake.input, snakemake.output):
        estimate_information(
            snakemake.input.transitions,
            snakemake.input.deals,
            snakemake.input.get("responses"),
            dict(snakemake.output.items()),
            point=GridPoint(*snakemake.params.point),
            cells=snakemake.params.cells,
            other_cells=snakemake.params.other_cells,
            aim=Aim(**snakemake.params.aim),
            seed=snakemake.params.seed,
        )

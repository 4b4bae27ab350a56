"""How many observations tell a secret, and what attacks do with them: sections of the findings."""

import math

import pandas as pd

from .information.report import BRACKET, CONSECUTIVE, HOLDER, INDEPENDENT, MEMBERSHIP, main_channel
from .markdown import interval, table
from .scores import SCORES
from .summary import POINT, best_errors, of_all_users, of_smallest_and_largest, rows_at

_SCOPES = {
    HOLDER: (
        "### Observations needed to tell the holder",
        "which stored database they came from",
    ),
    MEMBERSHIP: ("### Observations needed to tell members", "members from others"),
}
# The attack that sees just the match, or the probability; records and matches all of access label.
_SCORE_OF = {"match": "matches", "p_next": "log-likelihood"}
_TOLD_BOUNDS = ["Fano", "Bhattacharyya, necessary", "Bhattacharyya, sufficient"]


def tell_observations(tables, secret):
    """Return the section on the observations needed to tell a secret.

    Parameters
    ----------
    tables : dict of DataFrame
        observations_needed and errors of `information.report.TABLES`, joined over grid points.
    secret : str
        "holder" or "membership".
    """
    own = main_channel(tables["observations_needed"], secret)
    curves = main_channel(tables["errors"], secret)
    rows = []
    for point, at_point in of_smallest_and_largest(own):
        n_max = rows_at(curves, point).groupby("test")["observations"].max()
        for error, of_error in at_point.groupby("error", sort=False):
            by_bound = of_error.groupby("bound", sort=False)["observations"]
            bound, most = by_bound.min(), by_bound.agg(lambda numbers: numbers.max(skipna=False))
            tests = [
                _count(most[test], f"more than {n_max[test]}" if test in n_max else "")
                for test in (INDEPENDENT, CONSECUTIVE)
            ]
            rows.append(
                (
                    *(point[0], f"{point[1]:,}", f"{error:g}"),
                    _count(bound[BRACKET], "any number"),
                    *(_number(of_error, name) for name in _TOLD_BOUNDS),
                    *tests,
                )
            )
    heads = (
        *("c", "target's users", "error", "no test up to N"),
        *("Fano", "Bhattacharyya, necessary", "Bhattacharyya, sufficient"),
        *("independent draws", "a user's first"),
    )
    title, scope = _SCOPES[secret]
    return "\n\n".join(
        [
            title,
            f"Over cells of ({_told(own['cells'].iloc[0])}). *No test up to N*: the largest N (the "
            "least over deals) for which no test that knows both histograms tells, from N "
            f"*independent* draws, {scope} with an error below that aimed at, at the upper end of "
            "the bracket; any number, where both histograms at hand are equal. The draws are from "
            "all records; a user's are neither independent nor such draws (the first of a session "
            "may tell more), and a model may remember what histograms do not show. Fano's and "
            "Bhattacharyya's numbers are those of the plug-in histograms (means). The last two "
            "are what really happens: the N by which a test had got there in every deal; on "
            "independent draws the likelihood-ratio test with both histograms known, by "
            "simulation; on a user's first N observations the same with the histograms of other "
            "users and the threshold 0, one test and not the best.",
            table(heads, rows),
        ]
    )


def tell_bounds(tables):
    """Return the sections on the bounds: beside the best attack, and at every grid point.

    Parameters
    ----------
    tables : dict of DataFrame
        observations_needed of `information.report.TABLES`, joined over grid points; where users
        are attacked, also attack_errors of `user_attacks.TABLES`.
    """
    needed = tables["observations_needed"]
    needed = needed[needed["bound"] == BRACKET]
    keys = ["secret", "cells", "error", *POINT]
    bounds = needed.groupby(keys, sort=False)["observations"].min()
    attack_errors = tables.get("attack_errors")
    if attack_errors is None or attack_errors.empty:
        return [_tell_every_point(bounds, None)]
    attack_errors = of_all_users(attack_errors)
    return [
        _tell_attacks(bounds[MEMBERSHIP], best_errors(attack_errors)),
        _tell_every_point(bounds, attack_errors),
    ]


def _tell_attacks(bounds, best):
    cells = bounds.index.unique("cells")
    rows = []
    for point, own in of_smallest_and_largest(best):
        for error in bounds.index.unique("error"):
            numbers = [bounds.get((name, error, *point)) for name in cells]
            rows.append(
                (
                    *(point[0], f"{point[1]:,}", f"{error:g}"),
                    *("" if n is None else _count(n, "any number") for n in numbers),
                    *_tell_first(own, error),
                )
            )
    heads = (
        *("c", "target's users", "error"),
        *(f"no test up to N: {_told(name)}" for name in cells),
        *("best attack", "what was measured"),
    )
    return "\n\n".join(
        [
            "### The bounds beside the best measured attack",
            "Attacks on users that see at most N answers about a user (the models knew all of "
            "its records; N ends with the transitions of one session, of which users of an "
            "event log may have more), members and others as likely, thresholds chosen on other "
            "users. Of the scores that all users have the best is told, by its mean over deals, "
            "so the least is a little too low. Beside it the bounds on tests of independent "
            "draws, by what is drawn. No bound covers all that an attack may see: a user's own "
            "first records, and probabilities and records together.",
            table(heads, rows),
        ]
    )


def _tell_first(own, error):
    """Return (the attack, what it means): the first below an error, or the best of all."""
    below = own[own["mean"] < error]
    told = own.iloc[-1] if below.empty else below.iloc[0]
    attack, n = f"{told['score']}: {interval(told)}", told["observations"]
    if below.empty:
        return attack, f"no attack tried here got below {error:g} up to N = {n}"
    return attack, f"**not protected** at N = {n}"


def _tell_every_point(bounds, attack_errors):
    errors = list(bounds.index.unique("error"))
    aims = f"of {errors[0]:g}" if len(errors) == 1 else f"of {_in_turn(errors)}, in turn"
    parts = [
        "### The bounds at every grid point",
        "The largest N for which no test that knows both histograms gets, from N *independent* "
        f"draws, below an error {aims}: the least over deals, at the upper end of the bracket, "
        "and any where both histograms at hand are equal. It holds for the stored records; for "
        "the people behind them it is as good as the bracket, which is no certificate. Rows are "
        "users of the target, columns common fractions; nothing stands where there is no such "
        "size, or nothing to tell apart.",
    ]
    if attack_errors is not None:
        n_max = attack_errors["observations"].max()
        parts.append(
            "In brackets the least N at which an attack that sees about as much got there by its "
            f"mean over deals: at that N users are *not protected*. (-): no attack tried here got "
            f"there up to N = {n_max}. **Bold** is an attack within the bound, which then does not "
            "protect."
        )
    for (secret, cells), channel in bounds.groupby(["secret", "cells"], sort=False):
        numbers = channel.droplevel(["secret", "cells"]).unstack("error")[errors]
        texts = numbers.map(lambda n: _count(n, "any"))
        title = f"To tell {_SCOPES[secret][1]}, over cells of ({_told(cells)})"
        if secret == MEMBERSHIP and attack_errors is not None:
            kind, names = _attacks_that_see(cells)
            firsts = _first_numbers(attack_errors, names, errors)
            title += f", and {kind}" if len(firsts) else ""
            texts = _beside(texts, numbers, firsts)
        parts += [f"{title}:", _by_point(texts)]
    if attack_errors is not None:
        firsts = _first_numbers(attack_errors, SCORES, errors)
        parts += [
            "The best of all attacks, of which those that see probabilities or the k best songs "
            "beside the records have no bound here:",
            _by_point(firsts.map(_attack)),
        ]
    return "\n\n".join(parts)


def _attacks_that_see(cells):
    """Return (what they are called, the scores) of attacks that see about what is drawn."""
    if cells in _SCORE_OF:
        return _SCORE_OF[cells], [_SCORE_OF[cells]]
    return "attacks on labels", [name for name, own in SCORES.items() if own.access == "label"]


def _first_numbers(attack_errors, names, errors):
    """Return the least N at which the best of some scores is below each error.

    Rows are points, columns errors; missing where none is.
    """
    best = best_errors(attack_errors[attack_errors["score"].isin(names)])
    points = pd.MultiIndex.from_frame(best[POINT].drop_duplicates())
    below = {error: best[best["mean"] < error] for error in errors}
    return pd.DataFrame(
        {
            error: own.groupby(POINT)["observations"].min().reindex(points)
            for error, own in below.items()
        }
    )


def _beside(texts, bounds, firsts):
    """Return the texts of bounds with the attacks beside them, where users were attacked."""
    texts = texts.copy()
    for point in firsts.index.intersection(bounds.index):
        for error, first in firsts.loc[point].items():
            attack = f"({_attack(first)})"
            texts.loc[point, error] += (
                f" **{attack}**" if first <= bounds.loc[point, error] else f" {attack}"
            )
    return texts


def _by_point(texts):
    """Return a table of sizes by c whose cells hold the texts of all errors in turn."""
    texts = texts.agg(", ".join, axis=1).unstack("common_fraction", fill_value="")
    texts = texts[sorted(texts.columns, key=float)].sort_index()
    rows = [(f"{size:,}", *row) for size, row in zip(texts.index, texts.to_numpy(), strict=True)]
    return table(("target's users", *(f"c = {fraction}" for fraction in texts.columns)), rows)


def _attack(first):
    return _count(first, "-")


def _number(needed, bound):
    """Return the mean of a bound over the repeats where it is a number."""
    numbers = needed["observations"][needed["bound"] == bound]
    numbers = numbers[~numbers.map(math.isinf)]
    return "none is enough" if numbers.empty else f"{numbers.mean():.1f}"


def _count(number, otherwise):
    return otherwise if pd.isna(number) or math.isinf(number) else f"{number:.0f}"


def _told(cells):
    return cells.replace(" ", ", ")


def _in_turn(errors):
    return ", ".join(f"{error:g}" for error in errors)

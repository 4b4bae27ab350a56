"""How many observations tell a secret, and what attacks do with them: sections of the findings."""

import math

import pandas as pd

from .information.report import BRACKET, CONSECUTIVE, HOLDER, INDEPENDENT, MEMBERSHIP, main_channel
from .markdown import table
from .summary import POINT, of_smallest_and_largest, rate_with_interval, rows_at

_SCOPES = {
    HOLDER: (
        "### Observations needed to tell the holder",
        "which stored database they came from",
    ),
    MEMBERSHIP: ("### Observations needed to tell members", "members from others"),
}
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
        *("Fano", "Bhattacharyya, necessary", "sufficient"),
        *("independent draws", "a user's first"),
    )
    title, scope = _SCOPES[secret]
    return "\n\n".join(
        [
            title,
            f"Over cells of ({_told(own['cells'].iloc[0])}). *No test up to N*: the largest N for "
            "which no test that knows both histograms tells, from N *independent* draws, "
            f"{scope} with an error below that aimed at (the least over deals), at the upper end "
            "of the bracket. "
            "The draws are from all records; a user's are neither independent nor such draws "
            "(the first of a session may tell more), and a model may remember what histograms "
            "do not show. Fano's and Bhattacharyya's numbers are those of the plug-in "
            "histograms (means). The last two are what really happens: the least N at which a "
            "test got there in all deals; on independent draws the likelihood-ratio test with "
            "both histograms known, by simulation; on a user's first N observations the same "
            "with the histograms of other users and the threshold 0, one test and not the best.",
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
    best = best_errors(attack_errors)
    return [_tell_attacks(bounds[MEMBERSHIP], best), _tell_every_point(bounds, best)]


def best_errors(attack_errors):
    """Return the least error over scores with at most N observations, and its score.

    Columns: those of `POINT`, observations, score, mean, ci_low, ci_high (Student's, over
    repeats). Of the means over repeats the least is taken: chosen, so a little too low.

    Parameters
    ----------
    attack_errors : DataFrame
    """
    keys = [*POINT, "observations"]
    means = rate_with_interval(attack_errors, "error", [*keys, "score"])
    best = means.loc[means.groupby(keys, sort=False)["mean"].idxmin()].reset_index(drop=True)
    # More observations may be left aside, so the error never grows with them.
    rows = []
    for _, own in best.groupby(POINT, sort=False):
        least = None
        for _, row in own.iterrows():
            least = row if least is None or row["mean"] < least["mean"] else least
            rows.append(least.to_dict() | {"observations": row["observations"]})
    return pd.DataFrame(rows, columns=best.columns)


def _tell_attacks(bounds, best):
    cells = bounds.index.unique("cells")
    rows = []
    for point, own in of_smallest_and_largest(best):
        for error in bounds.index.unique("error"):
            numbers = {name: bounds.get((name, error, *point)) for name in cells}
            rows.append(
                (
                    *(point[0], f"{point[1]:,}", f"{error:g}"),
                    *("" if n is None else _count(n, "any number") for n in numbers.values()),
                    *_tell_first(own, error, numbers),
                )
            )
    heads = (
        *("c", "target's users", "error"),
        *(f"no test up to N: {_told(name)}" for name in cells),
        *("best attack", "is the bound kept?"),
    )
    return "\n\n".join(
        [
            "### The bound beside the best measured attack",
            "Attacks on users that see at most N answers about a user (the models knew all of "
            "its records; N ends with the transitions of one session, of which users of an "
            "event log may have more), members and others as likely, thresholds chosen on other "
            "users, the best of all scores; an error counts as below another where the whole "
            "interval over deals is. Beside it the bounds on tests of independent draws, by "
            "what is drawn. The attacks see a user's own first records, and the better ones "
            "probabilities and records together: where one gets below the error within a bound, "
            "the bound does not protect.",
            table(heads, rows),
        ]
    )


def _tell_first(own, error, bounds):
    """Return (the first attack below an error, what that means) at a point."""
    first = _first_below(own, error)
    if first is None:
        n_max = own["observations"].max()
        return "", f"no attack tried here got below {error:g} up to N = {n_max}"
    beaten = _beaten(bounds, first["observations"])
    within = f", within the bound of {'; '.join(beaten)}" if beaten else ""
    return (
        f"{first['score']}: {first['mean']:.4f}",
        f"**not protected** at N = {first['observations']}{within}",
    )


def _first_below(own, error):
    """Return the best attack of least N whose whole interval is below an error, or None."""
    below = own[own["ci_high"].fillna(own["mean"]) < error]
    return None if below.empty else below.iloc[0]


def _beaten(bounds, n):
    """Return the cells whose bound says that no test can do with N observations."""
    return [_told(cells) for cells, bound in bounds.items() if bound is not None and bound >= n]


def _tell_every_point(bounds, best):
    errors = bounds.index.unique("error")
    in_turn = ", ".join(f"{error:g}" for error in errors)
    parts = [
        "### The bounds at every grid point",
        f"The largest N for which no test of N independent draws gets below an error, for errors "
        f"of {in_turn} in turn (the least over deals, at the upper end of the bracket), by "
        "users of the target (rows) and common fraction c (columns).",
    ]
    for (secret, cells), channel in bounds.groupby(["secret", "cells"], sort=False):
        numbers = channel.droplevel(["secret", "cells"]).map(lambda n: _count(n, "any"))
        numbers = numbers.unstack("error")[errors]
        parts += [
            f"To tell {_SCOPES[secret][1]}, over cells of ({_told(cells)}):",
            _by_point(numbers),
        ]
    if best is not None:
        parts += [
            "Beside them the least N at which an attack on users got there, - where none tried "
            "here did; **bold** where that is within one of the bounds on membership above, which "
            "then does not protect:",
            _by_point(_first_numbers(bounds[MEMBERSHIP], best)),
        ]
    return "\n\n".join(parts)


def _first_numbers(bounds, best):
    """Return as text the least N of an attack: rows of points, columns of errors."""
    told = {}
    for point, own in best.groupby(POINT, sort=False):
        told[point] = {}
        for error in bounds.index.unique("error"):
            first = _first_below(own, error)
            n = "-" if first is None else f"{first['observations']}"
            at_point = bounds.xs((error, *point), level=["error", *POINT])
            beaten = first is not None and _beaten(at_point, first["observations"])
            told[point][error] = f"**{n}**" if beaten else n
    return pd.DataFrame.from_dict(told, orient="index").rename_axis(POINT)


def _by_point(numbers):
    """Return a table of sizes by c whose cells hold the numbers of all errors in turn."""
    texts = numbers.agg(", ".join, axis=1).unstack("common_fraction", fill_value="")
    texts = texts[sorted(texts.columns, key=float)].sort_index()
    rows = [(f"{size:,}", *row) for size, row in zip(texts.index, texts.to_numpy(), strict=True)]
    return table(("target's users", *(f"c = {fraction}" for fraction in texts.columns)), rows)


def _number(needed, bound):
    """Return the mean of a bound over the repeats where it is a number."""
    numbers = needed["observations"][needed["bound"] == bound]
    numbers = numbers[~numbers.map(math.isinf)]
    return "none is enough" if numbers.empty else f"{numbers.mean():.1f}"


def _count(number, otherwise):
    return otherwise if pd.isna(number) or math.isinf(number) else f"{number:.0f}"


def _told(cells):
    return cells.replace(" ", ", ")

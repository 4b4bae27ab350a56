"""What an observation tells, in words and numbers: sections of the page of findings."""

import math

import pandas as pd

from .information.observations import reciprocal_of_information
from .information.report import (
    BRACKET,
    CONSECUTIVE,
    CROSS_VALIDATED,
    HOLDER,
    INDEPENDENT,
    MEMBERSHIP,
    PLUG_IN,
    main_channel,
)
from .markdown import interval, table
from .summary import POINT, fraction_nearest_half, mean_with_interval, rate_with_interval

_FEW_BITS = 0.01
_SCOPES = {
    HOLDER: (
        "### Observations needed to tell the holder",
        "which stored database they came from",
    ),
    MEMBERSHIP: ("### Observations needed to tell members", "members from others"),
}
_TOLD_BOUNDS = ["Fano", "Bhattacharyya, necessary", "Bhattacharyya, sufficient"]


def tell_information(tables):
    """Return the sections.

    Parameters
    ----------
    tables : dict of DataFrame
        Of `information.report.TABLES`, joined over grid points; where users are attacked, also
        attack_errors of `user_attacks.TABLES`.
    """
    information = tables["information"]
    parts = [_tell_holder(information), _tell_cells(information)]
    if (information["secret"] == MEMBERSHIP).any():
        parts += [
            _tell_needed(tables["observations_needed"], tables["errors"], HOLDER),
            _tell_membership(information),
            _tell_needed(tables["observations_needed"], tables["errors"], MEMBERSHIP),
        ]
        if "attack_errors" in tables and len(tables["attack_errors"]):
            parts.append(_tell_attacks(tables["observations_needed"], tables["attack_errors"]))
    else:
        parts.append(_tell_needed(tables["observations_needed"], tables["errors"], HOLDER))
    return parts


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


def _tell_holder(information):
    own = main_channel(information, HOLDER)
    estimates = {
        name: rows.set_index([*POINT, "repeat"]) for name, rows in own.groupby("estimator")
    }
    plug_in = estimates[PLUG_IN].reset_index()
    bits = mean_with_interval(plug_in, "value").set_index(POINT)
    null = plug_in.groupby(POINT, sort=False)[["null_mean", "null_95", "p_value"]].mean()
    ends = estimates[BRACKET].groupby(POINT, sort=False)[["ci_low", "ci_high"]].mean()
    rows = []
    for point in _smallest_and_largest(plug_in):
        told = null.loc[point]
        rows.append(
            (
                point[0],
                f"{point[1]:,}",
                interval(bits.loc[point]),
                *_tell_null(bits.loc[point], told),
                f"{ends.loc[point, 'ci_low']:.4f} to {ends.loc[point, 'ci_high']:.4f}",
                _needed(bits.loc[point]),
            )
        )
    heads = (
        *("c", "target's users", "MI, plug-in (bits)", "users dealt anew: mean, 95 % point"),
        *("net", "p", "bracket", "1/MI"),
    )
    return "\n\n".join(
        [
            "## Information: which holder does an observation come from?",
            f"Over cells of ({_cells(plug_in)}), in bits. The plug-in estimate is exactly the "
            "information on which of the two *stored databases* a record was drawn from; about "
            "the populations behind them it is an upper bound in expectation, most of all too "
            "high for small databases. Beside it what it is where users are dealt to the two "
            "anew, so that nothing but chance makes the databases differ (no number where one "
            "of them has no users of its own), the net, which is the difference, and how often "
            "chance gave as much (p). The bracket runs from the lower end of the "
            "cross-validated estimate, which in expectation is at most MI, to the upper end of "
            "the plug-in: MI lies in it in expectation, which is no certificate, and takes "
            "users with about as many observations each. 1/MI is the paper's number of "
            "observations. All this is about which *holder* an observation came from. It does "
            "not bound what an attack on the model learns about *membership*.",
            table(heads, rows),
            'The paper reports: MI falls with size; "0.2, about 10 observations" as an example. '
            "1/0.2 is 5, Fano's number for an error of 0: with 5 independent observations the best "
            "test still errs once in ten times (if an observation is the holder's bit, flipped "
            "with probability .243), with 10 once in 23.",
        ]
    )


def _tell_cells(information):
    holder = information[information["secret"] == HOLDER]
    own = holder[holder["common_fraction"] == fraction_nearest_half(holder)]
    rows = []
    for cells, channel in own.groupby("cells", sort=False):
        for size in sorted({channel["target_size"].min(), channel["target_size"].max()}):
            at_size = channel[channel["target_size"] == size]
            means = mean_with_interval(at_size, "value", ["estimator"]).set_index("estimator")
            verdict = _judge(means.loc[CROSS_VALIDATED, "mean"], means.loc[PLUG_IN, "mean"])
            rows.append(
                (
                    cells.replace(" ", ", "),
                    f"{size:,}",
                    *(interval(means.loc[name]) for name in (PLUG_IN, CROSS_VALIDATED)),
                    verdict,
                )
            )
    heads = ("cells", "target's users", "plug-in", "cross-validated", "")
    return "\n\n".join(
        [
            "### The choice of cells",
            f"For c = {own['common_fraction'].iloc[0]}. The finer the cells, the more the stored "
            "databases differ and the less the histograms of some users tell of others: the "
            "plug-in goes to 1, the cross-validated estimate below 0.",
            table(heads, rows),
        ]
    )


def _judge(low, high):
    """Return what a lower and an upper estimate of MI say together."""
    if low > 0:
        return "they differ"
    return f"at most about {high:.4f}" if high < _FEW_BITS else "not enough data to tell"


def _tell_null(bits, null):
    if pd.isna(null["null_mean"]):
        return "", "", ""
    net = bits["mean"] - null["null_mean"]
    return f"{null['null_mean']:.4f}, {null['null_95']:.4f}", f"{net:.4f}", f"{null['p_value']:.3f}"


def _tell_membership(information):
    own = information[information["secret"] == MEMBERSHIP]
    rows = []
    for point, at_point in _smallest_and_largest_rows(own):
        for cells, channel in at_point.groupby("cells", sort=False):
            plug_in = channel[channel["estimator"] == PLUG_IN]
            ends = channel[channel["estimator"] == BRACKET][["ci_low", "ci_high"]].mean()
            rows.append(
                (
                    point[0],
                    f"{point[1]:,}",
                    cells.replace(" ", ", "),
                    interval(rate_with_interval(plug_in, "value", POINT).iloc[0]),
                    f"{plug_in['null_mean'].mean():.4f}",
                    f"{ends['ci_low']:.4f} to {ends['ci_high']:.4f}",
                )
            )
    heads = (
        *("c", "target's users", "what is observed", "plug-in (bits)"),
        *("members dealt anew", "bracket"),
    )
    return "\n\n".join(
        [
            "## Information: is a user a member?",
            "What one answered query carries about membership, among the adversary's users, in "
            "bits; members and others as likely. This, not the information on holders, speaks "
            "of the attack. `match` is whether the answer was the song that came next, `p_next` "
            "the probability it was given, in twentieths. Brackets are means over deals, each "
            "about one trained model. Of the record with its match most is what members dealt "
            "anew give as well: which records are stored, not what the model tells.",
            table(heads, rows),
        ]
    )


def _tell_needed(needed, errors, secret):
    own = main_channel(needed, secret)
    curves = main_channel(errors, secret)
    rows = []
    for point, at_point in _smallest_and_largest_rows(own):
        n_max = _rows_at(curves, point).groupby("test")["observations"].max()
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
            f"Over cells of ({_cells(own)}). *No test up to N*: the largest N for which no test "
            f"that knows both histograms tells, from N *independent* draws, {scope} with an "
            "error below that aimed at (the least over deals), at the upper end of the bracket. "
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


def _tell_attacks(needed, attack_errors):
    bounds = needed[(needed["secret"] == MEMBERSHIP) & (needed["bound"] == BRACKET)]
    bounds = bounds.groupby([*POINT, "error", "cells"], sort=False)["observations"].min()
    cells = list(dict.fromkeys(bounds.index.get_level_values("cells")))
    rows = []
    for point, own in _smallest_and_largest_rows(best_errors(attack_errors)):
        for error in sorted(bounds.index.unique("error"), reverse=True):
            numbers = [bounds.get((*point, error, name)) for name in cells]
            rows.append(
                (
                    *(point[0], f"{point[1]:,}", f"{error:g}"),
                    *("" if n is None else _count(n, "any number") for n in numbers),
                    *_tell_best(own, error, dict(zip(cells, numbers, strict=True))),
                )
            )
    heads = (
        *("c", "target's users", "error"),
        *(f"no test up to N: {name.replace(' ', ', ')}" for name in cells),
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


def _tell_best(own, error, bounds):
    """Return (the first attack below an error, what that means) at a point."""
    highest = own["ci_high"].fillna(own["mean"])
    below = own[highest < error]
    if below.empty:
        n_max = own["observations"].max()
        return "", f"no attack tried here got below {error:g} up to N = {n_max}"
    first = below.iloc[0]
    n = first["observations"]
    beaten = [
        name.replace(" ", ", ")
        for name, bound in bounds.items()
        if bound is not None and bound >= n
    ]
    within = f", within the bound of {'; '.join(beaten)}" if beaten else ""
    return f"{first['score']}: {first['mean']:.4f}", f"**not protected** at N = {n}{within}"


def _number(needed, bound):
    """Return the mean of a bound over the repeats where it is a number."""
    numbers = needed["observations"][needed["bound"] == bound]
    numbers = numbers[~numbers.map(math.isinf)]
    return "none is enough" if numbers.empty else f"{numbers.mean():.1f}"


def _count(number, otherwise):
    return otherwise if pd.isna(number) or math.isinf(number) else f"{number:.0f}"


def _needed(bits):
    """Return 1/MI with its interval, from the bounds of MI the other way round."""
    needed = reciprocal_of_information(bits["mean"])
    if not math.isfinite(needed):
        return "no number is enough"
    if pd.isna(bits["ci_low"]):
        return f"{needed:.1f}"
    fewest, most = (reciprocal_of_information(max(bits[name], 0)) for name in ("ci_high", "ci_low"))
    return f"{needed:.1f} [{fewest:.1f}, {most:.1f}]"


def _cells(channel):
    return channel["cells"].iloc[0].replace(" ", ", ")


def _smallest_and_largest(rows):
    sizes = rows.groupby("common_fraction", sort=False)["target_size"]
    return [(fraction, size) for fraction, own in sizes for size in sorted({own.min(), own.max()})]


def _smallest_and_largest_rows(rows):
    """Yield (point, its rows) of the smallest and the largest size of each fraction."""
    for point in _smallest_and_largest(rows):
        yield point, _rows_at(rows, point)


def _rows_at(rows, point):
    return rows[(rows["common_fraction"] == point[0]) & (rows["target_size"] == point[1])]

"""What an observation tells, in words and numbers: sections of the page of findings."""

import math

import pandas as pd

from .information.observations import reciprocal_of_information
from .information.report import BRACKET, CONSECUTIVE, HOLDER, INDEPENDENT, MEMBERSHIP, main_channel
from .markdown import interval, table
from .summary import POINT, fraction_nearest_half, mean_with_interval, rate_with_interval

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
            _tell_membership(information),
            _tell_needed(tables["observations_needed"], tables["errors"], HOLDER),
            _tell_needed(tables["observations_needed"], tables["errors"], MEMBERSHIP),
        ]
        if "attack_errors" in tables and len(tables["attack_errors"]):
            parts.append(_tell_attacks(tables["observations_needed"], tables["attack_errors"]))
    else:
        parts.append(_tell_needed(tables["observations_needed"], tables["errors"], HOLDER))
    return parts


def best_errors(attack_errors):
    """Return the least error over scores with at most N observations: mean, of which score.

    Columns: those of `POINT`, observations, score, error. The mean over repeats of each score, of
    which the least is taken: chosen, so a little too low.

    Parameters
    ----------
    attack_errors : DataFrame
    """
    keys = [*POINT, "observations"]
    means = attack_errors.groupby([*keys, "score"], sort=False)["error"].mean().reset_index()
    best = means.loc[means.groupby(keys, sort=False)["error"].idxmin()]
    # More observations may be left aside, so the error never grows with them.
    return best.assign(error=best.groupby(POINT, sort=False)["error"].cummin())


def _tell_holder(information):
    own = main_channel(information, HOLDER)
    estimates = {
        name: rows.set_index([*POINT, "repeat"]) for name, rows in own.groupby("estimator")
    }
    plug_in = estimates["plug-in"].reset_index()
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
                f"{told['null_mean']:.4f}, {told['null_95']:.4f}",
                f"{told['p_value']:.3f}",
                f"{ends.loc[point, 'ci_low']:.4f} to {ends.loc[point, 'ci_high']:.4f}",
                _needed(bits.loc[point]),
            )
        )
    heads = (
        *("c", "target's users", "MI, plug-in (bits)", "users dealt anew: mean, 95 % point"),
        *("p", "bracket", "1/MI"),
    )
    return "\n\n".join(
        [
            "## Information: which holder does an observation come from?",
            f"Over cells of ({_cells(plug_in)}), in bits. The plug-in estimate is exactly the "
            "information on which of the two *stored databases* a record was drawn from; about the "
            "populations behind them it is an upper bound in expectation, most of all too high for "
            "small databases. Beside it what it is where users are dealt to the two anew, so that "
            "nothing but chance makes the databases differ. The bracket runs from the lower end of "
            "the cross-validated estimate, which in expectation is at most MI, to the upper end of "
            "the plug-in: MI lies in it in expectation, which is no certificate. 1/MI is the "
            "paper's number of observations. All this is about which *holder* an observation came "
            "from. It does not bound what an attack on the model learns about *membership*.",
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
            low = means.loc["cross-validated"]
            verdict = "not enough data to tell" if low["mean"] <= 0 else ""
            rows.append(
                (
                    cells.replace(" ", ", "),
                    f"{size:,}",
                    *(interval(means.loc[name]) for name in ("plug-in", "cross-validated")),
                    verdict,
                )
            )
    heads = ("cells", "target's users", "plug-in", "cross-validated", "")
    return "\n\n".join(
        [
            "### The choice of cells",
            f"For c = {own['common_fraction'].iloc[0]}. The finer the cells, the more the stored "
            "databases differ and the less the histograms of some users tell of others: the "
            "plug-in goes to 1, the cross-validated estimate below 0. In between nothing is known.",
            table(heads, rows),
        ]
    )


def _tell_membership(information):
    own = information[information["secret"] == MEMBERSHIP]
    rows = []
    for point in _largest(own):
        at_point = own[(own["common_fraction"] == point[0]) & (own["target_size"] == point[1])]
        for cells, channel in at_point.groupby("cells", sort=False):
            plug_in = channel[channel["estimator"] == "plug-in"]
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
            "bits; members and others as likely. This, not the information on holders, speaks of "
            "the attack. `match` is whether the answer was the song that came next, `p_next` the "
            "probability it was given, in twentieths.",
            table(heads, rows),
        ]
    )


def _tell_needed(needed, errors, secret):
    own = main_channel(needed, secret)
    n_max = errors["observations"].max()
    rows = []
    for point in _largest(own):
        at_point = own[(own["common_fraction"] == point[0]) & (own["target_size"] == point[1])]
        for error, rows_of_error in at_point.groupby("error", sort=False):
            by_bound = rows_of_error.groupby("bound", sort=False)["observations"]
            bound, most = by_bound.min(), by_bound.agg(lambda numbers: numbers.max(skipna=False))
            rows.append(
                (
                    point[0],
                    f"{point[1]:,}",
                    f"{error:g}",
                    _count(bound[BRACKET], "any number"),
                    *(_number(rows_of_error, name) for name in _TOLD_BOUNDS),
                    *(
                        _count(most[test], f"more than {n_max}")
                        for test in (INDEPENDENT, CONSECUTIVE)
                    ),
                )
            )
    heads = (
        *("c", "target's users", "error", "no test up to N"),
        *("Fano", "Bhattacharyya, necessary", "sufficient"),
        *("independent draws", "a user's first"),
    )
    titles = {
        HOLDER: "### Observations needed to tell the holder",
        MEMBERSHIP: "### Observations needed to tell members",
    }
    scopes = {
        HOLDER: "which stored database they came from",
        MEMBERSHIP: "members from others",
    }
    return "\n\n".join(
        [
            titles[secret],
            f"Over cells of ({_cells(own)}), at the largest size. *No test up to N*: the largest N "
            "for which no test that knows both histograms tells, from N *independent* draws, "
            f"{scopes[secret]} with an error below that aimed at (the least over deals), at the "
            "upper end of the bracket. It says nothing of draws that depend on each other, as a "
            "user's do, nor of what a model remembers and histograms do not show. Fano's and "
            "Bhattacharyya's numbers are those of the plug-in histograms (means). The last two are "
            "what really happens: the least N at which the likelihood-ratio test got there in all "
            "deals, on independent draws by simulation with both histograms known, and on a user's "
            "first N observations with the histograms of other users.",
            table(heads, rows),
        ]
    )


def _tell_attacks(needed, attack_errors):
    bounds = main_channel(needed, MEMBERSHIP)
    bounds = bounds[bounds["bound"] == BRACKET].groupby([*POINT, "error"])["observations"].min()
    best = best_errors(attack_errors)
    n_max = int(attack_errors["observations"].max())
    rows = []
    for point in _largest(best):
        own = best[(best["common_fraction"] == point[0]) & (best["target_size"] == point[1])]
        for error in sorted(bounds.index.unique("error"), reverse=True):
            below = own[own["error"] < error]
            bound = bounds.get((*point, error))
            bound = "" if bound is None else _count(bound, "any number")
            if below.empty:
                verdict = f"no attack tried here got below {error:g} up to N = {n_max}"
                rows.append((point[0], f"{point[1]:,}", f"{error:g}", bound, "", verdict))
                continue
            first = below.iloc[0]
            verdict = f"**not protected** at N = {first['observations']}"
            rows.append(
                (
                    *(point[0], f"{point[1]:,}", f"{error:g}", bound),
                    f"{first['score']}: {first['error']:.4f}",
                    verdict,
                )
            )
    heads = ("c", "target's users", "error", "no test up to N", "best attack", "verdict")
    return "\n\n".join(
        [
            "### The bound beside the best measured attack",
            "Attacks on users that see at most N answers about a user, members and others as "
            "likely, thresholds chosen on other users; the error is the mean over deals, the best "
            "of all scores. The bound is about independent draws of (record, match); these attacks "
            "see a user's own records, which depend on each other, and some see probabilities: "
            "where one gets below the error at an N within the bound, the bound does not protect.",
            table(heads, rows),
        ]
    )


def _number(needed, bound):
    """Return the mean of a bound over repeats, of those that are no infinity."""
    numbers = needed["observations"][needed["bound"] == bound]
    mean = numbers.mean()
    return "any number" if math.isinf(mean) else f"{mean:.1f}"


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


def _largest(rows):
    return list(rows.groupby("common_fraction", sort=False)["target_size"].max().items())

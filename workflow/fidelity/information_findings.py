"""What an observation tells, in words and numbers: sections of the page of findings."""

import math

import pandas as pd

from .information.observations import reciprocal_of_information
from .information.report import (
    BRACKET,
    CROSS_VALIDATED,
    HOLDER,
    MEMBERSHIP,
    PLUG_IN,
    has_bracket,
    main_channel,
)
from .markdown import interval, table
from .observations_findings import tell_bounds, tell_observations
from .summary import (
    POINT,
    fraction_nearest_half,
    mean_with_interval,
    of_smallest_and_largest,
    rate_with_interval,
)

_FEW_BITS = 0.01
_TITLE = "## Information: which holder does an observation come from?"
_PLUG_IN_SCOPE = (
    "The plug-in estimate is exactly the information on which of the two *stored databases* a "
    "record was drawn from; about the populations behind them it is an upper bound in "
    "expectation, most of all too high for small databases."
)
_SCOPE = (
    "1/MI is the paper's number of observations. All this is about which *holder* an observation "
    "came from. It does not bound what an attack on the model learns about *membership*."
)
_PAPER = (
    'The paper reports: MI falls with size; "0.2, about 10 observations" as an example. '
    "1/0.2 is 5, Fano's number for an error of 0: with 5 independent observations the best "
    "test still errs once in ten times (if an observation is the holder's bit, flipped "
    "with probability .243), with 10 once in 23."
)


def tell_information(tables):
    """Return the sections.

    Parameters
    ----------
    tables : dict of DataFrame
        Of `information.report.TABLES`, joined over grid points, of plug-in estimates alone just
        information; where users are attacked, also attack_errors of `user_attacks.TABLES`.
    """
    information = tables["information"]
    if not has_bracket(information):
        return [_tell_plug_in(information)]
    parts = [
        _tell_holder(information),
        _tell_cells(information),
        tell_observations(tables, HOLDER),
    ]
    if (information["secret"] == MEMBERSHIP).any():
        parts += [_tell_membership(information), tell_observations(tables, MEMBERSHIP)]
    return [*parts, *tell_bounds(tables)]


def _tell_plug_in(information):
    own = main_channel(information, HOLDER)
    bits = mean_with_interval(own, "value").set_index(POINT)
    rows = [
        (point[0], f"{point[1]:,}", interval(bits.loc[point]), _needed(bits.loc[point]))
        for point, _ in of_smallest_and_largest(own)
    ]
    return "\n\n".join(
        [
            _TITLE,
            f"Over cells of ({_cells(own)}), in bits. {_PLUG_IN_SCOPE} Nothing else was asked for "
            "(`estimates: plug-in`), so nothing here tells how much of it is chance: two halves "
            "of one population do not differ, and yet it is above 0. `estimates: all` tells what "
            "it is where users are dealt anew, lower estimates, tests, and what answers tell of "
            f"membership. {_SCOPE}",
            table(("c", "target's users", "MI, plug-in (bits)", "1/MI"), rows),
            _PAPER,
        ]
    )


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
    for point, _ in of_smallest_and_largest(plug_in):
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
            _TITLE,
            f"Over cells of ({_cells(plug_in)}), in bits. {_PLUG_IN_SCOPE} Beside it what it is "
            "where users are dealt to the two anew, so that nothing but chance makes the databases "
            "differ (no number where one of them has no users of its own), the net, which is the "
            "difference, and how often chance gave as much (p). The bracket runs from the lower "
            "end of the cross-validated estimate, which in expectation is at most MI, to the upper "
            "end of the plug-in: MI lies in it in expectation, which is no certificate, and takes "
            f"users with about as many observations each. {_SCOPE}",
            table(heads, rows),
            _PAPER,
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
            verdict = _judge(means.loc[CROSS_VALIDATED], means.loc[PLUG_IN, "mean"])
            rows.append(
                (
                    cells.replace(" ", ", "),
                    f"{size:,}",
                    *(interval(means.loc[name]) for name in (PLUG_IN, CROSS_VALIDATED)),
                    verdict,
                )
            )
    heads = ("cells", "target's users", "plug-in", "cross-validated", "both together")
    return "\n\n".join(
        [
            "### The choice of cells",
            f"For c = {own['common_fraction'].iloc[0]}, the nearest to one half. The finer the "
            "cells, the more the stored databases differ and the less the histograms of some users "
            "tell of others: the "
            "plug-in goes to 1, the cross-validated estimate below 0. They differ where the "
            "whole interval of the latter is above 0; else MI is at most the plug-in if that is "
            f"below {_FEW_BITS} bit, and if not there is not enough data to tell.",
            table(heads, rows),
        ]
    )


def _judge(low, high):
    """Return what a lower estimate of MI with its interval over deals and an upper one say."""
    if low["ci_low"] > 0:
        return "they differ"
    if high < _FEW_BITS:
        return f"at most about {high:.4f}"
    return "perhaps they differ" if low["mean"] > 0 else "not enough data to tell"


def _tell_null(bits, null):
    if pd.isna(null["null_mean"]):
        return "", "", ""
    net = bits["mean"] - null["null_mean"]
    return f"{null['null_mean']:.4f}, {null['null_95']:.4f}", f"{net:.4f}", f"{null['p_value']:.3f}"


def _tell_membership(information):
    own = information[information["secret"] == MEMBERSHIP]
    rows = []
    for point, at_point in of_smallest_and_largest(own):
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
            "about one trained model. What members dealt anew give as well comes from which "
            "records are stored, not from what the model tells: most of it for the record with "
            "its match, where users are many.",
            table(heads, rows),
        ]
    )


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

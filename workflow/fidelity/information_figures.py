"""Figures of information: what an observation tells of its holder, and of membership.

Each function takes tables as `information.report` names them, joined over grid points, and
returns a matplotlib `Figure`. Where one common fraction is shown, it is the one nearest to one
half, but 0.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from .information.observations import error_bounds
from .information.report import (
    BRACKET,
    CONSECUTIVE,
    HOLDER,
    INDEPENDENT,
    MEMBERSHIP,
    PLUG_IN,
    bracketed,
    has_bracket,
    main_channel,
)
from .plotting import (
    GREY,
    MARKERS,
    add_legend,
    fractions_of,
    handle,
    new_panels,
    say,
    set_size_axis,
    shades,
)
from .summary import best_errors, fraction_nearest_half, of_all_users

_NULL = {"color": GREY, "linestyle": "", "marker": "o", "markersize": 6, "fillstyle": "none"}
_HIGH_NULL = {"color": GREY, "linestyle": ":", "linewidth": 1}
_BAND: dict[str, Any] = {"color": "0.85", "linewidth": 0}
_DOTS = {"marker": "o", "markersize": 2.5}
_CURVE = _DOTS | {"color": "black"}


def draw_information(information):
    """Figure 4 of the paper: plug-in mutual information against the target's size.

    A panel a common fraction, around the curve the bracket, beside it what users dealt anew give,
    if these were estimated. The plug-in estimate is exactly the information on which of the two
    stored databases a record was drawn from, and about the populations behind them an upper bound
    in expectation.
    """
    own = main_channel(information, HOLDER)
    fractions = fractions_of(own)
    figure, panels = new_panels(len(fractions), share_y=True)
    for fraction, axes in zip(fractions, panels, strict=True):
        at_fraction = own[own["common_fraction"] == fraction]
        _draw_bracket(axes, at_fraction, _BAND)
        _draw_null(axes, at_fraction)
        plug_in = at_fraction[at_fraction["estimator"] == PLUG_IN]
        axes.plot(*_means(plug_in, "value"), **_CURVE)
        axes.set_title(f"c = {fraction}")
        set_size_axis(axes, own["target_size"])
        decades = axes.get_xticks()
        axes.xaxis.set_major_locator(FixedLocator(decades[[0, -1]]))  # more would overlap
    panels[0].set_ylabel("MI(holder; observation), bits")
    panels[0].set_ylim(0, None)
    _label_sizes(panels)
    handles = [handle("plug-in estimate: of which stored database a record is", **_CURVE)]
    handles += _handles_around() if has_bracket(own) else []
    add_legend(figure, handles, columns=1)
    return figure


def draw_membership(information):
    """Which holder a record is of, beside who is a member: bits an observation, two panels.

    What is observed of membership are the record and whether the answer matched it, the match
    alone, and the probability of the next song.
    """
    if not (information["secret"] == MEMBERSHIP).any():
        return _say_no_members()
    common = information[information["common_fraction"].astype(float) > 0]
    own = common[common["common_fraction"] == fraction_nearest_half(common)]
    figure, panels = new_panels(2, share_y=True)
    handles = []
    for axes, secret, title in zip(
        panels, (HOLDER, MEMBERSHIP), ("whose record?", "a member, or not?"), strict=True
    ):
        channels = bracketed(own[own["secret"] == secret])
        cells = list(dict.fromkeys(channels["cells"]))
        for i, name in enumerate(cells):
            place = i if secret == HOLDER else i + 1
            style = {"color": shades(4)[place], "marker": MARKERS[place], "markersize": 3}
            channel = channels[channels["cells"] == name]
            _draw_bracket(axes, channel, {"color": style["color"], "alpha": 0.15, "linewidth": 0})
            _draw_null(axes, channel, color=style["color"])
            plug_in = channel[channel["estimator"] == PLUG_IN]
            axes.plot(*_means(plug_in, "value"), **style)
            handles.append(handle(f"{secret}: {name.replace(' ', ', ')}", **style))
        axes.set_title(f"c = {own['common_fraction'].iloc[0]}: {title}")
        set_size_axis(axes, own["target_size"])
    panels[0].set_ylabel("information in an observation, bits")
    panels[0].set_ylim(0, None)
    _label_sizes(panels)
    add_legend(figure, handles + _handles_around(), columns=1)
    return figure


def draw_observations(errors, divergences, attack_errors):
    """Error of tests against the number of observations, with the bounds around it.

    At the largest size where there are members and others, means over repeats, errors on a
    logarithmic axis: of holders, and of membership, there beside the attacks on users.
    """
    members = errors[errors["secret"] == MEMBERSHIP]
    if members.empty:
        return _say_no_members()
    fraction = fraction_nearest_half(members)
    size = members["target_size"][members["common_fraction"] == fraction].max()
    here = {"common_fraction": fraction, "target_size": size}
    figure, panels = new_panels(2, share_y=True)
    titles = {HOLDER: "whose records?", MEMBERSHIP: "a member, or not?"}
    tests = {
        INDEPENDENT: ("independent draws, both histograms known", _DOTS | {"linestyle": "-"}),
        CONSECUTIVE: ("a user's first, histograms of other users", _DOTS | {"linestyle": "--"}),
    }
    dark, light = shades(2)
    for axes, (secret, title) in zip(panels, titles.items(), strict=True):
        own = main_channel(_at(errors, **here), secret)
        rho = main_channel(_at(divergences, **here), secret)
        rho = rho["value"][rho["measure"] == "Bhattacharyya coefficient"].mean()
        n = np.arange(1, own["observations"].max() + 1)
        lowest, highest = error_bounds(rho, n)
        axes.fill_between(n, np.maximum(lowest, 1e-9), highest, **_BAND)  # as logarithms
        for test, (_, style) in tests.items():
            curve = own[own["test"] == test].groupby("observations")["error"].mean()
            axes.plot(curve.index, curve, color=dark, **style)
        axes.set_title(f"c = {fraction}: {title}")
        axes.set_xlabel(f"observations; target of {size:,} users")
        axes.xaxis.set_major_locator(FixedLocator([1, *range(5, n[-1] + 1, 5)]))
        axes.xaxis.set_major_formatter("{x:g}")
    handles = [handle(label, color=dark, **style) for label, style in tests.values()]
    handles.append(Patch(**_BAND, label="Bhattacharyya's bounds, independent draws"))
    lines = {"s": ":", "D": "-."}
    for marker, (name, curve) in zip("sD", _best_attacks(_at(attack_errors, **here)), strict=False):
        look = {"color": light, "marker": marker, "linestyle": lines[marker], "fillstyle": "none"}
        panels[1].plot(curve.index, curve, **look)
        handles.append(handle(f"attack on users: {name}", **look))
    panels[0].set_yscale("log")
    drawn = [line.get_ydata() for axes in panels for line in axes.get_lines()]
    least = min(errors.min() for errors in drawn if len(errors))
    panels[0].set_ylim(max(least / 2, 1e-4), 0.6)
    panels[0].yaxis.set_major_locator(
        FixedLocator([d * 10**-p for p in range(1, 5) for d in (1, 2, 5)])
    )
    panels[0].yaxis.set_major_formatter(FuncFormatter(lambda error, _: f"{error:g}"))
    panels[0].yaxis.set_minor_formatter(NullFormatter())
    panels[0].set_ylabel("error (1/2 is guessing)")
    add_legend(figure, handles, columns=1)
    return figure


FIGURES: dict[str, Callable] = {
    "figure4": draw_information,
    "membership": draw_membership,
    "observations": draw_observations,
}
BANDS = {
    "figure4": "means over deals of one population",
    "membership": "means over deals of one population",
    "observations": "means over deals of one population",
}


def _say_no_members():
    return say("At no grid point are some of the adversary's users the target's, and some not.")


def _at(table, **fields):
    for name, value in fields.items():
        table = table[table[name] == value]
    return table


def _means(rows, column):
    means = rows.dropna(subset=column).groupby("target_size")[column].mean()
    return means.index, means


def _draw_bracket(axes, channel, style):
    ends = channel[channel["estimator"] == BRACKET].groupby("target_size")[["ci_low", "ci_high"]]
    ends = ends.mean()
    axes.fill_between(ends.index, ends["ci_low"], ends["ci_high"], **style)


def _draw_null(axes, channel, **style):
    plug_in = channel[channel["estimator"] == PLUG_IN]
    axes.plot(*_means(plug_in, "null_mean"), **_NULL | style)
    axes.plot(*_means(plug_in, "null_95"), **_HIGH_NULL | style)


def _handles_around():
    """Return the handles of what `_draw_bracket` and `_draw_null` draw."""
    return [
        Patch(**_BAND, label="bracket: cross-validated, lower end, to plug-in, upper end"),
        handle("plug-in, users dealt anew: mean", **_NULL),
        handle("plug-in, users dealt anew: 95 % point", **_HIGH_NULL),
    ]


def _best_attacks(attack_errors):
    """Return [(name, error by number of observations)]: plain matches, and the best so far."""
    if attack_errors.empty:
        return []
    plain = attack_errors[attack_errors["score"] == "matches"]
    plain = plain.groupby("observations")["error"].mean()
    best = best_errors(of_all_users(attack_errors)).set_index("observations")["mean"]
    named = {"matches": plain, "the best of all so far": best}
    return [(name, curve) for name, curve in named.items() if len(curve)]


def _label_sizes(panels):
    middle = {"x": 0.5 if len(panels) % 2 else 0, "ha": "center"}
    panels[len(panels) // 2].set_xlabel("users of the target", **middle)

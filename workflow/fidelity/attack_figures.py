"""Figures of attacks on users: how well members are told from others, and by which score.

Each function takes tables as `user_attacks` names them and returns a matplotlib `Figure`; where
no grid point had enough users to attack, the figure says so. Where one common fraction is shown,
it is the one nearest to one half. Scores are told apart by marker, their access by shade.
"""

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from .comparisons import MIN_GROUP
from .plotting import (
    MARKERS,
    add_legend,
    draw_line,
    fractions_of,
    handle,
    line_inches,
    new_panels,
    say,
    set_size_axis,
    shades,
)
from .scores import ACCESS, SCORES
from .summary import (
    POINT,
    difference_with_interval,
    fraction_nearest_half,
    mean_with_interval,
    rate_with_interval,
    select_metric,
)
from .user_attacks import NO_CONTROL, SHUFFLED, TARGET_ONLY

LEVEL = 0.01  # the FPR at which scores are compared
_UNRESOLVED = f"not resolvable: fewer than {round(1 / LEVEL)} others"
# Each metric with its level, and what guessing gives.
METRICS = {"AUC": ("auc", None, 0.5), "TPR at 1 % FPR": ("tpr", LEVEL, LEVEL)}
_LINE = ["score", "control", "target_size"]
_LINES = ["-", "--", "-.", ":"]
_CONTROL_LINES = {SHUFFLED: (0, (5, 1)), TARGET_ONLY: (0, (4, 1, 1, 1))}
_CONTROL_MARKERS = {SHUFFLED: ("|", 7), TARGET_ONLY: ("x", 2.5)}  # one around the other
_CONTROLS = {
    SHUFFLED: "control: membership is shuffled",
    TARGET_ONLY: "control: a model that knows none of the users",
}
_GUESSING = {"color": "black", "linestyle": ":", "linewidth": 0.8}
_SHOWN_UNIDENTIFIED = 6


def draw_roc(roc):
    """ROC at the sizes with reference models: the plain and the best score of each access.

    Steps, as between two thresholds there is nothing; a mean over repeats at each level.
    """
    if roc.empty:
        return _say_nobody()
    attack = roc[roc["control"] == NO_CONTROL]
    if attack.empty:
        return _say_unscored()
    attack = _nearest_half(attack)
    own = roc[roc["common_fraction"] == _fraction(attack)]
    sizes = _reference_sizes(attack)
    at_largest = attack[attack["target_size"] == sizes[-1]]
    ranked = _rank(at_largest[at_largest["fpr"] == LEVEL], at_largest, "tpr")
    shown = _plain_and_best(ranked)
    styles = _score_styles(shown)
    figure, panels = new_panels(len(sizes), share_y=True)
    lowest = attack["fpr"][attack["target_size"].isin(sizes)].min()
    controls = _controls_in(own)
    for size, axes in zip(sizes, panels, strict=True):
        at_size = own[own["target_size"] == size]
        axes.plot([lowest, 1], [lowest, 1], **_GUESSING)
        for control in controls:
            _draw_steps(axes, at_size, ranked[0], control, _control_style(control))
        for i, name in enumerate(shown):
            marks = {"markevery": (2 * i, 8), "markersize": 4}
            _draw_steps(axes, at_size, name, NO_CONTROL, styles[name] | marks)
        _set_rate_axes(axes, lowest)
        axes.set_title(f"c = {_fraction(own)}, {size:,} users of the target")
        axes.set_xlabel("FPR (% of others)")
    panels[0].set_ylabel("TPR (% of members)")
    handles = [handle(_access_label(name), **styles[name]) for name in shown]
    for control in controls:
        handles.append(handle(_control_label(ranked[0], control), **_control_style(control)))
    add_legend(figure, [*handles, handle("guessing", **_GUESSING)], columns=2)
    return figure


def draw_sizes(attacks):
    """AUC and TPR at 1 % FPR against the target's size, of scores that every size has.

    The two best with reference models stand beside them where there are some, and in grey the
    controls of the best score of every size.
    """
    if attacks.empty:
        return _say_nobody()
    own = _nearest_half(attacks)
    ranked = _rank_attacks(own)
    if not ranked:
        return _say_unscored()
    everywhere = [name for name in SCORES if name in ranked and not _needs_references(name)]
    referenced = [name for name in ranked if _needs_references(name)][:2]
    styles = _score_styles(everywhere) | _reference_styles(referenced)
    controlled = next((name for name in ranked if name in everywhere), ranked[0])
    figure, panels = new_panels(len(METRICS), share_y=False)
    for (label, (*_, chance)), axes in zip(METRICS.items(), panels, strict=True):
        axes.axhline(chance, **_GUESSING)
        for control in _CONTROLS:
            line = _means(own, label, control, controlled)
            axes.plot(line["target_size"], line["mean"], marker=".", **_control_style(control))
        for name in everywhere:
            draw_line(axes, _means(own, label, NO_CONTROL, name), **styles[name])
        for name in referenced:
            _draw_points(axes, _means(own, label, NO_CONTROL, name), styles[name])
        if _select(own, label, NO_CONTROL)["value"].isna().all():
            _say_unresolved(axes)
        _set_metric_axis(axes.yaxis, own, label)
        set_size_axis(axes, own["target_size"])
        axes.set_xlabel("users of the target")
        axes.set_ylabel(label)
        axes.set_title(f"c = {_fraction(own)}")
    handles = [handle(_access_label(name), **style) for name, style in styles.items()]
    for control in _controls_in(own):
        handles.append(handle(_control_label(controlled, control), **_control_style(control)))
    add_legend(figure, [*handles, handle("guessing", **_GUESSING)], columns=2)
    return figure


def draw_scores(attacks, shared_users):
    """AUC and TPR at 1 % FPR of every score, by access, at the sizes with reference models.

    Bars of AUC start from guessing, .5. A dot is the mean, so that a rate of 0 is seen; a rate
    that users are too few for is a star.
    """
    if attacks.empty:
        return _say_nobody()
    own = _nearest_half(attacks)
    sizes = _reference_sizes(own)
    places = _places_by_access([name for name in SCORES if (own["score"] == name).any()])
    colors = dict(zip(sizes, ["0.72", "0.3"][-len(sizes) :], strict=True))
    controls = _controls_in(own)
    figure, panels = new_panels(len(METRICS), share_y=True)
    figure.set_figheight((1.5 * len(places) + 10) * line_inches())  # 10 for what is around
    unresolved = []
    for label, axes in zip(METRICS, panels, strict=True):
        axes.axvline(METRICS[label][-1], **_GUESSING)
        for size, shift in zip(sizes, _shifts(len(sizes)), strict=True):
            at_size = own[own["target_size"] == size]
            y = {name: place + shift for name, place in places.items() if name in SCORES}
            style = {"color": colors[size], "height": 0.8 / len(sizes)}
            unresolved += _draw_bars(axes, at_size, label, y, style)
            for control in controls:
                _draw_marks(axes, _means(at_size, label, control), y, *_CONTROL_MARKERS[control])
        axes.set_xlabel(label)
        axes.set_title(f"c = {_fraction(own)}")
        _set_metric_axis(axes.xaxis, own, label)
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(list(places.values()), list(places))
    for text in panels[0].get_yticklabels():
        if text.get_text() not in SCORES:
            text.set_style("italic")
    panels[0].set_ylim(max(places.values()) + 0.6, -0.6)
    handles = [
        Patch(color=colors[size], label=_size_label(size, own, shared_users)) for size in sizes
    ]
    for control in controls:
        marker, size = _CONTROL_MARKERS[control]
        style = {"color": "black", "marker": marker, "markersize": size, "linestyle": ""}
        handles.append(handle(_CONTROLS[control], **style))
    handles.append(handle("guessing", **_GUESSING))
    if unresolved:
        handles.append(handle(_UNRESOLVED, color="black", marker="*", linestyle=""))
    add_legend(figure, handles, columns=1)
    return figure


def draw_counterfactual(leakage, counterfactual, attacks):
    """The leak, and what the same users' match rates lose without them, a panel a fraction.

    TPR - FPR compares different users; the counterfactual compares each user with itself, in a
    model of a database where it gave place to another. Where they agree, members and others
    differ in nothing but that they are known. Controls of either in grey.
    """
    if counterfactual.empty:
        return _say_nobody()
    leakage = leakage[leakage["common_fraction"].astype(float) > 0].dropna(subset="leakage")
    fractions = fractions_of(pd.concat([leakage[POINT], counterfactual[POINT]]))
    paired, control = (
        counterfactual[counterfactual["control"] == name] for name in (NO_CONTROL, SHUFFLED)
    )
    unknown = attacks[(attacks["metric"] == "leak") & (attacks["control"] == TARGET_ONLY)]
    figure, panels = new_panels(len(fractions), share_y=True)
    dark, light = shades(2)
    lines = {
        "TPR - FPR: known users against others": (
            *(leakage, "leakage"),
            {"color": light, "marker": "s", "markersize": 5, "linewidth": 2},
        ),
        "the same users: known against not known": (
            *(paired, "difference"),
            {"color": dark, "marker": "o", "markersize": 2.5, "linestyle": "--"},
        ),
        "control of the same users: it is drawn which model knows a user": (
            *(control, "difference"),
            _control_style(SHUFFLED) | {"marker": "."},
        ),
        "control of TPR - FPR: a model that knows none of the users": (
            *(unknown, "value"),
            _control_style(TARGET_ONLY) | {"marker": "."},
        ),
    }
    lines = {label: line for label, line in lines.items() if len(line[0])}
    lows = []
    for fraction, axes in zip(fractions, panels, strict=True):
        sizes = []
        for table, column, style in lines.values():
            own = table[table["common_fraction"] == fraction]
            line = difference_with_interval(own, column)
            draw_line(axes, line, **style)
            sizes += [*line["target_size"]]
            # A band of few repeats reaches further than any of them.
            lows.append(np.fmax(line["ci_low"].min(), own[column].min()))
        set_size_axis(axes, sizes)
        axes.set_title(f"c = {fraction}")
    lowest = min(0, np.nanmin(lows))
    highest = panels[0].get_ylim()[1]
    panels[0].set_ylim(1.1 * lowest, highest + 0.05 * (highest - lowest))
    panels[0].set_ylabel("difference of match rates")
    _keep_ticks_inside(panels[0])
    # Of the middle panel, or between two: what belongs to all panels would be below the legend.
    middle = {"x": 0.5 if len(panels) % 2 else 0, "ha": "center"}
    panels[len(panels) // 2].set_xlabel("users of the target", **middle)
    handles = [handle(label, **style) for label, (_, _, style) in lines.items()]
    add_legend(figure, handles, columns=1)
    return figure


def draw_shared_users(shared_users):
    """The share of the adversary's users that the target has: estimated, against the truth.

    A marker a grid point, its mean over repeats; the interval is the adversary's own. Beside it
    the same of the control, a model that knows none of them. Hollow where reference models know
    another number of users than the model asked about. Points where the share is not identifiable
    are named, and for how many deals it is where users are drawn anew, which must be hardly any.
    """
    if shared_users.empty:
        return say("No reference models were trained: no number of shared users was estimated.")
    own = shared_users[shared_users["control"] == NO_CONTROL]
    unknown = shared_users[shared_users["control"] == TARGET_ONLY]
    fractions = fractions_of(shared_users)
    colors = dict(zip(fractions, shades(len(fractions)), strict=True))
    markers = dict(zip(fractions, itertools.cycle(MARKERS)))
    figure, (axes, control) = new_panels(2, share_y=True, width_ratios=(4, 1))
    axes.plot([0, 1], [0, 1], **_GUESSING)
    control.axhline(0, **_GUESSING)
    styles = {
        fraction: {"color": colors[fraction], "marker": markers[fraction]} for fraction in fractions
    }
    points, of_control = _mean_shares(own), _mean_shares(unknown)
    _draw_shares(axes, points, points["truth"], styles)
    _draw_shares(control, of_control, np.arange(len(of_control)), styles)
    axes.set_xlim(0, 1)
    control.set_xlim(-1, max(len(of_control), 1))
    both = pd.concat([points, of_control])
    axes.set_ylim(1.1 * min(0, both["ci_low"].min()), max(1, both["ci_high"].max()))
    axes.xaxis.set_major_formatter("{x:g}")
    control.set_xticks([])
    if of_control.empty:
        control.text(0.5, 0.5, "no such\nusers", ha="center", transform=control.transAxes)
    _keep_ticks_inside(axes)
    axes.set_xlabel("true share of the adversary's users")
    axes.set_ylabel("estimated share")
    axes.set_title("the target")
    control.set_title("control")
    control.set_xlabel("true share: 0")
    round_marker = {"color": "black", "marker": "o", "linestyle": ""}
    handles = [
        *(handle(f"c = {name}", linestyle="", **style) for name, style in styles.items()),
        handle("estimate = truth", **_GUESSING),
        handle("references, same size", **round_marker),
        handle("references, other size", **round_marker, markerfacecolor="white"),
        *(handle(text, linestyle="") for text in _name_unidentified(own)),
        handle(_count_drawn(shared_users), linestyle=""),
    ]
    add_legend(figure, handles, columns=2)
    return figure


def draw_outliers(outliers):
    """Leak, and TPR at 1 % FPR of the best score of each access, by how surprising users are.

    At the largest size; deciles of the adversary's users, so that each has as many.
    """
    if outliers.empty:
        return say(
            "Nobody's surprise is known: the adversary's models give no probabilities, or no\n"
            "users were attacked."
        )
    own = _nearest_half(outliers)
    own = own[own["target_size"] == own["target_size"].max()]
    all_rates, leaks = (own[own["metric"] == metric] for metric in ("tpr", "leak"))
    rates = all_rates[all_rates["control"] == NO_CONTROL]
    ranked = _rank(rates, rates, "value")
    best = _best_by_access(ranked)
    of_strongest = all_rates[all_rates["score"].isin(ranked[:1])]
    figure, (left, right) = new_panels(2, share_y=False)
    for control, (axes, table) in itertools.product(
        _controls_in(own), ((left, leaks), (right, of_strongest))
    ):
        line = table[table["control"] == control].groupby("decile")["value"].mean()
        axes.plot(line.index, line, **_control_style(control))
    leak = difference_with_interval(leaks[leaks["control"] == NO_CONTROL], "value", by=["decile"])
    leak = leak.sort_values("decile")  # one that not every repeat has may come late
    draw_line(left, leak, x="decile", color="black", marker="o")
    left.set_ylim(min(0, 1.1 * leaks.groupby(["control", "decile"])["value"].mean().min()), None)
    _keep_ticks_inside(left)
    left.set_ylabel("leak (TPR - FPR of matches)")
    styles = _score_styles(best)
    by_decile = rate_with_interval(rates, "value", by=["score", "decile"]).sort_values("decile")
    for name in best:
        draw_line(right, by_decile[by_decile["score"] == name], x="decile", **styles[name])
    if by_decile.empty:
        _say_unresolved(right)
    right.axhline(LEVEL, **_GUESSING)
    right.set_ylim(-0.02, 1.02)
    _keep_ticks_inside(right)
    right.set_ylabel("TPR at 1 % FPR")
    size = own["target_size"].iloc[0]
    for axes in (left, right):
        axes.set_xlim(0.5, 10.5)
        axes.set_xticks([1, 4, 7, 10])
        axes.set_xlabel("decile, least … most surprising")
        axes.set_title(f"c = {_fraction(own)}, {size:,} users of the target")
    handles = [handle(_access_label(name), **styles[name]) for name in best]
    for control in _controls_in(own):
        handles.append(handle(f"control: {control}", **_control_style(control)))
    add_legend(figure, [*handles, handle("guessing", **_GUESSING)], columns=2)
    return figure


FIGURES: dict[str, Callable] = {
    "attack_roc": draw_roc,
    "attack_sizes": draw_sizes,
    "attack_scores": draw_scores,
    "counterfactual": draw_counterfactual,
    "shared_users": draw_shared_users,
    "outliers": draw_outliers,
}
_OVER_DEALS = "95 % intervals over deals of one population"
BANDS = {
    "attack_roc": "lines: means over deals of one population",
    "attack_sizes": f"bands: {_OVER_DEALS}",
    "attack_scores": f"whiskers: {_OVER_DEALS}",
    "counterfactual": f"bands: {_OVER_DEALS}",
    "shared_users": "bars: the adversary's 95 % intervals, mean over deals",
    "outliers": f"bands: {_OVER_DEALS}",
}


def _say_nobody():
    return say(
        f"Nobody was attacked: at no grid point were at least {MIN_GROUP} of the adversary's\n"
        f"users the target's, and at least {MIN_GROUP} not."
    )


def _say_unscored():
    return say(
        "No score has a value for members and for others: there are too few users,\n"
        "or reference models that know some of them and not all."
    )


def _say_unresolved(axes):
    middle = {"ha": "center", "va": "center", "transform": axes.transAxes}
    axes.text(0.5, 0.5, _UNRESOLVED.replace(": ", ":\n"), **middle)


def _nearest_half(table):
    """Return the rows of the common fraction nearest to .5."""
    return table[table["common_fraction"] == fraction_nearest_half(table)]


def _fraction(own):
    return own["common_fraction"].iloc[0]


def _needs_references(name):
    return "references" in SCORES[name].needs


def _reference_sizes(own):
    """Return the two largest sizes with reference models, or else the largest size."""
    referenced = own[own["score"].map(_needs_references)]
    return sorted(referenced["target_size"].unique())[-2:] or [own["target_size"].max()]


def _select(own, label, control):
    metric, level, _ = METRICS[label]
    return select_metric(own[own["control"] == control], metric, level)


def _means(own, label, control, name=None):
    """Return means over repeats of a metric, by score and size, of one score if it is given."""
    chosen = _select(own, label, control)
    chosen = chosen if name is None else chosen[chosen["score"] == name]
    return rate_with_interval(chosen, "value", by=["score", "target_size"])


def _rank_attacks(own):
    """Return the names of scores, the strongest first, each at its largest size."""
    auc, tpr = (_at_largest(_select(own, label, NO_CONTROL)) for label in METRICS)
    return _rank(tpr, auc, "value")


def _at_largest(table):
    return table[table["target_size"] == table.groupby("score")["target_size"].transform("max")]


def _rank(decisive, others, column):
    """Return the names of scores, the strongest first, by means of rows that decide.

    Scores that are not resolved there are the last, by their means in the other rows.
    """
    first, then = (
        table.dropna(subset=column).groupby("score")[column].mean() for table in (decisive, others)
    )
    return sorted(then.index, key=lambda name: (-first.get(name, -1), -then[name]))


def _best_by_access(ranked):
    return [
        next(name for name in ranked if SCORES[name].access == access)
        for access in ACCESS
        if any(SCORES[name].access == access for name in ranked)
    ]


def _plain_and_best(ranked):
    """Return what needs no knowledge, and what is best, of each access."""
    best = _best_by_access(ranked)
    return [name for name in SCORES if name in ranked and (name in best or not SCORES[name].needs)]


def _score_styles(names):
    """Return {score: style of its line}: shade by access; line and marker by score."""
    colors = dict(zip(ACCESS, shades(len(ACCESS)), strict=True))
    styles = {}
    for i, name in enumerate(names):
        access = SCORES[name].access
        before = sum(SCORES[other].access == access for other in names[:i])
        styles[name] = {
            "color": colors[access],
            "linestyle": _LINES[before % len(_LINES)],
            "marker": MARKERS[i % len(MARKERS)],
        }
    return styles


def _reference_styles(names):
    hollow = {"color": "black", "linestyle": "", "markerfacecolor": "white", "markersize": 6}
    return {name: hollow | {"marker": marker} for name, marker in zip(names, "Ph", strict=False)}


def _control_style(control):
    return {"color": "0.6", "linestyle": _CONTROL_LINES[control]}


def _controls_in(own):
    return [control for control in _CONTROLS if (own["control"] == control).any()]


def _access_label(name):
    return f"{SCORES[name].access}: {name}"


def _control_label(name, control):
    return f"control: {name}, {control}"


def _size_label(size, own, shared_users):
    """Return a size, and if reference models know as many users as the target's there."""
    label = f"{size:,} users of the target"
    found = shared_users[
        (shared_users["control"] == NO_CONTROL)
        & (shared_users["common_fraction"] == _fraction(own))
        & (shared_users["target_size"] == size)
    ]
    if found.empty:
        return label
    is_smaller = found["reference_mismatch"].iloc[0]
    return f"{label}; reference models know {'fewer' if is_smaller else 'as many'}"


def _draw_steps(axes, table, name, control, style):
    rows = table[(table["score"] == name) & (table["control"] == control)]
    line = rows.groupby("fpr")["tpr"].mean()
    axes.plot(line.index, line, drawstyle="steps-post", **style)


def _set_rate_axes(axes, lowest):
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(lowest, 1)
    axes.set_ylim(lowest, 1.1)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([t for t in (1e-4, 1e-3, 0.01, 0.1, 1) if t >= lowest]))
        axis.set_major_formatter(FuncFormatter(lambda rate, _: f"{100 * rate:g}"))
        axis.set_minor_formatter(NullFormatter())


def _set_metric_axis(axis, own, label):
    """Show a metric from below guessing, and below whatever is lower, to 1."""
    values = mean_with_interval(own[own["metric"] == METRICS[label][0]], "value", by=_LINE)["mean"]
    low = min(0.4, values.min() - 0.02) if label == "AUC" else -0.02
    axis.set_view_interval(low, 1.02, ignore=True)
    axis.set_major_locator(FixedLocator([t / 10 for t in range(0, 11, 2) if t / 10 >= low]))
    axis.set_major_formatter("{x:g}")


def _keep_ticks_inside(axes):
    """Leave out ticks beyond the axes, which are no more than in the way of other texts."""
    low, high = axes.get_ylim()
    rounding = 1e-9 * (high - low)
    ticks = axes.get_yticks()
    axes.set_yticks([tick for tick in ticks if low - rounding <= tick <= high + rounding])


def _draw_points(axes, points, style):
    ends = _ends(points)
    axes.errorbar(points["target_size"], points["mean"], ends, elinewidth=1, **style)


def _ends(means):
    """Return the lengths of both halves of each interval, of none where there is one repeat."""
    lengths = [means["mean"] - means["ci_low"], means["ci_high"] - means["mean"]]
    return np.nan_to_num(np.array(lengths, dtype=float))


def _places_by_access(names):
    """Return {score or heading: its row}, from the top: scores below the access they need."""
    rows = []
    for access in ACCESS:
        own = [name for name in names if SCORES[name].access == access]
        rows += [f"access: {access}", *own] if own else []
    return {name: row for row, name in enumerate(rows)}


def _shifts(n):
    """Return where n bars lie around their row."""
    return (np.arange(n) - (n - 1) / 2) * 0.8 / n


def _draw_bars(axes, at_size, label, y, style):
    """Draw a metric of each score in its row y; return the scores for which it has no value."""
    start = 0.5 if label == "AUC" else 0
    bars = _means(at_size, label, NO_CONTROL)
    rows = [y[name] for name in bars["score"]]
    axes.barh(rows, bars["mean"] - start, left=start, **style)
    dots = {"color": "black", "linestyle": "", "marker": "o", "markersize": 1.5}
    axes.errorbar(bars["mean"], rows, xerr=_ends(bars), elinewidth=0.7, **dots)
    missing = sorted(set(at_size["score"]) - set(bars["score"]))
    axes.plot([start] * len(missing), [y[name] for name in missing], "*", color="black")
    return missing


def _draw_marks(axes, means, y, marker, size):
    rows = [y[name] for name in means["score"]]
    outline = [withStroke(linewidth=2, foreground="white")]
    axes.plot(means["mean"], rows, marker, color="black", markersize=size, path_effects=outline)


def _mean_shares(shared_users):
    known = shared_users.dropna(subset="estimate")
    points = known.groupby([*POINT, "reference_mismatch"], sort=False)
    return points[["truth", "estimate", "ci_low", "ci_high"]].mean().reset_index()


def _draw_shares(axes, points, x, styles):
    for place, point in zip(x, points.itertuples(), strict=True):
        face = {"markerfacecolor": "white"} if point.reference_mismatch else {}
        ends = [[point.estimate - point.ci_low], [point.ci_high - point.estimate]]
        axes.errorbar(place, point.estimate, ends, **styles[point.common_fraction], **face)


def _count_drawn(shared_users):
    """Return a line on the control in which references are said to know users drawn anew."""
    drawn = shared_users[shared_users["control"] == SHUFFLED]["estimate"]
    return f"control, users shuffled: found in {drawn.notna().sum()} of {len(drawn)} deals"


def _name_unidentified(shared_users):
    """Return lines that name the points where the share of some repeats is not identifiable."""
    lines = []
    for (fraction, size), own in shared_users.groupby(POINT, sort=False):
        missing = int(own["estimate"].isna().sum())
        if missing:
            lines.append(f"c = {fraction}, {size:,} users: {missing} of {len(own)}")
    if len(lines) > _SHOWN_UNIDENTIFIED:
        rest = len(lines) - _SHOWN_UNIDENTIFIED
        lines = [*lines[:_SHOWN_UNIDENTIFIED], f"and {rest} more points"]
    return ["not identifiable (deals):", *lines] if lines else []

"""What attacks on users found, in words and numbers: sections of the page of findings."""

import pandas as pd

from .markdown import interval, table
from .scores import SCORES
from .summary import (
    POINT,
    difference_with_interval,
    fraction_nearest_half,
    mean_with_interval,
    rate_with_interval,
    select_metric,
    users_by_score,
)
from .user_attacks import NO_CONTROL, SHUFFLED, TARGET_ONLY


def tell_attacks(tables):
    """Return the sections; one that says why where there is nothing to tell.

    Parameters
    ----------
    tables : dict of DataFrame
        leakage, and of `user_attacks.TABLES` attacks, verdicts, shared_users, counterfactual
        and outliers, joined over grid points; without these there are no sections.
    """
    if "attacks" not in tables:
        return []
    if tables["attacks"].empty:
        return [
            "## Attacks on users\n\nAt no point are at least 20 of the adversary's users the "
            "target's and at least 20 not, so users are not attacked."
        ]
    parts = [
        _tell_scores(tables["attacks"]),
        _tell_controls(tables["attacks"]),
        _tell_counterfactual(tables["leakage"], tables["counterfactual"], tables["attacks"]),
        _tell_shared_users(tables["shared_users"]),
        _tell_verdicts(tables["verdicts"], tables["attacks"]),
        _tell_outliers(tables["outliers"]),
    ]
    return [part for part in parts if part]


def gain_over_matches(attacks, metric, level):
    """Return the mean gain of each score over plain matches, with its interval over repeats.

    Pairs of the same repeat. Columns: score, those of `POINT`, and of `summary.mean_with_interval`.

    Parameters
    ----------
    attacks : DataFrame
        Without controls.
    metric : str
    level : float or None
    """
    keys = [*POINT, "repeat"]
    chosen = select_metric(attacks, metric, level)
    plain = chosen[chosen["score"] == "matches"][[*keys, "value"]]
    paired = chosen.merge(plain, on=keys, suffixes=("", "_of_matches"))
    paired["gain"] = paired["value"] - paired["value_of_matches"]
    return difference_with_interval(paired, "gain", [*POINT, "score"])


def _tell_scores(attacks):
    real = _of(attacks, NO_CONTROL)
    fraction = fraction_nearest_half(real)
    real = real[real["common_fraction"] == fraction]
    sizes = _told_sizes(real)
    parts = [
        "## Attacks on users: all transitions of a user together",
        "A score tells how much a user looks like one of the target's, larger for more "
        "suspicious. AUC is the chance that a member's score is above another user's (.5 is "
        "guessing); TPR at FPR 1 % the share of members found where one in a hundred others is "
        "wrongly accused. Gains are over plain matches, if these are asked for, in the same "
        f"repeats. Here for c = {fraction}, the nearest to one half; all points are in "
        "tables/attacks.csv, also TPR at FPR 10 %. Not resolvable: fewer than 100 others.",
    ]
    for size in sizes:
        own = real[real["target_size"] == size]
        auc, tpr = (_means(own, *metric) for metric in (("auc", None), ("tpr", 0.01)))
        more, further = (
            gain_over_matches(own, *metric).set_index("score")
            for metric in (("auc", None), ("tpr", 0.01))
        )
        names = [name for name in SCORES if name in auc.index]
        parts.append(f"{size:,} users of the target:")
        if not names:
            parts.append(
                "No score has a value for members and for others: there are too few users, or "
                "reference models that know some of them and not all."
            )
            continue
        rows = [
            (
                SCORES[name].access,
                name,
                interval(auc.loc[name]),
                _told(more, name),
                _cell(tpr, name),
                _told(further, name),
            )
            for name in names
        ]
        heads = ("access", "score", "AUC", "gain", "TPR at FPR 1 %", "gain")
        parts += [table(heads, rows), _tell_unscored(own)]
    return "\n\n".join(part for part in parts if part)


def _tell_unscored(attacks):
    """Return a sentence on scores that not every user has, as the rates are those of the others."""
    users = users_by_score(attacks)
    fewer = users[users < users.max()]
    if fewer.empty:
        return ""
    told = ", ".join(f"{name} {n:,.0f}" for name, n in fewer.items())
    return (
        f"Not all of the {users.max():,.0f} users have every score: that needs a model that knows "
        f"a user, and models that differ. Numbers are about those who have one: {told}."
    )


def _tell_controls(attacks):
    areas = attacks[attacks["metric"] == "auc"]
    by = ["control", *POINT, "score"]
    means = mean_with_interval(areas[areas["control"] != NO_CONTROL], "value", by)
    names = {
        SHUFFLED: "membership shuffled",
        TARGET_ONLY: "a model of users of the target's provider who are not the adversary's",
    }
    rows = []
    for control, label in names.items():
        own = _of(means, control)
        if own.empty:
            continue
        low, high = own["mean"].min(), own["mean"].max()
        rows.append((label, len(own), f"{own['mean'].mean():.4f}", f"{low:.4f} to {high:.4f}"))
    if not rows:
        return ""
    return "\n\n".join(
        [
            "### Controls",
            "Where nothing is to be found, the AUC must be near .5. Each mean is over repeats, of "
            "a score at a point; with few members they scatter, and scores of the same deals "
            "together. The model of others has as many "
            "users as a reference model, or all that there are if they are fewer.",
            table(("control", "means", "their mean AUC", "lowest and highest"), rows),
        ]
    )


def _tell_counterfactual(leakage, counterfactual, attacks):
    leaks = difference_with_interval(leakage, "leakage").set_index(POINT)
    paired, sides_drawn = (
        difference_with_interval(_of(counterfactual, control), "difference").set_index(POINT)
        for control in (NO_CONTROL, SHUFFLED)
    )
    shuffled, target_only = (
        difference_with_interval(
            _of(select_metric(attacks, "leak", None), control), "value"
        ).set_index(POINT)
        for control in (SHUFFLED, TARGET_ONLY)
    )
    others, members = (
        rate_with_interval(leakage, rate).set_index(POINT) for rate in ("fpr", "tpr")
    )
    rows = [
        (
            point[0],
            f"{point[1]:,}",
            *(interval(means.loc[point]) for means in (others, members, leaks)),
            *(_told(means, point) for means in (shuffled, target_only)),
            *(interval(means.loc[point]) for means in (paired, sides_drawn)),
        )
        for point in _largest_points(_of(counterfactual, NO_CONTROL))
    ]
    heads = (
        *("c", "target's users", "others", "members", "difference"),
        *(f"control: {name}" for name in (SHUFFLED, TARGET_ONLY)),
        *("same users, with - without", "control: sides drawn"),
    )
    return "\n\n".join(
        [
            "### Generalization and leak apart",
            "Match rates at the largest size with members and others: of others, which is what "
            "generalization gives; of members; their difference, the leak; the difference where "
            "membership is shuffled, and in a model that knows none of the users. Beside it a "
            "counterfactual: the target's model trained anew with members replaced by as many of "
            "the adversary's other users, and the same users asked about with and without them. No "
            "difference between users is in it.",
            table(heads, rows),
            _tell_chance(pd.concat([shuffled, sides_drawn])),
        ]
    )


def _tell_chance(controls):
    """Return a sentence on controls of which nothing but chance is to be found, at all points."""
    known = controls.dropna(subset=["ci_low", "ci_high"])
    beyond = int(((known["ci_low"] > 0) | (known["ci_high"] < 0)).sum())
    return (
        f"Of the {len(known)} intervals of both controls that only draw, at all fractions and "
        f"sizes, {beyond} do not hold 0. One in twenty does not by chance, and sizes share users."
    )


def _tell_shared_users(shared):
    if shared.empty:
        return ""
    rows = []
    for (fraction, size), own in _of(shared, NO_CONTROL).groupby(POINT, sort=False):
        found = own.dropna(subset="estimate")
        truth = own["truth"].mean()
        if found.empty:
            rows.append((fraction, f"{size:,}", f"{truth:.4f}", "not identifiable", "", ""))
            continue
        covered = found["truth"].between(found["ci_low"], found["ci_high"]).sum()
        rows.append(
            (
                fraction,
                f"{size:,}",
                f"{truth:.4f}",
                f"{found['estimate'].mean():.4f}",
                f"{covered} of {len(found)}",
                _yes(own["reference_mismatch"].any()),
            )
        )
    heads = (
        *("c", "target's users", "true share", "estimate"),
        *("intervals that hold it", "references too small"),
    )
    return "\n\n".join(
        [
            "### How many of the adversary's users are shared?",
            "The adversary's estimate of the share of its users that are the target's, from the "
            "match rate of all and what reference models of its own users tell of members' and "
            "others'. Where these know fewer users than the target's model, they match less often "
            "and the estimate is off: no promise is made.",
            table(heads, rows),
            "Controls. A model that knows none of the users, whose share is 0: the estimate must "
            "be near 0 where that model is as large as the references, and is too low where there "
            "are fewer such users. It is never larger, so it tells nothing of an estimate for a "
            "larger target. And reference models that are said to know users drawn anew: "
            "they must find no share, but in one deal of 40 by chance.",
            _table_shared_controls(shared),
        ]
    )


def _table_shared_controls(shared):
    unknown = dict(list(_of(shared, TARGET_ONLY).groupby(POINT)))
    rows = []
    for point, drawn in _of(shared, SHUFFLED).groupby(POINT, sort=False):
        shares = f"{drawn['estimate'].notna().sum()} of {len(drawn)}"
        cells = _tell_share_of_nobody(unknown[point]) if point in unknown else ("", "", "")
        rows.append((point[0], f"{point[1]:,}", *cells, shares))
    heads = (
        *("c", "target's users", "knows none: estimate", "intervals that hold 0"),
        *("smaller than references", "users drawn: shares found in deals"),
    )
    return table(heads, rows)


def _tell_share_of_nobody(shared):
    found = shared.dropna(subset="estimate")
    if found.empty:
        return "not identifiable", "", ""
    covered = found["truth"].between(found["ci_low"], found["ci_high"]).sum()
    return (
        interval(mean_with_interval(found, "estimate").iloc[0]),
        f"{covered} of {len(found)}",
        _yes(found["reference_mismatch"].any()),
    )


def _tell_verdicts(verdicts, attacks):
    if verdicts.empty:
        return ""
    trusts = select_metric(attacks, "p at most", 0.1)
    trust = _of(trusts, NO_CONTROL)
    by_chance = mean_with_interval(_of(verdicts, SHUFFLED), "realised").set_index(POINT)["mean"]
    unknown = dict(list(_of(verdicts, TARGET_ONLY).groupby(POINT)))
    verdicts = _of(verdicts, NO_CONTROL)
    name = trust["score"].iloc[0]
    small, small_of_all = (
        rate_with_interval(_of(trusts, control), "value").set_index(POINT)
        for control in (NO_CONTROL, TARGET_ONLY)
    )
    realised = rate_with_interval(verdicts, "realised")
    listed = verdicts.groupby(POINT, sort=False)[["listed", "false"]].mean()
    mismatch = verdicts.groupby(POINT, sort=False)["reference_mismatch"].any()
    rows = [
        (
            point["common_fraction"],
            f"{point['target_size']:,}",
            *(f"{number:,.1f}" for number in listed.loc[tuple(point[POINT])]),
            interval(point),
            f"{by_chance.loc[tuple(point[POINT])]:.4f}",
            interval(small.loc[tuple(point[POINT])]),
            _told(small_of_all, tuple(point[POINT])),
            _tell_accused(unknown.get(tuple(point[POINT]))),
            "no" if mismatch.loc[tuple(point[POINT])] else f"at most {verdicts['fdr'].iloc[0]:g}",
        )
        for _, point in realised.iterrows()
    ]
    heads = (
        *("c", "target's users", "listed", "of these false", "realised share"),
        *("if membership is shuffled", "others with p <= .1"),
        *("all with p <= .1, of a model that knows none", "listed of it", "promised"),
    )
    return "\n\n".join(
        [
            "### Verdicts at a chosen error",
            f"Users listed by the score {name} at a false discovery rate of "
            f"{verdicts['fdr'].iloc[0]:g} (Benjamini-Hochberg), with p-values from what reference "
            "models say of users they do not know. The promise holds on average over deals, and "
            "only where reference models know as many users as the target's. Where it is made, on "
            "average no more than a tenth of the users who are not the target's have p <= .1. "
            "Controls: the share of the "
            "list that is false where membership is shuffled, as it would be of names drawn by "
            "lot; and a model that knows none of the users, where every name is false: no more "
            "than a tenth of all may have p <= .1, if that model is as large as the references. "
            "(That its lists are empty proves little, as a list begins with far smaller p.) That "
            "model is never larger than the references, so it tells nothing of the p-values of a "
            "larger target.",
            table(heads, rows),
        ]
    )


def _tell_accused(lists):
    """Return the mean length of lists, and how many have a name; nothing if there are none."""
    if lists is None:
        return ""
    listed, smaller = lists["listed"], lists["reference_mismatch"].any()
    told = f"{listed.mean():,.1f}, in {(listed > 0).sum()} of {len(lists)} deals"
    return f"{told} (smaller)" if smaller else told


def _tell_outliers(outliers):
    if outliers.empty:
        return ""
    fraction = fraction_nearest_half(outliers)
    own = outliers[outliers["common_fraction"] == fraction]
    own = own[own["target_size"] == own["target_size"].max()]
    leaks = own[own["metric"] == "leak"]
    real = _of(own, NO_CONTROL)
    users = _of(leaks, NO_CONTROL).groupby("decile")
    columns = {
        "surprise (bits)": users["surprise"].mean().map("{:.2f}".format),
        "members, others": users[["members", "others"]].mean().apply(_tell_two, axis=1),
        "leak": _leaks_by_decile(leaks, NO_CONTROL),
        **{f"control: {name}": _leaks_by_decile(leaks, name) for name in (SHUFFLED, TARGET_ONLY)},
        **_rates_by_decile(real),
    }
    deciles = sorted(leaks["decile"].unique())
    rows = [(decile, *(cells.get(decile, "") for cells in columns.values())) for decile in deciles]
    return "\n\n".join(
        [
            "### Who is exposed",
            "Users by how little the adversary's other users tell of their next songs, from the "
            f"least to the most surprising tenth; c = {fraction}, "
            f"{own['target_size'].max():,} users of the target. Surprise is the mean of -log2 of "
            "the probability that the adversary's models of other users give the next song, which "
            "is floored at attacks.epsilon. Leak: TPR - FPR of matches; of few members it says "
            "little.",
            table(("decile", *columns), rows),
        ]
    )


def _leaks_by_decile(leaks, control):
    means = difference_with_interval(_of(leaks, control), "value", ["decile"]).set_index("decile")
    return {decile: interval(row) for decile, row in means.iterrows()}


def _rates_by_decile(outliers):
    """Return {heading: TPR at FPR 1 % of the strongest score}; none where nothing is resolved."""
    found = outliers[outliers["metric"] == "tpr"].dropna(subset="value")
    if found.empty:
        return {}
    best = found.groupby("score")["value"].mean().idxmax()
    means = rate_with_interval(found[found["score"] == best], "value", ["decile"])
    means = means.set_index("decile")
    cells = {decile: _cell(means, decile) for decile in outliers["decile"].unique()}
    return {f"TPR at FPR 1 %, {best}": cells}


def _of(rows, control):
    return rows[rows["control"] == control]


def _tell_two(row):
    return ", ".join(f"{number:,.0f}" for number in row)


def _told_sizes(attacks):
    """Return the sizes with scores that need reference models; the largest if there are none."""
    needs = [name for name, score in SCORES.items() if "references" in score.needs]
    sizes = attacks[attacks["score"].isin(needs)]["target_size"].unique()
    return sorted(sizes) if len(sizes) else [attacks["target_size"].max()]


def _largest_points(points):
    largest = points.groupby("common_fraction", sort=False)["target_size"].max()
    return list(largest.items())


def _means(attacks, metric, level):
    chosen = select_metric(attacks, metric, level)
    return rate_with_interval(chosen, "value", ["score"]).set_index("score")


def _cell(means, name):
    return interval(means.loc[name]) if name in means.index else "not resolvable"


def _told(means, name):
    return interval(means.loc[name]) if name in means.index else ""


def _yes(value):
    return "yes" if value else "no"

"""What was found in a few sentences, at one grid point: the head of the page of findings."""

from .information.report import HOLDER, PLUG_IN, main_channel
from .markdown import interval
from .summary import (
    POINT,
    difference_with_interval,
    fraction_nearest_half,
    mean_with_interval,
    rate_with_interval,
    rows_at,
    select_metric,
    users_by_score,
)
from .user_attacks import NO_CONTROL


def tell_in_short(tables):
    """Return the section; nothing where there is no leak to tell.

    It is about the fraction of common users nearest to one half of those that have both members
    and others, and the largest of its sizes that has both.

    Parameters
    ----------
    tables : dict of DataFrame
        As in `findings.write_findings`.
    """
    both = tables["leakage"].dropna(subset=["tpr", "fpr"])
    if both.empty:
        return ""
    fraction = fraction_nearest_half(both)
    size = both.loc[both["common_fraction"] == fraction, "target_size"].max()
    point = fraction, size
    parts = [
        "## In short\n",
        f"At c = {fraction} and {size:,} users of the target (other points below):\n",
        _leak(rows_at(both, point)),
        _attack(rows_at(tables["attacks"], point)) if "attacks" in tables else "",
        _information(rows_at(tables["information"], point)),
        _accuracy(tables["accuracy"], tables["in_sample"], point),
    ]
    return "\n".join(part for part in parts if part)


def _leak(leakage):
    tpr, fpr = (interval(rate_with_interval(leakage, name).iloc[0]) for name in ("tpr", "fpr"))
    leak = interval(difference_with_interval(leakage, "leakage").iloc[0])
    return (
        f"- **The leak is {leak}**: the target's model names the song that came next in {tpr} of "
        f"the transitions of its own users, and in {fpr} of others'."
    )


def _attack(attacks):
    attacks = attacks[attacks["control"] == NO_CONTROL]
    users = users_by_score(attacks)
    whole = users.index[users == users.max()]  # others are about a choice of users
    chosen = select_metric(attacks[attacks["score"].isin(whole)], "auc", None)
    if chosen.empty:
        return ""
    means = rate_with_interval(chosen, "value", ["score", "access"]).set_index("score")
    best = means["mean"].idxmax()
    n_best = int((means["mean"] == means["mean"].max()).sum())
    place = "the best" if n_best == 1 else f"one of the {n_best} best"
    does = f"is {place} of {len(means)} scores with" if len(means) > 1 else "has"
    told = (
        f"- **Whose are the users?** By all transitions of a user, {best} (access: "
        f"{means.loc[best, 'access']}) {does} an AUC of "
        f"{interval(means.loc[best])}; .5 is guessing."
    )
    if best != "matches" and "matches" in means.index:
        told += f" Plain matches have {interval(means.loc['matches'])}."
    return told


def _information(information):
    of_holder = main_channel(information, HOLDER)
    own = of_holder[of_holder["estimator"] == PLUG_IN]
    bits = interval(mean_with_interval(own, "value").iloc[0])
    told = f"- **A record tells of its holder** {bits} bits by the paper's estimate"
    if len(own) == len(of_holder):
        return f"{told}; how much of it is chance was not asked for."
    if own["null_mean"].isna().all():
        return f"{told}; there are no users whom chance could deal to the two anew."
    return f"{told}; users dealt anew, by chance alone, give {own['null_mean'].mean():.4f}."


def _accuracy(accuracy, in_sample, point):
    fraction, size = point
    own = accuracy[accuracy["common_fraction"] == fraction]
    if own.empty:
        return ""
    unknown = rate_with_interval(own, "accuracy").iloc[-1]
    known = rate_with_interval(in_sample, "accuracy").set_index(POINT)
    validated = unknown["target_size"]
    why = "" if validated == size else " (the largest size at which it was cross-validated here)"
    return (
        f"- **The model** of {validated:,} users{why} foretells the next song of users "
        f"whom it does not know in {interval(unknown)} of cases, of its own in "
        f"{interval(known.loc[fraction, validated])}."
    )

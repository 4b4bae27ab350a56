"""The page that tells what was found: words and numbers, and what the paper says beside them."""

import pandas as pd

from .attack_findings import tell_attacks
from .information_findings import tell_information
from .markdown import interval, table
from .short_findings import tell_in_short
from .summary import POINT, difference_with_interval, rate_with_interval

_FILTERS = {
    "read": "read",
    "missing": "dropped: rows that lack a value",
    "duplicate": "dropped: rows that are there already",
    "items": "dropped: items of too few users",
    "remainder": "dropped: too few in a row for a session of the length asked for",
    "songs": "dropped: sessions with songs that are not kept",
    "length": "dropped: not of the length asked for",
    "full_plays": "dropped: too few listenings played entirely",
    "context": "dropped: another context",
    "kept": "kept",
}


def write_findings(dataset, note, asked, n_users, tables):
    """Return the findings as Markdown.

    Parameters
    ----------
    dataset : str
        Its name in the config.
    note : str
        Where the data come from, if that must be said; else empty.
    asked : dict
        What the config asks for: {what: value}, to be told; of these `target_size` is a list.
    n_users : int
        Users who are left, and dealt to the two providers.
    tables : dict of DataFrame
        funnel, songs, curve, leakage, accuracy, in_sample, as the workflow writes them, and those
        of `information_findings.tell_information`; where users are attacked, those of
        `attack_findings.tell_attacks`.
    """
    parts = [
        f"# Findings: {dataset}",
        f"> **{note.capitalize()}**: made by a generator, not by listeners. The numbers show how "
        "the experiment behaves; they are no evidence about any service."
        if note
        else "",
        "Brackets are 95 % Student intervals: over repeats, which deal one population anew (not "
        "over populations), or, for accuracies, over the folds of one deal, which share training "
        "data and so are not independent. One without width says that all deals gave the same, "
        "not that this is certain; tables/attacks.csv has intervals over users.",
        tell_in_short(tables),
        _tell_asked(asked, tables["leakage"]),
        _tell_data(tables["funnel"], tables["songs"], tables["curve"], n_users),
        _tell_accuracy(tables["accuracy"], tables["in_sample"], len(tables["songs"])),
        _tell_leak(tables["leakage"]),
        _tell_bound(tables["leakage"], tables["accuracy"], tables["in_sample"]),
        *tell_attacks(tables),
        *tell_information(tables),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _tell_asked(asked, leakage):
    rows = [(f"`{name}`", _listed(value)) for name, value in asked.items()]
    parts = ["## What was asked for", table(("key", "value"), rows)]
    largest = leakage.groupby("common_fraction", sort=False)["target_size"].max()
    for fraction, size in largest.items():
        numbers = [number for number in asked["target_size"] if number != "max"]
        larger = [f"{number:,}" for number in numbers if number > size]
        if larger:
            parts.append(
                f"At c = {fraction} there are no results for {_listed(larger)} users of the "
                f"target, as there are not so many; the most that were measured are {size:,}."
            )
    return "\n\n".join(parts)


def _listed(value):
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _tell_data(funnel, songs, curve, n_users):
    counts = funnel.groupby("filter")[["sessions", "listenings"]].sum(min_count=1)
    counts = counts.loc[[name for name in _FILTERS if name in counts.index]]
    rows = [(_FILTERS[name], *map(_count, row)) for name, row in counts.iterrows()]
    kept = curve[curve["songs"] == len(songs)].iloc[0]
    left = int(kept["sessions"])
    n_kept, n_listenings = counts.loc["kept", ["sessions", "listenings"]]
    if left < n_kept:
        label = f"left after the reduction to {len(songs)} songs"
        rows.append((label, _count(left), _count(left * n_listenings / n_kept)))
    return "\n\n".join(
        [
            "## Data",
            table(("", "sessions", "listenings"), rows),
            f"Before the reduction there were {len(curve):,} songs; now each session holds only "
            f"songs that are kept, {kept['ratio']:.1f} sessions a song.",
            f"They are of {n_users:,} users, who are dealt to the two providers.",
            _paper("229 songs, 11,156 sessions, 223,120 listenings."),
        ]
    )


def _count(number):
    return "" if pd.isna(number) else f"{number:,.0f}"


def _tell_accuracy(accuracy, in_sample, n_songs):
    unknown = rate_with_interval(accuracy, "accuracy").set_index(POINT)
    known = rate_with_interval(in_sample, "accuracy").set_index(POINT)
    rows = [
        (fraction, f"{size:,}", interval(row), interval(known.loc[(fraction, size)]))
        for (fraction, size), row in unknown.iterrows()
    ]
    return "\n\n".join(
        [
            "## How well the recommender foretells the next song",
            "Models of the target's users, asked about users they do not know (10-fold, by user) "
            "and about those they were trained on. One song at random is right in "
            f"1/{n_songs} = {1 / n_songs:.4f} of cases.",
            table(("c", "target's users", "accuracy, unknown users", "in sample"), rows),
            _paper("about .60, saturating with size, not dependent on c."),
        ]
    )


def _tell_leak(leakage):
    rows, shares, silent, larger = [], [], [], []
    for fraction, own in leakage.groupby("common_fraction", sort=False):
        shares.append(_row_at_largest(fraction, own, ("tp", "fp", "tn", "fn", "success")))
        both = own.dropna(subset=["tpr", "fpr"])
        if both.empty:
            silent.append(fraction)
            continue
        rows.append(_row_at_largest(fraction, both, ("tpr", "fpr", "leakage")))
        if own["target_size"].max() > both["target_size"].max():
            larger.append((fraction, own["target_size"].max()))
    return "\n\n".join(
        [
            "## The leak",
            "How often the target's model names the song that came next: for the target's own "
            "users (TPR), and for others (FPR), which is what good generalization alone gives. "
            "Their difference is the leak. Each c at the largest size at which both groups exist; "
            "it falls with size, so compare fractions at one size (tables/leakage.csv). The "
            f"adversary has {_sizes(leakage['adversary_size'])} users.",
            table(("c", "target's users", "TPR", "FPR", "leak = TPR - FPR"), rows)
            if rows
            else "At no point do both groups exist, so no leak can be told.",
            *(_tell_silence(fraction) for fraction in silent),
            *(
                f"For c = {fraction} and {size:,} users of the target all of the adversary's users "
                "are the target's, so there is no FPR and no leak to tell."
                for fraction, size in larger
            ),
            "Shares of all of the adversary's transitions, at the largest size. They rise and fall "
            "with c by construction.",
            table(("c", "target's users", "TP", "FP", "TN", "FN", "success"), shares),
            _paper("the TP share saturates at about .60; the FP share falls with c."),
        ]
    )


def _row_at_largest(fraction, own, names):
    """Return c, its largest size in `own`, and the means of the named columns there."""
    size = own["target_size"].max()
    point = own[own["target_size"] == size]
    summaries = {"leakage": difference_with_interval}
    means = (summaries.get(name, rate_with_interval)(point, name).iloc[0] for name in names)
    return (fraction, f"{size:,}", *map(interval, means))


def _sizes(sizes):
    low, high = sizes.min(), sizes.max()
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _tell_silence(fraction):
    reason = {
        "0": "no user is both providers', so nobody's membership can be found out",
        "1": "all of the adversary's users asked about are the target's, so nobody could be "
        "taken for one by mistake",
    }.get(fraction, "one of the two groups is empty at every size")
    return f"For c = {fraction} there is no leak to tell: {reason}."


def _tell_bound(leakage, accuracy, in_sample):
    known = leakage.dropna(subset="tpr")
    if known.empty:
        return ""
    tpr = rate_with_interval(known, "tpr").set_index(POINT)
    success = rate_with_interval(known, "success").set_index(POINT)
    unknown = rate_with_interval(accuracy, "accuracy").set_index(POINT)
    trained = rate_with_interval(in_sample, "accuracy").set_index(POINT)
    points = [point for point in tpr.index if point in unknown.index]
    rows = [
        (
            point[0],
            f"{point[1]:,}",
            *(interval(means.loc[point]) for means in (success, tpr, unknown, trained)),
        )
        for point in points
    ]
    n_above = sum(_lies_above(tpr.loc[point], unknown.loc[point]) for point in points)
    n_success = sum(_lies_above(success.loc[point], unknown.loc[point]) for point in points)
    return "\n\n".join(
        [
            "## Is the attack bounded by the accuracy?",
            "The paper claims that the attack's success is bounded by the accuracy. Accuracy on "
            "unknown users is what generalization gives; of its own users the model also "
            "remembers something. The TPR is the model's accuracy on those of its own users that "
            "are the adversary's as well (at c = 1 with all of the adversary's users, on all of "
            "them), so what it follows is the accuracy in the sample. That is measured on models "
            "of nine folds in ten, smaller databases than the attacked model's, and so stands a "
            "little higher.",
            table(
                ("c", "target's users", "success", "TPR", "accuracy, unknown users", "in sample"),
                rows,
            ),
            f"Of these {len(points)} points the whole interval of the TPR lies above that of the "
            f"accuracy on unknown users at {n_above}, that of the success (TP + TN) at "
            f"{n_success}: there the claim fails. Where few users are common, the success is "
            "mostly of others' transitions that were rightly not matched; where all are, it is "
            "the TPR.",
        ]
    )


def _lies_above(row, other):
    """Return if an interval lies above another; of single values, if the value does."""
    low = row["mean"] if pd.isna(row["ci_low"]) else row["ci_low"]
    return low > (other["mean"] if pd.isna(other["ci_high"]) else other["ci_high"])


def _paper(text):
    return f"The paper reports: {text}"

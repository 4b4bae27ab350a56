"""Small tables of results, as the workflow writes them, of made-up numbers."""

import itertools

import numpy as np
import pandas as pd

from fidelity.scores import SCORES
from fidelity.user_attacks import CURVE_LEVELS, TABLES

FRACTIONS = {"0": 5000, "0.5": 7000, "1": 10_000}  # and the largest size at each
SIZES = (500, 1000, 2000, 4000)
SONGS = pd.DataFrame({"song": range(4), "track_id": list("abcd"), "sessions": [9, 8, 7, 6]})
CURVE = pd.DataFrame(
    {"songs": [8, 7, 6, 5, 4, 3, 2, 1], "sessions": [900, 850, 800, 700, 600, 80, 9, 0]}
)
CURVE["ratio"] = CURVE["sessions"] / CURVE["songs"]


def leakage_table(repeats=3):
    """TPR .7 and FPR .5 everywhere, but for what each repeat adds: 0, .01, .02."""
    rows = []
    for fraction, largest in FRACTIONS.items():
        c = float(fraction)
        for size in (*SIZES, largest):
            common = c * size / largest
            for repeat in range(repeats):
                tpr, fpr = 0.7 + repeat / 100, 0.5 + repeat / 100
                tp, fp = common * tpr, (1 - common) * fpr
                rows.append(
                    {
                        "common_fraction": fraction,
                        "target_size": size,
                        "adversary_size": largest,
                        "repeat": repeat,
                        "tp": tp,
                        "fp": fp,
                        "tn": 1 - common - fp,
                        "fn": common - tp,
                        "success": tp + 1 - common - fp,
                        "tpr": tpr if common > 0 else np.nan,
                        "fpr": fpr if common < 1 else np.nan,
                        "leakage": tpr - fpr if 0 < common < 1 else np.nan,
                    }
                )
    return pd.DataFrame(rows)


def information_table(repeats=3):
    leakage = leakage_table(repeats)
    table = leakage[["common_fraction", "target_size", "repeat"]].copy()
    same = (table["common_fraction"] == "1") & (table["target_size"] == FRACTIONS["1"])
    table["value"] = np.where(same, 0, 100 / table["target_size"] + table["repeat"] / 1000)
    return table.assign(estimator="plug-in", cells="song next_song")


def user_tables(repeats=3, names=tuple(SCORES), sizes=(*SIZES, None)):
    """Tables of attacks on users: score i of n has an AUC of .5 + .4 (i + 1) / n in all repeats.

    At size None, the largest; there and at 4,000 are reference models. Up to 500 users there
    are too few for an FPR of 1 %. At c = .5 and the largest size, the number of shared users
    is not identifiable in the first repeat; at c = 1 and the largest size nobody is an other.
    """
    tables = {name: [] for name in TABLES}
    for fraction, size, repeat in itertools.product(FRACTIONS, sizes, range(repeats)):
        largest = FRACTIONS[fraction]
        common = float(fraction) * (size or largest) / largest
        if not 0 < common < 1:
            continue
        point = {"common_fraction": fraction, "target_size": size or largest, "repeat": repeat}
        has_references = size in (4000, None)
        for name, control in itertools.product(names, ("no", "shuffled", "target-only")):
            if "references" in SCORES[name].needs and not has_references:
                continue
            power = 0.8 * (1 + names.index(name)) / len(names) if control == "no" else 0
            labels = {"score": name, "access": SCORES[name].access, "control": control}
            tables["attacks"] += [
                point | labels | row for row in _measures(power, repeat, size == SIZES[0])
            ]
            tables["roc"] += [
                point | labels | {"fpr": level, "tpr": level ** (1 - power)}
                for level in CURVE_LEVELS
                if level >= 3e-4
            ]
        tables["counterfactual"] += [
            point | {"control": "no", "difference": 0.2 + repeat / 100},
            point | {"control": "shuffled", "difference": (repeat - 1) / 100},
        ]
        tables["outliers"] += [
            point | row for row in _outliers(names, has_references, size == SIZES[0])
        ]
        if has_references:
            is_known = not (fraction == "0.5" and size is None and repeat == 0)
            for control, truth in (("no", common), ("target-only", 0)):
                found = {"estimate": truth, "ci_low": truth - 0.1, "ci_high": truth + 0.1}
                found = found if is_known else dict.fromkeys(found)
                shared = {"control": control, "truth": truth, "reference_mismatch": size is None}
                tables["shared_users"].append(point | shared | found)
    points = ["common_fraction", "target_size", "repeat"]
    return {
        name: pd.DataFrame(rows, columns=[*points, *TABLES[name]]) for name, rows in tables.items()
    }


def _measures(power, repeat, is_small):
    yield {"metric": "members", "value": 100}
    yield {"metric": "others", "value": 900}
    yield {"metric": "auc", "value": 0.5 + power / 2 + repeat / 1000}
    rate = None if is_small else 0.01 ** (1 - power) + repeat / 1000
    yield {"metric": "tpr", "level": 0.01, "value": rate}


def _outliers(names, has_references, is_small):
    for control, decile in itertools.product(("shuffled", "target-only"), range(1, 11)):
        labels = {"control": control, "decile": decile, "score": "matches", "metric": "leak"}
        yield labels | {"value": (decile % 3 - 1) / 100}
    for decile in range(1, 11):
        labels = {"control": "no", "decile": decile, "score": "matches", "metric": "leak"}
        yield labels | {"surprise": decile, "value": decile / 20}
        for i, name in enumerate(names):
            if has_references or "references" not in SCORES[name].needs:
                value = None if is_small else decile * (i + 1) / (10 * len(names))
                labels |= {"score": name, "metric": "tpr", "level": 0.01}
                yield labels | {"value": value}


def accuracy_table(accuracy):
    points = [("0", 4000), ("0.5", 4000), *(("1", size) for size in (*SIZES, FRACTIONS["1"]))]
    rows = [(*point, fold, accuracy + fold / 100) for point in points for fold in range(10)]
    return pd.DataFrame(rows, columns=["common_fraction", "target_size", "fold", "accuracy"])


def funnel_table():
    rows = [("read", 3000), ("length", 1000), ("full_plays", 700), ("context", 300), ("kept", 1000)]
    table = pd.DataFrame(rows, columns=["filter", "sessions"])
    return table.assign(shard="log", listenings=20 * table["sessions"])

"""Small tables of results, as the workflow writes them, of made-up numbers."""

import numpy as np
import pandas as pd

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


def accuracy_table(accuracy):
    points = [("0", 4000), ("0.5", 4000), *(("1", size) for size in (*SIZES, FRACTIONS["1"]))]
    rows = [(*point, fold, accuracy + fold / 100) for point in points for fold in range(10)]
    return pd.DataFrame(rows, columns=["common_fraction", "target_size", "fold", "accuracy"])


def funnel_table():
    rows = [("read", 3000), ("length", 1000), ("full_plays", 700), ("context", 300), ("kept", 1000)]
    table = pd.DataFrame(rows, columns=["filter", "sessions"])
    return table.assign(shard="log", listenings=20 * table["sessions"])

"""Small tables of results, as the workflow writes them, of made-up numbers."""

import itertools

import numpy as np
import pandas as pd

from fidelity.information import report
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


N_MAX, ERRORS = 6, (0.1, 0.01)
CHANNELS = [
    ("holder", "song next_song"),
    *(("membership", cells) for cells in ("song next_song match", "match", "p_next")),
]


def information_tables(repeats=3):
    """Tables of information: bits 100 / size, a bracket .1 around, a null of a tenth.

    The error of N independent draws is .5 / 2^N, of a user's own .4 for any number; rho is .8.
    Of the holder also two other choices of cells, of which one is below 0 in cross-validation.
    """
    tables = {name: [] for name in report.TABLES}
    for point, bits in _points_with_bits(repeats):
        for cells, low in (("song", 0.5), ("song next_song hour_of_day", -1)):
            labels = point | {"secret": "holder", "cells": cells}
            tables["information"] += [
                labels | {"estimator": "plug-in", "value": bits},
                labels | {"estimator": "cross-validated", "value": low * bits},
            ]
        for secret, cells in CHANNELS:
            if secret == "membership" and point["common_fraction"] == "0":
                continue
            labels = point | {"secret": secret, "cells": cells}
            for name, rows in _channel(bits).items():
                tables[name] += [labels | row for row in rows]
    return {
        name: pd.DataFrame(rows, columns=["common_fraction", "target_size", "repeat", *columns])
        for (name, columns), rows in zip(report.TABLES.items(), tables.values(), strict=True)
    }


def plug_in_table(repeats=3):
    """The table of information where plug-in estimates alone are asked for."""
    found = information_tables(repeats)["information"]
    own = found[(found["estimator"] == "plug-in") & (found["secret"] == "holder")]
    own = own[own["cells"] == "song next_song"]
    return own.assign(null_mean=np.nan, null_95=np.nan, p_value=np.nan)


def _points_with_bits(repeats):
    leakage = leakage_table(repeats)
    for fraction, size, repeat in leakage[["common_fraction", "target_size", "repeat"]].values:
        same = fraction == "1" and size == FRACTIONS["1"]
        bits = 0 if same else 100 / size + repeat / 1000
        yield {"common_fraction": fraction, "target_size": size, "repeat": repeat}, bits


def _channel(bits):
    null = {"null_mean": bits / 10, "null_95": bits / 5, "p_value": 0.01}
    estimates = [
        {"estimator": "plug-in", "value": bits} | null,
        {"estimator": "cross-validated", "value": bits / 2},
        {"estimator": "bracket", "ci_low": max(bits - 0.1, 0), "ci_high": bits + 0.1},
    ]
    needed = {"Fano": 2, "Bhattacharyya, necessary": 3, "Bhattacharyya, sufficient": 9}
    needed |= {"bracket": 2, "independent": 4, "consecutive": None}
    curves = {"independent": lambda n: 0.5 / 2**n, "consecutive": lambda n: 0.4}
    return {
        "information": estimates,
        "divergences": [{"measure": "Bhattacharyya coefficient", "value": 0.8}],
        "observations_needed": [
            {"error": error, "bound": bound, "observations": number}
            for error in ERRORS
            for bound, number in needed.items()
        ],
        "errors": [
            {"test": test, "observations": n, "error": error(n), "standard_error": 0.01}
            for test, error in curves.items()
            for n in range(1, N_MAX + 1)
        ],
    }


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
            if name == "matches":
                leak = 0.2 if control == "no" else (repeat - 1) / 100
                tables["attacks"].append(point | labels | {"metric": "leak", "value": leak})
            tables["roc"] += [
                point | labels | {"fpr": level, "tpr": level ** (1 - power)}
                for level in CURVE_LEVELS
                if level >= 3e-4
            ]
        tables["attack_errors"] += [
            point
            | {"score": name, "observations": n, "members": 30, "others": 70}
            | {"error": 0.5 / (i + 1) ** (n / 2)}
            for i, name in enumerate(names)
            for n in range(1, N_MAX + 1)
            if has_references or "references" not in SCORES[name].needs
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
            found = {"estimate": common, "ci_low": common - 0.1, "ci_high": common + 0.1}
            found = found if is_known else dict.fromkeys(found)
            shared = {"truth": common, "reference_mismatch": size is None, "control": "no"}
            tables["shared_users"] += [
                point | shared | found,
                point | shared | {"control": "shuffled"},
                point | _share_of_nobody(repeat, size is None),
            ]
    points = ["common_fraction", "target_size", "repeat"]
    return {
        name: pd.DataFrame(rows, columns=[*points, *TABLES[name]]) for name, rows in tables.items()
    }


def _share_of_nobody(repeat, is_largest):
    """Estimates -.02, 0, .02, where the model is smaller than references -.32, -.3, -.28."""
    estimate = (repeat - 1) / 50 - 0.3 * is_largest
    return {
        "control": "target-only",
        "reference_mismatch": is_largest,
        "truth": 0,
        "estimate": estimate,
        "ci_low": estimate - 0.1,
        "ci_high": estimate + 0.1,
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
        for name in names:
            if has_references or "references" not in SCORES[name].needs:
                value = None if is_small else 0.01
                yield labels | {"score": name, "metric": "tpr", "level": 0.01, "value": value}
    for decile in range(1, 11):
        labels = {"control": "no", "decile": decile, "score": "matches", "metric": "leak"}
        users = {"surprise": decile, "members": 30, "others": 70}
        yield labels | users | {"value": decile / 20}
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

import pandas as pd
import pytest

from fidelity.attack_findings import gain_over_matches, tell_attacks

from .made_up import leakage_table, user_tables

VERDICTS = pd.DataFrame(
    {
        "common_fraction": "0.5",
        "target_size": [2000] * 3 + [7000] * 3,
        "repeat": [0, 1, 2] * 2,
        "fdr": 0.1,
        "listed": [100, 110, 120, 200, 200, 200],
        "false": [8, 11, 6, 60, 40, 50],
        "realised": [0.08, 0.1, 0.05, 0.3, 0.2, 0.25],
        "reference_mismatch": [False] * 3 + [True] * 3,
        "control": "no",
    }
)
# The same lists against members drawn by lot; and lists of a model that knows nobody.
VERDICTS = pd.concat(
    [
        VERDICTS,
        VERDICTS.assign(control="shuffled", realised=[0.5, 0.6, 0.7] * 2),
        VERDICTS.assign(control="target-only", listed=[0, 3, 0, 0, 0, 0], false=[0, 3, 0, 0, 0, 0]),
    ]
)


def _tables(**changed):
    tables = user_tables() | {"leakage": leakage_table(), "verdicts": VERDICTS}
    attacks = tables["attacks"]
    points = VERDICTS[VERDICTS["control"] == "no"][["common_fraction", "target_size", "repeat"]]
    trust = points.assign(score="Markov ratio", metric="p at most", level=0.1, control="no")
    trust["value"] = [0.08, 0.09, 0.1, 0.2, 0.2, 0.2]
    unknown = trust.assign(control="target-only", value=[0.07, 0.08, 0.09] * 2)
    return tables | {"attacks": pd.concat([attacks, trust, unknown], ignore_index=True)} | changed


def _page(**changed):
    return "\n\n".join(tell_attacks(_tables(**changed)))


def test_gains_are_of_the_same_repeat():
    """Gains .2, .3, .4: mean .3, Student's interval .3 -+ 4.3027 * .1 / sqrt(3)."""
    rows = [
        ("0.5", 100, repeat, score, "auc", value)
        for repeat, matches, other in ((0, 0.6, 0.8), (1, 0.5, 0.8), (2, 0.5, 0.9))
        for score, value in (("matches", matches), ("RMIA", other))
    ]
    names = ["common_fraction", "target_size", "repeat", "score", "metric", "value"]
    gains = gain_over_matches(pd.DataFrame(rows, columns=names), "auc", None).set_index("score")
    assert gains.loc["RMIA", "mean"] == pytest.approx(0.3)
    assert gains.loc["RMIA", "ci_low"] == pytest.approx(0.3 - 4.302653 * 0.1 / 3**0.5)
    assert gains.loc["matches", "mean"] == 0


@pytest.mark.parametrize(
    "line",
    [
        "| label | matches |",
        "| membership shuffled |",
        # TPR - FPR .2 in each repeat; the same users .20, .21, .22.
        # Their controls 0 and -.01, 0, .01.
        "| 0.2000 [0.2000, 0.2000] | 0.0000 [-0.0248, 0.0248] | 0.0000 [-0.0248, 0.0248] | "
        "0.2100 [0.1852, 0.2348] | 0.0000 [-0.0248, 0.0248] |",
        # Lists of 100, 110 and 120 users, 25 of 330 of them false.
        # Others with small p: .08, .09, .1.
        # Of a model that knows nobody one list of three has names.
        "110.0 | 8.3 | 0.0767 [0.0142, 0.1392] | 0.6000 | 0.0900 [0.0652, 0.1148] | "
        "0.0800 [0.0552, 0.1048] | 1.0, in 1 of 3 deals | at most 0.1 |",
        "200.0 | 50.0 | 0.2500 [0.1258, 0.3742] | 0.6000 | 0.2000 [0.2000, 0.2000] | "
        "0.0800 [0.0552, 0.1048] | 0.0, in 0 of 3 deals (smaller) | no |",
        # A share of 0, estimated in each of three deals; smaller than references .3 too low.
        "| 0.5 | 4,000 | 0.0000 [-0.0497, 0.0497] | 3 of 3 | no | 0 of 3 |",
        "| 0.5 | 7,000 | -0.3000 [-0.3497, -0.2503] | 0 of 3 | yes | 0 of 3 |",
        "| 1 | 1.00 | 30, 70 | 0.0500 [0.0500, 0.0500] | 0.0000 [0.0000, 0.0000] |",
    ],
)
def test_numbers_by_hand(line):
    assert line in _page()


def test_the_fraction_told_of_is_the_nearest_to_a_half():
    assert "Here for c = 0.5" in _page()


def test_rates_stay_rates_in_their_intervals():
    """.02, .5 and .98 have a Student interval of -.69 to 1.69."""
    wide = VERDICTS.assign(realised=[0.02, 0.5, 0.98] * 6)
    assert "0.5000 [0.0000, 1.0000]" in _page(verdicts=wide)


def test_gains_over_matches_that_were_not_asked_for_are_empty():
    attacks = _tables()["attacks"]
    page = _page(attacks=attacks[attacks["score"] != "matches"])
    line = next(line for line in page.splitlines() if line.startswith("| label | rare matches |"))
    area, gain = line.split("|")[3:5]
    assert area.strip()
    assert not gain.strip()


def test_scores_that_not_all_users_have_are_named():
    attacks = _tables()["attacks"]
    few = (attacks["score"] == "LiRA online") & (attacks["metric"] == "others")
    page = _page(attacks=attacks.assign(value=attacks["value"].mask(few, 100)))
    assert "Not all of the 1,000 users have every score" in page
    assert "LiRA online 200" in page
    assert "Not all of the" not in _page()


def test_a_decile_without_members_is_left_empty():
    outliers = _tables()["outliers"]
    of = {name: outliers["control"] == name for name in ("no", "shuffled")}
    gone = (of["no"] & (outliers["decile"] == 3)) | (of["shuffled"] & (outliers["decile"] == 5))
    lines = _page(outliers=outliers[~gone]).splitlines()
    (third,) = [line for line in lines if line.startswith("| 3 | ")]
    assert third.startswith("| 3 |  |  |  | -0.0100 [")
    (fifth,) = [line for line in lines if line.startswith("| 5 | 5.00 ")]
    assert fifth.split("|")[5].strip() == ""


def test_controls_that_are_not_0_are_counted():
    told = "Of the 18 intervals of both controls that only draw, at all fractions and sizes, {} do"
    assert told.format(0) in _page()
    counterfactual = _tables()["counterfactual"].copy()
    counterfactual.loc[counterfactual["control"] == "shuffled", "difference"] += 1
    assert told.format(9) in _page(counterfactual=counterfactual)


def test_without_users_of_the_target_alone_their_control_is_left_empty():
    tables = _tables()
    known = {
        name: tables[name][tables[name]["control"] != "target-only"]
        for name in ("attacks", "shared_users", "verdicts")
    }
    page = _page(**known)
    assert "| 0.5 | 4,000 |  |  |  | 0 of 3 |" in page
    assert "| 0.0900 [0.0652, 0.1148] |  |  | at most 0.1 |" in page


def test_a_share_that_no_deal_identifies_is_said_of_the_control_as_well():
    shared = _tables()["shared_users"]
    page = _page(shared_users=shared.assign(estimate=None))
    assert "| 0.5 | 4,000 | not identifiable |  |  | 0 of 3 |" in page


def test_scores_that_only_members_or_others_have_are_told_in_words():
    attacks = _tables()["attacks"]
    rates = attacks["metric"].isin(["auc", "tpr"])
    page = _page(attacks=attacks.assign(value=attacks["value"].mask(rates)))
    assert "7,000 users of the target:\n\nNo score has a value for members and for others" in page
    assert "| access |" not in page
    assert "### Controls" not in page


def test_nothing_to_tell_is_said():
    empty = {name: table.iloc[:0] for name, table in _tables().items()}
    page = "\n\n".join(tell_attacks(empty))
    assert "At no point are at least 20 of the adversary's users the target's" in page


def test_without_attacks_there_are_no_sections():
    assert tell_attacks({"leakage": leakage_table()}) == []


def test_without_references_there_are_no_lists():
    tables = _tables()
    page = _page(verdicts=VERDICTS.iloc[:0], shared_users=tables["shared_users"].iloc[:0])
    assert "Verdicts" not in page
    assert "How many of the adversary's users" not in page
    assert "\n\n\n" not in page

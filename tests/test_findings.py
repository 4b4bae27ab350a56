import pytest

from fidelity.findings import write_findings

from .made_up import (
    CURVE,
    SONGS,
    accuracy_table,
    funnel_table,
    information_tables,
    leakage_table,
)

ASKED = {"seed": 7, "features": ["song", "hour_of_day"], "target_size": [10, 900_000, "max"]}
# Repeats .70, .71, .72: .71 -+ 4.3027 * .01 / sqrt(3).
RATES = "| 0.7100 [0.6852, 0.7348] | 0.5100 [0.4852, 0.5348] | 0.2000 [0.2000, 0.2000] |"


def _page(note="synthetic stand-in", repeats=3, leakage=None):
    tables = {
        "funnel": funnel_table(),
        "songs": SONGS,
        "curve": CURVE,
        "leakage": leakage_table(repeats) if leakage is None else leakage,
        "accuracy": accuracy_table(0.5),
        "in_sample": accuracy_table(0.7),
        **information_tables(repeats),
    }
    return write_findings("mine", note, ASKED, 5_000, tables)


def test_the_stand_in_is_named_and_other_data_are_not():
    assert "**Synthetic stand-in**" in _page()
    assert "stand-in" not in _page(note="")


@pytest.mark.parametrize(
    "line",
    [
        "| `seed` | 7 |",
        "| `features` | song, hour_of_day |",
        "At c = 0.5 there are no results for 900,000 users of the target, as there are not so "
        "many; the most that were measured are 7,000.",
        "They are of 5,000 users, who are dealt to the two providers.",
        "| read | 3,000 | 60,000 |",
        "| dropped: another context | 300 | 6,000 |",
        "| left after the reduction to 4 songs | 600 | 12,000 |",
        # Folds .50 to .59: mean .545, Student's interval .545 -+ 2.2622 * .0303 / sqrt(10).
        "| 1 | 10,000 | 0.5450 [0.5233, 0.5667] | 0.7450 [0.7233, 0.7667] |",
        "| 0.5 | 7,000 " + RATES,
        "| 1 | 4,000 " + RATES,  # at c = 1 the largest size with users of both kinds
    ],
)
def test_numbers_by_hand(line):
    assert line in _page().splitlines()


def test_what_cannot_be_told_is_explained():
    page = _page()
    assert "For c = 0 there is no leak to tell: no user is both providers'" in page
    table = leakage_table()
    only_everybody = table[(table["common_fraction"] == "1") & (table["target_size"] == 10_000)]
    page = _page(leakage=only_everybody)
    assert "For c = 1 there is no leak to tell: all of the adversary's users" in page
    assert "At no point do both groups exist" in page


def test_where_the_bound_fails_is_counted():
    """TPR .71 -+ .025 is above the accuracy .545 -+ .022 at all 6 points that have both."""
    page = _page()
    assert "Of these 6 points the whole interval of the TPR lies above that of the" in page
    assert "accuracy on unknown users at 6, that of the success" in page
    assert "For c = 1 and 10,000 users of the target all of the adversary's users are" in page


def test_one_repeat_has_no_interval():
    assert "| 0.5 | 7,000 | 0.7000 | 0.5000 | 0.2000 |" in _page(repeats=1).splitlines()

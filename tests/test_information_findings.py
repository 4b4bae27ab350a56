import pandas as pd
import pytest

from fidelity.information_findings import tell_information
from fidelity.summary import best_errors, of_all_users

from .made_up import information_tables, plug_in_table, user_tables


def _page(**changed):
    attack_errors = user_tables()["attack_errors"]
    tables = information_tables() | {"attack_errors": attack_errors} | changed
    return "\n\n".join(tell_information(tables))


@pytest.mark.parametrize(
    "line",
    [
        # 100 / 500 bits and 0, .001, .002: .201 -+ 4.3027 * .001 / sqrt(3).
        "| 0 | 500 | 0.2010 [0.1985, 0.2035] | 0.0201, 0.0402 | 0.1809 | 0.010 | 0.1010 to 0.3010",
        "| 1 | 10,000 | 0.0000 [0.0000, 0.0000] | 0.0000, 0.0000 | 0.0000 | 0.010 | 0.0000 to ",
        "| song, next_song, hour_of_day | 500 | 0.2010 [0.1985, 0.2035] | -0.2010 [",
        "| 0.5 | 7,000 | match | 0.0153",
        "| 0.5 | 7,000 | 0.1 | 2 | 2.0 | 3.0 | 9.0 | 4 | more than 6 |",
    ],
)
def test_numbers_by_hand(line):
    assert line in _page()


def test_cells_say_that_holders_differ_or_how_little_or_nothing():
    lines = {line.rpartition("| ")[2]: line for line in _page().splitlines() if "song, " in line}
    assert lines["not enough data to tell |"].startswith("| song, next_song, hour_of_day |")
    assert "they differ |" in lines
    once = information_tables(repeats=1)["information"]
    assert "| perhaps they differ |" in _page(information=once)
    little = information_tables()["information"]
    few = little["cells"] == "song next_song hour_of_day"
    value = little["value"].mask(few & (little["estimator"] == "plug-in"), 0.002)
    assert "at most about 0.0020 |" in _page(information=little.assign(value=value))


def _errors(*rows):
    """Return a table of (repeat, score, N, error) at one point, of scores that all users have."""
    names = ["repeat", "score", "observations", "error"]
    own = pd.DataFrame(rows, columns=names)
    return own.assign(common_fraction="0.5", target_size=7000, members=30, others=70)


def test_the_best_attack_is_the_least_error_so_far():
    best = best_errors(
        _errors(
            *(
                (repeat, score, n, error + repeat / 100)
                for repeat in (0, 1)
                for score, n, error in (
                    *(("matches", 1, 0.4), ("matches", 2, 0.35), ("matches", 3, 0.36)),
                    *(("RMIA", 1, 0.45), ("RMIA", 2, 0.3), ("RMIA", 3, 0.33)),
                )
            )
        )
    ).set_index("observations")
    assert best["score"].tolist() == ["matches", "RMIA", "RMIA"]
    assert best["mean"].tolist() == pytest.approx([0.405, 0.305, 0.305])
    # Two repeats .01 apart: .405 + 12.7062 * .0071 / sqrt(2).
    assert best["ci_high"].iloc[0] == pytest.approx(0.405 + 12.7062 * 0.005, abs=1e-5)


def test_a_score_that_some_users_lack_is_not_compared():
    errors = _errors((0, "matches", 1, 0.3), (0, "RMIA", 1, 0.1), (1, "RMIA", 1, 0.1))
    errors = pd.concat([errors, _errors((1, "matches", 1, 0.3)).assign(others=71)])
    assert of_all_users(errors)["score"].unique().tolist() == ["matches"]


def test_a_score_without_a_row_in_one_deal_is_not_compared():
    errors = _errors(*((repeat, "matches", 1, 0.3) for repeat in (0, 1)), (0, "RMIA", 1, 0.1))
    assert of_all_users(errors)["score"].unique().tolist() == ["matches"]


def test_the_best_attack_is_told_by_rising_numbers_whatever_comes_first():
    errors = _errors((0, "RMIA", 2, 0.3), (0, "RMIA", 3, 0.4), (0, "matches", 1, 0.35))
    best = best_errors(errors)
    assert best["observations"].tolist() == [1, 2, 3]
    assert best["mean"].tolist() == [0.35, 0.3, 0.3]


def test_an_attack_below_the_error_is_no_protection():
    """Of twelve scores the last errs with .5 / 12^(N / 2): .144, .042 at N = 1, 2, .0035 at 4."""
    page = _page()
    at_two = "RMIA: 0.0417 [0.0417, 0.0417] | **not protected** at N = 2 |"
    assert f"| 0.5 | 7,000 | 0.1 | 2 | 2 | 2 | {at_two}" in page
    at_four = "RMIA: 0.0035 [0.0035, 0.0035] | **not protected** at N = 4 |"
    assert f"| 0.5 | 7,000 | 0.01 | 2 | 2 | 2 | {at_four}" in page


def test_an_attack_below_the_error_in_the_mean_of_few_deals_is_no_protection():
    """Two deals make an interval that reaches far above both."""
    page = _page(attack_errors=_errors((0, "matches", 3, 0.01), (1, "matches", 3, 0.04)))
    told = "matches: 0.0250 [0.0000, 0.2156] | **not protected** at N = 3 |"
    assert f"| 0.5 | 7,000 | 0.1 | 2 | 2 | 2 | {told}" in page


def test_where_no_attack_gets_there_nothing_is_called_safe():
    errors = user_tables()["attack_errors"].assign(error=0.2)
    page = _page(attack_errors=errors)
    assert "0.2000 [0.2000, 0.2000] | no attack tried here got below 0.1 up to N = 6 |" in page
    assert "not protected**" not in page
    assert "safe" not in page


def test_without_common_users_there_is_no_word_of_membership():
    tables = information_tables()
    tables = {name: own[own["secret"] == "holder"] for name, own in tables.items()}
    page = "\n\n".join(tell_information(tables))
    assert "to tell the holder" in page
    assert "is a user a member" not in page


def test_of_plug_in_estimates_alone_no_word_of_what_was_not_estimated():
    attack_errors = user_tables()["attack_errors"]
    tables = {"information": plug_in_table(), "attack_errors": attack_errors}
    page = "\n\n".join(tell_information(tables))
    assert "| 0 | 500 | 0.2010 [0.1985, 0.2035] | 5.0 [4.9, 5.0] |" in page
    assert "| 1 | 10,000 | 0.0000 [0.0000, 0.0000] | no number is enough |" in page
    assert "nothing here tells how much of it is chance" in page
    assert page.count("##") == 1
    for word in ("bracket", "the net", "cross-validated", "nan"):
        assert word not in page


def test_without_attacks_the_bounds_stand_alone():
    page = _page(attack_errors=user_tables()["attack_errors"].iloc[:0])
    assert "to tell members" in page
    assert "best measured attack" not in page


def _every_point(page):
    return page[page.index("### The bounds at every grid point") :]


def test_bounds_stand_for_every_fraction_and_size():
    page = _every_point(_page())
    assert "an error of 0.1, 0.01, in turn:" in page
    assert page.count("| target's users | c = 0 | c = 0.5 | c = 1 |") == 1
    assert page.count("| target's users | c = 0.5 | c = 1 |") == 3 + 1
    for size in ("500", "1,000", "2,000", "4,000"):
        assert f"| {size} | 2, 2 | 2, 2 | 2, 2 |" in page
    assert "| 7,000 |  | 2, 2 |  |" in page
    assert "| 10,000 |  | 2, 2 |" in page


@pytest.mark.parametrize(
    ("cells", "attacks"),
    [
        # Bernoulli LiRA offline, .5 / 5^(N / 2).
        ("(song, next_song, match), and attacks on labels:", "2 (3), 2 (5)"),
        ("(match), and matches:", "2 (-), 2 (-)"),  # always .5
        ("(p_next), and log-likelihood:", "2 **(2)**, 2 (5)"),  # .5 / 7^(N / 2)
        ("The best of all attacks", "2, 4"),  # RMIA, .5 / 12^(N / 2)
    ],
)
def test_beside_a_bound_stands_the_attack_that_sees_about_what_is_drawn(cells, attacks):
    page = _every_point(_page())
    (row,) = [
        line
        for line in page[page.index(cells) :].split("\n\n")[1].splitlines()
        if line.startswith("| 7,000 |")
    ]
    assert row == f"| 7,000 | {attacks} |  |"


def test_a_bound_without_an_attack_of_its_kind_stands_alone():
    errors = user_tables(names=("matches",))["attack_errors"]
    page = _every_point(_page(attack_errors=errors))
    assert "over cells of (match), and matches:" in page
    assert "over cells of (p_next):\n" in page


def test_bounds_of_any_number():
    needed = information_tables()["observations_needed"]
    largest = (needed["common_fraction"] == "1") & (needed["target_size"] == 10_000)
    unbounded = needed["observations"].mask(largest & (needed["bound"] == "bracket"), float("inf"))
    page = _every_point(_page(observations_needed=needed.assign(observations=unbounded)))
    assert "| 10,000 |  |  | any, any |" in page


def test_one_error_and_no_attacks():
    needed = information_tables()["observations_needed"]
    needed = needed[needed["error"] == 0.1]
    none = user_tables()["attack_errors"].iloc[:0]
    page = _every_point(_page(observations_needed=needed, attack_errors=none))
    assert "below an error of 0.1: the least" in page
    assert "| 7,000 | 2 |  |" in page
    assert "attack" not in page

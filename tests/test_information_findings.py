import pandas as pd
import pytest

from fidelity.information_findings import tell_information
from fidelity.observations_findings import best_errors

from .made_up import information_tables, user_tables


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
    little = information_tables()["information"]
    few = little["cells"] == "song next_song hour_of_day"
    value = little["value"].mask(few & (little["estimator"] == "plug-in"), 0.002)
    assert "at most about 0.0020 |" in _page(information=little.assign(value=value))


def test_the_best_attack_is_the_least_error_so_far():
    rows = [
        ("0.5", 100, repeat, score, n, error + repeat / 100)
        for repeat in (0, 1)
        for score, n, error in (
            *(("matches", 1, 0.4), ("matches", 2, 0.35), ("matches", 3, 0.36)),
            *(("RMIA", 1, 0.45), ("RMIA", 2, 0.3), ("RMIA", 3, 0.33)),
        )
    ]
    names = ["common_fraction", "target_size", "repeat", "score", "observations", "error"]
    best = best_errors(pd.DataFrame(rows, columns=names)).set_index("observations")
    assert best["score"].tolist() == ["matches", "RMIA", "RMIA"]
    assert best["mean"].tolist() == pytest.approx([0.405, 0.305, 0.305])
    # Two repeats .01 apart: .405 + 12.7062 * .0071 / sqrt(2).
    assert best["ci_high"].iloc[0] == pytest.approx(0.405 + 12.7062 * 0.005, abs=1e-5)


def test_an_attack_below_the_error_is_no_protection():
    """Of twelve scores the last errs with .5 / 12^(N / 2): .144, .042 at N = 1, 2, .0035 at 4."""
    page = _page()
    within = ", within the bound of song, next_song, match; match; p_next"
    at_two = f"RMIA: 0.0417 | **not protected** at N = 2{within} |"
    assert f"| 0.5 | 7,000 | 0.1 | 2 | 2 | 2 | {at_two}" in page
    at_four = "RMIA: 0.0035 | **not protected** at N = 4 |"
    assert f"| 0.5 | 7,000 | 0.01 | 2 | 2 | 2 | {at_four}" in page


def test_an_error_whose_interval_reaches_above_is_not_below():
    errors = user_tables()["attack_errors"]
    errors = errors.assign(error=0.09 + 0.01 * errors["repeat"])  # .09 to .11, mean .1 -+ .025
    assert "no attack tried here got below 0.1 up to N = 6" in _page(attack_errors=errors)
    errors = errors.assign(error=0.06 + 0.001 * errors["repeat"])
    assert "0.1 | 2 | 2 | 2 | matches: 0.0610 | **not protected** at N = 1" in _page(
        attack_errors=errors
    )


def test_where_no_attack_gets_there_nothing_is_called_safe():
    errors = user_tables()["attack_errors"].assign(error=0.2)
    page = _page(attack_errors=errors)
    assert "no attack tried here got below 0.1 up to N = 6" in page
    assert "not protected" not in page
    assert "safe" not in page


def test_without_common_users_there_is_no_word_of_membership():
    tables = information_tables()
    tables = {name: own[own["secret"] == "holder"] for name, own in tables.items()}
    page = "\n\n".join(tell_information(tables))
    assert "to tell the holder" in page
    assert "is a user a member" not in page


def test_without_attacks_the_bounds_stand_alone():
    page = _page(attack_errors=user_tables()["attack_errors"].iloc[:0])
    assert "to tell members" in page
    assert "best measured attack" not in page


def _every_point(page):
    return page[page.index("### The bounds at every grid point") :]


def test_bounds_stand_for_every_fraction_and_size():
    page = _every_point(_page())
    assert "for errors of 0.1, 0.01 in turn" in page
    assert page.count("| target's users | c = 0 | c = 0.5 | c = 1 |") == 1
    assert page.count("| target's users | c = 0.5 | c = 1 |") == 3 + 1
    for size in ("500", "1,000", "2,000", "4,000"):
        assert f"| {size} | 2, 2 | 2, 2 | 2, 2 |" in page
    assert "| 7,000 |  | 2, 2 |  |" in page
    assert "| 7,000 | 2, 2 |  |" in page


def test_an_attack_within_a_bound_stands_out_at_its_point():
    """The best score needs references, .5 / 12^(N / 2); without them .5 / 9^(N / 2) or the like."""
    page = _every_point(_page())
    attacks = page[page.index("Beside them") :].splitlines()
    assert "| 7,000 | **2**, 4 |  |" in attacks
    assert "| 4,000 | **2**, 4 | **2**, 4 |" in attacks


def test_bounds_of_any_number_and_attacks_that_never_get_there():
    needed = information_tables()["observations_needed"]
    largest = (needed["common_fraction"] == "1") & (needed["target_size"] == 10_000)
    unbounded = needed["observations"].mask(largest & (needed["bound"] == "bracket"), float("inf"))
    errors = user_tables()["attack_errors"]
    errors = errors.assign(error=errors["error"].clip(lower=0.05))
    page = _every_point(
        _page(observations_needed=needed.assign(observations=unbounded), attack_errors=errors)
    )
    assert "| 10,000 |  |  | any, any |" in page
    assert "| 7,000 | **2**, - |  |" in page


def test_bounds_at_every_point_need_no_attacks():
    page = _every_point(_page(attack_errors=user_tables()["attack_errors"].iloc[:0]))
    assert "| 7,000 | 2, 2 |  |" in page
    assert "Beside them" not in page

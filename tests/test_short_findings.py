import pandas as pd

from fidelity.short_findings import tell_in_short

from .made_up import accuracy_table, information_tables, leakage_table, plug_in_table

POINT = {"common_fraction": "0.5", "target_size": 7_000}


def _told(repeats=3, **tables):
    made_up = {
        "leakage": leakage_table(repeats),
        "accuracy": accuracy_table(0.5),
        "in_sample": accuracy_table(0.7),
        **information_tables(repeats),
    }
    return tell_in_short(made_up | tables)


def _attacks(aucs):
    """Return a table of three deals: {score: (access, AUC of the first)}, .01 more in each.

    All users have each score, but for one named "of some".
    """
    rows = [
        POINT
        | {"score": score, "access": access, "repeat": repeat, "control": control}
        | {"metric": metric, "level": None, "value": value}
        for score, (access, auc) in aucs.items()
        for repeat in range(3)
        for control in ("no", "shuffled")
        for metric, value in (
            ("auc", auc + repeat / 100),
            ("members", 20),
            ("others", 20 if score == "of some" else 80),
        )
    ]
    return pd.DataFrame(rows)


def test_the_leak_is_that_of_the_largest_size_of_the_fraction_nearest_to_half():
    lines = _told().splitlines()
    assert lines[0] == "## In short"
    assert lines[2] == "At c = 0.5 and 7,000 users of the target (other points below):"
    # Repeats .70, .71, .72 and .50, .51, .52: -+ 4.3027 * .01 / sqrt(3).
    assert lines[4] == (
        "- **The leak is 0.2000 [0.2000, 0.2000]**: the target's model names the song that came "
        "next in 0.7100 [0.6852, 0.7348] of the transitions of its own users, and in "
        "0.5100 [0.4852, 0.5348] of others'."
    )


def test_the_best_score_stands_beside_plain_matches():
    aucs = {"matches": ("label", 0.6), "RMIA": ("probability", 0.9), "LiRA": ("probability", 0.8)}
    told = _told(attacks=_attacks(aucs))
    assert (
        "- **Whose are the users?** By all transitions of a user, RMIA (access: probability) is "
        "the best of 3 scores with an AUC of 0.9100 [0.8852, 0.9348]; .5 is guessing. Plain "
        "matches have 0.6100 [0.5852, 0.6348]."
    ) in told
    alone = _told(attacks=_attacks({"matches": ("label", 0.6)}))
    assert "matches (access: label) has an AUC of 0.6100" in alone
    assert "Plain matches" not in alone


def test_scores_that_some_users_lack_are_not_the_best():
    aucs = {"matches": ("label", 0.6), "of some": ("label", 0.9)}
    assert "matches (access: label) has an AUC of 0.6100" in _told(attacks=_attacks(aucs))


def test_scores_that_are_equally_good_are_counted():
    aucs = {name: ("label", auc) for name, auc in (("a", 0.9), ("b", 0.9), ("c", 0.8))}
    assert "a (access: label) is one of the 2 best of 3 scores with" in _told(
        attacks=_attacks(aucs)
    )


def test_what_chance_gives_is_told_if_it_was_asked_for():
    everything = information_tables(3)["information"]
    assert "; users dealt anew, by chance alone, give " in _told(information=everything)
    without = everything.assign(null_mean=float("nan"))
    assert "; there are no users whom chance could deal to" in _told(information=without)
    told = _told(information=plug_in_table(3))
    assert "; how much of it is chance was not asked for." in told


def test_without_a_leak_there_is_nothing():
    leakage = leakage_table()
    assert _told(leakage=leakage[leakage["common_fraction"] == "0"]) == ""

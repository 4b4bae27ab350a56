import math

import numpy as np
import pytest

from fidelity.information import count_held, make_holders, plug_in, tally_users
from fidelity.information.report import (
    HOLDER,
    MEMBERSHIP,
    TABLES,
    Aim,
    Channel,
    bin_probabilities,
    estimate_only,
    is_observed,
    measure,
)

N_USERS, N_EACH = 60, 10
AIM = Aim([0.1, 0.01], 12, 50)
FLIP = 0.243  # of the binary symmetric channel with 0.2 bit


def make_channel(seed=0, first=None, flip=FLIP):
    """Return a channel whose observation is the holder's bit, flipped with a probability."""
    rng = np.random.default_rng(seed)
    first = np.arange(N_USERS) % 2 == 0 if first is None else first
    user = np.repeat(np.arange(N_USERS), N_EACH)
    cell = (first[user] ^ (rng.random(len(user)) < flip)).astype(np.int64)
    return Channel(HOLDER, "bit", user, cell, first, ~first)


def told(channel):
    return measure(channel, AIM, lambda use: np.random.default_rng(len(use)))


def value_of(rows, column, **fields):
    (row,) = [row for row in rows if all(row[name] == value for name, value in fields.items())]
    return row[column]


def test_rows_have_the_fields_of_their_tables():
    tables = told(make_channel())
    assert tables.keys() == TABLES.keys()
    for name, rows in tables.items():
        assert rows
        for row in rows:
            assert row.keys() <= set(TABLES[name])
            assert (row["secret"], row["cells"]) == (HOLDER, "bit")


def test_the_bracket_is_of_the_two_estimates():
    rows = told(make_channel())["information"]
    low = value_of(rows, "ci_low", estimator="cross-validated")
    high = value_of(rows, "ci_high", estimator="plug-in")
    (bracket,) = [row for row in rows if row["estimator"] == "bracket"]
    assert (bracket["value"], bracket["ci_low"], bracket["ci_high"]) == (None, max(low, 0), high)
    assert low < 0.2 < high


def test_bounds_are_of_the_plug_in_histograms():
    channel = make_channel()
    rows = told(channel)["observations_needed"]
    holders = make_holders(tally_users(channel.user, channel.cell), channel.first, channel.second)
    p, q = (own / own.sum() for own in count_held(holders))
    bits, rho = plug_in(*count_held(holders)).value, np.sqrt(p * q).sum()
    entropy = -0.1 * math.log2(0.1) - 0.9 * math.log2(0.9)
    for bound, expected in {
        "Fano": (1 - entropy) / bits,
        "1/MI": 1 / bits,
        "Bhattacharyya, necessary": math.log(1 / 0.36) / (-2 * math.log(rho)),
        "Bhattacharyya, sufficient": math.log(5) / -math.log(rho),
    }.items():
        assert value_of(rows, "observations", error=0.1, bound=bound) == pytest.approx(expected)


def test_observations_needed_are_where_the_error_gets_there():
    """A vote of bits flipped with .243 errs with .148 for 3, .096 for 5, .010 for 17."""
    tables = told(make_channel())
    needed = value_of(tables["observations_needed"], "observations", error=0.1, bound="independent")
    curve = [row for row in tables["errors"] if row["test"] == "independent"]
    errors = {row["observations"]: row["error"] for row in curve}
    assert list(errors) == list(range(1, 13))
    assert needed == min(n for n, error in errors.items() if error <= 0.1)
    assert needed in (3, 5, 7)
    for bound in ("independent", "consecutive"):
        rows = tables["observations_needed"]
        assert value_of(rows, "observations", error=0.01, bound=bound) is None


def test_errors_on_users_end_with_their_observations():
    rows = [row for row in told(make_channel())["errors"] if row["test"] == "consecutive"]
    assert [row["observations"] for row in rows] == list(range(1, N_EACH + 1))
    assert all((row["n_adversary"], row["n_target"]) == (30, 30) for row in rows)
    assert rows[-1]["error"] < rows[0]["error"] < 0.4


def test_estimates_alone_are_the_same_numbers():
    channel = make_channel()
    rows = estimate_only(channel, np.random.default_rng(len("cross-validated")))
    expected = told(channel)["information"]
    assert [row["estimator"] for row in rows] == ["plug-in", "cross-validated"]
    for row in rows:
        same = value_of(expected, "value", estimator=row["estimator"])
        assert row["value"] == pytest.approx(same, abs=0.01)
        assert row["ci_low"] is None
        assert row["null_mean"] is None


def test_a_secret_with_one_value_is_not_observed():
    everybody = np.ones(N_USERS, bool)
    assert is_observed(make_channel())
    assert not is_observed(make_channel(first=everybody))
    assert not is_observed(make_channel(first=~everybody))


def test_channels_that_tell_nothing_and_everything():
    nothing = told(make_channel(flip=0.5))
    assert value_of(nothing["information"], "value", estimator="plug-in") < 0.02
    everything = told(make_channel(flip=0.0))
    assert value_of(everything["information"], "value", estimator="plug-in") == 1
    rows = everything["divergences"]
    assert value_of(rows, "value", measure="Kullback-Leibler") == math.inf
    assert value_of(rows, "value", measure="total variation") == 1
    needed = everything["observations_needed"]
    assert value_of(needed, "observations", error=0.01, bound="consecutive") == 1


def test_probabilities_fall_into_equal_bins():
    assert bin_probabilities(np.array([0, 0.049, 0.05, 0.5, 0.999, 1])).tolist() == [
        *(0, 0, 1),
        *(10, 19, 19),
    ]


def test_membership_is_a_secret_of_its_own():
    channel = make_channel()._replace(secret=MEMBERSHIP)
    assert {row["secret"] for rows in told(channel).values() for row in rows} == {MEMBERSHIP}


def test_few_users_of_many_are_tested_among_themselves():
    """The folds are dealt to users of the channel, or one might leave none to learn from."""
    user, cell = np.array([7, 7, 9, 9]), np.array([0, 1, 0, 1])
    for n_users, first in ((2, [7]), (1, [7, 9])):
        is_first, is_second = np.zeros((2, 100), bool)
        is_first[first], is_second[[9] if n_users == 2 else first] = True, True
        channel = Channel(HOLDER, "bit", user, cell, is_first, is_second)
        for seed in range(20):
            rows = measure(channel, AIM, lambda use, s=seed: np.random.default_rng(s))["errors"]
            assert {row["test"] for row in rows} >= {"independent"}
    alone = Channel(HOLDER, "bit", user[:2], cell[:2], np.arange(9) == 7, np.arange(9) == 7)
    rows = measure(alone, AIM, lambda use: np.random.default_rng(0))["errors"]
    assert {row["test"] for row in rows} == {"independent"}

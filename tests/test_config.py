import copy
from pathlib import Path

import pytest
import yaml

from fidelity.config import check_config

ROOT = Path(__file__).parents[1]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))
DEFAULT = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))


def changed(key, value):
    config = copy.deepcopy(DEFAULT)
    *parents, last = key.split(".")
    place = config
    for name in parents:
        place = place[name]
    place[last] = value
    return config


def test_the_default_config_has_no_fault():
    assert check_config(DEFAULT, SCHEMA) == []


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("sed", 2, "sed is not known; did you mean seed?"),
        ("grid.fractions", [0], "grid.fractions is not known; did you mean common_fraction?"),
        ("seed", -1, "seed: -1 is not allowed; expected a whole number, not negative; all random "),
        ("seed", True, "seed: True is not allowed; expected a whole number"),
        ("seed", "one", "seed: 'one' is not allowed; expected a whole number"),
        ("dataset", "spotify", "dataset: 'spotify' is not among datasets; there are "),
        (
            "grid.common_fraction",
            [0, 1.5],
            "grid.common_fraction[1]: 1.5 is not allowed; expected a fraction from 0 to 1",
        ),
        (
            "grid.common_fraction",
            [0.5, 0.5],
            "grid.common_fraction: [0.5, 0.5] is not allowed; expected a list of fractions, each",
        ),
        ("grid.common_fraction", [], "grid.common_fraction: [] is not allowed; expected a list"),
        (
            "grid.common_fraction",
            [0.12345678],
            "grid.common_fraction: 0.12345678 has too many digits; give at most six, as 0.123457",
        ),
        ("grid", "{repeats: 1}", "grid: '{repeats: 1}' is not allowed; expected common_fraction,"),
        ("grid.target_size", "[100]", "grid.target_size: '[100]' is not allowed; expected a list"),
        (
            "grid.target_size",
            [100, 1],
            "grid.target_size[1]: 1 is not allowed; expected a number of users from 2, or max",
        ),
        (
            "grid.repeats",
            "3",
            "grid.repeats: '3' is not allowed; expected a number of deals from 1; this is text, "
            "which --config makes of all within braces (use --configfile), and YAML of what is ",
        ),
        ("grid.target_size", ["all"], "grid.target_size[0]: 'all' is not allowed; expected a num"),
        ("grid.repeats", 0, "grid.repeats: 0 is not allowed; expected a number of deals from 1"),
        ("songs", "most", "songs: 'most' is not allowed; expected a number of songs from 2 to 6"),
        ("songs", 229.0, "songs: 229.0 is not allowed; expected a number of songs from 2 to 65"),
        ("grid.target_size", [20.0], "grid.target_size[0]: 20.0 is not allowed; expected a numb"),
        ("grid.common_fraction", [float("nan")], "grid.common_fraction: nan is not allowed"),
        (
            "datasets.synthetic.synthetic",
            {"sessions": 3, "shards": 10},
            "datasets.synthetic.synthetic.shards: 10 is above the number of sessions, 3; lower",
        ),
        (
            "features",
            ["tempo"],
            "features: not in the crowdai logs: 'tempo'; there are context_",
        ),
        ("adversary_size", "half", "adversary_size: 'half' is not allowed; expected full, matched"),
        (
            "recommender.estimator",
            "RandomForest",
            "recommender.estimator: 'RandomForest' is not allowed; expected the import path",
        ),
        (
            "sessions.min_full_plays",
            20.5,
            "sessions.min_full_plays: 20.5 is not allowed; expected fewest listenings",
        ),
        ("sessions.length", 10, "sessions.min_full_plays: 16 is above sessions.length, 10; lower"),
        (
            "datasets.listeners",
            {"format": "crowdai", "synthetic": {"sessions": 10, "shards": 1}},
            "datasets.listeners: 'listeners' is made up, and results must say so; let its name",
        ),
        ("datasets.crowdai", {"format": "crowdai"}, "datasets.crowdai: {'format': 'crowdai'} is n"),
        ("figures.width_mm", 1, "figures.width_mm: 1 is not allowed; expected a width from 60"),
        (
            "attacks.access",
            "full",
            "attacks.access: 'full' is not allowed; expected label, top-k",
        ),
        (
            "attacks.access",
            ["label"],
            "attacks.access: ['label'] is not allowed; expected label, top-k or probability",
        ),
        (
            "attacks.scores",
            ["Markov ratio", "matchs"],
            "attacks.scores[1]: 'matchs' is not known; did you mean matches?",
        ),
        (
            "attacks.scores",
            ["matches", "Markov ratio", "matches"],
            "attacks.scores: ['matches', 'Markov ratio', 'matches'] is not allowed; expected",
        ),
        (
            "attacks.verdicts.score",
            "LiRA online",
            "attacks.verdicts.score: 'LiRA online' compares with models of the adversary's own",
        ),
        (
            "attacks.verdicts.score",
            "surprise",
            "attacks.verdicts.score: 'surprise' is not among attacks.scores; add it there, or set",
        ),
        (
            "information.errors",
            [0.1, 0.5],
            "information.errors[1]: 0.5 is not allowed; expected an error above 0 and below .5",
        ),
        (
            "information.estimates",
            "plugin",
            "information.estimates: 'plugin' is not allowed; expected all or plug-in; errors and",
        ),
        (
            "information.permutations",
            0,
            "information.permutations: 0 is not allowed; expected a whole number of permutations",
        ),
        ("attacks.k", 229, "attacks.k: 229 of 229 songs leave none out; lower it, or raise songs"),
        ("attacks.references", 5, "attacks.references: 5 is not allowed; expected an even number"),
        ("attacks.epsilon", 0.5, "attacks.epsilon: 0.5 is not allowed; expected a probability ab"),
        (
            "attacks.reference_sizes",
            [123],
            "attacks.reference_sizes: 123 is not in grid.target_size; add it there",
        ),
        ("recommender.n_jobs", -1, "recommender.n_jobs: -1, expected a number of threads"),
        (
            "figures.width_mm",
            90,
            "figures.width_mm: 90 is too narrow for letters of 8 points; widen",
        ),
        ("keep_models", "no", "keep_models: 'no' is not allowed; expected true or false"),
    ],
)
def test_a_fault_is_one_line_with_the_key_the_value_and_what_was_expected(key, value, fault):
    faults = check_config(changed(key, value), SCHEMA)
    assert len(faults) == 1, faults
    assert faults[0].startswith(fault)
    assert "\n" not in faults[0]


@pytest.mark.parametrize(
    ("access", "refused"),
    [
        (
            "label",
            [
                *("top-k matches", "log-likelihood", "calibrated log-likelihood", "Markov ratio"),
                *("LiRA online", "LiRA offline", "RMIA"),
            ],
        ),
        (
            "top-k",
            [
                *("log-likelihood", "calibrated log-likelihood", "Markov ratio"),
                *("LiRA online", "LiRA offline", "RMIA"),
            ],
        ),
        ("probability", []),
    ],
)
def test_scores_that_need_more_access_than_granted_are_refused_by_name(access, refused):
    faults = check_config(changed("attacks.access", access), SCHEMA)
    needed = {"top-k matches": "top-k"}
    assert [fault.partition(": ")[2] for fault in faults] == [
        f"{name!r} needs access {needed.get(name, 'probability')}, but attacks.access is {access}; "
        "remove it, or grant more"
        for name in refused
    ]


def test_a_misspelt_score_of_verdicts_is_not_known():
    attacks = changed("attacks.scores", ["matches", "Markov_ratio"])["attacks"]
    attacks = attacks | {"verdicts": {"score": "Markov_ratio", "false_discovery_rate": 0.1}}
    _, fault = check_config(changed("attacks", attacks), SCHEMA)
    expected = "attacks.verdicts.score: 'Markov_ratio' is not known; did you mean Markov ratio?"
    assert fault == expected


EVENTS = {
    "format": "events",
    "logs": "plays.csv",
    "columns": {"user": "u", "item": "i", "time": "t"},
    "timing": ["device"],
}


def with_events(**changes):
    config = changed("datasets.plays", {**EVENTS, **changes})
    config["dataset"] = "plays"
    config["features"] = ["song", "is_repeat", "device"]
    return config


def test_an_event_log_has_no_fault():
    assert check_config(with_events(), SCHEMA) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"columns": {"user": "u"}}, "datasets.plays.columns.item is missing; expected the name"),
        ({"gap": 30}, "datasets.plays.gap: 30 is not allowed; expected the pause that ends"),
        ({"gap": "half an hour"}, "datasets.plays.gap: 'half an hour' is not allowed; expected"),
        ({"time_unit": "ms"}, "datasets.plays.time_unit: 'ms' is not allowed; expected seconds, m"),
        ({"separator": ";;"}, "datasets.plays.separator: ';;' is not allowed; expected the one A"),
        ({"separator": "€"}, "datasets.plays.separator: '€' is not allowed; expected the one A"),
        (
            {"separator": '"'},
            "datasets.plays.separator: '\"' is not allowed; expected the one A",
        ),
        ({"gap": "30min\n"}, "datasets.plays.gap: '30min\\n' is not allowed; expected the pause"),
        (
            {"previous_bins": [10**14]},
            "datasets.plays.previous_bins[0]: 100000000000000 is not",
        ),
        ({"timing": ["u"]}, "datasets.plays.columns: 'u' is named twice, here or in timing; name"),
        ({"timezone": "localtime"}, "datasets.plays.timezone: 'localtime' is not known; give"),
        ({"windows": "day"}, "datasets.plays.windows: 'day' is not allowed; expected session or"),
        ({"reduce": "songs"}, "datasets.plays.reduce: 'songs' is not allowed; expected items"),
        ({"previous_bins": [60, 30]}, "datasets.plays.previous_bins: [60, 30] does not ascend"),
        ({"timezone": "Mars"}, "datasets.plays.timezone: 'Mars' is not known; give an IANA name"),
        ({"timing": ["song"]}, "datasets.plays.timing: 'song' is a name of the tables; rename"),
        ({"timing": []}, "features: not in the events logs: 'device'; there are hour_of_day"),
        ({"gapp": "1h"}, "datasets.plays.gapp is not known; did you mean gap?"),
        ({"format": "crowdai", "timing": ["x"]}, "datasets.plays.columns is for event logs; remo"),
    ],
)
def test_a_fault_of_an_event_log_is_told(changes, fault):
    faults = check_config(with_events(**changes), SCHEMA)
    assert faults
    assert faults[0].startswith(fault)


def test_features_of_other_logs_are_told_in_one_line():
    config = with_events() | {"features": ["song", "skip_1", "skip_2", "skip_3"]}
    (fault,) = check_config(config, SCHEMA)
    assert fault.startswith("features: not in the events logs: 'skip_1', 'skip_2', 'skip_3'; there")


def test_columns_are_required_of_an_event_log():
    config = with_events()
    del config["datasets"]["plays"]["columns"]
    (fault,) = check_config(config, SCHEMA)
    assert fault == (
        "datasets.plays.columns is missing; expected the names of the columns user, item and time"
    )


def test_missing_keys_are_told_one_by_one():
    config = copy.deepcopy(DEFAULT)
    del config["seed"], config["grid"]["repeats"]
    assert check_config(config, SCHEMA) == [
        "grid.repeats is missing; expected a number of deals from 1",
        "seed is missing; expected a whole number, not negative; all random draws follow from it",
    ]

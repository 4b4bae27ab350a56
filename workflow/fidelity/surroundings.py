"""What a config names outside of itself: the logs, the recommender. Is it there, does it fit?

To look imports the recommender, which may bring anything with it. Who has no other use for that
runs this module as a program: `python -m fidelity.surroundings schema.yaml < config.json` writes
all faults of a config, a list in JSON, as its last line.
"""

import contextlib
import json
import sys
from pathlib import Path

import yaml

from .config import check_config
from .errors import InputError
from .event_settings import find_event_files, layout
from .raw_files import find_logs
from .recommender import make_estimator
from .scores import SCORES


def check_surroundings(config):
    """Return the faults that a look outside of the config finds, one line each.

    Parameters
    ----------
    config : dict
        One in which `config.check_config` finds no fault.

    Returns
    -------
    list of str
    """
    faults = []
    try:
        estimator = make_estimator(config["recommender"])
        faults += _check_probabilities(config["attacks"]["scores"], estimator)
    except (InputError, TypeError) as error:
        faults.append(f"recommender: {error}")
    source = config["datasets"][config["dataset"]]
    if "logs" in source:
        try:
            _find(source)
        except InputError as error:
            faults.append(f"datasets.{config['dataset']}.logs: {error}")
    return faults


def _check_probabilities(scores, estimator):
    """Return a fault for each score that a recommender without probabilities cannot serve."""
    if hasattr(estimator, "predict_proba"):
        return []
    return [
        f"attacks.scores: {name!r} needs probabilities, but the recommender has no predict_proba; "
        "remove it, or choose another recommender"
        for name in scores
        if SCORES[name].access != "label" or "own" in SCORES[name].needs
    ]


def _find(source):
    if source["format"] == "crowdai":
        find_logs(source["logs"])
    else:
        from .event_files import check_columns  # which imports what reads logs

        check_columns(find_event_files(source["logs"]), layout(source))


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):  # of whatever speaks when it is imported
        schema = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
        config = json.load(sys.stdin)
        faults = check_config(config, schema) or check_surroundings(config)
    print(json.dumps(faults))

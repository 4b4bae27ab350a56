"""What a config names outside of itself: the logs, the recommender. Is it there, does it fit?

The C of this package is compiled here if it is not yet, as no job can do without. To look may
import the recommender, and with it anything. Who has no other use for that runs this module as a
program: `python -m fidelity.surroundings schema.yaml < config.yaml` writes all faults of a config,
a list in JSON, as its last line.
"""

import contextlib
import json
import sys
from pathlib import Path

import yaml

from . import OWN_FOREST, compiling
from .config import check_config
from .errors import InputError
from .event_settings import find_event_files, layout
from .raw_files import find_logs
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
    faults = _check_compiled()
    if not _is_known(config["recommender"]):
        faults += _check_recommender(config)
    source = config["datasets"][config["dataset"]]
    if "logs" in source:
        try:
            _find(source)
        except InputError as error:
            faults.append(f"datasets.{config['dataset']}.logs: {error}")
    return faults


def _check_compiled():
    try:
        compiling.load()
    except OSError as error:
        return [str(error)]
    return []


def _is_known(recommender):
    """Return if it is this project's forest with a number of trees.

    There is nothing to find out then, for which scikit-learn would be imported at each start.
    """
    trees = recommender.get("n_estimators", 1)
    return (
        recommender["estimator"] == OWN_FOREST
        and recommender.keys() <= {"estimator", "n_estimators"}
        and type(trees) is int
        and trees > 0
    )


def _check_recommender(config):
    from .recommender import make_estimator

    try:
        estimator = make_estimator(config["recommender"])
    except (InputError, TypeError) as error:
        return [f"recommender: {error}"]
    return _check_probabilities(config["attacks"]["scores"], estimator)


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
        config = yaml.safe_load(sys.stdin)
        faults = check_config(config, schema) or check_surroundings(config)
    print(json.dumps(faults))

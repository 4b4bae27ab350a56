"""The config: checked before anything runs, each fault told in one line."""

import difflib
import math

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from .crowdai import find_logs
from .errors import InputError
from .recommender import make_estimator

# JSON calls 20.0 an integer; here it would become part of a path.
_Validator = extend(
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)


def check_config(config, schema):
    """Return the faults of a config, one line each: the key, the value, what was expected.

    Parameters
    ----------
    config : dict
    schema : dict
        A JSON schema whose descriptions tell what a value must be.

    Returns
    -------
    list of str
    """
    errors = _Validator(schema).iter_errors(config)
    faults = {line for error in errors for line in _explain(error)}
    return sorted(faults) or _check_meaning(config)


def check_surroundings(config):
    """Return the faults that a look outside of the config finds: logs, the recommender.

    Slower than `check_config`, since it imports the recommender. Parameters and return as
    there, for a config without faults.
    """
    faults = []
    try:
        make_estimator(config["recommender"])
    except (InputError, TypeError) as error:
        faults.append(f"recommender: {error}")
    source = config["datasets"][config["dataset"]]
    if "logs" in source:
        try:
            find_logs(source["logs"])
        except InputError as error:
            faults.append(f"datasets.{config['dataset']}.logs: {error}")
    return faults


def fraction_text(fraction):
    """Return a fraction as it stands in paths and seeds: at most six digits, 0.5 not 0.50."""
    return format(fraction + 0, "g")  # -0.0 + 0 is 0


def _explain(error):
    key = _key(error.absolute_path)
    if error.validator == "required":
        # One error for each name that is missing, which only its message tells.
        name = error.message.split("'")[1]
        return [f"{_join(key, name)} is missing; {_expected(error.schema['properties'][name])}"]
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        return [
            f"{_join(key, name)} is not known{_suggest(name, known)}"
            for name in error.instance
            if name not in known
        ]
    return [f"{key or 'config'}: {error.instance!r} is not allowed; {_expected(error.schema)}"]


def _expected(schema):
    return f"expected {schema.get('description', 'what config/config.yaml shows')}"


def _suggest(name, known):
    close = difflib.get_close_matches(str(name), known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(known))}"


def _key(path):
    text = ""
    for part in path:
        text = f"{text}[{part}]" if isinstance(part, int) else _join(text, part)
    return text


def _join(key, name):
    return f"{key}.{name}" if key else str(name)


def _check_meaning(config):
    faults = []
    datasets, name, sessions = config["datasets"], config["dataset"], config["sessions"]
    if name not in datasets:
        faults.append(f"dataset: {name!r} is not among datasets{_suggest(name, datasets)}")
    for key, source in datasets.items():
        if "synthetic" in source and not key.startswith("synthetic"):
            faults.append(
                f"datasets.{key}: {key!r} is made up, and results must say so; let its name "
                "begin with synthetic"
            )
        shares = source.get("synthetic", {"sessions": 1, "shards": 1})
        if shares["shards"] > shares["sessions"]:
            faults.append(
                f"datasets.{key}.synthetic.shards: {shares['shards']} is above the number of "
                f"sessions, {shares['sessions']}; lower it"
            )
    if sessions["min_full_plays"] > sessions["length"]:
        faults.append(
            f"sessions.min_full_plays: {sessions['min_full_plays']} is above sessions.length, "
            f"{sessions['length']}; lower it"
        )
    for fraction in config["grid"]["common_fraction"]:
        if math.isnan(fraction):
            faults.append(
                "grid.common_fraction: nan is not allowed; expected fractions from 0 to 1"
            )
        elif float(fraction_text(fraction)) != fraction:
            faults.append(
                f"grid.common_fraction: {fraction} has too many digits; give at most six, "
                f"as {fraction_text(fraction)}"
            )
    return faults

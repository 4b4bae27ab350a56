"""The config: checked before anything runs, each fault told in one line."""

import difflib
import math
import re
import zoneinfo

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from . import event_settings
from .crowdai_columns import TIMING
from .emulation import fraction_text
from .published import SESSION_LENGTHS
from .scores import ACCESS, SCORES, VERDICT_SCORES

# What figures are laid out for: millimetres of their width for a point of their letters.
WIDTH_OF_A_POINT = 14

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
    fault = f"{key or 'config'}: {error.instance!r} is not allowed; {_expected(error.schema)}"
    return [fault + _explain_text(error.instance)]


def _explain_text(value):
    """Return what to do about text that spells something else."""
    if isinstance(value, str) and re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?|[\[{].*", value):
        return (
            "; this is text, which --config makes of all within braces (use --configfile), and "
            "YAML of what is quoted and of 1e-1"
        )
    return ""


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
    datasets, name = config["datasets"], config["dataset"]
    faults = [fault for key in datasets for fault in _check_dataset(key, datasets[key])]
    if name not in datasets:
        faults.append(f"dataset: {name!r} is not among datasets{_suggest(name, datasets)}")
    elif not faults:
        faults += _check_columns(config, datasets[name])
        faults += _check_sessions(config["sessions"], datasets[name])
    faults += _check_attacks(config["attacks"], config["grid"]["target_size"])
    faults += _check_k(config["attacks"]["k"], config["songs"])
    faults += _check_threads(config["recommender"])
    faults += _check_width(**config["figures"])
    return faults + _check_fractions(config["grid"]["common_fraction"])


def _check_width(width_mm, font_pt):
    """Return a fault where notes and legends would run over the edges."""
    needed = WIDTH_OF_A_POINT * font_pt
    if width_mm >= needed:
        return []
    return [
        f"figures.width_mm: {width_mm} is too narrow for letters of {font_pt} points; widen it to "
        f"{needed:g}, or set figures.font_pt to {width_mm / WIDTH_OF_A_POINT:.1f}"
    ]


def _check_threads(recommender):
    n_jobs = recommender.get("n_jobs")
    if n_jobs is None or (isinstance(n_jobs, int) and n_jobs > 0):
        return []
    return [
        f"recommender.n_jobs: {n_jobs!r}, expected a number of threads, at least 1, as jobs are "
        "given as many cores"
    ]


def _check_dataset(key, source):
    faults = []
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
    if source["format"] == "events":
        return faults + [f"datasets.{key}.{fault}" for fault in _check_events(source)]
    for name in sorted(source.keys() - {"format", "logs", "synthetic"}):
        faults.append(f"datasets.{key}.{name} is for event logs; remove it, or set format: events")
    return faults


def _check_events(source):
    if "columns" not in source:
        return ["columns is missing; expected the names of the columns user, item and time"]
    if "synthetic" in source:
        return ["synthetic is in the format crowdai; set format: crowdai"]
    faults = []
    given = event_settings.settings(source)
    for name in given["timing"]:
        if name in event_settings.RESERVED:
            faults.append(f"timing: {name!r} is a name of the tables; rename the log's column")
    columns = [*source["columns"].values(), *given["timing"]]
    for name in sorted({name for name in columns if columns.count(name) > 1}):
        # A user's id, or what it stands beside, would pass as something else.
        faults.append(f"columns: {name!r} is named twice, here or in timing; name each once")
    bins = given["previous_bins"]
    if bins != sorted(bins):
        faults.append(f"previous_bins: {bins} does not ascend; sort it")
    timezone = given["timezone"]
    if timezone not in zoneinfo.available_timezones() - {"localtime", "Factory"}:
        faults.append(f"timezone: {timezone!r} is not known; give an IANA name as Europe/Brussels")
    return faults


def _check_columns(config, source):
    timing = event_settings.timing(source) if source["format"] == "events" else list(TIMING)
    lists = {
        "features": (config["features"], ["song", *timing]),
        "information.cells": (config["information"]["cells"], ["song", "next_song", *timing]),
    }
    faults = []
    for key, (names, known) in lists.items():
        unknown = [name for name in names if name not in known]
        if unknown:
            faults.append(
                f"{key}: not in the {source['format']} logs: {', '.join(map(repr, unknown))}"
                f"{_suggest(unknown[0], known)}"
            )
    return faults


def _check_sessions(sessions, source):
    if source["format"] == "events":
        return []
    faults = []
    if sessions["length"] > max(SESSION_LENGTHS):
        faults.append(
            f"sessions.length: {sessions['length']} is above the listenings of the longest "
            f"CrowdAI sessions, {max(SESSION_LENGTHS)}; lower it"
        )
    if sessions["min_full_plays"] > sessions["length"]:
        faults.append(
            f"sessions.min_full_plays: {sessions['min_full_plays']} is above sessions.length, "
            f"{sessions['length']}; lower it"
        )
    return faults


def _check_attacks(attacks, grid_sizes):
    faults = []
    granted = ACCESS[: ACCESS.index(attacks["access"]) + 1]
    for place, name in enumerate(attacks["scores"]):
        key = f"attacks.scores[{place}]"
        if name not in SCORES:
            faults.append(f"{key}: {name!r} is not known{_suggest(name, SCORES)}")
        elif SCORES[name].access not in granted:
            faults.append(
                f"{key}: {name!r} needs access {SCORES[name].access}, but attacks.access is "
                f"{attacks['access']}; remove it, or grant more"
            )
    verdicts = attacks["verdicts"]
    if verdicts is not None and verdicts["score"] not in attacks["scores"]:
        faults.append(
            f"attacks.verdicts.score: {verdicts['score']!r} is not among attacks.scores; add it "
            "there, or set verdicts: null"
        )
    elif verdicts is not None and verdicts["score"] not in SCORES:
        name = verdicts["score"]
        faults.append(f"attacks.verdicts.score: {name!r} is not known{_suggest(name, SCORES)}")
    elif verdicts is not None and verdicts["score"] not in VERDICT_SCORES:
        faults.append(
            f"attacks.verdicts.score: {verdicts['score']!r} compares with models of the "
            "adversary's own users, so that its error cannot be promised; choose one of "
            f"{', '.join(VERDICT_SCORES)}"
        )
    if attacks["reference_sizes"] != "auto":
        faults += [
            f"attacks.reference_sizes: {size} is not in grid.target_size; add it there"
            for size in attacks["reference_sizes"]
            if size not in grid_sizes
        ]
    return faults


def _check_k(k, songs):
    if songs == "densest" or k < songs:
        return []
    return [f"attacks.k: {k} of {songs} songs leave none out; lower it, or raise songs"]


def _check_fractions(fractions):
    faults = []
    for fraction in fractions:
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

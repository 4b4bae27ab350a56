"""What each edit of the config runs again: the table in docs/reruns.md.

`python -m tests.reruns` prints the page with the table as it is now; `--write` rewrites the file.
Each row is the plan of a dry run on a project that Snakemake takes for finished: the results are
placeholders, and `snakemake --touch` records with which parameters and inputs they were made.
"""

import argparse
import contextlib
import io
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml
from snakemake.cli import main as snakemake
from snakemake.executors import touch

from fidelity import event_settings
from fidelity.scores import SCORES

from .project import ROOT, make_placeholders, read_plan

PAGE = ROOT / "docs/reruns.md"
TABLE = re.compile(
    r"(?<=<!-- table: make docs -->\n).*?(?=<!-- end of the table -->)",
    re.DOTALL,
)
DEFAULTS = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))

# What follows what, as a reader would tell it.
RULES = [
    *("make_logs", "extract_sessions", "extract_events", "select_songs", "deal_users"),
    *("train_models", "query_models", "measure_leakage", "cross_validate"),
    *("ask_own_models", "ask_comparisons", "attack_users", "estimate_information"),
    *("tabulate_leakage", "tabulate_accuracy", "tabulate_attacks", "tabulate_information"),
    *("draw_figure", "write_findings"),
]
PLAYS = {
    "format": "events",
    "logs": "plays.csv",
    "columns": {"user": "listener", "item": "track", "time": "start"},
}
CROWDAI = {"format": "crowdai", "logs": "logs"}
BASE = {
    "datasets": {
        "synthetic": {"synthetic": {"sessions": 2000, "shards": 2}},
        "synthetic-2": {"format": "crowdai", "synthetic": {"sessions": 2000, "shards": 2}},
        "plays": PLAYS,
    },
    "grid": {"common_fraction": [0, 0.5, 1], "target_size": [20, 40, 80, "max"], "repeats": 2},
}
PLAYS_BASE = BASE | {"dataset": "plays", "features": ["song", "hour_of_day"]}
touch.Executor.SLEEPING_TIME = 0  # before each job, for clocks that tick as slowly


class Edit(NamedTuple):
    """A key, by its names joined with dots, `*` for any dataset, and what it is changed to.

    `given` is another config before, `along` what else must change for one without faults.
    """

    key: str
    value: Any
    given: Mapping = MappingProxyType({})
    along: Mapping = MappingProxyType({})


EDITS = [
    Edit("seed", 2),
    Edit("dataset", "synthetic-2"),
    Edit("datasets.*.synthetic.sessions", 3000),
    Edit("datasets.*.synthetic.shards", 3),
    Edit("sessions.length", 19),
    Edit("sessions.min_full_plays", 15),
    Edit("sessions.context_types", ["user_collection", "catalog"]),
    Edit("songs", 100),
    Edit("songs", "densest"),
    Edit("min_songs", 60),
    Edit("min_songs", 60, given={"songs": "densest"}),
    Edit("features", [*DEFAULTS["features"], "context_switch"]),
    Edit("recommender.estimator", "sklearn.ensemble.ExtraTreesClassifier"),
    Edit("recommender.n_estimators", 10),
    Edit("grid.common_fraction", [0, 0.25, 0.5, 1]),
    Edit("grid.common_fraction", [0, 0.5]),
    Edit("grid.common_fraction", [1, 0.5, 0]),
    Edit("grid.target_size", [20, 40, 60, 80, "max"]),
    Edit(
        "grid.target_size",
        [20, 40, 60, 80, "max"],
        given={"attacks.reference_sizes": [80]},
    ),
    Edit("grid.target_size", [40, 80, "max"]),
    Edit("grid.target_size", [20, 40, 80]),
    Edit("grid.repeats", 3),
    Edit("adversary_size", "matched"),
    Edit(
        "attacks.access",
        "label",
        given={"attacks.scores": ["matches"], "attacks.verdicts.score": "matches"},
    ),
    Edit("attacks.scores", [name for name in SCORES if name != "RMIA"]),
    Edit("attacks.scores", [], along={"attacks.verdicts": None}),
    Edit("attacks.epsilon", 0.001),
    Edit("attacks.k", 10),
    Edit("attacks.gamma", 2),
    Edit("attacks.prior", 3),
    Edit("attacks.smoothing", 0.2),
    Edit("attacks.folds", 4),
    Edit("attacks.references", 8),
    Edit("attacks.reference_sizes", [80]),
    Edit("attacks.verdicts.score", "matches"),
    Edit("attacks.verdicts", None),
    Edit("attacks.verdicts.false_discovery_rate", 0.2),
    Edit("information.cells", ["song"]),
    Edit("information.cells", ["song", "next_song", "context_switch"]),
    Edit("information.estimates", "plug-in"),
    Edit("information.errors", [0.1]),
    Edit("information.permutations", 50),
    Edit("information.permutations", 50, given={"information.estimates": "plug-in"}),
    Edit("keep_models", True),
    Edit("figures.width_mm", 180),
    Edit("figures.font_pt", 7),
]
PLAYS_EDITS = [
    Edit("datasets.*.format", "crowdai", along={"datasets.plays": CROWDAI}),
    Edit("datasets.*.logs", "more.csv"),
    Edit("datasets.*.columns.user", "device"),
    Edit("datasets.*.columns.item", "artist"),
    Edit("datasets.*.columns.time", "end"),
    Edit("datasets.*.timing", ["mobile"]),
    Edit("datasets.*.separator", ","),
    Edit("datasets.*.time_unit", "milliseconds"),
    Edit("datasets.*.timezone", "Europe/Brussels"),
    Edit("datasets.*.gap", "1h"),
    Edit("datasets.*.previous_bins", [60, 600]),
    Edit("datasets.*.windows", "user"),
    Edit("datasets.*.reduce", "densest"),
    Edit("datasets.*.keep_user_ids", True),
]


def make_page():
    """Return the text of docs/reruns.md with the table as it is now."""
    text = PAGE.read_text(encoding="utf-8")
    assert TABLE.search(text), f"{PAGE}: the marks around the table are missing"
    rows = [*make_rows(BASE, EDITS), *make_rows(PLAYS_BASE, PLAYS_EDITS)]
    head = "| key | edit | rules that run again |\n|---|---|---|\n"
    return TABLE.sub(lambda _: head + "".join(rows), text)


def make_rows(base, edits):
    base = merge(DEFAULTS, base)
    with finished(base) as folder:
        for edit in edits:
            if edit.given:
                given = put_all(base, edit.given)
                with finished(given) as other:
                    yield make_row(other, given, edit)
            else:
                yield make_row(folder, base, edit)


def make_row(folder, base, edit):
    path = edit.key.replace("*", base["dataset"]).split(".")
    after = put_all(put(base, path, edit.value), edit.along)
    rules = tell_rules(plan(folder, after), plan(folder, after, "--forceall"))
    told = tell_edit(get(base, path), edit.value)
    for word, others in (("given", edit.given), ("along with", edit.along)):
        told += "".join(f", {word} `{key}`: {show(value)}" for key, value in others.items())
    return f"| `{edit.key}` | {told} | {rules} |\n"


def tell_edit(before, after):
    if not (isinstance(before, list) and isinstance(after, list)):
        return f"{show(before)} to {show(after)}"
    added = [value for value in after if value not in before]
    removed = [value for value in before if value not in after]
    told = [
        f"{sign}{show(value)}" for sign, own in (("+ ", added), ("- ", removed)) for value in own
    ]
    return ", ".join(told) or "another order"


def tell_rules(again, whole):
    """Return which rules run again, and how many of their jobs where not all do."""
    if not again:
        return "none"
    order = [rule for rule in RULES if rule in whole]
    first = next(i for i, rule in enumerate(order) if rule in again)
    if again == {rule: whole[rule] for rule in order[first:]} and len(again) > 1:
        return f"`{order[first]}` and all after it" if first else "all"
    return ", ".join(
        f"`{rule}`" + ("" if again[rule] == whole[rule] else f" ({again[rule]} of {whole[rule]})")
        for rule in order
        if rule in again
    )


@contextlib.contextmanager
def finished(config):
    """Yield a folder in which all results of a config are made, as far as Snakemake knows."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_logs(folder)
        make_placeholders(folder, run(folder, config, "--summary"))
        run(folder, config, "--touch", "--forceall", "--cores", "1", "--quiet", "all")
        assert not plan(folder, config)
        yield folder


def write_logs(folder):
    """Write what is looked at before a run: columns of event logs, names of raw files."""
    for name in ("plays.csv", "more.csv"):
        header = "listener,device,track,artist,start,end,mobile\n"
        (folder / name).write_text(header, encoding="utf-8")
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs/log.csv").touch()


def plan(folder, config, *options):
    """Return {rule: jobs} that a run would run."""
    plan = read_plan(run(folder, config, "--dry-run", "--quiet", "rules", *options))
    plan.pop("all", None)
    assert plan.keys() <= set(RULES), f"new rules, to be named in RULES: {plan.keys() - set(RULES)}"
    return plan


def run(folder, config, *options):
    """Return what Snakemake prints; in this process, as its start takes most of a dry run."""
    file = folder / "edited.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    where = ["--snakefile", ROOT / "Snakefile", "--directory", folder, "--configfile", file]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        try:
            snakemake([*map(str, where), "--nocolor", *options])
        except SystemExit as end:
            code = end.code
    assert not code, printed.getvalue()
    return printed.getvalue()


def merge(config, changes):
    """Return a config with changes laid over it key by key, as Snakemake does."""
    if not (isinstance(config, dict) and isinstance(changes, dict)):
        return changes
    return config | {key: merge(config.get(key), value) for key, value in changes.items()}


def put(config, path, value):
    """Return a config with another value at a path."""
    first, *rest = path
    return config | {first: put(config.get(first, {}), rest, value) if rest else value}


def put_all(config, values):
    for key, value in values.items():
        config = put(config, key.split("."), value)
    return config


def get(config, path):
    """Return the value at a path; what an event log leaves out has a default."""
    for name in path:
        config = config[name] if name in config else event_settings.DEFAULTS[name]
    return config


def show(value):
    """Return a value as YAML, in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=1000)
    return f"`{text.removesuffix('...' + chr(10)).strip()}`"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    is_to_be_written = parser.parse_args().write
    page = make_page()
    if is_to_be_written:
        PAGE.write_text(page, encoding="utf-8")
    else:
        print(page, end="")


if __name__ == "__main__":
    main()

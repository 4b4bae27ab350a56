import functools
import gc
import os
from pathlib import Path

import smart_open
import yaml
from snakemake.caching import LOCATION_ENVVAR
from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from fidelity.emulation import fraction_text
from fidelity.errors import OutputError
from fidelity.files import require_writable
from fidelity.information.report import TABLES as INFORMATION_TABLES
from fidelity.published import plan_shards
from fidelity.raw_files import find_logs
from fidelity.scores import SCORES
from fidelity.sources import digest
from fidelity.versions import versions

min_version("9.0")

# Of the time that a large grid takes to plan, a fifth would go to looking for garbage after every
# 700 new objects, of millions that all stay,
gc.set_threshold(100_000)
# and a seventh to smart_open, which makes a class anew for each path that it parses, three a job.
smart_open.parse_uri = functools.cache(smart_open.parse_uri)


def require_faultless(faults):
    if faults:
        raise WorkflowError("\n".join(["the config has faults:", *faults]))


if workflow.is_main_process:
    # A job of a cluster starts in half the time without what this imports.
    from fidelity.config import check_config, check_surroundings

    SCHEMA = Path(workflow.basedir, "workflow/schemas/config.schema.yaml")
    require_faultless(check_config(config, yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))))
    require_faultless(check_surroundings(config))

DATASET = config["dataset"]
SOURCE = config["datasets"][DATASET]
RESULTS = f"results/{DATASET}"
POINT = f"{RESULTS}/grid/common-{{common}}/target-{{target}}"
NOTE = "synthetic stand-in" if "synthetic" in SOURCE else ""

# In one order, so that another order of the config is no change.
FRACTIONS = sorted(map(fraction_text, config["grid"]["common_fraction"]), key=float)
NUMBERS = sorted(size for size in config["grid"]["target_size"] if size != "max")
SIZES = [*map(str, NUMBERS), *(["max"] if "max" in config["grid"]["target_size"] else [])]
LARGEST_FRACTION = max(FRACTIONS, key=float)
# Of which the largest that every fraction has is where fractions are compared.
SHARED_SIZE = {"numbers": NUMBERS, "smallest_fraction": min(FRACTIONS, key=float)}
RECOMMENDER = dict(sorted(config["recommender"].items()))

ATTACKS = config["attacks"]
VERDICTS = ATTACKS["verdicts"] or {"score": None, "false_discovery_rate": None}
INFORMATION = config["information"]
# The most observations of a user that a test or an attack sees: those of a session.
N_MAX = config["sessions"]["length"] - 1
# What else could be told apart: songs alone, and all that the recommender is told.
OTHER_CELLS = [
    cells
    for cells in (["song"], ["song", "next_song", *(n for n in config["features"] if n != "song")])
    if cells != INFORMATION["cells"]
]
# Without common users there is nobody to be found.
ATTACKED = [fraction for fraction in FRACTIONS if float(fraction) > 0 and ATTACKS["scores"]]

STAND_IN, RAW = {}, {}
if "synthetic" in SOURCE:
    STAND_IN = plan_shards(**SOURCE["synthetic"])
    RAW = {shard: f"{RESULTS}/raw/{shard}.csv.gz" for shard in STAND_IN}
elif SOURCE["format"] == "crowdai":
    RAW = {shard: str(path) for shard, path in find_logs(SOURCE["logs"]).items()}

USER_TABLES = [
    *("attacks", "attack_errors", "roc", "verdicts"),
    *("shared_users", "counterfactual", "outliers"),
]
TABLES = [
    *(USER_TABLES if ATTACKED else []),
    "leakage",
    "accuracy",
    "in_sample_accuracy",
    *INFORMATION_TABLES,
    "figure2",
    "figure3",
    "figure4",
]
# Each figure's tables, by what its function calls them.
FIGURES = {
    "figure2": {"shares": "tables/figure2.csv", "accuracy": "tables/accuracy.csv"},
    "figure3": {"shares": "tables/figure3.csv"},
    "figure4": {"information": "tables/information.csv"},
    "leakage": {"leakage": "tables/leakage.csv"},
    "accuracy": {
        "accuracy": "tables/accuracy.csv",
        "in_sample": "tables/in_sample_accuracy.csv",
        "songs": "sessions/songs.parquet",
    },
    "song_selection": {"curve": "sessions/song_selection.csv", "songs": "sessions/songs.parquet"},
}
if any(float(fraction) > 0 for fraction in FRACTIONS):
    FIGURES["membership"] = {"information": "tables/information.csv"}
if ATTACKED:
    FIGURES |= {
        "observations": {
            "errors": "tables/errors.csv",
            "divergences": "tables/divergences.csv",
            "attack_errors": "tables/attack_errors.csv",
        },
        "attack_roc": {"roc": "tables/roc.csv"},
        "attack_sizes": {"attacks": "tables/attacks.csv"},
        "attack_scores": {
            "attacks": "tables/attacks.csv",
            "shared_users": "tables/shared_users.csv",
        },
        "counterfactual": {
            "leakage": "tables/leakage.csv",
            "counterfactual": "tables/counterfactual.csv",
        },
        "shared_users": {"shared_users": "tables/shared_users.csv"},
        "outliers": {"outliers": "tables/outliers.csv"},
    }

# What the report shows, in reading order: results by category, and their titles. The caption of
# each lies in workflow/report, where the result lies in the results.
REPORT = {
    "Findings": {"findings.html": "What was found"},
    "Data": {
        "figures/song_selection.png": "How the songs were reduced",
        "sessions/funnel.csv": "What each filter left",
        "sessions/song_selection.csv": "How the songs were reduced",
    },
    "The leak": {
        "figures/figure2.png": "True positives: figure 2 of the paper",
        "figures/figure3.png": "False positives: figure 3 of the paper",
        "figures/leakage.png": "The leak: TPR and FPR",
        "figures/accuracy.png": "Accuracy of the recommender",
        "tables/figure2.csv": "True positives: figure 2 of the paper",
        "tables/figure3.csv": "False positives: figure 3 of the paper",
        "tables/leakage.csv": "Shares, rates and the leak",
        "tables/accuracy.csv": "Accuracy on unknown users",
        "tables/in_sample_accuracy.csv": "Accuracy on known users",
    },
    "Information": {
        "figures/figure4.png": "Whose record is it? Figure 4 of the paper",
        "figures/membership.png": "Whose record, beside who is a member",
        "figures/observations.png": "How many observations an error needs",
        "tables/figure4.csv": "Whose record is it? Figure 4 of the paper",
        "tables/information.csv": "Bits an observation, by estimator",
        "tables/divergences.csv": "Distances between histograms",
        "tables/observations_needed.csv": "How many observations an error needs",
        "tables/errors.csv": "Errors of tests",
    },
    "Attacks on users": {
        "figures/attack_roc.png": "ROC of the plain and the best scores",
        "figures/attack_sizes.png": "Scores against the target's size",
        "figures/attack_scores.png": "All scores",
        "tables/attacks.csv": "All metrics of all scores",
        "tables/roc.csv": "ROC curves",
        "tables/attack_errors.csv": "Errors after N answers",
    },
    "Who is exposed": {
        "figures/counterfactual.png": "The same users, known to a model and not",
        "figures/shared_users.png": "How many users are shared",
        "figures/outliers.png": "The leak by how surprising users are",
        "tables/counterfactual.csv": "The same users, known to a model and not",
        "tables/shared_users.csv": "How many users are shared",
        "tables/outliers.csv": "The leak by how surprising users are",
        "tables/verdicts.csv": "Lists of accused users",
    },
}

# Whether rules of the first stages share what they make with other checkouts. These have no
# benchmark, which Snakemake refuses beside a cache; and to be told that a rule may be cached would
# be a warning in every run that does not.
CACHE = workflow.enable_cache and LOCATION_ENVVAR in os.environ


wildcard_constraints:
    common=r"[0-9.e+-]+",
    target=r"[0-9]+|max|shared",
    adversary=r"[0-9]+|full|max",
    shard=r".+",
    figure="|".join(FIGURES),


def require_place():
    """Raise where results cannot be written, before any job finds out."""
    try:
        require_writable(RESULTS)
    except OutputError as error:
        raise WorkflowError(str(error)) from None


def code(name, *modules):
    """Return the digest of what a script runs, and of modules that it imports by name."""
    return digest(Path(workflow.basedir, "workflow/scripts", f"{name}.py"), *modules)


def recommender_code(name):
    """Return the digest of what a script runs with the configured recommender."""
    return code(name, RECOMMENDER["estimator"].rpartition(".")[0])


def event_settings(*names):
    """Return these settings of an event log."""
    from fidelity import events  # which imports pandas, and is needed for these logs alone

    given = events.settings(SOURCE)
    return {name: given[name] for name in sorted(names)}


def grid(file, fractions=FRACTIONS):
    """Return a file of every grid point of these fractions."""
    return expand(f"{POINT}/{file}", common=fractions, target=SIZES)


def accuracy_files():
    """Return the accuracies at every size for the largest fraction, at one for the others."""
    others = [fraction for fraction in FRACTIONS if fraction != LARGEST_FRACTION]
    file = f"{RESULTS}/accuracy/common-{{common}}/target-{{target}}.csv"
    return expand(file, common=LARGEST_FRACTION, target=SIZES) + expand(
        file, common=others, target="shared"
    )


def point_of(common, target, adversary_size=str(config["adversary_size"])):
    """Return the fields of a grid point."""
    return {
        "common_fraction": common,
        "target_size": target,
        "adversary_size": adversary_size,
        # Only a number may turn out to be the size of max.
        "max_in_grid": "max" in SIZES and target.isdecimal(),
    }


def point(wildcards):
    """Return the fields of the grid point of a job."""
    return point_of(wildcards.common, wildcards.target)


def target_point(wildcards):
    """Return the same for a job to which the adversary's size is nothing."""
    return point_of(wildcards.common, wildcards.target, adversary_size="full")


def adversary_point(wildcards):
    """Return the fields of a grid point with an adversary of the size in the job's file name."""
    size = "full" if wildcards.adversary == "max" else wildcards.adversary
    return point_of(wildcards.common, "max", adversary_size=size)


def own_responses(wildcards):
    """Return the file of what the adversary's own models answer: one for all equal adversaries."""
    size = str(config["adversary_size"])
    size = wildcards.target if size == "matched" else size
    return f"{RESULTS}/adversary/common-{wildcards.common}/size-{size}.parquet"


def count_references(target):
    """Return how many reference models to train, where they are trained."""
    needed = ATTACKS["verdicts"] is not None or any(
        "references" in SCORES[name].needs for name in ATTACKS["scores"]
    )
    sizes = ATTACKS["reference_sizes"]
    chosen = sizes == "auto" or target in map(str, sizes)
    return ATTACKS["references"] if needed and chosen else 0


def larger_points(wildcards):
    """Return the points that decide if this one is a default size for reference models.

    Only the next larger size and max, so that another size elsewhere in the grid is no change.
    None where the sizes are given.
    """
    if ATTACKS["reference_sizes"] != "auto":
        return None
    following = SIZES[SIZES.index(wildcards.target) + 1 :] if wildcards.target in SIZES else []
    sizes = list(dict.fromkeys([*following[:1], *(["max"] if "max" in following else [])]))
    return [point_of(wildcards.common, size) for size in sizes]


def answers_about_members(wildcards):
    """Return what the target's models answered, where users are common."""
    answers = {"responses": f"{POINT}/responses.parquet"}
    return answers if float(wildcards.common) > 0 else {}


def figure_tables(figure):
    """Return the files that a figure is drawn from."""
    return {name: f"{RESULTS}/{file}" for name, file in FIGURES[figure].items()}


def place_in_report(file):
    """Return the category and the labels of a result, numbered, as the report sorts them."""
    for i, (category, titles) in enumerate(REPORT.items(), start=1):
        for j, (name, title) in enumerate(titles.items(), start=1):
            if name == file:
                origin = {"data": NOTE} if NOTE else {}
                return f"{i} {category}", {"result": f"{i}.{j} {title}", "file": file, **origin}
    raise WorkflowError(f"{file}: has no place in REPORT of rules/common.smk")


def shown(file):
    """Return the path of a result that the report shows; `file` is its place in the results."""

    def place(wildcards):
        return place_in_report(file.format(**dict(wildcards.items())))

    return report(
        f"{RESULTS}/{file}",
        caption=f"../workflow/report/{Path(file).with_suffix('.rst')}",
        category=lambda wildcards: place(wildcards)[0],
        labels=lambda wildcards: place(wildcards)[1],
    )


def effective_config():
    """Return the config as the report shows it: all keys, in the order of the schema."""
    ordered = {key: config[key] for key in SCHEMA["properties"] if key in config}
    return yaml.safe_dump(
        ordered, sort_keys=False, default_flow_style=None, allow_unicode=True, width=50
    )


def model_mem_mb(wildcards):
    """Return the memory of a job that holds one model at a time.

    scikit-learn's trees hold a number per class in every node: 9,200 MB were measured for 20
    trees on the paper's 11,156 users, and memory grows with users and trees.
    """
    estimator = RECOMMENDER["estimator"]
    if not estimator.startswith(("sklearn.ensemble", "sklearn.tree")):
        return 1000
    size = wildcards.get("target", wildcards.get("adversary"))
    users = int(size) if size.isdecimal() else 11156
    trees = RECOMMENDER.get("n_estimators") or 100
    return 1000 + 8200 * users * trees // (11156 * 20)

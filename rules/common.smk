import atexit
import gc
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import yaml
from snakemake.caching import LOCATION_ENVVAR
from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.19")  # before what older ones lack

from snakemake.dag import ScriptProcessor
from snakemake.iocontainers import Snakemake
from snakemake.persistence import PersistenceBase

from fidelity import OWN_FOREST
from fidelity.emulation import fraction_text
from fidelity.errors import OutputError
from fidelity.files import require_writable
from fidelity.information.report import TABLES as ALL_INFORMATION_TABLES
from fidelity.published import plan_shards
from fidelity.raw_files import find_logs
from fidelity.scores import SCORES
from fidelity.sources import digest

SCHEMA = Path(workflow.basedir, "workflow/schemas/config.schema.yaml")


def find_faults():
    """Return the faults of the config, as found by a process whose imports end with it.

    It looks for the recommender where scripts do.
    """
    places = [
        str(Path(workflow.basedir, "workflow")),
        *filter(None, [os.environ.get("PYTHONPATH")]),
    ]
    check = subprocess.run(
        [sys.executable, "-P", "-m", "fidelity.surroundings", SCHEMA],
        input=yaml.safe_dump(config),  # in which all types come back
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
    )
    if check.returncode != 0 or not check.stdout:
        ended = f"the process that checks the config has ended with {check.returncode}"
        if "recommender" in config:
            ended += f", maybe by the import of {config['recommender']}; mend what it says above"
        return [ended]
    return json.loads(check.stdout.splitlines()[-1])


def require_faultless(faults):
    if faults:
        raise WorkflowError("\n".join(["nothing runs before this is mended:", *faults]))


TABLES_OF_PARAMS = "pandas", "polars"
HIDING = threading.Lock()


def without_tables(function):
    """Return a function that runs as if these packages were not installed, if none has them yet."""

    def alone(*arguments, **named):
        with HIDING:
            absent = [name for name in TABLES_OF_PARAMS if name not in sys.modules]
            sys.modules.update(dict.fromkeys(absent))
            try:
                return function(*arguments, **named)
            finally:
                for name in absent:
                    del sys.modules[name]

    return alone


# Before each script Snakemake looks if a parameter is a table of theirs, for which it would import
# pandas, .3 seconds and 65 MB, although there is none.
Snakemake._safely_store_params = without_tables(Snakemake._safely_store_params)

if workflow.is_main_process:
    # What a large grid takes to plan, by docs/performance.md: looking for garbage after every 700
    # new objects, of millions that all stay,
    gc.set_threshold(100_000)
    # freeing them one by one at the end, where the system frees all at once,
    atexit.register(gc.freeze)
    # and looking for the script of each job, which code() below has read for each rule.
    ScriptProcessor.process_job = lambda self, job: None
    # nor import pandas for the parameters that it compares with those of a former run.
    PersistenceBase._serialize_param = property(PersistenceBase._serialize_param_builtin.__get__)

    require_faultless(find_faults())

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

INFORMATION = config["information"]
PLUG_IN_ALONE = INFORMATION["estimates"] == "plug-in"
INFORMATION_TABLES = ["information"] if PLUG_IN_ALONE else [*ALL_INFORMATION_TABLES]
# What is made use of, so that nothing else is a change.
INFORMATION_USED = ["cells", "estimates"] if PLUG_IN_ALONE else ["cells", "errors", "permutations"]

# What the findings say they are of.
ASKED = {
    "seed": config["seed"],
    "songs": config["songs"],
    "features": config["features"],
    "recommender": [f"{name}: {value}" for name, value in RECOMMENDER.items() if value is not None],
    "common_fraction": FRACTIONS,
    "target_size": [*NUMBERS, *SIZES[len(NUMBERS) :]],
    "adversary_size": config["adversary_size"],
    "repeats": config["grid"]["repeats"],
    **{
        section: [f"{name}: {config[section][name]}" for name in sorted(names)]
        for section, names in (
            ("sessions", config["sessions"] if SOURCE["format"] == "crowdai" else ["length"]),
            ("attacks", config["attacks"]),
            ("information", {*INFORMATION_USED, "estimates"}),
        )
    },
}

ATTACKS = config["attacks"]
VERDICTS = ATTACKS["verdicts"] or {"score": None, "false_discovery_rate": None}
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
if any(float(fraction) > 0 for fraction in FRACTIONS) and not PLUG_IN_ALONE:
    FIGURES["membership"] = {"information": "tables/information.csv"}
if ATTACKED and not PLUG_IN_ALONE:
    FIGURES["observations"] = {
        "errors": "tables/errors.csv",
        "divergences": "tables/divergences.csv",
        "attack_errors": "tables/attack_errors.csv",
    }
if ATTACKED:
    FIGURES |= {
        "attack_roc": {"roc": "tables/roc.csv"},
        "attack_sizes": {"attacks": "tables/attacks.csv"},
        "attack_scores": {
            "attacks": "tables/attacks.csv",
            "shared_users": "tables/shared_users.csv",
        },
        "counterfactual": {
            "leakage": "tables/leakage.csv",
            "counterfactual": "tables/counterfactual.csv",
            "attacks": "tables/attacks.csv",
        },
        "shared_users": {"shared_users": "tables/shared_users.csv"},
        "outliers": {"outliers": "tables/outliers.csv"},
    }


# Whether rules of the first stages share what they make with other checkouts. They have no benchmark,
# which Snakemake refuses beside a cache, and no rule can have one at times. To be told that a rule
# may be cached would be a warning in every run that does not.
CACHE = workflow.enable_cache and LOCATION_ENVVAR in os.environ


wildcard_constraints:
    common=r"[0-9.e+-]+",
    target=r"[0-9]+|max|shared",
    adversary=r"[0-9]+|full|max",
    shard=r".+",
    figure="|".join(FIGURES),


def require_linked():
    """Raise where links into a cache lead nowhere, over which Snakemake would fall."""
    links = [path for name in ("raw", "sessions") for path in Path(RESULTS, name).rglob("*")]
    for link in links:
        if link.is_symlink() and not link.exists():
            raise WorkflowError(
                f"{link}: the cache does not hold it any more; remove all such links, and a run makes "
                f"the files again: find -L {RESULTS} -type l -delete"
            )


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
    from fidelity.event_settings import settings

    given = settings(SOURCE)
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
    """Return the fields of a `GridPoint`."""
    # Only a number may turn out to be the size of max; what is yet to be filled in may be one.
    may_be_max = "max" in SIZES and target not in ("max", "shared")
    return [common, target, adversary_size, may_be_max]


# Of jobs that have it in their wildcards: Snakemake fills them in, which for thousands of jobs is
# faster than to call a function for each.
GRID_POINT = point_of("{common}", "{target}")
TARGET_POINT = point_of("{common}", "{target}", adversary_size="full")


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

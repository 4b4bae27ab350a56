"""The real workflow, on a small config, in a copy of the project."""

import datetime
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import false_discovery_control
from sklearn.metrics import roc_auc_score

from fidelity.comparisons import TARGET_ONLY
from fidelity.scores import SCORES
from fidelity.summary import read_table
from fidelity.tables import read_columns

from .project import PARTS, ROOT, SMALL, small_project

POINT_KEYS = ["common_fraction", "target_size"]
USERS = 247  # that are left of this config
# Jobs of a grid point, and of what follows once it is there.
POINT = {"train_models": 1, "query_models": 1, "measure_leakage": 1, "estimate_information": 1}
LEAKAGE_RESULTS = {"tabulate_leakage": 1, "draw_figure": 4, "write_findings": 1, "all": 1}
ATTACK = {"ask_comparisons": 1, "attack_users": 1}  # of a point where users are common
FIGURES = 14


def test_a_dry_run_on_a_fresh_clone_shows_the_whole_plan(tmp_path):
    project = small_project(tmp_path / "project")
    assert project.plan() == {
        "make_logs": 2,
        "extract_sessions": 2,
        "select_songs": 1,
        "deal_users": 2,
        **dict.fromkeys(POINT, 6),
        "cross_validate": 4,  # every size at c = 1, one size at c = 0
        **dict.fromkeys(ATTACK, 3),
        "ask_own_models": 1,
        "tabulate_attacks": 1,
        "tabulate_leakage": 1,
        "tabulate_information": 1,
        "tabulate_accuracy": 1,
        "draw_figure": FIGURES,
        "write_findings": 1,
        "all": 1,
    }
    assert not project.result("").exists()


def test_leakage_has_the_rows_and_sizes_of_the_grid(finished):
    table = read_table(finished.result("tables/leakage.csv"))
    assert table.columns.tolist() == [
        *("common_fraction", "target_size", "adversary_size", "common_users", "target_sessions"),
        *("target_observations", "repeat", "tp", "fp", "tn", "fn", "success", "tpr", "fpr"),
        "leakage",
    ]
    s_0 = USERS // 2
    expected = [
        *[("0", 20, s_0, 0, repeat) for repeat in (0, 1)],
        *[("0", s_0, s_0, 0, repeat) for repeat in (0, 1)],
        *[("1", 20, USERS, 20, repeat) for repeat in (0, 1)],
        *[("1", USERS, USERS, USERS, repeat) for repeat in (0, 1)],
    ]
    names = ["common_fraction", "target_size", "adversary_size", "common_users", "repeat"]
    assert list(table[names].itertuples(index=False, name=None)) == expected
    assert (table["target_observations"] == 19 * table["target_size"]).all()
    assert (table["target_sessions"] == table["target_size"]).all()


def test_leakage_is_what_the_responses_say(finished):
    table = read_table(finished.result("tables/leakage.csv"))
    np.testing.assert_allclose(table[["tp", "fp", "tn", "fn"]].sum(axis=1), 1, atol=1e-15)
    nobody = table["common_fraction"] == "0"
    assert (table.loc[nobody, "tp"] == 0).all()
    assert table.loc[nobody, ["tpr", "leakage"]].isna().all(axis=None)
    everybody = (table["common_fraction"] == "1") & (table["target_size"] == USERS)
    assert (table.loc[everybody, "fp"] == 0).all()
    assert table.loc[everybody, ["fpr", "leakage"]].isna().all(axis=None)
    assert table.loc[~nobody & ~everybody, ["tpr", "fpr", "leakage"]].notna().all(axis=None)

    answers = pd.read_parquet(finished.result("grid/common-1/target-20/responses.parquet"))
    deals = pd.read_parquet(finished.result("emulation/common-1.parquet"))
    target = deals[(deals["repeat"] == 1) & deals["target_rank"].between(0, 19)]["user"]
    own = answers[answers["repeat"] == 1]
    member, match = own["user"].isin(target), own["top1"] == own["next_song"]
    row = table[(table["common_fraction"] == "1") & (table["target_size"] == 20)].iloc[1]
    assert row["tp"] == (member & match).mean()
    assert row["fpr"] == match[~member].mean()
    assert ((own["rank_next"] == 1) == match).all()


def test_users_are_attacked_where_both_groups_are_large_enough(finished):
    for point, rows in (("target-20", True), ("target-5000", False), ("target-max", False)):
        folder = finished.result(f"grid/common-1/{point}")
        scores = pd.read_parquet(folder / "scores.parquet")
        assert scores.columns.tolist() == [
            *("repeat", "user", "member", "score", "value", "observations"),
        ]
        assert (len(scores) > 0) == rows
    attacks = read_table(finished.result("tables/attacks.csv"))
    assert attacks.columns.tolist() == [
        *("common_fraction", "target_size", "repeat", "score", "access", "control", "metric"),
        *("level", "value", "ci_low", "ci_high", "reference_mismatch"),
    ]
    assert set(attacks["target_size"]) == {20}
    assert set(attacks["score"]) == set(SCORES)
    assert set(attacks["control"]) == {"no", "shuffled"}  # all users of the target are common
    verdicts = read_table(finished.result("tables/verdicts.csv"))
    assert verdicts.columns.tolist() == [
        *("common_fraction", "target_size", "repeat", "fdr", "listed", "false", "realised"),
        *("reference_mismatch", "control"),
    ]
    assert set(verdicts["control"]) == {"no", "shuffled"}
    assert not verdicts["reference_mismatch"].any()
    assert read_table(finished.result("tables/shared_users.csv")).columns[-1] == "control"


def test_the_gap_of_matches_is_the_leak(finished):
    """The advantage of guessing by one transition: TPR - FPR of tables/leakage.csv."""
    scores = pd.read_parquet(finished.result("grid/common-1/target-20/scores.parquet"))
    own = scores[scores["score"] == "matches"]
    assert (own["observations"] == 19).all()
    rates = own.groupby(["repeat", "member"])["value"].mean().unstack()
    leakage = read_table(finished.result("tables/leakage.csv")).set_index(POINT_KEYS)
    leakage = leakage.loc[("1", 20), "leakage"]
    np.testing.assert_allclose(rates[True] - rates[False], leakage, atol=1e-12)
    attacks = read_table(finished.result("tables/attacks.csv"))
    told = attacks[(attacks["metric"] == "leak") & (attacks["control"] == "no")]
    np.testing.assert_allclose(told["value"], leakage, atol=1e-12)


def test_areas_are_those_of_the_scores(finished):
    scores = pd.read_parquet(finished.result("grid/common-1/target-20/scores.parquet"))
    attacks = read_table(finished.result("tables/attacks.csv"))
    real = attacks[(attacks["metric"] == "auc") & (attacks["control"] == "no")]
    assert len(real) == 2 * len(SCORES)
    for _, row in real.iterrows():
        own = scores[(scores["repeat"] == row["repeat"]) & (scores["score"] == row["score"])]
        own = own.dropna(subset="value")  # of a user whom no reference model knows, say
        assert row["value"] == pytest.approx(roc_auc_score(own["member"], own["value"]))
        assert row["ci_low"] <= row["value"] <= row["ci_high"]


def test_curves_are_read_off_at_their_steps(finished):
    """By the lines that docs/attacks.md has for whoever wants every step."""
    page = (ROOT / "docs/attacks.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names = {}
    exec(block, names)
    path = finished.result("grid/common-1/target-20/scores.parquet")
    curves = read_table(finished.result("tables/roc.csv"))
    curves = curves[curves["control"] == "no"]
    assert set(curves["score"]) == set(SCORES)
    for (repeat, score), curve in curves.groupby(["repeat", "score"]):
        steps = names["every_step"](path, repeat, score)
        assert steps.iloc[0].tolist() == [np.inf, 0, 0]
        assert steps.iloc[-1][["fpr", "tpr"]].tolist() == [1, 1]
        for _, row in curve.iterrows():
            assert row["tpr"] == steps["tpr"][steps["fpr"] <= row["fpr"] + 1e-12].max()


def test_listed_users_are_those_of_the_p_values(finished):
    p = pd.read_parquet(finished.result("grid/common-1/target-20/p_values.parquet"))
    verdicts = read_table(finished.result("tables/verdicts.csv"))
    verdicts = verdicts[verdicts["control"] == "no"]
    for (_, own), (_, row) in zip(p.groupby("repeat"), verdicts.iterrows(), strict=True):
        passed = false_discovery_control(own["p_value"]) <= row["fdr"]
        assert own["listed"].tolist() == passed.tolist()
        assert (row["listed"], row["false"]) == (passed.sum(), (passed & ~own["member"]).sum())


def test_only_what_is_configured_costs_anything(copy):
    copy.configure(SMALL | {"attacks": {"scores": [], "verdicts": None}})
    plan = copy.plan("--forceall")
    assert not {"ask_own_models", "ask_comparisons", "attack_users"} & plan.keys()
    assert plan["draw_figure"] == 7  # of users only what an answer tells of membership


def test_information_falls_to_nothing_where_both_hold_the_same(finished):
    table = read_table(finished.result("tables/information.csv"))
    table = table[(table["secret"] == "holder") & (table["cells"] == "song next_song")]
    plug_in = table[table["estimator"] == "plug-in"]
    by_point = plug_in.groupby(["common_fraction", "target_size"])["value"].mean()
    assert by_point.loc[("1", USERS)] == 0
    assert 0 < by_point.loc[("0", USERS // 2)] < by_point.loc[("0", 20)] < 1
    figure4 = read_table(finished.result("tables/figure4.csv"))
    assert figure4["mean"].tolist() == pytest.approx(by_point.tolist(), abs=1e-15)
    assert (figure4["repeats"] == 2).all()


def test_membership_is_told_where_users_are_common_and_others_are_not(finished):
    for name in ("information", "divergences", "observations_needed", "errors"):
        table = read_table(finished.result(f"tables/{name}.csv"))
        members = table[table["secret"] == "membership"]
        points = members[["common_fraction", "target_size"]].drop_duplicates()
        assert points.to_numpy().tolist() == [["1", 20]]
        cells = set(members["cells"])
        assert cells == {"song next_song match", "match", "p_next"}


def test_gaps_are_what_matches_tell_of_members(finished):
    """The error of one observation of an answer is 1/2 less half of TPR - FPR, as for any bit."""
    leakage = read_table(finished.result("tables/leakage.csv"))
    divergences = read_table(finished.result("tables/divergences.csv"))
    told = divergences[(divergences["cells"] == "match")].set_index(["measure", "repeat"])["value"]
    own = leakage[(leakage["common_fraction"] == "1") & (leakage["target_size"] == 20)]
    for _, row in own.iterrows():
        distance = told["total variation", row["repeat"]]
        assert distance == pytest.approx(abs(row["leakage"]), abs=1e-12)


def test_accuracy_of_every_size_for_the_largest_fraction_and_of_one_for_the_other(finished):
    table = read_table(finished.result("tables/accuracy.csv"))
    folds = table.groupby(["common_fraction", "target_size"])["fold"].apply(list).to_dict()
    assert folds == {point: [*range(10)] for point in [("0", 20), ("1", 20), ("1", USERS)]}


def test_a_size_that_does_not_exist_has_no_rows_and_one_line_in_its_log(finished):
    for fraction in ("0", "1"):
        point = finished.result(f"grid/common-{fraction}/target-5000")
        assert len(read_columns(point / "responses.parquet")["user"]) == 0
        texts = [path.read_text() for path in point.glob("*.csv")]
        for path in point.glob("*.zip"):
            with zipfile.ZipFile(path) as archive:
                texts += [archive.read(name).decode() for name in archive.namelist()]
        assert len(texts) == (12 if float(fraction) else 5)
        for text in texts:
            assert len(text.splitlines()) == 1
        for rule in POINT:
            log = finished.result(f"logs/{rule}/common-{fraction}/target-5000.log").read_text()
            assert log.count("no rows") == 1
    for table in finished.result("tables").iterdir():
        assert "5000" not in read_table(table).get("target_size", pd.Series()).astype(str).tolist()
    lines = finished.result("findings.md").read_text().splitlines()
    (told,) = [line for line in lines if "5,000" in line and "c = 1" in line]
    assert told.startswith("At c = 1 there are no results for 5,000 users of the target")


def test_what_is_made_from_the_stand_in_says_so(finished):
    assert "Synthetic stand-in" in finished.result("findings.md").read_text()
    for figure in finished.result("figures").glob("*.svg"):
        assert "synthetic stand-in" in figure.read_text()
    assert len(list(finished.result("figures").iterdir())) == 3 * FIGURES


def test_no_raw_session_id_leaves_the_first_stage(finished):
    raw = next(finished.result("raw").rglob("*.gz"))
    ids = set(pd.read_csv(raw, usecols=["session_id"])["session_id"])
    later = [path for path in finished.result("").rglob("*") if path.is_file()]
    later = [path for path in later if "/raw/" not in path.as_posix()]
    assert len(later) > 50
    for path in later:
        if path.suffix == ".parquet":
            table = pd.read_parquet(path).select_dtypes(exclude="number")
            assert not ids & set(table.to_numpy().ravel()), path
        else:
            content = _unpacked(path)
            assert not any(session.encode() in content for session in list(ids)[:50]), path


def _unpacked(path):
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return b"".join(map(archive.read, archive.namelist()))


def test_models_are_not_kept(finished):
    assert list(finished.result("grid").rglob("models.zip")) == []


def test_models_are_kept_on_demand(copy):
    copy.configure(SMALL | {"keep_models": True})
    assert copy.plan()["train_models"] == 6


def test_a_second_run_does_nothing(finished):
    assert finished.plan() == {}


def test_a_new_target_size_runs_its_point_and_the_results_alone(copy):
    config = SMALL | {"grid": SMALL["grid"] | {"target_size": [20, 40, 5000, "max"]}}
    copy.configure(config)
    assert copy.plan() == {
        **dict.fromkeys(POINT, 2),
        # One more at c = 1; at c = 0 it may be the size that is compared.
        "cross_validate": 2,
        **ATTACK,
        "tabulate_attacks": 1,
        "tabulate_leakage": 1,
        "tabulate_information": 1,
        "tabulate_accuracy": 1,
        "draw_figure": FIGURES - 1,
        "write_findings": 1,
        "all": 1,
    }
    before = copy.tables()
    copy.make()
    after = copy.tables()
    kept = [name for name in before if name.startswith(("grid/", "emulation/"))]
    assert len(kept) > 15
    assert all(after[name] == before[name] for name in kept)
    sizes = read_table(copy.result("tables/leakage.csv"))["target_size"]
    assert sorted(set(sizes)) == [20, 40, USERS // 2, USERS]


def test_a_new_target_size_asks_references_anew_at_the_next_smaller_alone(tmp_path):
    """Where the sizes are found by themselves, as the new one may take the other's place."""
    grid = {"common_fraction": [0.5, 1], "target_size": [20, 40, 80], "repeats": 1}
    config = SMALL | {"grid": grid, "attacks": SMALL["attacks"] | {"reference_sizes": "auto"}}
    project = small_project(tmp_path / "project")
    project.configure(config)
    tables = [f"results/synthetic/tables/{name}.csv" for name in ("attacks", "leakage")]
    run = project.run(*tables, "--cores", "2")
    assert run.returncode == 0, run.stdout + run.stderr
    _check_model_of_nobody(project.folder / "results/synthetic", size=40)
    project.configure(config | {"grid": grid | {"target_size": [20, 40, 60, 80]}})
    plan = project.run("--dry-run", *tables).stdout
    for size, n in ((20, 0), (40, 2), (60, 2), (80, 0)):
        outputs = re.findall(rf"output: \S+/target-{size}/comparisons.parquet", plan)
        assert len(outputs) == n


def _check_model_of_nobody(results, size):
    """The control "target-only" at c = .5: as large as references, and without the adversary's."""
    deals = pd.read_parquet(results / "emulation/common-0.5.parquet")
    adversary = deals["user"][deals["adversary_rank"] >= 0]
    known = pd.read_parquet(results / f"grid/common-0.5/target-{size}/comparison_users.parquet")
    known = known["user"][known["model"] == TARGET_ONLY]
    assert len(known) == min(size, len(adversary) // 2)
    assert not known.isin(adversary).any()
    attacks = read_table(results / "tables/attacks.csv")
    own = attacks[(attacks["common_fraction"] == "0.5") & (attacks["target_size"] == size)]
    assert {"no", "shuffled", "target-only"} == set(own["control"])


def test_changed_code_reruns_what_uses_it(copy):
    with open(copy.folder / "workflow/fidelity/attack.py", "a") as file:
        file.write("\n# changed\n")
    assert copy.plan() == {"measure_leakage": 6, **LEAKAGE_RESULTS}
    with open(copy.folder / "workflow/fidelity/figures.py", "a") as file:
        file.write("\n# changed\n")
    assert copy.plan() == {"measure_leakage": 6, **LEAKAGE_RESULTS, "draw_figure": FIGURES}


def test_a_touch_or_the_times_of_a_fresh_clone_rerun_nothing(copy):
    for part in PARTS:
        files = [copy.folder / part, *(copy.folder / part).rglob("*")]
        for path in files:
            path.touch()
    assert copy.plan() == {}


@pytest.mark.parametrize("adversary_size", ["matched", 100])
def test_a_grid_of_nothing_but_the_largest_size(copy, adversary_size):
    grid = {"common_fraction": [0, 1], "target_size": ["max"], "repeats": 1}
    attacks = SMALL["attacks"] | {"reference_sizes": "auto"}
    copy.configure(SMALL | {"grid": grid, "adversary_size": adversary_size, "attacks": attacks})
    copy.make()
    table = read_table(copy.result("tables/leakage.csv"))
    sizes = {"matched": [USERS // 2, USERS], 100: [100, 100]}[adversary_size]
    assert table["target_size"].tolist() == [USERS // 2, USERS]
    assert table["adversary_size"].tolist() == sizes
    accuracy = read_table(copy.result("tables/accuracy.csv"))
    folds = accuracy.groupby(["common_fraction", "target_size"]).size().to_dict()
    assert folds == {("0", USERS // 2): 10, ("1", USERS): 10}


def test_scikit_learns_forest_makes_the_same_tables(copy):
    before = copy.tables()
    copy.configure(
        SMALL
        | {
            "recommender": {
                "estimator": "sklearn.ensemble.RandomForestClassifier",
                "n_estimators": 4,
            }
        }
    )
    text = copy.make()
    assert re.search(r"^train_models +6$", text, re.MULTILINE)
    after = copy.tables()
    for tables in (before, after):
        del tables["findings.md"]  # which names the recommender
    assert after == before


def _resources(project, *arguments):
    """Return {benchmark file: {resource: number}} of all jobs that have one."""
    text = project.make("--dry-run", "--forceall", *arguments)
    found = re.findall(r"benchmark: (\S+)\n(?:    .*\n)*?    resources: (.*)", text)
    return {
        file: {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)(?:,|$)", line)}
        for file, line in found
    }


def test_no_job_took_more_memory_than_is_declared(finished):
    declared = _resources(finished)
    assert len(declared) > 55
    measured = 0
    for file, resources in declared.items():
        took = float(pd.read_csv(finished.folder / file, sep="\t")["max_rss"].item())
        if took > 0:  # the shortest jobs are not measured
            measured += 1
            assert took <= resources["mem_mb"], file
        assert resources["mem_mb"] < 1000  # so that many such jobs run side by side
        assert resources["runtime"] == 2
    assert measured > 40


def test_what_is_declared_grows_with_the_data_and_with_every_attempt(copy):
    before, again = _resources(copy), _resources(copy, "--attempt", "3")
    # The sizes of the files, which nothing reads here.
    os.truncate(copy.result("sessions/transitions.parquet"), 5_000_000)
    os.truncate(copy.result("grid/common-1/target-20/attacks.zip"), 5_000_000)
    larger = _resources(copy)
    for file, resources in before.items():
        rule = file.split("/")[3]
        assert again[file]["mem_mb"] == pytest.approx(3 * resources["mem_mb"], abs=2)
        assert again[file]["runtime"] == 3 * resources["runtime"]
        grown = rule in {*POINT, *ATTACK, "ask_own_models", "cross_validate"}
        if grown:
            assert larger[file]["mem_mb"] > resources["mem_mb"] + 140
        elif rule == "tabulate_attacks":
            assert larger[file]["mem_mb"] > resources["mem_mb"] + 80
        elif rule in {"select_songs", "tabulate_leakage"}:
            assert larger[file] == resources


def test_a_job_is_declared_no_more_than_a_machine_has(finished):
    declared = _resources(finished)
    limited = _resources(finished, "--resources", "mem_mb=150")
    for file, resources in declared.items():
        assert limited[file]["mem_mb"] == min(resources["mem_mb"], 150)
    assert {resources["mem_mb"] > 150 for resources in declared.values()} == {True, False}


def test_other_resources_rerun_nothing(copy):
    rules = copy.folder / "rules/resources.smk"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(text.replace("Cost(330, ", "Cost(3300, "), encoding="utf-8")
    assert copy.plan() == {}
    assert max(resources["mem_mb"] for resources in _resources(copy).values()) > 3000


def test_two_large_models_of_scikit_learn_never_share_a_small_machine(copy):
    """A profile grants 16 GB; a model of full size is declared to need 9.2 GB."""
    estimator = {"estimator": "sklearn.ensemble.RandomForestClassifier", "n_estimators": 20}
    copy.configure(SMALL | {"recommender": estimator, "songs": 229})
    text = copy.make("--dry-run")
    jobs = re.findall(r"rule (\w+):\n(?:    .*\n)*?    resources: .*?mem_mb=(\d+)", text)
    needed = {(rule, int(mem_mb)) for rule, mem_mb in jobs}
    assert ("train_models", 9200) in needed
    assert ("query_models", 9200) in needed
    assert ("train_models", 1014) in needed  # 20 users
    profile = yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text(encoding="utf-8"))
    assert profile["resources"] == ["mem_mb=16000"]


@pytest.mark.parametrize(
    ("setting", "fault"),
    [
        ("seed=-1", "seed: -1 is not allowed; expected a whole number, not negative"),
        ("grid='{repeats: 2'", "grid: "),
        ("dataset=crowdai", "datasets.crowdai.logs: resources/crowdai: there is no such folder"),
    ],
)
def test_a_fault_in_the_config_ends_the_run_before_it_begins(tmp_path, setting, fault):
    project = small_project(tmp_path / "project")
    run = project.run("--cores", "1", "--config", setting)
    assert run.returncode != 0
    lines = [line.strip() for line in (run.stdout + run.stderr).splitlines()]
    assert any(line.startswith(fault) for line in lines)
    assert "Traceback" not in run.stdout + run.stderr
    assert not (project.folder / "results").exists()


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--debug"],
        ["--set-threads", "tabulate_accuracy=2"],
        ["--set-resources", "tabulate_accuracy:tmpdir=other"],
    ],
)
def test_scripts_with_surroundings_of_their_own_are_no_forks(copy, options):
    table = "results/synthetic/tables/accuracy.csv"
    cores = "1" if "--debug" in options else "2"  # which debugging asks for
    run = copy.run("--cores", cores, "--forcerun", "tabulate_accuracy", *options, "--", table)
    assert run.returncode == 0, run.stderr
    took = pd.read_csv(copy.result("benchmarks/tabulate_accuracy.tsv"), sep="\t").loc[0]
    # Which the system does not count, and Snakemake samples, if only at the start of a short job.
    assert (took["max_uss"] == "-") == (not options)
    assert options or took["max_rss"] > 50


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere scripts are not forked")
def test_nothing_is_imported_that_a_run_does_not_need(copy):
    """Snakemake would import pandas before each script, to look if a parameter is a table."""
    script = copy.folder / "workflow/scripts/tabulate_leakage.py"
    tell = "import sys; open('imported', 'w').write(' '.join(sys.modules))\n"
    script.write_text(tell + script.read_text())
    python, *snakemake = copy.command("--cores", "1", "--until", "tabulate_leakage")
    run = subprocess.run(
        [python, "-X", "importtime", *snakemake],
        cwd=copy.folder,
        env=copy.environment(),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    by_snakemake = set(re.findall(r"^import time:.*\| +(\S+)$", run.stderr, re.MULTILINE))
    assert "snakemake.script" in by_snakemake
    # By what they import first, as an import that was refused is named, too.
    assert by_snakemake & {"pandas.compat", "pyarrow.lib", "scipy._lib"} == set()
    by_forks = set((copy.folder / "imported").read_text().split())
    assert "pandas" in by_forks
    assert not by_forks & {"sklearn", "matplotlib"}


def test_a_config_is_checked_as_it_is_read(tmp_path):
    """Not as text: a name that is a number is no name, a date no folder."""
    project = small_project(tmp_path / "project")
    logs = {"format": "crowdai", "logs": datetime.date(2024, 1, 1)}
    project.configure(SMALL | {"dataset": "crowdai", "datasets": {"crowdai": logs}})
    run = project.run("--cores", "1")
    assert run.returncode != 0
    assert "datasets.crowdai.logs: datetime.date(2024, 1, 1) is not allowed" in run.stderr


def test_a_recommender_whose_import_ends_the_process_is_told(tmp_path):
    project = small_project(tmp_path / "project")
    (project.folder / "workflow/ending.py").write_text("import os\nos._exit(3)\n")
    run = project.run("--cores", "1", "--config", "recommender={estimator: ending.Model}")
    assert run.returncode != 0
    assert "ending.Model" in run.stderr
    assert "has ended with 3, maybe by the import of {" in run.stderr


def test_a_recommender_that_scripts_would_not_find_is_told(tmp_path):
    """Snakemake itself would find it, beside the Snakefile."""
    project = small_project(tmp_path / "project")
    text = "from sklearn.ensemble import ExtraTreesClassifier as Model\n"
    (project.folder / "beside.py").write_text(text)
    model = "--config", "recommender={estimator: beside.Model}"
    run = project.run("--cores", "1", *model)
    assert run.returncode != 0
    assert "recommender: 'beside.Model' cannot be imported (No module named 'beside')" in run.stderr
    (project.folder / "beside.py").rename(project.folder / "workflow/beside.py")
    assert "deal_users" in project.plan(*model)


@pytest.fixture
def own_logs(finished, tmp_path):
    """Return a project whose logs are a folder of two files, and that folder."""
    project = small_project(tmp_path / "project")
    project.configure(SMALL | {"dataset": "crowdai"})
    logs = project.folder / "resources/crowdai/training_set"
    shutil.copytree(finished.result("raw/training_set"), logs)
    return project, logs


def test_bad_logs_end_with_the_file_and_the_line(own_logs):
    project, logs = own_logs
    path = min(logs.iterdir())
    table = pd.read_csv(path, dtype=str)
    table.loc[5, "session_position"] = "six"
    path.unlink()
    table.to_csv(logs / "bad.csv", index=False)
    run = project.run("--cores", "2", "results/crowdai/sessions/funnel.csv")
    assert run.returncode != 0
    text = run.stdout + run.stderr
    assert "bad.csv: line 7: session_position is 'six', expected a whole number" in text
    assert "Traceback" not in text
    made = (project.folder / "results/crowdai").rglob("*.parquet")
    assert not [path for path in made if "bad" in path.name]


def test_a_tarball_beside_its_files_is_refused(own_logs):
    project, logs = own_logs
    with tarfile.open(logs.parent / "training_set_0.tar.gz", "w:gz") as tar:
        for path in sorted(logs.iterdir())[:1]:
            tar.add(path, f"training_set/{path.name}")
    run = project.run("--cores", "2", "results/crowdai/sessions/funnel.csv")
    assert run.returncode != 0
    text = run.stdout + run.stderr
    assert "hold the same sessions, and each would count as two users" in text
    assert "Traceback" not in text


def test_logs_without_a_session_left_tell_the_filter(own_logs):
    project, _ = own_logs
    project.configure(
        SMALL
        | {"dataset": "crowdai", "sessions": {"context_types": ["charts"], "min_full_plays": 20}}
    )
    run = project.run("--cores", "2", "results/crowdai/sessions/funnel.csv")
    assert run.returncode != 0
    assert "sessions is left: the filter full_plays removed the most" in run.stdout + run.stderr
    assert not (project.folder / "results/crowdai/sessions/funnel.csv").exists()


def test_logs_of_ones_own_make_the_same_numbers_without_the_label(own_logs, finished):
    project, _ = own_logs
    project.make("results/crowdai/tables/figure4.csv", "results/crowdai/figures/figure4.svg")
    made = project.folder / "results/crowdai"
    assert (made / "tables/figure4.csv").read_bytes() == finished.result(
        "tables/figure4.csv"
    ).read_bytes()
    assert "synthetic" not in (made / "figures/figure4.svg").read_text()
    report = project.run("results/crowdai/figures/figure4.png", "--report", "report.html")
    assert report.returncode == 0, report.stderr
    shown = (project.folder / "report.html").read_text(encoding="utf-8")
    assert re.search("Dataset: .{0,60}crowdai", shown)
    assert "stand-in" not in shown.lower()

import json
import subprocess
import sys

import pytest

from fidelity import surroundings
from fidelity.config import check_config
from fidelity.surroundings import check_surroundings

from .test_config import DEFAULT, ROOT, SCHEMA, changed, with_events


def test_the_default_config_has_no_fault():
    assert check_surroundings(DEFAULT) == []


@pytest.mark.parametrize("trees", [20, None, 1])
def test_what_is_known_of_the_forest_is_what_it_says_itself(trees, monkeypatch):
    config = changed("recommender.n_estimators", trees)
    assert check_surroundings(config) == []
    monkeypatch.setattr(surroundings, "_is_known", lambda recommender: False)
    assert check_surroundings(config) == []


def test_scores_that_a_recommender_cannot_serve_are_refused_by_name():
    config = changed("recommender", {"estimator": "sklearn.svm.LinearSVC"})
    faults = check_surroundings(config)
    assert len(faults) == 8
    assert faults[0].startswith("attacks.scores: 'calibrated matches' needs probabilities, but the")
    config = config | {"attacks": config["attacks"] | {"scores": ["matches", "rare matches"]}}
    assert check_surroundings(config) == []


def test_code_that_cannot_be_compiled_is_told_before_anything_runs(monkeypatch):
    def fail():
        raise OSError("cannot be kept here")

    monkeypatch.setattr(surroundings.compiling, "load", fail)
    assert check_surroundings(DEFAULT) == ["cannot be kept here"]


def test_an_event_log_without_a_column_is_told(tmp_path):
    (tmp_path / "plays.csv").write_text("u,i,time\n")
    config = with_events(logs=str(tmp_path / "plays.csv"))
    (fault,) = check_surroundings(config)
    assert fault.startswith(f"datasets.plays.logs: {tmp_path}/plays.csv: the column t is missing")
    config = with_events(logs=str(tmp_path / "absent.csv"))
    (fault,) = check_surroundings(config)
    assert fault.endswith("absent.csv: there is no such file or folder")


@pytest.mark.parametrize(
    ("key", "value", "fault"),
    [
        ("recommender.estimator", "no.such.Thing", "recommender: 'no.such.Thing' cannot be import"),
        ("recommender", {"estimator": "sklearn.cluster.KMeans"}, "recommender: 'sklearn.cluster"),
        ("recommender.n_trees", 3, "recommender: fidelity.forest.RandomForestClassifier has no p"),
        ("recommender.n_estimators", 0, "recommender: fidelity.forest.RandomForestClassifier: The"),
    ],
)
def test_a_recommender_that_cannot_be_made_is_told(key, value, fault):
    config = changed(key, value)
    assert check_config(config, SCHEMA) == []
    (found,) = check_surroundings(config)
    assert found.startswith(fault)


def test_missing_and_empty_logs_are_told(tmp_path):
    config = changed("dataset", "crowdai")
    config["datasets"]["crowdai"]["logs"] = str(tmp_path / "none")
    (fault,) = check_surroundings(config)
    assert fault == f"datasets.crowdai.logs: {tmp_path}/none: there is no such folder of logs"
    config["datasets"]["crowdai"]["logs"] = str(tmp_path)
    (fault,) = check_surroundings(config)
    assert (
        fault
        == f"datasets.crowdai.logs: {tmp_path}: holds no .csv, .csv.gz, .tar.gz, .tgz or .tar file"
    )


def check_apart(config, folder):
    """Return the process that looks for faults of a config, and finds modules in a folder."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "fidelity.surroundings"),
            ROOT / "workflow/schemas/config.schema.yaml",
        ],
        input=json.dumps(config),
        env={"PYTHONPATH": f"{ROOT / 'workflow'}:{folder}"},
        capture_output=True,
        text=True,
    )


def test_as_a_program_it_tells_all_faults(tmp_path):
    assert json.loads(check_apart(DEFAULT, tmp_path).stdout) == []
    faults = json.loads(check_apart(changed("seed", -1), tmp_path).stdout)
    assert faults == check_config(changed("seed", -1), SCHEMA)
    (fault,) = json.loads(check_apart(changed("recommender.n_trees", 3), tmp_path).stdout)
    assert fault.startswith("recommender: fidelity.forest.RandomForestClassifier has no parameter")


def test_what_a_recommender_says_when_it_is_imported_is_no_fault(tmp_path):
    (tmp_path / "talking.py").write_text(
        "print('hello')\nfrom sklearn.dummy import DummyClassifier as Talking\n"
    )
    config = changed("recommender", {"estimator": "talking.Talking"})
    found = check_apart(config, tmp_path)
    assert json.loads(found.stdout) == []
    assert found.stderr == "hello\n"

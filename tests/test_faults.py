"""What comes between the beginning and the end of a run: kills, disks, other runs, faults."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from fidelity.tables import read_groups, write_columns

from .disks import disk
from .project import ROOT, SMALL, small_project

OF_OTHER_CONFIGS = {"extract_events", "select_events", "estimate_plug_in"}


def test_a_run_killed_in_every_script_goes_on_on_one_core_to_the_same_bytes(finished, tmp_path):
    project = small_project(tmp_path / "project")
    expected = finished.files()
    killed = []
    for script in project.make_with_kills():
        killed.append(script)
        there = {
            name: data
            for name, data in project.files().items()
            if ".partial-" not in name and not name.endswith("models.zip")  # which are not kept
        }
        assert there.items() <= expected.items()
        assert len(there) < len(project.files())  # the half of a file, under a name of its own
        if len(killed) == 1:
            text = project.run("--cores", "1").stderr
            assert "Directory cannot be locked" in text
            assert "can be removed with the --unlock argument" in text
            project.make("--unlock")
            assert project.plan()["make_logs"] == 2
    scripts = {path.stem for path in (ROOT / "workflow/scripts").glob("*.py")}
    assert sorted(killed) == sorted(scripts - OF_OTHER_CONFIGS)
    assert project.files() == expected


def test_a_second_run_at_once_is_refused_and_does_no_harm(finished, tmp_path):
    project = small_project(tmp_path / "project")
    raw = [name for name in finished.files() if name.startswith("raw/")]
    targets = [f"results/synthetic/{name}" for name in raw]
    first = project.start("--cores", "1", *targets)
    while not list(project.folder.glob(".snakemake/locks/*")):
        assert first.poll() is None
        time.sleep(0.1)
    os.killpg(first.pid, signal.SIGSTOP)
    second = project.run("--cores", "1", *targets)
    os.killpg(first.pid, signal.SIGCONT)
    assert second.returncode == 1
    assert "no other Snakemake process is trying to create the same files" in second.stderr
    said = first.communicate()[0]
    assert first.returncode == 0, said
    assert project.files() == {name: finished.files()[name] for name in raw}


def test_a_full_disk_ends_the_run_with_what_to_do_and_the_next_goes_on(finished, tmp_path):
    project = small_project(tmp_path / "project")
    raw = [name for name in finished.files() if name.startswith("raw/")]
    targets = [f"results/synthetic/{name}" for name in raw]
    results = project.folder / "results"
    results.mkdir()
    with disk(results, "size=100k"):
        run = project.run("--cores", "2", *targets)
        assert run.returncode == 1
        assert re.search(
            r"training_set/\S+\.csv\.gz: cannot be written \(No space left on device\); "
            "free some space, then run again",
            run.stderr,
        )
        assert "Traceback" not in run.stderr
        assert project.files() == {}
        subprocess.run(["mount", "-o", "remount,size=1g", str(results)], check=True)
        project.make(*targets)
        assert project.files() == {name: finished.files()[name] for name in raw}


def test_on_a_disk_that_is_full_in_every_script_once_a_second_attempt_ends_well(finished, tmp_path):
    project = small_project(tmp_path / "project")
    point = {"common_fraction": [1], "target_size": [20], "repeats": 2}
    project.configure(SMALL | {"grid": point})
    results, filled = project.folder / "results", tmp_path / "filled"
    results.mkdir()
    filled.mkdir()
    environment = {
        "PYTHONPATH": f"{ROOT / 'tests/filling'}:{project.folder / 'workflow'}",
        "BALLAST": str(results / "ballast"),
        "FILLED": str(filled),
    }
    targets = ["results/synthetic/findings.md", "results/synthetic/figures/leakage.svg"]
    with disk(results, "size=100m"):
        process = project.start(
            *("--cores", "1", "--retries", "1", "--show-failed-logs", *targets), **environment
        )
        said = process.communicate()[0]
        assert process.returncode == 0, said
        made = project.files()
    scripts = {path.stem for path in (ROOT / "workflow/scripts").glob("*.py")}
    scripts -= OF_OTHER_CONFIGS
    assert {path.name for path in filled.iterdir()} == scripts
    told = re.findall(r"\S+: cannot be written \(No space left on device\); free some space", said)
    assert len(told) == len(scripts)
    assert "Traceback" not in said
    of_the_point = ("raw/", "sessions/", "adversary/", "grid/common-1/target-20/")
    expected = finished.files()
    expected = {name: expected[name] for name in expected if name.startswith(of_the_point)}
    assert {name: data for name, data in made.items() if name.startswith(of_the_point)} == expected


def test_a_read_only_folder_of_results_is_told_before_anything_runs(tmp_path):
    project = small_project(tmp_path / "project")
    results = project.folder / "results"
    results.mkdir()
    with disk(results, "ro"):
        project.plan()
        run = project.run("--cores", "1")
    assert run.returncode == 1
    assert f"{results}: cannot be written (Read-only file system); make it writable" in run.stderr
    assert "Traceback" not in run.stderr
    assert "rule make_logs:" not in run.stderr


def _run_without_the_second_repeat(project, *options):
    """Return what is said of an attack where answers of the second repeat are missing."""
    point = "results/synthetic/grid/common-1/target-20"
    path = project.folder / point / "responses.parquet"
    first = next(read_groups(path, "repeat", 0))
    write_columns(path, first, {name: values.dtype.name for name, values in first.items()})
    run = project.run("--cores", "1", "--force", f"{point}/scores.parquet", *options)
    assert run.returncode == 1
    title = "attack_users failed at common fraction 1, target size 20; the end of "
    said, told = run.stderr.split(title)
    return said, told


@pytest.mark.parametrize("options", [[], ["--quiet"]])
def test_a_failed_job_is_told_once_by_its_point_with_the_end_of_its_log(copy, options):
    said, told = _run_without_the_second_repeat(copy, *options)
    name, *lines = told.splitlines()
    assert name == "results/synthetic/logs/attack_users/common-1/target-20.log:"
    # In the midst of which repeat.
    assert lines[3].endswith("repeat 1: 247 users of the adversary, 20 of the target")
    assert lines[4].endswith("failed")
    assert "StopIteration" in lines
    assert "Traceback" not in said


def test_of_jobs_submitted_as_one_those_are_told_that_began_and_did_not_end(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = {
        "ended": "9:00 begun\n9:01 done in 1.00 s, with 1 file made",
        "fails": "9:01 begun\n9:02 a fault",
        "stale": "8:00 begun\n8:01 a fault of an earlier run",
        "later": None,
    }
    for name, text in texts.items():
        if text:
            Path(f"{name}.log").write_text(text)
    os.utime("stale.log", (0, 0))
    jobs = [_Job(name, {"common": "1", "target": "20"}) for name in texts]
    said = _told_of_failures(jobs)
    assert said == [
        "fails failed at common fraction 1, target size 20; the end of fails.log:\n"
        "9:01 begun\n9:02 a fault"
    ]
    (said,) = _told_of_failures([job for job in jobs if job.rule.name != "fails"])
    assert said.startswith("a submission of 3 jobs failed outside of them: 1 ended well")


class _Job:
    def __init__(self, name, wildcards):
        self.rule = SimpleNamespace(name=name)
        self.wildcards_dict = wildcards
        self.log = [f"{name}.log"]


def _told_of_failures(jobs):
    """Return what rules/progress.smk, which is plain Python, tells of a group that failed."""
    group = SimpleNamespace(jobs=jobs, is_group=lambda: True)
    rules = {"workflow": SimpleNamespace(scheduler=SimpleNamespace(failed=[group]))}
    exec((ROOT / "rules/progress.smk").read_text(encoding="utf-8"), rules)
    rules["STARTED"] = 1.0
    said = []
    rules["logger"] = SimpleNamespace(error=said.append)
    rules["tell_failures"]()
    return said


def test_bars_of_progress_do_not_hide_how_a_job_failed(copy):
    pytest.importorskip("snakemake_logger_plugin_rich")
    _, told = _run_without_the_second_repeat(copy, "--logger", "rich")
    assert "StopIteration" in told.splitlines()


def test_a_run_tells_points_and_time_left(copy):
    """Of the points that it has to do: here, those of one fraction."""
    files = sorted(copy.result("grid/common-1").rglob("leakage.csv"))
    for path in files:
        path.unlink()
    text = copy.make(*(path.relative_to(copy.folder).as_posix() for path in files))
    time_left = r"about \d+ (?:s|min) left(?:, and what .* will take)?|time left not yet known"
    line = rf"^(\d) of 3 grid points done, (?:{time_left})$"
    done = [int(found) for found in re.findall(line, text, re.MULTILINE)]
    assert done == sorted(done)
    assert {1, 2, 3} <= set(done)

"""What checkouts share, given `--cache` and one folder; and what they must not."""

import os
import re
import subprocess

import pytest

from .project import copy_project
from .test_event_workflow import MARK, files_with
from .test_event_workflow import start as start_events

CONFIG = {
    # Shards of one size, so that one could be taken for the other.
    "datasets": {"synthetic": {"synthetic": {"sessions": 800, "shards": 2}}},
    "songs": 50,
}
FUNNEL = "results/synthetic/sessions/funnel.csv"
LOCATION = "SNAKEMAKE_OUTPUT_CACHE"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv(LOCATION, str(folder))
    return folder


def checkout(folder):
    project = copy_project(folder, "synthetic")
    project.configure(CONFIG)
    return project


def ran(project):
    """Return the rules whose scripts have run, of which each writes to its log."""
    logs = [path for path in project.result("logs").rglob("*.log") if path.stat().st_size > 0]
    return sorted({path.relative_to(project.result("logs")).parts[0] for path in logs})


def test_a_second_checkout_takes_what_the_first_has_made(cache, tmp_path, monkeypatch):
    first, second, alone = (checkout(tmp_path / name) for name in ("first", "second", "alone"))
    with monkeypatch.context() as without:
        without.delenv(LOCATION)
        alone.make(FUNNEL, "--cache")  # nowhere, so that all is as without
    assert not [path for path in alone.result("").rglob("*") if path.is_symlink()]

    first.make(FUNNEL, "--cache")
    assert ran(first) == ran(alone) == ["extract_sessions", "make_logs", "select_songs.log"]
    made = {path.name for path in cache.iterdir()}
    assert len(made) == 2 * (1 + 2)  # raw, table and funnel of two shards

    second.make(FUNNEL, "--cache")
    assert ran(second) == ["select_songs.log"]
    assert {path.name for path in cache.iterdir()} == made
    assert second.tables() == first.tables() == alone.tables()
    assert second.plan(FUNNEL) == {}  # without the cache, too

    # Other filters take the raw files, but not what was left of them.
    second.configure(CONFIG | {"sessions": {"min_full_plays": 15}})
    second.make(FUNNEL, "--cache")
    assert ran(second) == ["extract_sessions", "select_songs.log"]
    assert len(list(cache.iterdir())) == len(made) + 4
    assert first.tables() == alone.tables()

    # Nor does other code.
    with open(first.folder / "workflow/fidelity/crowdai.py", "a") as file:
        file.write("\n# changed\n")
    text = first.make(FUNNEL, "--dry-run", "--cache")
    assert text.count(".parquet will be written to global between-workflow cache") == 2


def test_events_are_shared_without_their_user_ids(cache, tmp_path):
    table = "results/plays/sessions/shards/log.parquet"
    first, second = (start_events(tmp_path / name) for name in ("first", "second"))
    first.make(table, "--cache")
    second.make(table, "--cache")
    assert ran(first) == ["extract_events.log"]
    assert ran(second) == []
    assert os.path.samefile(first.folder / table, second.folder / table)
    assert len(list(cache.iterdir())) == 2
    assert files_with(MARK, cache) == []

    for path in cache.iterdir():
        path.unlink()
    run = second.run("--dry-run", table)
    assert run.returncode != 0
    said = run.stdout + run.stderr
    (command,) = re.findall("the cache does not hold it any more; .*: (find .*)", said)
    subprocess.run(command.split(), cwd=second.folder, check=True)
    assert second.plan(table) == {"extract_events": 1}


def test_the_mapping_of_user_ids_is_never_shared(cache, tmp_path):
    project = start_events(tmp_path / "project", keep_user_ids=True)
    project.make("results/plays/sessions/users.parquet", "--cache")
    assert list(cache.iterdir()) == []
    run = project.run("--dry-run", "--cache", "extract_events")
    assert run.returncode != 0
    fault = "would put the user ids that keep_user_ids asks for into the cache"
    assert fault in run.stdout + run.stderr

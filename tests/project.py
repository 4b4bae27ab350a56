"""The real workflow in a copy of the project."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
PARTS = ["Snakefile", "rules", "workflow", "config", "profiles"]
SMALL = {
    "datasets": {"synthetic": {"synthetic": {"sessions": 2000, "shards": 2}}},
    "songs": 100,
    "grid": {"common_fraction": [0, 1], "target_size": [20, 5000, "max"], "repeats": 2},
    "recommender": {"n_estimators": 4},
    "attacks": {"references": 4, "reference_sizes": [20]},
}


class Project:
    """A copy of the project, with a config of its own, and results in its folder."""

    def __init__(self, folder, dataset):
        self.folder = folder
        self.dataset = dataset

    def configure(self, config):
        (self.folder / "small.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def command(self, *arguments):
        options = ["--configfile", "small.yaml", "--nocolor", *arguments]
        return [sys.executable, "-m", "snakemake", *options]

    def environment(self):
        # The copy's own library, whichever is installed.
        return {**os.environ, "PYTHONPATH": str(self.folder / "workflow")}

    def run(self, *arguments):
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
        )

    def start(self, *arguments, **environment):
        """Return the process of a run, which leads a group of processes."""
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment() | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def make(self, *arguments, cores=2):
        run = self.run("--cores", str(cores), *arguments)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout + run.stderr

    def plan(self, *arguments):
        """Return {rule: jobs} that would run."""
        return read_plan(self.make("--dry-run", *arguments))

    def make_with_kills(self, *arguments):
        """Make, but with the run killed once in each rule; yield the script after each time."""
        plan = self.make("--dry-run", *arguments)
        rules = re.findall(r"^rule (\w+):\n(?:    .*\n)*?    output: (.*)$", plan, re.MULTILINE)
        killed = self.folder / "killed"
        killed.mkdir()
        environment = {
            "PYTHONPATH": f"{ROOT / 'tests/killing'}:{self.folder / 'workflow'}",
            "KILLED": str(killed),
            "MANY": " ".join({rule for rule, files in rules if "," in files}),
        }
        for _ in dict(rules):
            before = set(killed.iterdir())
            process = self.start("--cores", "1", *arguments, **environment)
            said = process.communicate()[0]
            assert process.returncode == -signal.SIGKILL, said
            (script,) = set(killed.iterdir()) - before
            yield script.name
            shutil.rmtree(self.folder / ".snakemake/locks", ignore_errors=True)  # as --unlock
        self.make(*arguments, cores=1)

    def result(self, name):
        return self.folder / "results" / self.dataset / name

    def files(self):
        """Return {file: bytes} of all results."""
        folder = self.result("")
        files = [path for path in folder.rglob("*") if path.is_file()]
        names = {path.relative_to(folder).as_posix(): path for path in sorted(files)}
        return {
            name: path.read_bytes()
            for name, path in names.items()
            if not name.startswith(("logs/", "benchmarks/"))
        }

    def tables(self):
        """Return {file: bytes} of all tables."""
        endings = (".csv", ".parquet", ".csv.gz", ".zip", "findings.md")
        return {name: data for name, data in self.files().items() if name.endswith(endings)}


def read_plan(text):
    """Return {rule: jobs} of what a dry run printed."""
    table = re.search(r"^job +count\n[- ]+\n(.*?)\n\n", text, re.DOTALL | re.MULTILINE)
    if table is None:
        assert "Nothing to be done" in text, text
        return {}
    rows = [line.split() for line in table[1].splitlines()]
    return {rule: int(count) for rule, count in rows if rule != "total"}


def make_placeholders(folder, summary):
    """Make an empty file of each result that `snakemake --summary` lists; return their names."""
    lines = [line.split("\t") for line in summary.splitlines() if line.startswith("results/")]
    names = [name for name, *others in lines if others]
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return names


def copy_project(folder, dataset):
    """Return a copy of the project, in a new folder."""
    folder.mkdir()
    for part in PARTS:
        source = ROOT / part
        # With the dates of the files, by which compiled code is known to be current.
        if source.is_dir():
            shutil.copytree(source, folder / part, symlinks=True)
        else:
            shutil.copy2(source, folder)
    return Project(folder, dataset)


def small_project(folder):
    """Return a copy of the project with a small config, in a new folder."""
    project = copy_project(folder, "synthetic")
    project.configure(SMALL)
    return project

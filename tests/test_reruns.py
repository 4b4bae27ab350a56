"""The page that says what each edit of the config runs again."""

import re
import subprocess
import sys

import yaml

from .project import ROOT
from .reruns import PAGE

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text(encoding="utf-8"))


def keys(schema, name=""):
    """Yield the keys of a schema that hold values; `*` stands for names that a config chooses."""
    parts = [schema, *schema.get("oneOf", [])]
    below = {key: part for own in parts for key, part in own.get("properties", {}).items()}
    if isinstance(schema.get("additionalProperties"), dict):
        below["*"] = schema["additionalProperties"]
    if not below:
        yield name
    for key, part in below.items():
        yield from keys(part, f"{name}.{key}" if name else key)


def test_each_key_of_the_config_has_a_row():
    rows = set(re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert {"songs", "datasets.*.columns.user", "attacks.verdicts.score"} <= set(keys(SCHEMA))
    assert set(keys(SCHEMA)) - rows == set()
    # What the schema leaves to the recommender, and a value of its own for a key with others.
    assert rows - set(keys(SCHEMA)) == {"recommender.n_estimators", "attacks.verdicts"}


def test_the_table_is_what_dry_runs_say():
    command = [sys.executable, "-m", "tests.reruns"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    # On a difference: look whether it is meant, then python -m tests.reruns --write
    assert run.stdout == PAGE.read_text(encoding="utf-8")

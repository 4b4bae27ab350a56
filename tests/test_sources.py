import subprocess
import sys
from pathlib import Path

import pytest

from fidelity.sources import PACKAGE, digest, source_files

SCRIPTS = sorted((Path(__file__).parents[1] / "workflow/scripts").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_what_a_script_imports_is_among_its_sources(script):
    """The oracle is Python: it imports the script, and tells what of this package came along."""
    program = (
        "import runpy, sys; runpy.run_path(sys.argv[1]); "
        "print(*(module.__file__ for name, module in sys.modules.items() "
        "if name.split('.')[0] == 'fidelity'), sep='\\n')"
    )
    run = subprocess.run(
        [sys.executable, "-c", program, script], capture_output=True, text=True, check=True
    )
    imported = {Path(line) for line in run.stdout.split()}
    assert imported
    assert imported <= source_files(script)
    assert script in source_files(script)


def test_light_scripts_do_not_depend_on_the_forest():
    light = ("measure_leakage", "estimate_information", "estimate_plug_in", "deal_users")
    for name in light:
        script = next(path for path in SCRIPTS if path.stem == name)
        folders = {path.parent.name for path in source_files(script)}
        assert "forest" not in folders


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "script.py"
    path.write_text("def run():\n    from fidelity.attack import measure_leakage\n")
    return path


def test_imports_are_followed_inside_functions_and_on(script):
    names = {
        path.relative_to(PACKAGE.parent).as_posix() for path in source_files(script) - {script}
    }
    assert names == {"fidelity/__init__.py", "fidelity/attack.py"}


def test_relative_imports_are_followed_upwards():
    names = {path.name for path in source_files(PACKAGE / "forest/storage.py")}
    assert {"files.py", "growing.py", "classifier.py", "storage.py"} <= names


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.[ch]")), ids=lambda path: path.name)
def test_all_c_is_a_source_of_some_module(path):
    """That beside it, or that beside the C which includes it."""
    beside = [one for one in path.parent.rglob("*.c") if path in source_files(one)]
    assert beside
    assert all(path in source_files(one.with_suffix(".py")) for one in beside)


def test_c_counts_with_its_headers():
    names = {path.name for path in source_files(PACKAGE / "forest/growing.py")}
    assert {"growing.c", "nodes.h", "exported.h", "packing.c"} <= names
    assert "songs.c" not in names


def test_the_digest_follows_the_content_and_nothing_else(script, tmp_path):
    before = digest(script)
    script.touch()
    assert digest(script) == before
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    copied = elsewhere / "script.py"
    copied.write_bytes(script.read_bytes())
    assert digest(copied) == before
    copied.write_text(copied.read_text() + "\n")
    assert digest(copied) != before


def test_a_module_named_in_the_config_counts(script, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    mine = tmp_path / "my_recommender.py"
    mine.write_text("x = 1\n")
    with_mine = digest(script, "my_recommender")
    assert with_mine != digest(script)
    mine.write_text("x = 2\n")
    assert digest(script, "my_recommender") != with_mine
    assert digest(script, "fidelity.forest") != digest(script)
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "__init__.py").write_text("from .model import x\n")
    (package / "model.py").write_text("x = 1\n")
    with_package = digest(script, "my_package")
    (package / "model.py").write_text("x = 2\n")
    assert digest(script, "my_package") != with_package
    assert digest(script, "joblib") != digest(script)  # imports its own modules by dots
    assert digest(script, "math") == digest(script)  # not written in Python

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fidelity import compiling
from fidelity.compiling import Compiled
from fidelity.sources import PACKAGE

SONGS = Compiled(PACKAGE / "songs.py")
C_FILES = sorted(PACKAGE.rglob("*.c"))


def count(session, song, latest, found):
    SONGS.count_sessions(session, song, len(song), latest, found)


def arguments():
    session, song = np.array([0, 0, 1, 1], dtype=np.int32), np.array([0, 1, 1, 1], dtype=np.int32)
    return [session, song, np.full(2, -1, dtype=np.int32), np.zeros(2, dtype=np.int64)]


def test_arrays_are_read_and_written_in_place():
    session, song, latest, found = arguments()
    session.setflags(write=False)
    count(session, song, latest, found)
    assert found.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("number", "other"),
    [
        (0, lambda array: array.astype(np.int64)),
        (1, lambda array: np.repeat(array, 2)[::2]),
        (3, lambda array: np.frombuffer(array.tobytes(), dtype=array.dtype)),
    ],
    ids=["type", "gaps", "read only"],
)
def test_other_arrays_are_refused(number, other):
    given = arguments()
    given[number] = other(given[number])
    with pytest.raises(ctypes.ArgumentError):
        count(*given)


def test_what_is_not_exported_is_no_attribute():
    with pytest.raises(AttributeError, match=r"songs\.c exports no sink"):
        SONGS.sink  # noqa: B018
    assert not hasattr(SONGS, "__wrapped__")


@pytest.mark.parametrize("path", C_FILES, ids=lambda path: path.stem)
def test_each_c_file_is_called_by_the_module_beside_it(path):
    """By each name that it exports, with types that are known."""
    functions = compiling._functions(path)
    assert functions
    text = path.with_suffix(".py").read_text()
    assert all(f"_compiled.{name}(" in text for name in functions)


PROGRAM = """
import sys
from fidelity import compiling
from fidelity.forest.drawing import count_draws
if sys.argv[1:]:
    compiling._COMPILER = tuple(sys.argv[1:])
print(count_draws(1, 3, 4).sum())
"""


def run(cache, *compiler, place=PACKAGE.parent):
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(cache), "PYTHONPATH": str(place)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *compiler], env=environment, capture_output=True, text=True
    )


def test_code_is_compiled_once(tmp_path):
    first = run(tmp_path)
    assert first.stdout.split() == ["4"], first.stderr
    kept = [path for path in tmp_path.rglob("*") if path.suffix != ".pyc" and path.is_file()]
    assert [path.suffix for path in kept] == [".so"]
    for place in (PACKAGE.parent, PACKAGE.parent / "scripts"):  # there is a link to the package
        again = run(tmp_path, "no-compiler", place=place)
        assert again.stdout.split() == ["4"], again.stderr


def test_a_damaged_library_is_told(tmp_path):
    run(tmp_path)
    (library,) = tmp_path.rglob("*.so")
    library.write_bytes(b"")
    failed = run(tmp_path)
    assert f"{library}: cannot be loaded" in failed.stderr
    assert "remove it, or set PYTHONPYCACHEPREFIX" in failed.stderr


def test_the_compiler_has_nothing_to_warn_of(monkeypatch):
    monkeypatch.setattr(compiling, "_OPTIONS", (*compiling._OPTIONS, "-Werror"))
    assert compiling._compile(C_FILES)


def test_a_compiler_that_fails_is_told_and_nothing_is_kept(tmp_path):
    failed = run(tmp_path, sys.executable, "-c", "raise SystemExit('cannot')")
    assert failed.returncode != 0
    assert "could not compile" in failed.stderr
    assert "cannot" in failed.stderr
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".pyc"]


def test_a_folder_that_cannot_be_written_to_is_told_with_the_remedy(tmp_path):
    taken = tmp_path / "taken"
    taken.touch()
    failed = run(taken)
    assert failed.returncode != 0
    assert f"{taken}{Path(compiling.__file__).parent}" in failed.stderr
    assert "set PYTHONPYCACHEPREFIX to a folder that can be written to" in failed.stderr


def test_parameters_that_cannot_be_passed_are_refused():
    with pytest.raises(SyntaxError, match=r"'char \*\*names'"):
        compiling._argument("char **names")


def test_the_processor_is_part_of_the_name(monkeypatch):
    before = compiling.load()._name
    monkeypatch.setattr(compiling, "_processor", lambda: b"another")
    monkeypatch.setattr(compiling, "_compile", lambda sources: b"")
    monkeypatch.setattr(compiling, "_keep", lambda content, library: None)
    monkeypatch.setattr(compiling.ctypes, "CDLL", lambda name: name)
    assert compiling.load.__wrapped__() != before

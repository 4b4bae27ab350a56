"""What a step says, in a process of its own as steps are."""

import re
import subprocess
import sys

import pytest

from fidelity.logs import ended_well, last_lines

SCRIPT = """
import sys
from fidelity.errors import InputError, OutputError
from fidelity.logs import log, logged

with logged("step.log", ["a.csv", "b.csv"], ["c.csv"]):
    log.info("half way")
    {step}
"""


def _log(folder, step, status):
    """Return what a step says in its log, without the times, if it ends with that status."""
    (folder / "a.csv").write_text("12345")
    (folder / "b.csv").write_text("x" * 2000)
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(step=step)],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stdout, run.stderr) == (status, "", "")
    text = (folder / "step.log").read_text()
    return re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", "", text, flags=re.MULTILINE)


def test_a_step_tells_sizes_and_duration(tmp_path):
    text = _log(tmp_path, "open('c.csv', 'w').write('whole')", 0)
    assert ended_well(tmp_path / "step.log")
    first, middle, last = text.splitlines()
    assert first == "begun, with 2 files (2,005 bytes) to read"
    assert middle == "half way"
    assert re.fullmatch(r"done in \d+\.\d\d s, with 1 file \(5 bytes\) made", last)


@pytest.mark.parametrize("error", ["InputError", "OutputError"])
def test_faults_that_are_told_in_a_sentence_have_no_traceback(tmp_path, error):
    text = _log(tmp_path, f"raise {error}('mend it')", 1)
    assert text.splitlines()[1:] == ["half way", "mend it"]


def test_other_errors_have_one(tmp_path):
    text = _log(tmp_path, "1 / 0", 1)
    assert text.splitlines()[2:4] == ["failed", "Traceback (most recent call last):"]
    assert text.endswith("ZeroDivisionError: division by zero\n")
    assert not ended_well(tmp_path / "step.log")


def test_an_interruption_is_told_and_goes_on(tmp_path):
    script = (
        "from fidelity.logs import logged\n"
        "try:\n    with logged('step.log', [], []):\n        raise KeyboardInterrupt\n"
        "except KeyboardInterrupt:\n    print('gone on')\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert (run.stdout, run.stderr) == ("gone on\n", "")
    assert last_lines(tmp_path / "step.log", 1).endswith(" interrupted")


def test_of_what_other_packages_tell_warnings_are_in_the_log(tmp_path):
    step = "import logging; other = logging.getLogger('other'); other.info('a'); other.warning('b')"
    text = _log(tmp_path, f"open('c.csv', 'w'); {step}", 0)
    assert text.splitlines()[1:-1] == ["half way", "b"]


def test_warnings_are_in_the_log(tmp_path):
    assert "UserWarning: odd" in _log(tmp_path, "import warnings; warnings.warn('odd'); 1 / 0", 1)


def test_last_lines(tmp_path):
    path = tmp_path / "step.log"
    assert last_lines(path) == ""
    path.write_text("".join(f"line {i}\n" for i in range(30)))
    assert last_lines(path, 2) == "line 28\nline 29"
    assert len(last_lines(path).splitlines()) == 20
    path.write_bytes(b"caf\xe9\n")
    assert last_lines(path) == "caf\N{REPLACEMENT CHARACTER}"


def test_the_file_is_written_although_a_package_has_a_handler(tmp_path):
    program = "import logging; logging.warning('first')\n" + SCRIPT.format(step="log.info('done')")
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_text("1")
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False)
    assert run.returncode == 0
    assert "half way" in (tmp_path / "step.log").read_text()

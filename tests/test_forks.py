import os
import resource
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from forks import Forks

CLOSE = "told.close()"


@pytest.fixture
def forks(tmp_path):
    (tmp_path / "imported.py").write_text("import os\nIMPORTED_BY = os.getpid()\n")
    forks = Forks(tmp_path, ["imported"])
    yield forks
    forks.close()


@pytest.fixture
def run(forks, tmp_path):
    """Return a function that runs lines of Python as a script, and returns what they wrote."""

    numbers = count()

    def run(*lines):
        number = next(numbers)
        script, told = tmp_path / f"{number}.py", tmp_path / f"{number}.txt"
        script.write_text("\n".join(["import os", f"told = open({str(told)!r}, 'w')", *lines]))
        forks.run(script)
        return told.read_text()

    return run


def test_a_script_runs_by_itself_and_finds_imported_what_it_imports(run):
    tell = "import imported; print(os.getpid(), imported.IMPORTED_BY, __name__, file=told)"
    one, other = (run(tell, CLOSE).split() for _ in range(2))
    assert one[0] != other[0]
    assert one[1] == other[1]
    assert one[1] not in (one[0], other[0], str(os.getpid()))
    assert one[2] == "__main__"


def test_what_a_script_took_is_told(forks, tmp_path):
    script = tmp_path / "takes.py"
    script.write_text("pass")
    least = forks.run(script)
    script.write_text(
        "import os, time\n"
        "held = bytearray(os.urandom(1 << 26))\n"
        "while time.process_time() < 0.5:\n    pass\n"
        "with open('written', 'wb') as file:\n"
        "    file.write(held)\n    os.fsync(file.fileno())\n"
    )
    used = forks.run(script)
    assert least.cpu < 0.4 < 0.5 <= used.cpu < 0.5 + 1
    assert 1 << 26 <= used.memory - least.memory < 3 << 26
    assert used.written >= least.written


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("raise SystemExit(3)", 3),
        ("raise SystemExit('a message')", 1),
        ("1 / 0", 1),
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
    ],
)
def test_a_script_that_fails_is_told(run, line, code, capfd):
    with pytest.raises(subprocess.CalledProcessError) as error:
        run(line)
    assert error.value.returncode == code
    assert ("ZeroDivisionError" in capfd.readouterr().err) == (line == "1 / 0")
    assert run("raise SystemExit") == ""


def test_scripts_run_side_by_side(run, tmp_path):
    """The first waits for what the second writes."""
    os.mkfifo(tmp_path / "fifo")
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(run, f"told.write(open({str(tmp_path / 'fifo')!r}).read())", CLOSE)
        run(f"open({str(tmp_path / 'fifo')!r}, 'w').write('written')")
        assert waiting.result() == "written"


def test_random_numbers_of_numpy_are_not_those_of_another_script(run):
    tell = "import numpy; print(numpy.random.random(), file=told)", CLOSE
    assert run(*tell) != run(*tell)


def test_a_terminal_interrupts_scripts_alone(run, forks):
    run()
    forks._process.send_signal(signal.SIGINT)
    assert run("print('still', file=told)", CLOSE) == "still\n"
    with pytest.raises(subprocess.CalledProcessError):
        run("os.kill(os.getpid(), 2)")


def test_the_process_between_is_started_anew_if_it_was_killed(run, forks):
    run()
    forks._process.kill()
    forks._process.wait()
    assert run("print('again', file=told)", CLOSE) == "again\n"


def test_the_time_that_scripts_took_is_that_of_its_children(run, forks):
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    run("import time", "while time.process_time() < 0.5:", "    pass")
    forks.close()
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime > before + 0.5


def test_it_ends_with_the_process_that_started_it(run, forks):
    run()
    forks.close()
    assert forks._process.returncode == 0

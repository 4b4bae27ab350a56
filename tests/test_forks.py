import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

import forks as forks_module
from forks import Forks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux")

CLOSE = "told.close()"


@pytest.fixture
def forks(tmp_path):
    (tmp_path / "imported.py").write_text("import os\nIMPORTED_BY = os.getpid()\n")
    forks = Forks(tmp_path, lambda: ["imported"])
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
    size, file = 1 << 26, tmp_path / "written"
    script.write_text(
        "import os, time\n"
        f"held = bytearray(os.urandom({size}))\n"
        "while time.process_time() < 0.5:\n    pass\n"
        f"with open({str(file)!r}, 'wb') as file:\n"
        "    file.write(held)\n    file.flush()\n    os.fsync(file.fileno())\n"
    )
    used = forks.run(script)
    assert least.cpu < 0.4 < 0.5 <= used.cpu < 0.5 + 1
    assert size <= used.memory - least.memory < 3 * size
    # What the same costs here, nothing where files are held in memory.
    before = resource.getrusage(resource.RUSAGE_SELF).ru_oublock
    with open(file, "wb") as again:
        again.write(bytes(size))
        os.fsync(again.fileno())
    blocks = resource.getrusage(resource.RUSAGE_SELF).ru_oublock - before
    assert used.written - least.written == pytest.approx(blocks * 512, rel=0.1, abs=1 << 20)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("raise SystemExit(3)", 3),
        ("raise SystemExit('a message')", 1),
        ("1 / 0", 1),
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
        ("os.kill(os.getpid(), 15)", -signal.SIGTERM),
        ("os.abort()", -signal.SIGABRT),
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


def test_many_short_scripts_end_side_by_side(forks, tmp_path):
    (tmp_path / "short.py").write_text("pass")
    (tmp_path / "failing.py").write_text("raise SystemExit(7)")
    scripts = [tmp_path / ("failing.py" if i % 3 == 0 else "short.py") for i in range(150)]

    def code(script):
        try:
            forks.run(script)
        except subprocess.CalledProcessError as error:
            return error.returncode
        return 0

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(code, scripts))
    assert codes == [7 if script.name == "failing.py" else 0 for script in scripts]


def test_random_numbers_of_numpy_are_not_those_of_another_script(run):
    tell = "import numpy; print(numpy.random.random(), file=told)", CLOSE
    assert run(*tell) != run(*tell)


def test_a_terminal_interrupts_scripts_alone(run, forks):
    run()
    forks._process.send_signal(signal.SIGINT)
    assert run("print('still', file=told)", CLOSE) == "still\n"
    with pytest.raises(subprocess.CalledProcessError):
        run("os.kill(os.getpid(), 2)")


@pytest.mark.parametrize(("number", "cause"), [(2, "was interrupted; start"), (9, "was killed, m")])
def test_what_ends_the_process_between_is_told(tmp_path, number, cause):
    (tmp_path / "ending.py").write_text(f"import os\nos.kill(os.getpid(), {number})\n")
    (tmp_path / "script.py").write_text("pass")
    forks = Forks(tmp_path, lambda: ["ending"])
    with pytest.raises(ChildProcessError, match=cause):
        forks.run(tmp_path / "script.py")
    forks.close()


def test_an_interrupted_script_has_no_traceback(run, capfd):
    with pytest.raises(subprocess.CalledProcessError):
        run("os.kill(os.getpid(), 2)")
    told = capfd.readouterr().err
    assert told.endswith("interrupted\n")
    assert "Traceback" not in told


def test_the_process_between_is_started_anew_if_it_was_killed(run, forks):
    run()
    forks._process.kill()
    forks._process.wait()
    assert run("print('again', file=told)", CLOSE) == "again\n"


def test_the_time_that_scripts_took_is_that_of_its_children(run, forks):
    def of_children():
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = of_children()
    run("import time", "while time.process_time() < 0.5:", "    pass")
    forks.close()
    assert of_children() > before + 0.5


def test_it_ends_when_nobody_can_ask_any_more(run, forks):
    run()
    forks.close()
    assert forks._process.returncode == 0


def test_it_ends_with_the_process_that_started_it_however_that_ends(tmp_path):
    starting = tmp_path / "starting.py"
    (tmp_path / "script.py").write_text("pass")
    starting.write_text(
        "import os\nfrom forks import Forks\n"
        f"forks = Forks({str(tmp_path)!r}, list)\n"
        f"forks.run({str(tmp_path / 'script.py')!r})\n"
        "print(forks._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run(
        [sys.executable, starting],
        env=os.environ | {"PYTHONPATH": str(Path(forks_module.__file__).parent)},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == -9
    deadline = time.monotonic() + 20
    while Path("/proc", ended.stdout.strip()).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_script_is_told_although_what_it_started_lives(run):
    start = time.monotonic()
    with pytest.raises(subprocess.CalledProcessError) as error:
        run("if os.fork() == 0:", "    import time; time.sleep(60)", "os.kill(os.getpid(), 9)")
    assert error.value.returncode == -9
    assert time.monotonic() - start < 30


def test_a_script_ends_as_python_does(run, tmp_path):
    lines = [
        "import atexit, threading, time",
        "atexit.register(lambda: print('last', file=told, flush=True))",
        "thread = lambda: (time.sleep(0.2), print('thread', file=told))",
        "threading.Thread(target=thread).start()",
    ]
    assert run(*lines) == "thread\nlast\n"


def test_what_is_imported_once_is_put_away_once(tmp_path, capfd):
    (tmp_path / "tidy.py").write_text("import atexit\natexit.register(print, 'put away')\n")
    (tmp_path / "script.py").write_text("import tidy, atexit\natexit.register(print, 'own')\n")
    forks = Forks(tmp_path, lambda: ["tidy"])
    forks.run(tmp_path / "script.py")
    forks.run(tmp_path / "script.py")
    assert capfd.readouterr().out == "own\nown\n"
    forks.close()
    assert capfd.readouterr().out == "put away\n"


def test_a_module_that_cannot_be_imported_is_told(tmp_path, capfd):
    (tmp_path / "faulty.py").write_text("raise RuntimeError('a fault')")
    (tmp_path / "script.py").write_text("pass")
    forks = Forks(tmp_path, lambda: ["faulty"])
    with pytest.raises(
        ChildProcessError, match=r"script.py: the process that starts scripts ended with 1; mend"
    ):
        forks.run(tmp_path / "script.py")
    forks.close()
    assert "RuntimeError: a fault" in capfd.readouterr().err


def test_a_module_that_starts_threads_is_imported_by_each_script(tmp_path, capfd):
    (tmp_path / "threads.py").write_text(
        "import threading\n"
        "thread = threading.Thread(target=threading.Event().wait, daemon=True)\nthread.start()\n"
    )
    script = tmp_path / "script.py"
    script.write_text("import threads\nassert threads.thread.is_alive()\n")
    forks = Forks(tmp_path, lambda: ["threads"])
    forks.run(script)
    forks.run(script)
    forks.close()
    assert capfd.readouterr().err == "threads starts threads: each script imports it anew\n"

"""Run scripts as forks of one process that has imported what they import.

A script that works for a tenth of a second would otherwise take four times as long to start Python,
to import numpy, pyarrow and Numba, and to load compiled code. Its pages are shared, too.

The process in the middle (`serve`) has no threads, and does nothing but import and fork. It ends
with the process that started it.
"""

import gc
import importlib
import json
import os
import resource
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
from typing import NamedTuple

import numpy as np

_LONGEST_NAME = 1 << 16
# As Snakemake has it for a script of one thread, and before numpy is imported.
_ONE_THREAD = dict.fromkeys(
    (f"{name}_NUM_THREADS" for name in ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")), "1"
)
# Which gives memory back that is free again: 15 MB a job at the paper's size.
_ALLOCATOR = {"ARROW_DEFAULT_MEMORY_POOL": "system"}


# What the system counts blocks and memory in, the latter as getrusage tells it.
_BLOCK = 512
_MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024


class Usage(NamedTuple):
    """What a script took: CPU seconds, bytes of memory at most, bytes read and written.

    Its memory counts the pages that it shares with others.
    """

    cpu: float
    memory: int
    read: int
    written: int


class Forks:
    """Scripts to run, as forks of a process of their own, which the first of them starts.

    Parameters
    ----------
    folder : path
        Where modules are looked for first.
    modules : sequence of str
        What is imported before any fork.
    """

    def __init__(self, folder, modules):
        self._folder, self._modules = str(folder), modules
        self._lock = threading.Lock()
        self._process = None
        self._requests = None

    def run(self, script):
        """Return the `Usage` of a script that was run to its end, in a process of its own.

        May be called from several threads.

        Raises
        ------
        subprocess.CalledProcessError
            If it does not end with 0; -9 is said of one that was killed.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs, ours.makefile() as said:
            self._request(script, theirs)
            theirs.close()  # so that there is an end to what can be read, whatever happens
            answer = said.readline()
        code, *used = json.loads(answer) if answer else [-signal.SIGKILL]
        if code != 0:
            raise subprocess.CalledProcessError(code, str(script))
        return Usage(*used)

    def close(self):
        """End the process in the middle, once no script runs any more."""
        if self._process is not None:
            self._requests.close()
            self._process.wait()

    def _request(self, script, answers):
        with self._lock:
            if self._process is None:
                self._start()
            elif self._process.poll() is not None:
                self._requests.close()
                self._start()
            socket.send_fds(self._requests, [os.fsencode(script)], [answers.fileno()])

    def _start(self):
        self._requests, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(number), self._folder, *self._modules],
                stdin=subprocess.DEVNULL,
                pass_fds=[number],
                env=os.environ | _ONE_THREAD | _ALLOCATOR,
            )


def serve(requests):
    """Fork for each script that is asked for, until nobody can ask any more.

    With a script's name comes a socket, of which the child alone keeps the other end: it says its
    exit code and its `Usage` there.
    """
    signal.signal(signal.SIGCHLD, _reap)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal, which the children get as well
    gc.freeze()  # pages stay shared if garbage is not looked for in them
    while True:
        script, sockets, _, _ = socket.recv_fds(requests, _LONGEST_NAME, 1)
        if not script:
            return
        if os.fork() == 0:
            requests.close()
            _run(os.fsdecode(script), socket.socket(fileno=sockets[0]))
        os.close(sockets[0])


def _reap(*_):
    """Let go of children that have ended, with their times added to those of this process."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:  # there are no more
        return


def _run(script, answers):
    """Run a script as the main module, say how it ended, and end this process."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Else all children would draw the same from there, where fidelity draws nothing.
    np.random.seed()  # noqa: NPY002
    code = 1
    try:
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        answers.sendall(json.dumps([code, *_usage()]).encode())
        os._exit(code)


def _usage():
    own, below = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Usage(
        sum(used.ru_utime + used.ru_stime for used in (own, below)),
        max(used.ru_maxrss for used in (own, below)) * _MEMORY_UNIT,
        sum(used.ru_inblock for used in (own, below)) * _BLOCK,
        sum(used.ru_oublock for used in (own, below)) * _BLOCK,
    )


def prepare(folder, modules):
    """Import modules, and have the compiled code of forests loaded."""
    sys.path.insert(0, folder)
    for module in modules:
        importlib.import_module(module)
    # Twice: what is not compiled yet is so in a child, with whose end its memory is free again.
    compiling = os.fork()
    if compiling == 0:
        _grow_and_ask()
        os._exit(0)
    os.waitpid(compiling, 0)
    _grow_and_ask()


def _grow_and_ask():
    from fidelity.forest import grow_forest

    X = np.zeros((2, 1), dtype=np.uint16)
    grow_forest(X, X[:, 0], n_estimators=1, random_state=0).query(X, X[:, 0])


if __name__ == "__main__":
    prepare(sys.argv[2], sys.argv[3:])
    serve(socket.socket(fileno=int(sys.argv[1])))

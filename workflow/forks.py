"""Run scripts as forks of one process that has imported what they import.

A script that works for a tenth of a second would otherwise take three times as long, to start
Python and to import numpy and pyarrow. What is imported is in memory once, too. For Linux.

The process in the middle (`serve`) does nothing but import, fork, and tell how each fork ended. It
has one thread, since a fork has none of the others, and ends with the process that started it.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from typing import NamedTuple

_LONGEST_NAME = 1 << 16
_SURROUNDINGS = {
    # As Snakemake has it for a script of one thread, and before numpy is imported.
    **dict.fromkeys(
        (f"{name}_NUM_THREADS" for name in ("OMP", "GOTO", "OPENBLAS", "MKL", "NUMEXPR")), "1"
    ),
    # Arrow's memory goes back to the system when it is free again: 15 MB a job at the paper's size.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    # Nor does it keep a thread to give memory back.
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
# What the system counts blocks and memory in.
_BLOCK, _KIBI = 512, 1024


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
    modules : callable
        modules() returns the names of what is imported before any fork.
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
            If it does not end with 0; a negative number is that of the signal that ended it.
        ChildProcessError
            If the process in the middle has ended.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs, ours.makefile() as said:
            process = self._request(script, theirs)
            theirs.close()  # so that there is an end to what can be read, whatever happens
            answer = said.readline()
        if not answer:
            code = process.wait()
            raise ChildProcessError(f"{script}: the process that starts scripts {_cause(code)}")
        code, *used = json.loads(answer)
        if code != 0:
            raise subprocess.CalledProcessError(code, str(script))
        return Usage(*used)

    def close(self):
        """End the process in the middle, once no script runs any more."""
        if self._process is not None:
            self._requests.close()
            self._process.wait()

    def _request(self, script, answers):
        """Ask for a script; return the process that was asked."""
        request = [os.fsencode(script)], [answers.fileno()]
        with self._lock:
            if self._process is not None:
                with contextlib.suppress(ConnectionError):  # it has ended
                    socket.send_fds(self._requests, *request)
                    return self._process
                self._requests.close()
                self._process.wait()
            self._start()
            socket.send_fds(self._requests, *request)
            return self._process

    def _start(self):
        self._requests, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(number), self._folder, *self._modules()],
                stdin=subprocess.DEVNULL,
                pass_fds=[number],
                env=os.environ | _SURROUNDINGS,
            )


def _cause(code):
    """Return why the process in the middle has ended, by its exit code."""
    causes = {
        -signal.SIGINT: "was interrupted; start the run again",
        -signal.SIGKILL: "was killed, maybe for lack of memory; start the run again",
    }
    return causes.get(code, f"ended with {code}; mend what it says above")


def serve(requests):
    """Fork for each script that is asked for, until nobody can ask any more.

    With a script's name comes a socket, in which its exit code and its `Usage` are told.
    """
    answers = {}
    # Not told within a handler of signals, which the end of another child would interrupt.
    ended, ending = socket.socketpair()
    ending.setblocking(False)
    signal.set_wakeup_fd(ending.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal, which the children get as well
    gc.freeze()  # pages stay shared if garbage is not looked for in them
    while True:
        ready, _, _ = select.select([requests, ended], [], [])
        if ended in ready:
            ended.recv(_LONGEST_NAME)
            _tell(answers)
        if requests not in ready:
            continue
        script, sockets, _, _ = socket.recv_fds(requests, _LONGEST_NAME, 1)
        if not script:
            return
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for one in (requests, ended, ending, *answers.values()):
                os.close(one.detach())
            os.close(sockets[0])
            _run(os.fsdecode(script))
        answers[pid] = socket.socket(fileno=sockets[0])


def _tell(answers):
    """Tell of all children that have ended; their time is then added to that of this process."""
    while answers:
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            return
        usage = Usage(
            used.ru_utime + used.ru_stime,
            used.ru_maxrss * _KIBI,
            used.ru_inblock * _BLOCK,
            used.ru_oublock * _BLOCK,
        )
        answer = json.dumps([os.waitstatus_to_exitcode(status), *usage])
        with answers.pop(pid) as asking, contextlib.suppress(ConnectionError):  # who asked is gone
            asking.sendall(f"{answer}\n".encode())


def _run(script):
    """Run a script as the main module, and end this process as Python does."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        atexit._clear()  # what was imported before is put away once, by the process in the middle
        if "numpy" in sys.modules:
            # Else all children would draw the same from there, where fidelity draws nothing.
            sys.modules["numpy"].random.seed()
        runpy.run_path(script, run_name="__main__")
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except KeyboardInterrupt:
        print(f"{script}: interrupted", file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            threading._shutdown()  # which waits for threads
            atexit._run_exitfuncs()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def prepare(folder, modules):
    """Import modules.

    A module that starts threads is told of, and left to the scripts: a fork would lack the threads.
    """
    sys.path.insert(0, folder)
    for module in modules:
        importlib.import_module(module)
        if len(os.listdir("/proc/self/task")) > 1:
            print(f"{module} starts threads: each script imports it anew", file=sys.stderr)
            others = [name for name in sys.argv if name != module]
            os.execv(sys.executable, [sys.executable, *others])


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until there are children, this ends quietly
    prepare(sys.argv[2], sys.argv[3:])
    serve(socket.socket(fileno=int(sys.argv[1])))

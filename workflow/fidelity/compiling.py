"""Compile the C of this package, and call it with NumPy arrays.

What has to be fast and no library does is in C: `X.c` beside the `X.py` that calls it. All of it
becomes one shared library, by the compiler that is installed with this package, when a function is
first called after a change: a process starts with nothing to compile and without a compiler in its
memory. Signatures stand in the C alone, from which the types of arguments are read.
"""

import ctypes
import functools
import hashlib
import importlib.util
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

# Scripts come here through a link.
_FILE = Path(__file__).resolve()
_FOLDER = _FILE.parent
_COMPILER = (sys.executable, "-P", "-m", "ziglang", "cc")
_OPTIONS = (
    *("-shared", "-std=c11", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra"),
    # Products and sums are rounded one by one, on every processor.
    "-ffp-contract=off",
    "-fno-sanitize=undefined",
)
_EXPORTED = re.compile(r"^EXPORT (\w+) (\w+)\(([^)]*)\)", re.MULTILINE)
_PARAMETER = re.compile(r"(const )?(\w+) (\*?)\w+")
_TYPES = {
    "void": None,
    "bool": ctypes.c_bool,
    "double": ctypes.c_double,
    **{f"int{bits}_t": getattr(ctypes, f"c_int{bits}") for bits in (8, 16, 32, 64)},
    **{f"uint{bits}_t": getattr(ctypes, f"c_uint{bits}") for bits in (8, 16, 32, 64)},
}


class Compiled:
    """The functions that a C file exports, as attributes.

    Arrays are passed as they are, and must be contiguous and of the type that the C says. Other
    threads run meanwhile.

    Parameters
    ----------
    module : path
        The Python file beside the C file, of the same name.
    """

    def __init__(self, module):
        self._source = Path(module).with_suffix(".c")

    def __getattr__(self, name):
        if name.startswith("_"):  # what Python itself looks for
            raise AttributeError(name)
        functions = _functions(self._source)
        if name not in functions:
            raise AttributeError(f"{self._source} exports no {name}")
        setattr(self, name, functions[name])
        return functions[name]


@functools.cache
def _functions(source):
    """Return {name: function} of what a C file exports."""
    library, functions = load(), {}
    for result, name, parameters in _EXPORTED.findall(source.read_text()):
        functions[name] = library[name]
        functions[name].restype = _TYPES[result]
        functions[name].argtypes = [_argument(one.strip()) for one in parameters.split(",")]
    return functions


def _argument(parameter):
    """Return the type of an argument as ctypes takes it."""
    found = _PARAMETER.fullmatch(parameter)
    if not found:
        raise SyntaxError(f"{parameter!r} is no parameter that can be passed from Python")
    constant, name, pointer = found.groups()
    if not pointer:
        return _TYPES[name]
    if constant:
        return np.ctypeslib.ndpointer(_TYPES[name], flags=["C_CONTIGUOUS"])
    return np.ctypeslib.ndpointer(_TYPES[name], flags=["C_CONTIGUOUS", "WRITEABLE"])


@functools.cache
def load():
    """Return the shared library, compiled before if it is not there.

    It is kept where Python keeps what it compiles (`PYTHONPYCACHEPREFIX` is heeded), by a digest of
    all C files and of the processor; not of the compiler, on which no number depends.

    Raises
    ------
    OSError
        If the compiler fails, or the library cannot be kept or loaded.
    """
    sources = sorted(_FOLDER.rglob("*.[ch]"))
    parts = [part for path in sources for part in (path.name.encode(), path.read_bytes())]
    digest = hashlib.sha256(b"\0".join([*parts, *map(str.encode, _OPTIONS), _processor()]))
    name = f"fidelity-{digest.hexdigest()[:16]}.so"
    library = Path(importlib.util.cache_from_source(str(_FILE))).with_name(name)
    if not library.exists():
        _keep(_compile([path for path in sources if path.suffix == ".c"]), library)
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise OSError(
            f"{library}: cannot be loaded ({error}); remove it, or set PYTHONPYCACHEPREFIX to "
            "another folder, and run again"
        ) from error


def _compile(sources):
    """Return the content of a shared library."""
    with tempfile.TemporaryDirectory(prefix="fidelity-compiling-") as folder:
        made = Path(folder, "library.so")
        run = subprocess.run(
            [*_COMPILER, *_OPTIONS, "-I", _FOLDER, "-o", made, *sources],
            env=os.environ | {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder},
            capture_output=True,
            text=True,
        )
        if run.returncode != 0:
            raise OSError(
                f"{' '.join(_COMPILER)} could not compile {_FOLDER} and ended with "
                f"{run.returncode}; it comes with the environment (make clean, then make "
                f"environment), and needs 300 MB of memory and 50 MB in {tempfile.gettempdir()}. "
                f"It said:\n{run.stderr}"
            )
        return made.read_bytes()


def _keep(content, library):
    """Write a shared library, whole or not at all, as others may look for it or write it, too.

    Not by `files.whole_file`, which takes what others are writing for leftovers.
    """
    partial = library.with_name(f".partial-{os.urandom(8).hex()}-{library.name}")
    try:
        library.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, library)
    except OSError as error:
        raise OSError(
            f"{library}: compiled code cannot be kept here ({error.strerror}); set "
            "PYTHONPYCACHEPREFIX to a folder that can be written to"
        ) from error


def _processor():
    """Return what the processor can do, as far as the system tells, since it is compiled for."""
    system = Path("/proc/cpuinfo")
    if system.exists():
        with system.open("rb") as lines:
            for line in lines:
                if line.startswith((b"flags", b"Features")):
                    return line
    return f"{platform.system()} {platform.machine()}".encode()

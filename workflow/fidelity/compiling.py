"""Numba, without two of its preparations that nothing here needs.

SciPy takes longer to load than all the other preparations together. Before its first function
runs, Numba looks if SciPy has a BLAS, in case that functions multiply matrices. None here does, and
the import takes as long as the work of a short job. So SciPy is not to be found while Numba is
loaded, unless it is there already. Of whatever else Numba compiles in the same process, only
`numpy.convolve` and `numpy.correlate` differ: they add up in a loop; for `numpy.dot` and
`numpy.linalg` Numba looks for SciPy again.

Numba also compiles its runtime, which counts references to arrays, in each process anew, to link
it into what it compiles. Functions from its cache have been linked, and a process that runs no
others never touches the compiler's code, 20 MB of memory. So the runtime is compiled when it is
first linked.
"""

import sys
from contextlib import contextmanager


@contextmanager
def _hidden(name):
    """Have the import of a module fail, unless it has been imported before."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[name]


with _hidden("scipy"):
    import numba
    import numba.np.arraymath
    from numba.core.runtime import nrtdynmod


def _compile_when_asked(context):
    """Stand in for `nrtdynmod.compile_nrt_functions`.

    Whatever links a library or looks for an address in it has Numba finalize it first.
    """
    module, library = nrtdynmod.create_nrt_module(context)

    def finalize():
        del library.finalize  # that of its class again
        library.add_ir_module(module)
        library.finalize()

    library.finalize = finalize
    return library


nrtdynmod.compile_nrt_functions = _compile_when_asked

__all__ = ["numba"]

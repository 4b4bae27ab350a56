"""Numba, loaded without SciPy, which takes longer than all its other preparations together.

Before its first function runs, Numba looks if SciPy has a BLAS, in case that functions multiply
matrices. None here does, and the import takes as long as the work of a short job. So SciPy is not
to be found while Numba is loaded, unless it is there already. Of whatever else Numba compiles in
the same process, only `numpy.convolve` and `numpy.correlate` differ: they add up in a loop; for
`numpy.dot` and `numpy.linalg` Numba looks for SciPy again.
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

__all__ = ["numba"]

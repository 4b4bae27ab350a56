import os
import subprocess
import sys

import pytest

PROGRAM = """
import sys
import numpy as np
{before}
from fidelity.compiling import numba
from fidelity.forest import grow_forest
X = np.arange(20)[:, None] % 7
assert grow_forest(X, X[:, 0], n_estimators=5, random_state=0).predict(X)[3] == 3
print("scipy" in sys.modules)
{after}
"""
# What needs a BLAS, which was not to be found while Numba was loaded.
AFTER = """
product = numba.njit(lambda a: np.dot(a, a))(np.eye(3) * 2)
assert product.tolist() == (np.eye(3) * 4).tolist()
"""


@pytest.mark.parametrize(
    ("before", "after", "printed"),
    [("", AFTER, "False"), ("import scipy.linalg", "", "True")],
    ids=["loaded later", "loaded before"],
)
def test_numba_is_loaded_without_scipy(before, after, printed):
    program = PROGRAM.format(before=before, after=after)
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout.split() == [printed], run.stderr
    assert run.returncode == 0, run.stderr


CACHED = """
import numpy as np
from fidelity.compiling import numba
from numba.core.codegen import CPUCodeLibrary

compiled = []
finalize = CPUCodeLibrary.finalize
CPUCodeLibrary.finalize = lambda library: (compiled.append(library.name), finalize(library))


@numba.njit(cache=True)
def count(n):
    return np.arange(n)


assert count(3).tolist() == [0, 1, 2]
print("nrt" in compiled, len(compiled))
assert numba.njit(lambda numbers: numbers[1:].copy())(count(3)).tolist() == [1, 2]
print("nrt" in compiled)
"""


def test_nothing_is_compiled_for_what_is_in_the_cache(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(CACHED)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    first, again = (
        subprocess.run(
            [sys.executable, program], env=environment, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for _ in range(2)
    )
    assert first[0].startswith("True")
    assert again == ["False 0", "True"], (
        "Numba compiles its runtime again at each start: look at what fidelity.compiling puts in "
        "place of numba.core.runtime.nrtdynmod.compile_nrt_functions."
    )

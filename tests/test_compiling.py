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

"""The estimates against those of dit and infomeasure, where these are installed.

Under "grassberger" infomeasure gives another formula than that of 2003; its shrinkage takes the
cells seen for the support.
"""

import numpy as np
import pytest

from fidelity.information import plug_in
from fidelity.information.entropies import (
    chao_shen,
    james_stein,
    maximum_likelihood,
    miller_madow,
)

REASON = "{} is not installed: see README, Development"


def draw_counts(seed):
    rng = np.random.default_rng(seed)
    return rng.multinomial(40, rng.dirichlet(np.ones(12)), size=2)


@pytest.mark.parametrize("seed", range(5))
def test_plug_in_is_that_of_dit(seed):
    dit = pytest.importorskip("dit", reason=REASON.format("dit"))
    counts = draw_counts(seed)
    holders = [dit.Distribution(list("abcdefghijkl"), own / own.sum()) for own in counts]
    expected = dit.divergences.jensen_shannon_divergence(holders)
    assert plug_in(*counts).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_plug_in_is_that_of_infomeasure(seed):
    infomeasure = pytest.importorskip("infomeasure", reason=REASON.format("infomeasure"))
    counts = draw_counts(seed)
    samples = [np.repeat(np.arange(12), own) for own in counts]
    expected = infomeasure.jensen_shannon_divergence(*samples, approach="discrete", base=2)
    assert plug_in(*counts).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("estimate", "approach"),
    [
        (maximum_likelihood, "discrete"),
        (miller_madow, "miller_madow"),
        (chao_shen, "chao_shen"),
        (james_stein, "shrink"),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_entropies_are_those_of_infomeasure(estimate, approach, seed):
    infomeasure = pytest.importorskip("infomeasure", reason=REASON.format("infomeasure"))
    counts = draw_counts(seed)[0]
    sample = np.repeat(np.arange(12), counts)
    expected = infomeasure.entropy(sample, approach=approach, base="e")
    assert estimate(counts[counts > 0]) == pytest.approx(expected, abs=1e-12)

"""LiRA against that of SACRO-ML: each row is a user with one transition.

Both take the logit of the true class's probability and a Gaussian of it over models with, and
over models without the row. They differ in two ways:

- SACRO-ML floors probabilities at 1e-16, which makes logits of 37 of 0 and 1; the forest here is
  smooth enough for there to be neither.
- With `fix_variance` it takes the deviation of all logits from their common mean, else each
  row's own; here it is pooled within rows. That scales the offline score, so its ranking stays,
  and shifts the online one where the deviations with and without the row differ.
"""

from typing import NamedTuple

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestClassifier

from fidelity.comparisons import draw_references
from fidelity.responses import Responses
from fidelity.roc import area
from fidelity.scores import Knowledge, References, lira_offline, lira_online

from .made_up_users import SETTINGS

pytest.importorskip("sacroml", reason="SACRO-ML is not installed: see README, Development")

from sacroml.attacks.likelihood_attack import LIRAAttack
from sacroml.attacks.target import Target
from sacroml.attacks.utils import get_shadow_model

N_ROWS, N_MODELS = 200, 32
MODES = {"offline": lira_offline, "online-carlini": lira_online}


class Case(NamedTuple):
    """Rows, of which the first half are the target's, and what is said of them.

    `theirs` is, by mode and `fix_variance`, SACRO-ML's (scores, AUC). `same` and `other` are our
    knowledge, with SACRO-ML's shadow models and with reference models of our own as references.
    """

    member: np.ndarray
    answers: Responses
    theirs: dict
    same: Knowledge
    other: Knowledge


def respond(models, X, y):
    """Return the responses of the models, shape (models, rows), for the true class 0 or 1."""
    probability = np.array([model.predict_proba(X)[np.arange(len(y)), y] for model in models])
    return Responses(probability > 0.5, probability, np.where(probability > 0.5, 1, 2))


def know(models, rows_of_models, X, y):
    knows = np.array([np.isin(np.arange(len(y)), rows) for rows in rows_of_models])
    references = References(respond(models, X, y), knows)
    return Knowledge(np.arange(len(y)), len(y), references=references)


def fit(X, y, seed):
    forest = RandomForestClassifier(50, min_samples_leaf=5, max_features=1, random_state=seed)
    return forest.fit(X, y)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 4))
    y = (X[:, 0] + rng.normal(size=N_ROWS) > 0).astype(int)
    half = N_ROWS // 2
    target = fit(X[:half], y[:half], seed=0)

    folder = tmp_path_factory.mktemp("sacroml")  # Shadow models in it are used again.
    theirs = {}
    for mode in MODES:
        for fix_variance in [True, False]:
            attack = LIRAAttack(
                output_dir=str(folder),
                write_report=False,
                n_shadow_models=N_MODELS,
                mode=mode,
                fix_variance=fix_variance,
                report_individual=True,
            )
            attack.attack(
                Target(
                    model=target,
                    X_train=X[:half],
                    y_train=y[:half],
                    X_test=X[half:],
                    y_test=y[half:],
                )
            )
            scores = np.array(attack.result["member_prob"])
            theirs[mode, fix_variance] = scores, attack.attack_metrics[0]["AUC"]
    shadows = [get_shadow_model(attack.shadow_path, i)[:2] for i in range(N_MODELS)]

    halves = draw_references(np.arange(N_ROWS), half, N_MODELS, rng)
    own = [fit(X[rows], y[rows], seed=1000 + i) for i, rows in enumerate(halves)]
    return Case(
        np.arange(N_ROWS) < half,
        Responses(*(values[0] for values in respond([target], X, y))),
        theirs,
        know(*zip(*shadows, strict=True), X, y),
        know(own, halves, X, y),
    )


def compare(case, knowledge, mode, fix_variance):
    """Return the rank correlation of the scores, and our AUC less theirs."""
    scores, their_area = case.theirs[mode, fix_variance]
    value = MODES[mode](case.answers, knowledge, SETTINGS).value
    return spearmanr(value, scores).statistic, area(value, case.member) - their_area


def test_the_case_leaks_and_no_floor_decides_it(case):
    for knowledge in [case.same, case.other]:
        probability = knowledge.references.responses.probability
        assert probability.min() > 0.02
        assert probability.max() < 0.98
    for scores, their_area in case.theirs.values():
        assert their_area == pytest.approx(area(scores, case.member), abs=1e-6)
        assert their_area > 0.7


@pytest.mark.parametrize("mode", MODES)
def test_same_models_and_a_common_deviation_give_the_same_ranking(case, mode):
    correlation, difference = compare(case, case.same, mode, fix_variance=True)
    assert correlation > 0.998
    assert abs(difference) < 0.005


@pytest.mark.parametrize("mode", MODES)
def test_same_models_and_deviations_by_row_give_a_like_ranking(case, mode):
    """32 models tell a row's deviation roughly, so the rankings differ."""
    correlation, difference = compare(case, case.same, mode, fix_variance=False)
    assert correlation > 0.94
    assert abs(difference) < 0.03


@pytest.mark.parametrize("mode", MODES)
def test_models_of_other_halves_give_a_like_ranking(case, mode):
    """Of the 32 models, half know a row; their means are off by chance, in both scores."""
    correlation, difference = compare(case, case.other, mode, fix_variance=True)
    assert correlation > 0.87
    assert abs(difference) < 0.05

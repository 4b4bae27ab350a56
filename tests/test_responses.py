import numpy as np
import pytest

from fidelity.responses import Responses, from_columns, take, to_columns
from fidelity.scores import SCORES, Knowledge
from fidelity.verdicts import p_values

from .made_up_users import SETTINGS

RESPONSES = Responses(
    np.array([True, False, True]), np.array([0.65, 0.1, 0.3]), np.array([1, 4, 2], np.int32)
)


def test_columns_hold_what_was_said():
    columns = to_columns(RESPONSES) | {"match": np.array([1, 0, 1], np.uint8), "user": [1, 1, 2]}
    found = from_columns(columns)
    assert found.match.tolist() == [True, False, True]
    assert found.probability == pytest.approx(RESPONSES.probability)
    assert found.rank.tolist() == [1, 4, 2]


def test_what_a_model_does_not_tell_stays_untold():
    found = take(from_columns({"match": np.ones(3), "p_next": None, "rank_next": None}), [0, 2])
    assert found.match.tolist() == [True, True]
    assert found.probability is None
    assert found.rank is None


def test_some_transitions_of_several_models():
    several = Responses(*(np.stack([said, said]) for said in RESPONSES))
    found = take(several, [2, 0])
    assert found.rank.tolist() == [[2, 1], [2, 1]]


@pytest.mark.parametrize("name", ["log-likelihood", "Markov ratio"])
def test_equal_answers_make_equal_scores_in_whatever_precision_they_were_kept(name):
    """A user whose answers are those of all null models has p = 1, not the least there is."""
    n = 19
    knowledge = Knowledge(np.zeros(n, int), 1, bigram=np.full(n, 0.2))
    columns = {"match": np.ones(n), "rank_next": np.ones(n)}
    value, null = (
        SCORES[name].of_users(
            from_columns(columns | {"p_next": np.full(n, 0.65, dtype)}), knowledge, SETTINGS
        )
        for dtype in (np.float64, np.float32)
    )
    assert p_values(value.value, np.repeat(null.value, 40)) == 1

"""What a model answers about transitions: the one type that models and attacks share."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

_COLUMNS = ("match", "p_next", "rank_next")


class Responses(NamedTuple):
    """What a model says to each transition, arrays of shape (transitions,).

    `match` (bool) tells if the answer is the song that came next, `probability` is what that song
    is given, `rank` its place by descending probability, from 1; the latter two are None for a
    model that tells no probabilities. Of several models the shape is (models, transitions).
    """

    match: np.ndarray
    probability: np.ndarray | None
    rank: np.ndarray | None


def to_columns(responses: Responses) -> dict[str, np.ndarray | None]:
    """Return {column: array} of `Responses`, as they stand in files."""
    return dict(zip(_COLUMNS, responses, strict=True))


def from_columns(columns: Mapping[str, np.ndarray]) -> Responses:
    """Return the `Responses` in {column: array}, where other columns may be.

    Probabilities in single precision, wherever they are from: equal answers of two models make
    equal scores.
    """
    match, probability, rank = (columns[name] for name in _COLUMNS)
    if probability is not None:
        probability = probability.astype(np.float32)
    return Responses(match.astype(bool), probability, rank)


def take(responses: Responses, transitions: np.ndarray) -> Responses:
    """Return the `Responses` to some of the transitions, in that order."""
    return Responses._make(None if said is None else said[..., transitions] for said in responses)

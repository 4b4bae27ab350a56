"""A recommender that only counts which song followed which."""

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data

from .codes import find


class BigramClassifier(ClassifierMixin, BaseEstimator):
    """Multinomial model of the next song given the current one, additively smoothed.

    P(s' | s) = (n(s, s') + smoothing q(s')) / (n(s) + smoothing), where n counts the
    transitions and q(s') is the share of transitions that lead to s'. After a song never seen
    that is q. The first column of X is the song; other columns are not looked at.

    Parameters
    ----------
    smoothing : float
        Above 0; how many transitions the shares of all songs count for.

    Attributes
    ----------
    classes_ : shape (songs,)
        Songs that follow another, ascending.
    songs_ : shape (k,)
        Songs that another follows, ascending.
    probabilities_ : shape (k + 1, songs)
        P(s' | s), one row for each of `songs_`, and one for a song never seen.

    Examples
    --------
    >>> model = BigramClassifier(smoothing=1).fit([[0], [0], [1]], [1, 1, 0])
    >>> model.predict([[0], [1], [7]]).tolist()
    [1, 0, 1]
    """

    _parameter_constraints: ClassVar[dict] = {
        "smoothing": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, smoothing=1.0):
        self.smoothing = smoothing

    def fit(self, X, y):
        """Count the transitions.

        Raises
        ------
        ValueError
            If `smoothing` is not above 0, or X and y do not fit.
        """
        self._validate_params()
        X, y = validate_data(self, X, y)
        self.songs_, song = np.unique(X[:, 0], return_inverse=True)
        self.classes_, next_song = np.unique(y, return_inverse=True)
        counts = np.zeros((len(self.songs_) + 1, len(self.classes_)))
        np.add.at(counts, (song, next_song), 1)
        shares = counts.sum(axis=0) / len(y)
        smoothed = counts + self.smoothing * shares
        self.probabilities_ = smoothed / smoothed.sum(axis=1, keepdims=True)
        return self

    def predict_proba(self, X):
        """Return P(s' | s), shape (rows, songs)."""
        check_is_fitted(self)
        song = validate_data(self, X, reset=False)[:, 0]
        place, known = find(self.songs_, song)
        return self.probabilities_[np.where(known, place, len(self.songs_))]

    def predict(self, X):
        """Return the most probable next song, the first of equals."""
        return self.classes_[np.argmax(self.predict_proba(X), axis=1)]

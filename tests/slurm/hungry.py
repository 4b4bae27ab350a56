"""A recommender that takes more memory than anybody would expect of it."""

import time

import numpy as np

from fidelity.bigram import BigramClassifier


class Hungry(BigramClassifier):
    """A bigram model that holds a GiB for as long as Slurm may take to see it."""

    def fit(self, X, y):
        held = np.ones(1 << 27)
        time.sleep(3)
        del held
        return super().fit(X, y)

"""A random forest with sparse leaves: scikit-learn's trees at a fraction of the cost.

`classifier` holds the estimator, `grown` a grown forest and its answers, `drawing` draws the rows
of a tree, `growing` grows it, `querying` answers from the leaves, `storage` keeps forests in files.
"""

from .grown import HIGHEST_LEVEL, Answers, GrownForest, grow_forest
from .storage import load_forests, load_grown, save_forests, save_grown

__all__ = [
    "HIGHEST_LEVEL",
    "Answers",
    "GrownForest",
    "RandomForestClassifier",
    "grow_forest",
    "load_forests",
    "load_grown",
    "save_forests",
    "save_grown",
]


def __getattr__(name):
    # Not before it is asked for: it imports scikit-learn, which takes a second.
    if name == "RandomForestClassifier":
        from .classifier import RandomForestClassifier

        return RandomForestClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
